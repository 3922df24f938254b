"""After the event, everybody's own page says how it stands with each they met."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from asyncnet.audit.actions import SYSTEM
from asyncnet.clock import utc_now
from asyncnet.events.model import Event
from asyncnet.followups.actions.arranging import propose
from asyncnet.followups.actions.replying import reply
from asyncnet.messages.rules import next_daylight
from config import Settings
from tests.followups.scene import TOKYO, Evening, evening
from tests.pages import open_personal_link
from tests.servers.smtp import MailServer, mail_server


@pytest.fixture(scope="module")
def running() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def scene(settings: Settings, running: MailServer, session: Session) -> Iterator[Evening]:
    """Two days ago Ana and Ben wrote to Kenji; Cleo did not."""
    running.received.clear()
    with evening(settings, running) as made:
        event = session.get_one(Event, made.event.id)
        ago = utc_now() - timedelta(days=2) - event.starts_at
        for slot in event.rounds:
            slot.starts_at, slot.ends_at = slot.starts_at + ago, slot.ends_at + ago
        event.starts_at, event.ends_at = event.starts_at + ago, event.ends_at + ago
        event.notice = "Come back at ten."
        session.commit()
        for author in (made.ana, made.ben):
            made.answers(author, "Your tide pools!", at=event.starts_at)
        made.sends(next_daylight(TOKYO, utc_now()) + timedelta(minutes=1))
        yield made


def test_the_asynchronous_page_begins_with_who_wrote(scene: Evening) -> None:
    page = scene.browser_of(scene.kenji).get(f"/me/{scene.kenji.id}").text

    assert "2 people wrote to you" in page
    assert page.index("2 people wrote to you") < page.index("Your intro")
    for words in ("Ana wrote to you.", "Answer Ana", "What my matches wrote (2)"):
        assert words in page
    assert "Cleo wrote" not in page
    assert "What happens next" not in page


def test_a_row_says_what_a_match_wrote_and_offers(scene: Evening, session: Session) -> None:
    ana, kenji, match = scene.ana, scene.kenji, scene.matches[scene.ana.id]
    reply(
        session, match.id, kenji.id, words="Do come!", contact=None, form_key="k" * 32,
        actor=SYSTEM, now=utc_now(),
    )  # fmt: skip
    session.commit()
    browser = scene.browser_of(ana)
    wrote = browser.get(f"/me/{ana.id}").text
    times = [utc_now() + timedelta(days=day) for day in (1, 2)]
    propose(session, match.id, kenji.id, times, version=0, actor=SYSTEM, now=utc_now())
    session.commit()

    offers = browser.get(f"/me/{ana.id}").text

    assert "Kenji wrote to you." in wrote
    assert "Answer Kenji" in wrote
    assert "Kenji offers 2 times to talk." in offers
    assert "Choose a time with Kenji" in offers


def test_what_the_host_said_to_everybody_ends_with_the_event(scene: Evening) -> None:
    page = open_personal_link(scene.app.test_client(), scene.ana)

    assert "The event is over" in page.text
    assert "Come back at ten." not in page.text
