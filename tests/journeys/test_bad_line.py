"""An upload over a line that fails in every way that lines do (CHECKLIST F4, F10)."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.app import create_app
from asyncnet.clock import utc_now
from asyncnet.commands.demo.scratch import free_port
from asyncnet.intros.actions.uploading import PART_BYTES
from asyncnet.intros.model import Intro, IntroState
from config import Settings
from tests.intros.people import make_participant, make_video
from tests.journeys.site import Site, choose_way, open_studio, until
from tests.servers.line import CUT, LOST, Fault, Line, line_to
from tests.servers.web import serving

PADDING = 36_000_000
FAST = 12_000_000
SHORT = timedelta(seconds=4)
"""How long a signature is good here: many end while the upload goes on."""
Rows = Callable[..., list[Intro]]


@dataclass
class Lines:
    """The line to the pages and the one to storage, which may be the same, and the server."""

    app: Flask
    base_url: str
    pages: Line
    files: Line
    port: int
    server: ExitStack

    def stop(self) -> None:
        self.server.close()

    def start(self) -> None:
        self.server.enter_context(serving(self.app, port=self.port))


@pytest.fixture
def lines(settings: Settings) -> Iterator[Lines]:
    behind, before, storage = free_port(), free_port(), free_port()
    changed = replace(settings, base_url=f"http://127.0.0.1:{before}", signature_valid_for=SHORT)
    with ExitStack() as stack:
        pages = files = stack.enter_context(line_to(behind, port=before))
        if settings.s3:
            s3_port = urlsplit(settings.s3.endpoint_url or "").port or 0
            files = stack.enter_context(line_to(s3_port, port=storage))
            s3 = replace(settings.s3, public_endpoint_url=f"http://127.0.0.1:{storage}")
            changed = replace(changed, s3=s3)
        app = create_app(changed)
        server = stack.enter_context(ExitStack())
        lines = Lines(app, changed.base_url, pages, files, behind, server)
        lines.start()
        yield lines


@pytest.fixture
def page(browser: Browser, lines: Lines, session: Session) -> Iterator[Page]:
    person = make_participant(session, starts_at=utc_now() + timedelta(days=7))
    context = browser.new_context(viewport={"width": 390, "height": 844})
    opened = context.new_page()
    open_studio(opened, Site(lines.app, lines.base_url), person)
    choose_way(opened, "Use a video you have")
    yield opened
    context.close()


def test_an_upload_arrives_whatever_the_line_does(
    page: Page, lines: Lines, tmp_path: Path, rows: Rows
) -> None:
    """Cut, refused, expired, answer lost, server restarted: each costs one part at most."""
    video = make_video(tmp_path / "intro.mp4", padding=PADDING)
    lines.files.bytes_per_second = FAST
    lines.files.faults += [Fault("PUT", what) for what in (CUT, 403, 503, 500, LOST)]
    lines.pages.faults += [Fault("POST", 503, "/sign"), Fault("POST", 500, "/arrived")]

    page.get_by_label("Choose a video").set_input_files(video)
    until(page, "document.querySelector('[data-upload-bar]').value >= 60")
    lines.stop()
    expect(page.get_by_text("Waiting for the line")).to_be_visible()
    lines.start()

    expect(page.get_by_text("Your intro has arrived.")).to_be_visible()
    [intro] = rows(select(Intro))
    assert intro.state is IntroState.UPLOADED
    assert lines.pages.faults == lines.files.faults == []
    assert lines.files.sent - video.stat().st_size <= lines.files.failed * PART_BYTES
