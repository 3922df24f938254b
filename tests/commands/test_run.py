"""`flask start` as operators run it: processes of their own."""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from asyncnet.commands.demo.scratch import answers, eventually, free_port
from asyncnet.commands.run import LARGEST_BODY, PARTS
from asyncnet.intros.actions.uploading import PART_BYTES
from config import CHECKOUT, PREFIX, Settings

pytestmark = pytest.mark.sizeless
WITHIN_SECONDS = 30


def test_a_stranger_cannot_fill_the_disk(tmp_path: Path) -> None:
    """CHECKLIST P1: what is larger than any body may be is refused before it is taken in."""
    with started(tmp_path, "web") as (_, base_url):
        too_large = answer_to_announced(base_url, LARGEST_BODY + 1)

    assert LARGEST_BODY > PART_BYTES
    assert b" 413 " in too_large


def test_what_dies_is_started_anew_and_all_end_together(settings: Settings) -> None:
    with started(settings.instance) as (together, base_url):
        first = eventually(lambda: all_parts_of(together), "not every part was started")
        [web] = [part for part in first if listens_at(part, base_url)]
        web.kill()
        web.wait(WITHIN_SECONDS)
        eventually(lambda: answers(f"{base_url}/healthz"), "the web server did not start anew")
        parts = set(first) | set(together.children())

    assert (len(first), len(parts)) == (len(PARTS), len(PARTS) + 1)
    assert together.wait(0) == 0
    assert not any(part.is_running() for part in parts)


@contextmanager
def started(instance: Path, *part: str) -> Iterator[tuple[psutil.Popen, str]]:
    """Run `flask start` until its web server answers; yield it and its address, then end it."""
    base_url = f"http://127.0.0.1:{free_port()}"
    running = psutil.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "start", *part],
        env=os.environ | {PREFIX + "INSTANCE": str(instance), PREFIX + "BASE_URL": base_url},
        cwd=CHECKOUT,
    )
    try:
        eventually(lambda: answers(f"{base_url}/healthz"), "the web server did not start")
        yield running, base_url
    finally:
        running.terminate()
        running.wait(WITHIN_SECONDS)


def all_parts_of(together: psutil.Popen) -> list[psutil.Process]:
    found: list[psutil.Process] = together.children()
    return found if len(found) == len(PARTS) else []


def listens_at(part: psutil.Process, base_url: str) -> bool:
    return urlsplit(base_url).port in {line.laddr.port for line in part.net_connections()}


def answer_to_announced(base_url: str, length: int) -> bytes:
    """Return the first line that is answered to a body of which only the length has come."""
    place = urlsplit(base_url)
    with socket.create_connection((place.hostname, place.port or 80), WITHIN_SECONDS) as line:
        head = f"POST /sign-in HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: {length}\r\n\r\n"
        line.sendall(head.encode())
        return line.recv(1000).splitlines()[0]
