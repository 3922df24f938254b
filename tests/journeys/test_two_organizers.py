"""Two organizers decide about the same mails and people at once: nothing is done unseen or lost."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from asyncnet.clock import utc_now
from asyncnet.database import WRITES, db
from asyncnet.events.model import Event
from asyncnet.events.rules import Attendance
from asyncnet.messages.queue import Planned, plan
from asyncnet.wiring import links
from tests import factories
from tests.journeys.installation import Installation
from tests.journeys.visitor import Visitor, goes_to
from tests.pages import token_for

HOST = "host@forum.example"


@pytest.fixture
def forum(installation: Installation) -> Event:
    """An event of today in which Ben and Cleo have not watched yet, and two mails wait."""
    with installation.app.app_context():
        engine = db.engine.execution_options(**{WRITES: True})  # beside workers that write
    with Session(engine, expire_on_commit=False) as session:
        host = factories.organizer(session, HOST)
        event = factories.event(session, host, starts_at=utc_now() - timedelta(hours=2))
        mei = factories.participant(session, event, name="Mei", attendance=Attendance.ASYNC)
        factories.intro(session, mei)
        for number, name in enumerate(("Ben", "Cleo"), start=1):
            live = factories.participant(session, event, name=name)
            factories.match(session, live, mei, round_number=number)
            mail = Planned.to(
                live, "personal_link", key=name, subject_id=live.id,
                due_at=utc_now() + timedelta(days=1),
            )  # fmt: skip
            plan(session, [mail], now=utc_now())
        session.commit()
    return event


@pytest.mark.sizeless
@pytest.mark.parametrize("screen", [(1280, 800)], indirect=True, ids=["desktop"])
def test_who_comes_second_is_told_and_loses_nothing(
    installation: Installation,
    visits: Callable[[str], AbstractContextManager[Visitor]],
    forum: Event,
) -> None:
    with visits("Europe/Berlin") as host, host.expecting(409):
        with installation.app.app_context():
            host.page.goto(links().sign_in(token_for(installation.app, HOST)))
        host.sends_in("Sign in")
        other = host.context.new_page()
        for decides in (about_mails, about_people):
            decides(host, other, f"{installation.base_url}/events/{forum.id}")
        assert host.faults == []


def about_mails(host: Visitor, other: Page, event: str) -> None:
    page = host.page
    for each in (page, other):
        each.goto(f"{event}/messages")
    other.get_by_label("Choose the mail to Ben").check()
    other.get_by_role("button", name="Hold back").click()
    expect(other.get_by_role("status").first).to_contain_text("1 mail held back")

    for name in ("Ben", "Cleo"):
        goes_to(page, page.get_by_label(f"Choose the mail to {name}")).press("Space")
    goes_to(page, page.get_by_role("button", name="Cancel")).press("Enter")

    expect(page.get_by_text("1 mail had changed since you looked")).to_be_visible()
    meanwhile = page.get_by_role("listitem").filter(has_text="Ben, Personal link")
    expect(meanwhile).to_contain_text("On hold")
    expect(page.get_by_label("Choose the mail to Ben")).to_be_checked()
    expect(page.get_by_label("Choose the mail to Cleo")).not_to_be_checked()
    host.sees("messages-changed")
    goes_to(page, page.get_by_role("button", name="Cancel")).press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("1 mail cancelled")


def about_people(host: Visitor, other: Page, event: str) -> None:
    page = host.page
    for each in (page, other):
        each.goto(f"{event}/waiting")
    other.get_by_role("button", name="Remind Ben").click()
    expect(other.get_by_role("status").first).to_contain_text("Done for 1 row")

    for name in ("Ben and Mei", "Cleo and Mei"):
        goes_to(page, page.get_by_label(name, exact=True)).press("Space")
    goes_to(page, page.get_by_role("button", name="Remind", exact=True)).press("Enter")

    expect(page.get_by_text("Done for 1 row")).to_be_visible()
    meanwhile = page.get_by_role("listitem").filter(has_text="Ben to watch")
    expect(meanwhile).to_contain_text("a reminder is on its way")
    host.sees("waiting-changed")
