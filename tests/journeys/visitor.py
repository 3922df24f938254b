"""Somebody in front of a browser, and what is asked of every page that they see."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Response,
    expect,
)

NARROWEST = 320
PAGE = {"exclude": [["option"]]}
"""The 400 time zones of a list are drawn by the browser itself, and take axe seconds."""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
EVERYTHING = {
    "preload": False,
    "iframes": False,
    "runOnly": {"type": "tag", "values": RULES},
}
CONTRAST = {
    "preload": False,
    "iframes": False,
    "runOnly": {"type": "rule", "values": ["color-contrast"]},
}
LONGEST_WAY = 40
SHOWS_WHERE_IT_IS = """element => [element, element.closest("label")].some(e =>
    e && getComputedStyle(e).outlineStyle !== "none" && getComputedStyle(e).outlineWidth !== "0px")
"""
TOO_WIDE = """() => document.documentElement.scrollWidth > innerWidth
    ? [...document.querySelectorAll("body *")]
        .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
        .map(e => e.outerHTML.slice(0, 120))
    : []"""


@dataclass
class Visitor:
    """One person with a screen and a time zone of their own."""

    context: BrowserContext
    page: Page
    pictures: "Pictures"
    faults: list[str] = field(default_factory=list)
    allowed: set[int] = field(default_factory=set)
    """Answers of 400 and above that are part of the journey."""
    schemes: tuple[str, ...] = ("light", "dark")
    """The colours in which axe reads every page."""

    def sees(self, name: str, *, shown_on: str = "") -> None:
        """Ask of the page as it stands all that is asked of every page.

        axe finds nothing in any of the `schemes`; nothing scrolls sideways on the narrowest
        phone; the browser has not complained. README shows it as it looks on the screen `shown_on`.
        """
        page = self.page
        page.wait_for_load_state()
        problems = _found_by_axe(page, EVERYTHING) if "light" in self.schemes else []
        if "dark" in self.schemes:
            page.emulate_media(color_scheme="dark")
            problems += [f"dark: {problem}" for problem in _found_by_axe(page, CONTRAST)]
            self.pictures.take(page, f"{name}-dark")
            page.emulate_media(color_scheme="light")
        self.pictures.take(page, name, shown_on=shown_on)
        size = page.viewport_size or {"width": 1280, "height": 800}
        page.set_viewport_size({"width": NARROWEST, "height": size["height"]})
        problems += [f"too wide: {html}" for html in page.evaluate(TOO_WIDE)]
        page.set_viewport_size(size)
        assert problems + self.faults == [], f"{name}: {page.url}"

    def sends_in(self, button: str) -> None:
        self.page.get_by_role("button", name=button).click()

    def is_told(self, *sentences: str) -> None:
        """The summary of errors has the focus and lists these sentences (CHECKLIST W4)."""
        summary = self.page.get_by_role("group", name="Something needs another look")
        expect(summary).to_be_focused()
        for sentence in sentences:
            expect(summary).to_contain_text(sentence)

    def chooses(self, label: str, option: str) -> None:
        self.page.get_by_label(label, exact=True).select_option(option)

    def watches(self, video: Locator) -> None:
        """The video runs, and has a picture."""
        moves = "v => v.videoWidth > 0 && v.currentTime > 0.2 && !v.error"
        video.evaluate("v => v.play()")
        self.page.wait_for_function(moves, arg=video.element_handle())
        video.evaluate("v => v.pause()")

    @contextmanager
    def expecting(self, *statuses: int) -> Iterator[None]:
        """Let the server answer with these while something is tried on purpose."""
        self.allowed |= set(statuses)
        yield
        self.allowed -= set(statuses)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.faults.append(f"console: {message.text}")

    def _check(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.allowed:
            self.faults.append(f"{response.status}: {response.request.method} {response.url}")


@dataclass(frozen=True)
class Pictures:
    """Where pictures of the pages go, if anywhere: README's few, or all of them."""

    folder: Path | None
    everything: bool
    screen: str

    def take(self, page: Page, name: str, *, shown_on: str = "") -> None:
        if self.folder and (self.everything or shown_on == self.screen):
            file = self.folder / f"{name}-{self.screen}.png"
            page.screenshot(path=file, full_page=self.everything, animations="disabled")


@contextmanager
def visiting(
    browser: Browser,
    base_url: str,
    pictures: Pictures,
    *,
    zone: str,
    width: int,
    height: int,
    schemes: tuple[str, ...] = ("light", "dark"),
) -> Iterator[Visitor]:
    """Open a browser of its own for somebody who lives in `zone`."""
    context = browser.new_context(
        base_url=base_url,
        viewport={"width": width, "height": height},
        has_touch=width < 600,
        timezone_id=zone,
        locale="en-GB",
        color_scheme="light",
        reduced_motion="reduce",
    )
    context.set_default_timeout(30_000)
    visitor = Visitor(context, context.new_page(), pictures, schemes=schemes)
    visitor.page.on("console", visitor._hear)
    visitor.page.on("pageerror", lambda error: visitor.faults.append(f"script: {error}"))
    visitor.page.on("response", visitor._check)
    try:
        yield visitor
    finally:
        context.close()


def goes_to(page: Page, wanted: Locator) -> Locator:
    """Press Tab until something has the focus, and shows that it has."""
    expect(wanted).to_be_attached()
    for _ in range(LONGEST_WAY):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            assert wanted.evaluate(SHOWS_WHERE_IT_IS), f"no outline around {wanted}"
            return wanted
    raise AssertionError(f"{LONGEST_WAY} times Tab did not lead to {wanted}")


def _found_by_axe(page: Page, options: dict[str, Any]) -> list[str]:
    found = Axe().run(page, context=PAGE, options=options)
    return [
        f"{violation['id']}: {node['html'][:160]} {node['failureSummary']}"
        for violation in found.response["violations"]
        for node in violation["nodes"]
    ]
