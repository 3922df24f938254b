"""A participant uploads a real video in a real browser, over a line that fails them."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy.orm import Session

from asyncnet.clock import utc_now
from asyncnet.events.model import Participant
from config import Settings
from tests.intros.people import make_participant, make_video
from tests.journeys.site import Site, choose_way, open_studio, running, slow_down, until

PADDING = 36_000_000
PARTS = 5
"""Of 8 MiB each, of a video with so much padding."""
PATIENCE = 30_000


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    with running(settings, playback_valid_for=timedelta(seconds=6)) as site:
        yield site


@pytest.fixture
def participant(session: Session) -> Participant:
    return make_participant(session, starts_at=utc_now() + timedelta(days=7))


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport={"width": 390, "height": 844})
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext, site: Site, participant: Participant) -> Iterator[Page]:
    """The studio, opened by personal link, with consent given. No policy of ours is breached."""
    opened = context.new_page()
    breaches: list[str] = []
    opened.on("console", lambda said: breaches.append(said.text) if "Policy" in said.text else None)
    open_studio(opened, site, participant)
    choose_way(opened, "Use a video you have")
    yield opened
    assert breaches == []


def count_parts(page: Page) -> list[str]:
    """Return a list that grows with every part the browser begins to send."""
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.url) if asked.method == "PUT" else None)
    return sent


def wait_until_under_way(page: Page, percent: int) -> None:
    until(page, f"document.querySelector('[data-upload-bar]').value >= {percent}")


def test_an_upload_survives_reload_and_lost_line_and_plays(
    page: Page, site: Site, tmp_path: Path
) -> None:
    """CHECKLIST F10, U7: at most one part is sent twice for each interruption."""
    video = make_video(tmp_path / "intro.mp4", padding=PADDING)
    sent = count_parts(page)
    slow_down(page, 8_000_000)

    page.get_by_label("Choose a video").set_input_files(video)
    wait_until_under_way(page, 45)
    page.reload()
    expect(page.get_by_text("Going on where the upload stopped.")).to_be_visible()
    slow_down(page, 8_000_000)
    wait_until_under_way(page, 70)
    page.context.set_offline(True)
    expect(page.get_by_text("Waiting for the line")).to_be_visible(timeout=PATIENCE)
    page.context.set_offline(False)

    expect(page.get_by_text("We check it next")).to_be_visible(timeout=PATIENCE)
    assert len(sent) <= PARTS + 2 * 4, sent

    site.work()

    expect(page.get_by_text("This is what your matches in")).to_be_visible(timeout=PATIENCE)
    assert plays(page) > 0.5


@pytest.mark.sizeless
def test_a_slow_line_shows_percent_speed_and_what_is_left(page: Page, tmp_path: Path) -> None:
    slow_down(page, 50_000)
    video = make_video(tmp_path / "intro.mp4", seconds=1, padding=200_000)

    page.get_by_label("Choose a video").set_input_files(video)

    figures = page.locator("[data-upload-figures]")
    expect(figures).to_have_text(re.compile(r"^\d+ % · ([3-6]\d) kB/s · \d+ s left$"))
    expect(page.get_by_text("Your intro has arrived.")).to_be_visible()


def test_a_video_whose_address_has_ended_goes_on_at_the_same_second(
    page: Page, site: Site, tmp_path: Path
) -> None:
    """CHECKLIST U7: the browser needs bytes that it has not loaded before the address ended."""
    page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_label("Choose a video").set_input_files(
        make_video(tmp_path / "intro.mp4", seconds=20, megabits=5)
    )
    expect(page.get_by_text("We check it next")).to_be_visible(timeout=PATIENCE)
    site.work()
    expect(page.get_by_text("This is what your matches in")).to_be_visible(timeout=PATIENCE)
    until(page, "document.querySelector('video').readyState >= 1")
    first = page.locator("video source").last.get_attribute("src")
    page.wait_for_timeout(6_500)  # the addresses of this installation end after 6 s

    page.evaluate("document.querySelector('video').currentTime = 16")

    until(page, f"document.querySelector('video source:last-of-type').src !== '{first}'")
    assert 16 < plays(page) < 17


def plays(page: Page) -> float:
    """Play the video for half a second; return the second at which it stands then."""
    until(page, "document.querySelector('video').readyState >= 2")
    start: float = page.evaluate("document.querySelector('video').currentTime")
    page.evaluate("document.querySelector('video').play()")
    until(page, f"document.querySelector('video').currentTime > {start + 0.5}")
    second: float = page.evaluate("document.querySelector('video').currentTime")
    return second
