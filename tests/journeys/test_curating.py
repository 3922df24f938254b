"""An organizer has sixty people matched and bends the plan, without a mouse or a finger."""

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Locator, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.clock import utc_now
from asyncnet.events.model import Event, Participant
from asyncnet.events.rules import Attendance
from asyncnet.matches.model import Match
from asyncnet.tasks import solve_a_plan
from asyncnet.wiring import links
from config import Settings
from tests import factories
from tests.journeys.site import Site, running
from tests.journeys.visitor import Pictures, Visitor, goes_to, visiting
from tests.pages import token_for

PEOPLE = 60
ZONES = ("Europe/Berlin", "Africa/Lagos", "America/New_York", "Asia/Tokyo")

pytestmark = pytest.mark.sizeless


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    with running(settings) as site:
        yield site


@pytest.fixture
def event(session: Session) -> Event:
    """Sixty people, every tenth asynchronous, with one topic of six each."""
    made = factories.event(session, factories.organizer(session, "host@forum.example"), rounds=4)
    for number in range(PEOPLE):
        session.add(
            Participant(
                event_id=made.id,
                name=f"Person {number:02}",
                email=f"person{number}@reader.example",
                zone=ZONES[number % len(ZONES)],
                attendance=Attendance.ASYNC if number % 10 == 9 else Attendance.LIVE,
                topics=[f"topic {number % 6}"],
                registered_at=utc_now(),
            )
        )
    session.commit()
    return made


@pytest.fixture
def host(browser: Browser, site: Site) -> Iterator[Visitor]:
    nowhere = Pictures(None, False, "desktop")
    with visiting(
        browser, site.base_url, nowhere, zone="Europe/Berlin", width=1280, height=800
    ) as visitor:
        yield visitor


def test_a_plan_of_sixty_is_made_bent_and_published_by_keyboard(
    site: Site, host: Visitor, event: Event, session: Session
) -> None:
    page = host.page
    page.goto(sign_in_link(site.app))
    presses(host, page.get_by_role("main").get_by_role("button"))
    page.goto(f"/events/{event.id}/plan")

    suggests(site, host, "Suggest matches")
    expect(page.get_by_text("of the best possible")).to_be_visible()
    host.sees("bench-plan")

    presses(host, page.locator("#rounds tbody a").first)
    host.sees("bench-person")
    presses(host, page.locator("#swap li").get_by_role("link", name="With").nth(1))
    expect(page.get_by_role("table", name="What it means for whom")).to_be_visible()
    host.sees("bench-edit")
    presses(host, page.get_by_role("button", name="Do it"))
    expect(page.get_by_role("status").filter(has_text="You can undo it")).to_be_visible()

    presses(host, page.locator("#rounds").get_by_role("button", name="Pin ").first)
    expect(page.get_by_text("Pinned", exact=True)).to_have_count(1)
    expect(page.get_by_role("button", name="Unpin")).to_be_focused()
    kept = page.locator("#rounds tr", has_text="Pinned").inner_text().split("Unpin")[0]

    page.goto(f"/events/{event.id}/plan")
    suggests(site, host, "Solve again around the pins")
    again = page.locator("#rounds tr", has_text="Pinned").inner_text().split("Unpin")[0]
    assert again.split("\n")[0] == kept.split("\n")[0]

    presses(host, page.get_by_role("button", name="Publish this plan"))
    expect(page.get_by_role("status").filter(has_text="Published")).to_be_visible()
    assert len(session.scalars(select(Match.id)).all()) > PEOPLE
    assert host.faults == []


def suggests(site: Site, host: Visitor, words: str) -> None:
    """Ask for a plan, let the worker do its part, and look at what came."""
    presses(host, host.page.get_by_role("link", name=words))
    presses(host, host.page.get_by_role("button", name="Suggest matches"))
    expect(host.page.get_by_role("button", name="Stop and keep the best")).to_be_visible()
    with site.app.app_context():
        solve_a_plan()
    presses(host, host.page.get_by_role("link", name="Look at it"))


def presses(host: Visitor, wanted: Locator) -> None:
    goes_to(host.page, wanted).press("Enter")
    host.page.wait_for_load_state()


def sign_in_link(app: Flask) -> str:
    with app.app_context():
        return links().sign_in(token_for(app, "host@forum.example"))
