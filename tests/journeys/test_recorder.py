"""A participant records themselves in a real browser: on a phone, through a crash, by keyboard."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    BrowserType,
    Locator,
    Page,
    ViewportSize,
    expect,
)
from sqlalchemy.orm import Session

from asyncnet.clock import utc_now
from asyncnet.events.model import Participant
from config import Settings
from tests.conftest import CHROMIUM
from tests.intros.people import make_participant
from tests.journeys.site import Site, choose_way, open_studio, running, until
from tests.journeys.visitor import Pictures, Visitor, goes_to, visiting

LOST_AT_MOST = 2.0
SECONDS = 6
"""The longest intro that this installation takes."""
PHONE: ViewportSize = {"width": 390, "height": 844}

pytestmark = pytest.mark.sizeless


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    with running(settings, max_intro_seconds=SECONDS) as site:
        yield site


@pytest.fixture
def ana(session: Session) -> Participant:
    return make_participant(session, starts_at=utc_now() + timedelta(days=7))


@pytest.fixture
def visitor(browser: Browser, site: Site) -> Iterator[Visitor]:
    nowhere = Pictures(None, False, "desktop")
    with visiting(
        browser, site.base_url, nowhere, zone="Australia/Sydney", width=1280, height=800
    ) as visitor:
        yield visitor


def test_a_killed_browser_loses_two_seconds_at_most(
    browser: Browser, site: Site, ana: Participant, tmp_path: Path
) -> None:
    """Record, retake, be killed, come back, send and play, on the screen of a phone."""
    chromium = browser.browser_type
    page = with_profile(chromium, tmp_path).new_page()
    open_studio(page, site, ana)
    choose_way(page, "Record a video")
    record(page, seconds=1)
    page.get_by_role("button", name="Finish").click()
    page.get_by_role("button", name="Record it again").click()
    recorded = record(page, seconds=4)
    kill(tmp_path)

    context = with_profile(chromium, tmp_path)
    page = context.new_page()
    open_studio(page, site, ana)
    expect(page.get_by_text("The page was closed before this was sent")).to_be_visible()
    kept = length_of_review(page)
    page.get_by_role("button", name="Send it").click()
    expect(page.get_by_text("Your intro has arrived.")).to_be_visible()
    site.work()
    expect(page.get_by_role("heading", name="Where it stands Ready")).to_be_visible()
    page.evaluate("document.querySelector('[data-player]').play()")
    until(page, "document.querySelector('[data-player]').currentTime > 0.3")
    page.reload()

    assert recorded - LOST_AT_MOST <= kept <= recorded + LOST_AT_MOST
    expect(page.get_by_text("Replace it")).to_be_visible()
    expect(page.get_by_role("button", name="Send it")).not_to_be_visible()
    context.close()


def test_a_recording_needs_no_mouse_and_stops_by_itself(
    site: Site, ana: Participant, visitor: Visitor
) -> None:
    """CHECKLIST W1, W2: every state, light and dark, with the focus always somewhere."""
    page = visitor.page
    open_studio(page, site, ana)
    visitor.sees("studio-choose")

    goes_to(page, page.locator("summary", has_text="Record a video")).press("Enter")
    expect(button(page, "Start recording")).to_be_visible()
    visitor.sees("recorder-ready")
    goes_to(page, button(page, "Start recording")).press("Enter")
    expect(button(page, "Not yet")).to_be_focused()
    page.keyboard.press("Enter")
    goes_to(page, button(page, "Start recording")).press("Enter")
    expect(button(page, "Not yet")).to_be_focused()
    visitor.sees("recorder-counting")
    expect(button(page, "Finish")).to_be_focused()
    goes_to(page, button(page, "Pause")).press("Enter")
    visitor.sees("recorder-paused")
    goes_to(page, button(page, "Go on recording")).press("Enter")
    expect(page.get_by_text("You recorded 0:06.")).to_be_visible()
    expect(button(page, "Send it")).to_be_focused()
    visitor.sees("recorder-review")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Where it stands")).to_contain_text("to be checked")
    visitor.sees("studio-arrived")

    assert page.evaluate("document.activeElement !== document.body")


def test_a_voice_alone_is_recorded_beside_own_notes(
    site: Site, ana: Participant, visitor: Visitor
) -> None:
    page = visitor.page
    open_studio(page, site, ana)
    choose_way(page, "Record your voice")
    page.get_by_text("Microphone and notes", exact=True).click()
    page.get_by_label("Your notes").locator("visible=true").fill("I count eelgrass.")
    visitor.sees("recorder-voice")

    record(page, seconds=2)
    expect(page.get_by_role("region", name="Your notes")).to_have_text("I count eelgrass.")
    button(page, "Finish").click()
    button(page, "Send it").click()
    expect(page.get_by_text("Your intro has arrived.")).to_be_visible()
    site.work()

    expect(page.get_by_role("heading", name="Where it stands Ready")).to_be_visible()
    expect(page.locator("audio[data-player]")).to_be_visible()
    visitor.sees("studio-voice")


@pytest.mark.parametrize(
    ("switch", "words"),
    [
        ("--use-fake-device-for-media-stream", "This page may not use your camera"),
        ("--use-fake-ui-for-media-stream", "We find no camera or microphone"),
    ],
    ids=["refused", "missing"],
)
def test_without_a_camera_a_sentence_leads_to_the_other_ways(
    browser: Browser, site: Site, ana: Participant, switch: str, words: str
) -> None:
    other = browser.browser_type.launch(
        executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", switch]
    )
    page = other.new_page(viewport=PHONE)
    open_studio(page, site, ana)

    choose_way(page, "Record a video")

    expect(page.get_by_text(words)).to_be_visible()
    expect(button(page, "Turn on the camera")).to_be_visible()
    choose_way(page, "Write it")
    expect(page.get_by_label("Your words")).to_be_visible()
    other.close()


def with_profile(chromium: BrowserType, folder: Path) -> BrowserContext:
    """Open a browser that keeps what it has on the disk, as people's own does."""
    return chromium.launch_persistent_context(
        folder,
        executable_path=CHROMIUM,
        viewport=PHONE,
        args=[
            "--no-sandbox",
            "--disable-gpu",
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
        ],
    )


def kill(profile: Path) -> None:
    """End every process of the browser that has this profile, without a word to it."""
    children = psutil.Process().children(recursive=True)
    ours = [child for child in children if f"--user-data-dir={profile}" in child.cmdline()]
    assert ours
    for process in ours:
        process.kill()
    psutil.wait_procs(ours, timeout=10)


def record(page: Page, *, seconds: float) -> float:
    """Press the button and let it record for so long; return how long it says it has."""
    button(page, "Start recording").click()
    expect(button(page, "Finish")).to_be_visible()
    clock = "[...document.querySelectorAll('[data-recorder-time]')].find(e => e.value).value"
    until(page, f"({clock.removesuffix('.value')} ?? {{value: 0}}).value >= {seconds}")
    recorded: float = page.evaluate(clock)
    return recorded


def length_of_review(page: Page) -> float:
    """Return how many seconds the recording has that the page offers."""
    review = "[...document.querySelectorAll('[data-recorder-review]')].find(e => e.src)"
    until(page, f"Number.isFinite({review}?.duration)")
    seconds: float = page.evaluate(f"{review}.duration")
    return seconds


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)
