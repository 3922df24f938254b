"""From an answer to a talk: two people in Berlin and Sydney write, find a time, and connect."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from icalendar import Calendar
from playwright.sync_api import expect
from sqlalchemy.orm import Session

from asyncnet.clock import utc_now
from asyncnet.database import WRITES, db
from asyncnet.events.rules import Attendance
from config import CHECKOUT
from tests import factories
from tests.journeys.installation import Installation
from tests.journeys.visitor import Visitor
from tests.pages import personal_link

FILM = CHECKOUT / "tests/data/samples/real_chromium_mp4.mp4"
TRIES = 60
ANA, MEI = "ana@example.org", "mei@example.org"
BERLIN, SYDNEY = "Europe/Berlin", "Australia/Sydney"
Visits = Callable[[str], AbstractContextManager[Visitor]]


@dataclass
class Pair:
    """A match of this afternoon: Ana was there, Mei was not."""

    anas_page: str
    meis_link: str
    anas_link: str


@pytest.fixture
def pair(installation: Installation) -> Pair:
    with installation.app.app_context():
        engine = db.engine.execution_options(**{WRITES: True})  # beside workers that write
    with Session(engine, expire_on_commit=False) as session:
        event = factories.event(
            session, factories.organizer(session), starts_at=utc_now() - timedelta(hours=2)
        )
        ana = factories.participant(session, event, name="Ana Brandt", email=ANA, zone=BERLIN)
        mei = factories.participant(
            session, event, name="Mei Tanaka", email=MEI, zone=SYDNEY, attendance=Attendance.ASYNC
        )
        match = factories.match(session, ana, mei)
    return Pair(
        anas_page=f"/me/{ana.id}/matches/{match.id}",
        meis_link=personal_link(installation.app, mei),
        anas_link=personal_link(installation.app, ana),
    )


@pytest.mark.sizeless
@pytest.mark.parametrize("screen", [(390, 844)], indirect=True, ids=["phone"])
def test_two_people_connect(installation: Installation, visits: Visits, pair: Pair) -> None:
    later = both_by_day()
    with visits(BERLIN) as ana, visits(SYDNEY) as mei:
        ana_answers(ana, pair)
        installation.send_what_is_due(later)

        mei_comes_by_a_link_that_can_be_quoted(mei, installation)
        mei_writes_back(mei)
        installation.send_what_is_due(later)
        [mail] = with_match_link(installation, ANA)
        assert mail["Reply-To"] == MEI

        mei_suggests_times_by_keyboard(mei)
        installation.send_what_is_due(later)
        ana.page.goto(newest_link(installation, ANA, mails=2))
        at = ana_takes_one(ana)
        installation.send_what_is_due(later)
        for address in (ANA, MEI):
            entry = calendar_in(with_match_link(installation, address)[-1])
            assert (entry.start, entry["STATUS"]) == (at, "CONFIRMED")

        mei_sends_a_film(mei)
        they_connected(ana, mei)
        assert not ana.faults + mei.faults


def ana_answers(ana: Visitor, pair: Pair) -> None:
    page = ana.page
    page.goto(pair.anas_link)
    page.goto(pair.anas_page)
    page.get_by_label("What stayed with you from this intro?").fill("Your reef maps.")
    page.get_by_role("checkbox", name="May they write back to you?").check()
    ana.sends_in("Send")
    expect(page).to_have_url(re.compile(r"/thanks$"))


def mei_comes_by_a_link_that_can_be_quoted(mei: Visitor, installation: Installation) -> None:
    """Where her page was never open, the link opens nothing, and she is mailed one that does."""
    with mei.expecting(404):
        mei.page.goto(newest_link(installation, MEI, mails=1))
        mei.sees("link-needed", shown_on="phone")
    mei.page.get_by_role("button", name="Mail me a link").focus()
    mei.page.keyboard.press("Enter")
    expect(mei.page.get_by_role("heading", level=1)).to_have_text("Look in your mail")
    mei.sees("link-mailed")
    mei.page.goto(installation.link_to(MEI, r"/hello/\S+match="))


def mei_writes_back(mei: Visitor) -> None:
    page = mei.page
    expect(page.get_by_role("heading", level=1)).to_have_text("You and Ana Brandt")
    expect(page.get_by_text("Your reef maps.")).to_be_visible()
    mei.sees("thread", shown_on="phone")
    mei.sends_in("Send to Ana Brandt")
    mei.is_told("two sentences are plenty")
    page.get_by_label("Your words").fill(
        "Come and swim with us!\nThe octopus is there on Tuesdays."
    )
    page.get_by_role("checkbox", name="They may answer me by mail").check()
    mei.sends_in("Send to Ana Brandt")
    expect(page.get_by_role("status").first).to_contain_text("Ana Brandt gets a mail")
    expect(page.get_by_text("The octopus is there on Tuesdays.")).to_be_visible()


def mei_suggests_times_by_keyboard(mei: Visitor) -> None:
    """The last ones of the list: no mail about them goes once they are over."""
    page = mei.page
    page.get_by_text("Suggest a time", exact=True).focus()
    page.keyboard.press("Enter")
    mei.sees("times")
    first = page.get_by_label("A time that suits you")
    first.focus()
    page.keyboard.press("End")
    expect(first).not_to_have_value("")
    another = page.get_by_label("Another one")
    another.select_option(index=another.locator("option").count() - 2)
    page.get_by_role("button", name="Suggest to Ana Brandt").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("Offered")
    mei.sees("times-offered")


def ana_takes_one(ana: Visitor) -> datetime:
    page = ana.page
    expect(page.get_by_text("Mei Tanaka suggests these times")).to_be_visible()
    expect(page.locator(".clock")).to_have_count(4)
    ana.sees("times-to-choose", shown_on="phone")
    moment = page.locator(".clock time").first.get_attribute("datetime") or ""
    page.get_by_role("button", name="Take this time").first.click()
    expect(page.get_by_role("status").first).to_contain_text("Agreed")
    expect(page.get_by_role("link", name="Put it into my calendar")).to_be_visible()
    ana.sees("times-agreed")
    return datetime.fromisoformat(moment)


def mei_sends_a_film(mei: Visitor) -> None:
    page = mei.page
    page.locator("summary", has_text="Send a video you have").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_text("Choose a video", exact=True).click()
    mei.sees("thread-film")
    chooser.value.set_files(FILM)
    expect(page.get_by_text("It has arrived. We check it now.")).to_be_visible()
    expect(page.get_by_text(re.compile("Your video (has arrived|is ready)"))).to_be_visible()
    mei.sees("thread-film-arrived")
    take_back = page.get_by_role("button", name="Take this recording back")
    for _ in range(TRIES):
        page.reload()
        if take_back.is_visible():
            break
        page.wait_for_timeout(1_000)
    mei.watches(page.get_by_label("Recording of Mei Tanaka"))
    mei.sees("thread-film-sent", shown_on="phone")
    page.get_by_role("link", name="Give it captions").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Your captions")
    mei.sees("thread-film-captions")
    page.get_by_role("link", name="You and Ana Brandt").click()


def they_connected(ana: Visitor, mei: Visitor) -> None:
    ana.sends_in("We connected")
    expect(ana.page.get_by_role("status").first).to_contain_text("Wonderful")
    mei.page.reload()
    expect(mei.page.get_by_text("Ana Brandt said so")).to_be_visible()
    mei.sends_in("No more about this match")
    expect(mei.page.get_by_role("button", name="Open it again")).to_be_visible()
    mei.sees("thread-closed")
    ana.page.reload()
    expect(ana.page.get_by_text("This conversation rests")).to_be_visible()
    ana.sees("thread-rests")


def both_by_day() -> datetime:
    """Return a morning in Berlin soon, which is an evening in Sydney."""
    return (utc_now() + timedelta(days=2)).replace(hour=8, minute=0)


def newest_link(installation: Installation, address: str, *, mails: int) -> str:
    return installation.link_to(address, r"/me/\d+/matches/\d+/thre", mails=mails)


def with_match_link(installation: Installation, address: str) -> list[EmailMessage]:
    """Return the mails about a match that somebody got so far."""
    return [mail for mail in installation.mails_to(address) if "/thread" in mail.as_string()]


def calendar_in(mail: EmailMessage) -> Any:
    [part] = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    [entry] = Calendar.from_ical(part.get_content()).events
    return entry
