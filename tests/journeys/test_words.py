"""Not a typed letter is lost: without a line, in two tabs, after the session has ended."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from asyncnet.database import db, transaction
from asyncnet.events.model import Participant
from asyncnet.followups.model import Answer, AnswerDraft, Step
from tests import factories
from tests.journeys.installation import Installation
from tests.journeys.test_keyboard import two_matched_people
from tests.journeys.visitor import Visitor, goes_to

QUESTION = "What stayed with you from this intro?"

pytestmark = [
    pytest.mark.sizeless,
    pytest.mark.parametrize("screen", [(390, 844)], ids=["phone"]),
]


def test_words_survive_whatever_happens_to_the_page(
    installation: Installation, visits: Callable[[str], AbstractContextManager[Visitor]]
) -> None:
    """F8, F9, F11, B9."""
    link, _ = two_matched_people(installation)
    mei_writes_an_intro(installation)

    with visits("Europe/Berlin") as ana:
        page = ana.page
        page.goto(link)
        page.get_by_role("link", name="Mei").click()
        expect(page.get_by_role("button", name="I watched it")).to_be_visible()
        page.wait_for_load_state()
        viewing = page.url

        ana.context.set_offline(True)
        says(page, "Waiting for the line")
        expect(page.get_by_text("No line at this moment")).to_be_visible()
        goes_to(page, page.get_by_role("button", name="I watched it")).press("Enter")
        says(page, "What you pressed is noted then")
        ana.sees("words-offline")
        ana.context.set_offline(False)
        expect(page.get_by_text("You said that you watched it")).to_be_visible()
        assert [step.told for step in _rows(installation, Step)] == ["watched"]

        types(page, "Your tide pools")
        says(page, "Saved")
        ana.sees("words-saved")

        ana.context.set_offline(True)
        page.keyboard.type(" made my day.")
        says(page, "Waiting for the line")
        goes_to(page, page.get_by_role("button", name="Send", exact=True)).press("Enter")
        says(page, "sent as soon as it is back")
        ana.context.set_offline(False)
        expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, Ana")
        assert words_of(installation) == ["Your tide pools made my day."]

        page.goto(viewing)
        other = ana.context.new_page()
        other.goto(viewing)
        other.get_by_label(QUESTION).fill("From the other tab.")
        says(other, "Saved")
        types(page, " And your maps.")
        says(page, "You typed something else on another device")
        page.reload()
        expect(page.get_by_text("From the other tab.")).to_be_visible()
        ana.sees("words-elsewhere")
        page.get_by_role("button", name="Let it go").click()
        expect(page.get_by_label(QUESTION)).to_have_value(
            "Your tide pools made my day. And your maps."
        )

        with ana.expecting(400, 404):
            ana.context.clear_cookies()
            types(page, " And your letters.")
            says(page, "open the link in your mail again")
            ana.sees("words-kept")
            page.goto(link)
            page.goto(viewing)
            says(page, "Saved")
            ana.context.clear_cookies()
            types(page, " Soon.")
            says(page, "open the link in your mail again")
            other.goto(link)
            types(page, " Very soon.")
            says(page, "Saved")
        page.get_by_role("button", name="Change my words").dblclick()
        expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, Ana")
        assert words_of(installation) == [
            "Your tide pools made my day. And your maps. And your letters. Soon. Very soon."
        ]
        assert drafts_of(installation) == [{}]
        assert page.evaluate("sessionStorage.length") == 0
        assert ana.faults == []


def mei_writes_an_intro(installation: Installation) -> None:
    with installation.app.app_context(), transaction() as session:
        mei = session.scalars(select(Participant).where(Participant.name == "Mei")).one()
        factories.intro(session, mei, words="I keep the tide pools of a small bay.")


def types(page: Page, words: str) -> None:
    page.get_by_label(QUESTION).press("Control+End")
    page.keyboard.type(words)


def says(page: Page, words: str) -> None:
    expect(page.locator("[data-autosave-words]")).to_contain_text(words)


def words_of(installation: Installation) -> list[str]:
    """Return what was sent in, on the first question."""
    return [answer.items[0]["value"] for answer in _rows(installation, Answer)]


def drafts_of(installation: Installation) -> list[dict[str, Any]]:
    return [draft.typed for draft in _rows(installation, AnswerDraft)]


def _rows(installation: Installation, table: type[Any]) -> list[Any]:
    with installation.app.app_context():
        found = list(db.session.scalars(select(table)))
        db.session.remove()
    return found
