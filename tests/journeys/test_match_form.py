"""An organizer builds the match form: by keyboard, by drag, and looks at it as people will."""

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy.orm import Session

from config import Settings
from tests import factories
from tests.journeys.site import running
from tests.pages import token_for

pytestmark = pytest.mark.sizeless
FIRST, SECOND, THIRD = (
    "What stayed with you from this intro?",
    "What would you like to talk about together?",
    "May they write back to you?",
)


def test_the_form_is_put_in_order_by_keyboard_and_by_drag(
    browser: Browser, settings: Settings, session: Session
) -> None:
    host = factories.organizer(session)
    event = factories.event(session, host)
    with running(settings) as site, browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{site.base_url}/sign-in/{token_for(site.app, host.email)}")
        page.get_by_role("button").first.click()
        page.goto(f"{site.base_url}/events/{event.id}/questions")

        page.get_by_role("button", name=f"Move down “{FIRST}”").press("Enter")
        expect(labels(page)).to_have_text([SECOND, FIRST, THIRD])
        expect(questions(page).nth(1)).to_be_focused()
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name=f"Change “{FIRST}”")).to_be_focused()

        with page.expect_navigation():  # saved, and shown again
            drag(page, questions(page).nth(2), onto=questions(page).nth(0))
        expect(labels(page)).to_have_text([THIRD, SECOND, FIRST])

        page.get_by_role("link", name=f"Change “{SECOND}”").click()
        page.get_by_label("Question", exact=True).fill("What shall we do together?")
        page.get_by_role("button", name="Save").press("Enter")
        page.get_by_role("link", name="See it as participants do").press("Enter")
        shown = page.get_by_role("main").inner_text()
        order = [shown.index(words) for words in (THIRD, "What shall we do together?", FIRST)]
        assert order == sorted(order)


def drag(page: Page, held: Locator, *, onto: Locator) -> None:
    """Take a question by its grip, and let it go on the upper edge of another one."""
    held.hover(position={"x": 20, "y": 10})
    page.mouse.down()
    onto.hover(position={"x": 24, "y": 40})
    onto.hover(position={"x": 20, "y": 5})
    page.mouse.up()


def questions(page: Page) -> Locator:
    return page.locator(".question")


def labels(page: Page) -> Locator:
    return page.locator(".question strong")
