"""An installation in a scratch folder: real processes, thrown away afterwards."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from urllib.error import URLError
from urllib.request import build_opener

from asyncnet.web.filters import iso
from config import CHECKOUT, PREFIX

T = TypeVar("T")
PATIENCE_SECONDS = 90
LOOK_EVERY_SECONDS = 0.1
STOP_WITHIN_SECONDS = 30
FLASK = (sys.executable, "-m", "flask", "--app", "wsgi")


class StepMissed(Exception):
    """A step of the main job did not happen; the message says which, and what came instead."""


@dataclass(frozen=True)
class Installation:
    """A running web server with its workers, and the folder in which everything lies."""

    folder: Path
    base_url: str
    environ: dict[str, str]

    @property
    def database_url(self) -> str:
        return f"sqlite:///{self.folder / 'asyncnet.db'}"

    def drain(self, at: datetime) -> None:
        """Send what is due at a moment, as the mail worker would then. Raises StepMissed."""
        self.flask("messages", "drain", "--at", iso(at))

    def flask(self, *words: str) -> None:
        """Run one command and wait for it. Raises StepMissed with what it said."""
        done = subprocess.run(  # noqa: S603 - our own words only
            [*FLASK, *words], env=self.environ, cwd=CHECKOUT, capture_output=True, text=True
        )
        if done.returncode:
            said = " ".join(done.stderr.split())[-300:]
            raise StepMissed(f"“flask {' '.join(words)}” failed: {said}")


@contextmanager
def installation(folder: Path, *, smtp_port: int) -> Iterator[Installation]:
    """Migrate and start an installation on a free port; stop it in the end. Raises StepMissed."""
    base_url = f"http://127.0.0.1:{free_port()}"
    ours = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    told = {
        "INSTANCE": str(folder),
        "BASE_URL": base_url,
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(smtp_port),
        "SMTP_SECURITY": "none",
    }
    here = Installation(
        folder, base_url, ours | {PREFIX + name: value for name, value in told.items()}
    )
    here.flask("db", "upgrade")
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(  # noqa: S603 - our own words only
            [*FLASK, "start"], env=here.environ, cwd=CHECKOUT, stdout=log, stderr=log
        )
        try:
            eventually(lambda: answers(f"{base_url}/readyz"), "The web server did not start.")
            yield here
        finally:
            running.terminate()
            running.wait(STOP_WITHIN_SECONDS)


def eventually(look: Callable[[], T | None], otherwise: str) -> T:
    """Return what `look` finds, looking until something is there. Raises StepMissed."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(LOOK_EVERY_SECONDS)
    raise StepMissed(otherwise)


def answers(address: str) -> bool:
    """Return whether a web server answers there with a page."""
    try:
        with build_opener().open(address, timeout=2):
            return True
    except (URLError, OSError):
        return False


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
