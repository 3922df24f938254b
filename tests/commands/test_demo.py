"""`flask demo` as somebody runs it: a process of its own, and what it prints."""

import json
import os
import re
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from config import CHECKOUT

STEPS = ["uploaded", "processed", "answered", "planned", "sent", "received"]
WITHIN_SECONDS = 240
pytestmark = [pytest.mark.sizeless, pytest.mark.long]


@pytest.fixture
def elsewhere(tmp_path: Path) -> dict[str, str]:
    """An environment whose temporary folders are this test's own."""
    return os.environ | {"TMPDIR": str(tmp_path)}


def demo(*options: str, environ: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "demo", *options],
        env=environ,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=WITHIN_SECONDS,
    )


def test_the_whole_main_job_happens_and_is_told_as_one_object(
    elsewhere: dict[str, str], tmp_path: Path
) -> None:
    before = instance_of_the_checkout()

    done = demo("--json", environ=elsewhere)

    assert (done.returncode, done.stderr) == (0, "")
    happened = json.loads(done.stdout)
    assert list(happened) == STEPS
    assert all(facts["what"] and moment(facts["at"]) for facts in happened.values())
    assert happened["uploaded"]["bytes"] > 50_000
    assert happened["processed"]["bytes"] > 10_000
    assert happened["processed"]["content_type"] == "video/mp4"
    due_at = moment(happened["planned"]["due_at"])
    assert f"{due_at.astimezone(ZoneInfo('Australia/Sydney')):%H:%M}" == "09:00"
    assert timedelta(0) < due_at - moment(happened["answered"]["at"]) < timedelta(hours=40)
    assert moment(happened["sent"]["at"]) == due_at
    assert happened["received"]["local_hour"] == happened["planned"]["local_hour"] == "09:00"
    assert happened["received"]["reply_to"] == "ana@example.org"
    assert re.fullmatch(r"<\S+@\S+>", happened["received"]["message_id"])
    assert instance_of_the_checkout() == before
    assert list(tmp_path.iterdir()) == []


def test_without_a_video_nothing_is_uploaded_and_a_sentence_says_so(
    elsewhere: dict[str, str],
) -> None:
    done = demo("--json", environ=elsewhere | {"IMAGEIO_FFMPEG_EXE": "/bin/false"})

    assert done.returncode == 1
    assert json.loads(done.stdout) == {}
    assert done.stderr == "There is no video to upload: ffmpeg ended with 1.\n"


def test_a_worker_that_cannot_prepare_the_video_ends_the_demo(
    elsewhere: dict[str, str], tmp_path: Path
) -> None:
    """Its ffmpeg makes the sample, and fails at everything that comes from somebody else."""
    half = tmp_path / "ffmpeg"
    half.write_text(HALF_AN_FFMPEG.format(real=real_ffmpeg()))
    half.chmod(0o755)

    done = demo(environ=elsewhere | {"IMAGEIO_FFMPEG_EXE": str(half)})

    assert done.returncode == 1
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["uploaded"]
    assert done.stderr.startswith("The video was refused: ")
    assert len(done.stderr.splitlines()) == 1


HALF_AN_FFMPEG = """#!/bin/sh
case "$*" in *lavfi*gradients*) exec {real} "$@" ;; esac
exit 1
"""


def real_ffmpeg() -> str:
    asked = "import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())"
    return subprocess.check_output([sys.executable, "-c", asked], text=True).strip()


def moment(written: str) -> datetime:
    return datetime.fromisoformat(written)


def instance_of_the_checkout() -> list[tuple[str, int]]:
    """Return every file of the checkout's own installation and when it last changed."""
    folder = CHECKOUT / "instance"
    return sorted((str(path), path.stat().st_mtime_ns) for path in folder.rglob("*"))
