"""A running installation whose worker is in the hands of the test, and the studio in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from flask import Flask
from playwright.sync_api import Page, expect

from asyncnet import tasks
from asyncnet.app import create_app
from asyncnet.commands.demo.scratch import free_port
from asyncnet.events.model import Participant
from config import Settings
from tests.intros.people import personal_path
from tests.servers.web import serving

PATIENCE = 30_000
"""In milliseconds."""


@dataclass(frozen=True)
class Site:
    """Where it answers, and its app."""

    app: Flask
    base_url: str

    def work(self) -> None:
        """Do what the worker does about one video."""
        with self.app.app_context():
            tasks.process_a_video()


@contextmanager
def running(settings: Settings, **changes: Any) -> Iterator[Site]:
    """Serve an installation with some settings changed, on a port of its own."""
    port = free_port()
    app = create_app(replace(settings, base_url=f"http://127.0.0.1:{port}", **changes))
    with serving(app, port=port) as base_url:
        yield Site(app, base_url)


def open_studio(page: Page, site: Site, person: Participant) -> None:
    """Go from the personal link to the studio, and agree where that has not happened yet."""
    page.goto(site.base_url + personal_path(site.app, person))
    page.get_by_role("link", name="my intro").click()
    expect(page.get_by_role("heading", level=1, name="Your intro")).to_be_visible()
    if page.get_by_label("I agree that").count():
        page.get_by_label("I agree that").check()
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_text("Choose your way")).to_be_visible()


def choose_way(page: Page, title: str) -> None:
    page.locator("summary", has_text=title).click()


def until(page: Page, expression: str) -> None:
    """Wait until the page says so; its policy keeps Playwright's own way of asking out."""
    for _ in range(PATIENCE // 50):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{expression} never became true")


def slow_down(page: Page, bytes_per_second: int) -> None:
    """Give the page the line of a phone far from any mast."""
    page.context.new_cdp_session(page).send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 0,
            "downloadThroughput": -1,
            "uploadThroughput": bytes_per_second,
        },
    )
