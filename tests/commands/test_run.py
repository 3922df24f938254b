"""`flask start web` as operators run it: a process of its own."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from asyncnet.commands.demo.scratch import answers, eventually, free_port
from asyncnet.commands.run import LARGEST_BODY
from asyncnet.intros.actions.uploading import PART_BYTES
from config import CHECKOUT, PREFIX

pytestmark = pytest.mark.sizeless
WITHIN_SECONDS = 30


def test_a_stranger_cannot_fill_the_disk(tmp_path: Path) -> None:
    """CHECKLIST P1: what is larger than any body may be is refused before it is taken in."""
    base_url = f"http://127.0.0.1:{free_port()}"
    running = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "start", "web"],
        env=os.environ | {PREFIX + "INSTANCE": str(tmp_path), PREFIX + "BASE_URL": base_url},
        cwd=CHECKOUT,
    )
    try:
        eventually(lambda: answers(f"{base_url}/healthz"), "the web server did not start")
        too_large = answer_to_announced(base_url, LARGEST_BODY + 1)
    finally:
        running.terminate()
        running.wait(WITHIN_SECONDS)

    assert LARGEST_BODY > PART_BYTES
    assert b" 413 " in too_large


def answer_to_announced(base_url: str, length: int) -> bytes:
    """Return the first line that is answered to a body of which only the length has come."""
    place = urlsplit(base_url)
    with socket.create_connection((place.hostname, place.port or 80), WITHIN_SECONDS) as line:
        head = f"POST /sign-in HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: {length}\r\n\r\n"
        line.sendall(head.encode())
        return line.recv(1000).splitlines()[0]
