"""One browser for all journeys, and a fresh installation for each."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Browser

from asyncnet.intros.video.sample import make_sample
from config import CHECKOUT, Settings
from tests.journeys.installation import Installation, installed
from tests.journeys.visitor import Pictures, Visitor, visiting

README_PICTURES = CHECKOUT / "docs" / "pictures"
ALL_PICTURES = CHECKOUT / ".build" / "pictures"
LOG_LINES_SHOWN = 60


class Visits(Protocol):
    def __call__(self, zone: str) -> AbstractContextManager[Visitor]: ...


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real video, as somebody's phone would have it."""
    path = tmp_path_factory.mktemp("video") / "My intro, take 3.mp4"
    make_sample(path, seconds=5)
    return path


@pytest.fixture
def installation(settings: Settings, tmp_path: Path) -> Iterator[Installation]:
    log = tmp_path / "log"
    with installed(settings, log) as running:
        yield running
    print(*log.read_text().splitlines()[-LOG_LINES_SHOWN:], sep="\n")  # shown when a test fails


@pytest.fixture(
    params=[
        pytest.param((390, 844), id="phone", marks=pytest.mark.sizeless),
        pytest.param((1280, 800), id="desktop"),
    ]
)
def screen(request: pytest.FixtureRequest) -> tuple[int, int]:
    """A phone and a desk; pages are the same on PostgreSQL and S3, so there one is enough."""
    size: tuple[int, int] = request.param
    return size


@pytest.fixture
def visits(
    browser: Browser,
    installation: Installation,
    screen: tuple[int, int],
    request: pytest.FixtureRequest,
) -> Callable[[str], AbstractContextManager[Visitor]]:
    """Opens a browser for somebody in a time zone, on this test's screen."""
    width, height = screen
    wanted = request.config.getoption("--pictures")
    folder = {"readme": README_PICTURES, "all": ALL_PICTURES}.get(wanted)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    pictures = Pictures(folder, wanted == "all", "phone" if width < 600 else "desktop")

    # the colours are the same on every screen, and the pages on every database
    schemes: tuple[str, ...] = ("light",)
    if request.config.getoption("--size") == "large":
        schemes = ()
    elif width < 600 or wanted == "all":
        schemes = ("light", "dark")

    def open_browser(zone: str) -> AbstractContextManager[Visitor]:
        return visiting(
            browser,
            installation.base_url,
            pictures,
            zone=zone,
            width=width,
            height=height,
            schemes=schemes,
        )

    return open_browser
