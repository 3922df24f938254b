"""The day itself in real browsers: two people and a host, then ten pages open at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from sqlalchemy.orm import Session

from asyncnet.clock import utc_now
from asyncnet.events.model import Event, Participant
from asyncnet.matches.actions import give_rooms
from asyncnet.people.model import Person
from config import Settings
from tests import factories
from tests.journeys.site import Site, running
from tests.pages import personal_link, token_for

pytestmark = pytest.mark.sizeless
PAGES = 10
WITHIN = 6_500
"""In milliseconds: a page asks every five seconds, and a browser draws."""


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    with running(settings) as site:
        yield site


@pytest.fixture
def host(session: Session) -> Person:
    return factories.organizer(session, "host@forum.example")


@pytest.fixture
def event(session: Session, host: Person) -> Event:
    made = factories.event(session, host, starts_at=utc_now() + timedelta(minutes=20), rounds=2)
    made.published_at = utc_now()
    session.commit()
    return made


def test_two_people_meet_and_the_host_holds_the_clock(
    browser: Browser, site: Site, session: Session, host: Person, event: Event
) -> None:
    """By keyboard where the host is in a hurry; nobody reloads anything."""
    ana, ben = (factories.participant(session, event, name=name) for name in ("Ana", "Ben"))
    factories.match(session, ana, ben)
    give_rooms(session, event.id)
    session.commit()
    with at_desk(browser, site, host, event) as desk, phone(browser) as one, phone(browser) as two:
        anas, bens = opened(one, site, ana), opened(two, site, ben)
        expect(part(anas)).to_have_text("Round 1 comes first")

        desk.get_by_role("button", name="Start round 1").press("Enter")

        for page, other in ((anas, "Ben"), (bens, "Ana")):
            expect(part(page)).to_have_text("Round 1 of 2", timeout=WITHIN)
            expect(page.get_by_role("heading", name=f"You meet {other}")).to_be_visible()
        left = anas.get_by_role("timer").inner_text()
        assert left.startswith("4:"), left

        one.set_offline(True)
        expect(anas.get_by_text("No line at this moment")).to_be_visible(timeout=25_000)
        desk.get_by_role("button", name="Pause").press("Enter")
        expect(bens.get_by_text("paused the clock")).to_be_visible(timeout=WITHIN)
        one.set_offline(False)
        expect(anas.get_by_text("paused the clock")).to_be_visible(timeout=WITHIN)

        bens.get_by_role("link", name="I have to leave").click()
        bens.get_by_role("button", name="I have to leave").click()
        expect(bens.get_by_text("nobody waits for you")).to_be_visible()
        expect(anas.get_by_text("Ben had to leave")).to_be_visible(timeout=WITHIN)
        expect(desk.get_by_role("region", name="Needs you")).to_contain_text("Ben had to leave")


def test_ten_open_pages_follow_one_button(
    browser: Browser, site: Site, session: Session, host: Person, event: Event
) -> None:
    people = [factories.participant(session, event) for _ in range(PAGES)]
    for one, other in zip(people[::2], people[1::2], strict=True):
        factories.match(session, one, other)
    with at_desk(browser, site, host, event) as desk, phone(browser) as shared:
        pages = [opened(shared, site, person) for person in people]

        desk.get_by_role("button", name="Start round 1").click()

        for page in pages:
            expect(part(page)).to_have_text("Round 1 of 2", timeout=WITHIN)
            expect(page.get_by_role("heading", name="You meet Person")).to_be_visible()


def opened(context: BrowserContext, site: Site, person: Participant) -> Page:
    """Return a page of somebody's own that stays open."""
    page = context.new_page()
    page.goto(site.base_url + personal_link(site.app, person))
    return page


def part(page: Page) -> Locator:
    return page.locator(".now__part")


def phone(browser: Browser) -> BrowserContext:
    return browser.new_context(viewport={"width": 390, "height": 844}, timezone_id="Europe/Berlin")


@contextmanager
def at_desk(browser: Browser, site: Site, host: Person, event: Event) -> Iterator[Page]:
    """Open the run of show, signed in."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        page.goto(f"{site.base_url}/sign-in/{token_for(site.app, host.email)}")
        page.get_by_role("button").first.click()
        page.goto(f"{site.base_url}/events/{event.id}/show")
        yield page
