"""A speaker gives their intro captions in a real browser, by keyboard, and a match reads them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from asyncnet.clock import utc_now
from asyncnet.database import WRITES, db
from asyncnet.intros.model import Intro, IntroState
from asyncnet.wiring import links, storage
from tests import factories
from tests.journeys.installation import Installation
from tests.journeys.visitor import Visitor, goes_to

FOLDER = "intros/captioned"
pytestmark = [
    pytest.mark.sizeless,
    pytest.mark.parametrize("screen", [(390, 844)], ids=["phone"]),
]


def test_lines_are_timed_by_the_player_and_shown_by_default(
    installation: Installation,
    visits: Callable[[str], AbstractContextManager[Visitor]],
    video: Path,
) -> None:
    """CHECKLIST W1, W2, W3."""
    link = speaker_with_intro(installation, video)

    with visits("Australia/Sydney") as mei:
        page = mei.page
        page.goto(link)
        goes_to(page, page.get_by_role("link", name="Give it captions")).press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Your captions")
        goes_to(page, page.get_by_label("From").first).fill("0:00.0")
        goes_to(page, page.get_by_label("Words").first).fill("Hello, I am Mei.")
        stands_at(page, 2)
        goes_to(page, page.get_by_role("button", name="Until now line 1")).press("Enter")
        goes_to(page, page.get_by_role("button", name="From now line 2")).press("Enter")
        goes_to(page, page.get_by_label("Words").nth(1)).fill("I map kelp forests.")
        show = page.get_by_role("button", name="Show these captions")
        with mei.expecting(400):
            goes_to(page, show).press("Enter")
            mei.is_told("Write it like 0:07.5")
            mei.sees("captions-wrong")
        page.get_by_label("Until").nth(1).fill("0:04")
        goes_to(page, show).press("Enter")
        expect(page.get_by_text("This is what your matches can read")).to_be_visible()
        stands_at(page, 1)
        expect(page.locator(".captions__line--now")).to_have_count(1)
        mei.sees("captions-shown")
        page.goto(link)
        assert shown_lines(page) == ["Hello, I am Mei.", "I map kelp forests."]
        assert mei.faults == []


def stands_at(page: Page, second: float) -> None:
    """Let the player stand at a second, as when somebody pauses it there."""
    page.locator("video").evaluate(
        """(video, second) => new Promise((done) => {
            video.addEventListener("seeked", done, { once: true });
            video.currentTime = second;
        })""",
        second,
    )


def shown_lines(page: Page) -> list[str]:
    page.wait_for_function("document.querySelector('video').textTracks[0]?.cues?.length")
    track = "document.querySelector('video').textTracks[0]"
    assert page.evaluate(f"{track}.mode") == "showing"
    lines: list[str] = page.evaluate(f"[...{track}.cues].map((cue) => cue.text)")
    return lines


def speaker_with_intro(installation: Installation, video: Path) -> str:
    """Return the personal link, to their intro, of somebody whose intro is ready."""
    names = ["720p.mp4", "360p.mp4", "poster.jpg"]
    with installation.app.app_context():
        for name in names:
            storage().put(f"{FOLDER}/{name}", video, content_type="video/mp4")
        engine = db.engine.execution_options(**{WRITES: True})
        with Session(engine, expire_on_commit=False) as session:
            forum = factories.event(session, factories.organizer(session))
            mei = factories.participant(session, forum, name="Mei", zone="Australia/Sydney")
            now = utc_now() - timedelta(minutes=1)
            session.add(
                Intro(
                    participant_id=mei.id,
                    state=IntroState.READY,
                    upload_key="uploads/captioned",
                    bytes_announced=9,
                    folder=FOLDER,
                    files=names,
                    seconds=5.0,
                    width=1280,
                    height=720,
                    created_at=now,
                    ready_at=now,
                )
            )
            session.commit()
            return links().intro(mei.id, mei.link_version)
