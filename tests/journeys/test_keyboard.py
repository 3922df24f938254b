"""Both participants' parts of the main job without a mouse or a finger (CHECKLIST W3, W4)."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from asyncnet.audit.actions import SYSTEM
from asyncnet.clock import utc_now
from asyncnet.database import transaction
from asyncnet.events.actions import making, registering
from asyncnet.events.actions.making import EventPlan
from asyncnet.events.actions.registering import Profile
from asyncnet.events.rules import Attendance
from asyncnet.matches.model import Match
from asyncnet.people.model import Person
from asyncnet.wiring import links
from tests.journeys.installation import Installation
from tests.journeys.visitor import Visitor, goes_to

WORDS = "I would love to see your maps."
pytestmark = [
    pytest.mark.sizeless,
    pytest.mark.parametrize("screen", [(1280, 800)], ids=["desktop"]),
]


def test_both_sides_need_no_mouse(
    installation: Installation,
    visits: Callable[[str], AbstractContextManager[Visitor]],
    video: Path,
) -> None:
    live, asynchronous = two_matched_people(installation)

    with visits("Australia/Sydney") as mei:
        mei.page.goto(asynchronous)
        goes_to(mei.page, mei.page.get_by_role("link", name="Make my intro")).press("Enter")
        goes_to(mei.page, mei.page.get_by_role("checkbox")).press("Space")
        goes_to(mei.page, mei.page.get_by_role("button", name="Go on")).press("Enter")
        own_file = mei.page.locator("summary", has_text="Use a video you have")
        goes_to(mei.page, own_file).press("Enter")
        with mei.page.expect_file_chooser() as chooser:
            goes_to(mei.page, mei.page.get_by_label("Choose a video")).press("Enter")
        chooser.value.set_files(video)
        expect(mei.page.get_by_role("heading", name="Where it stands Ready")).to_be_visible()
        plays_by_keyboard(mei.page)
        assert mei.faults == []

    with visits("Europe/Berlin") as ana:
        ana.page.goto(live)
        goes_to(ana.page, ana.page.get_by_role("link", name="Watch Mei's intro")).press("Enter")
        plays_by_keyboard(ana.page)
        send = ana.page.get_by_role("button", name="Send", exact=True)
        goes_to(ana.page, send).press("Enter")
        ana.is_told("What stayed with you from this intro")
        wrong = ana.page.get_by_role("link", name="What stayed with you from this intro")
        goes_to(ana.page, wrong).press("Enter")
        ana.page.keyboard.type(WORDS)
        expect(ana.page.get_by_label("What stayed with you from this intro?")).to_have_value(WORDS)
        goes_to(ana.page, ana.page.get_by_role("checkbox")).press("Space")
        goes_to(ana.page, send).press("Enter")
        expect(ana.page.get_by_role("heading", level=1)).to_have_text("Thank you, Ana")
        assert ana.faults == []


def plays_by_keyboard(page: Page) -> None:
    video = page.get_by_label("Intro of Mei")
    goes_to(page, video).press("Space")
    page.wait_for_function(
        "video => video.videoWidth > 0 && video.currentTime > 0.2", arg=video.element_handle()
    )


def two_matched_people(installation: Installation) -> tuple[str, str]:
    """Return the personal links of a live and of an asynchronous participant."""
    now = utc_now()
    with installation.app.app_context(), transaction() as session:
        host = Person(email="host@example.org", created_at=now)
        session.add(host)
        session.flush()
        event = making.make_event(
            session,
            host.id,
            EventPlan(
                title="Ocean communities forum",
                purpose="",
                zone="Europe/Berlin",
                starts_at=now,
                rounds=1,
                length=timedelta(minutes=10),
                pause=timedelta(minutes=2),
                send_hour="09:00",
                retention_days=90,
            ),
            form_key="keyboard",
            actor=SYSTEM,
            now=now,
        )
        ana, mei = (
            registering.register(session, event.id, profile, consent=True, actor=SYSTEM, now=now)
            for profile in (
                Profile("Ana", "ana@example.org", "Europe/Berlin", Attendance.LIVE, "", ""),
                Profile("Mei", "mei@example.org", "Australia/Sydney", Attendance.ASYNC, "", ""),
            )
        )
        session.add(
            Match(
                event_id=event.id,
                round_id=event.rounds[0].id,
                first_id=ana.id,
                second_id=mei.id,
                created_at=now,
            )
        )
        event.published_at = now
        live, asynchronous = (links().personal(p.id, p.link_version) for p in (ana, mei))
    return live, asynchronous
