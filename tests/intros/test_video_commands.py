"""`flask intros check` and `process`, as an operator runs them."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from tests.intros.films import SAMPLES, film

PHONE = SAMPLES / "iphone_hevc_rot90_gps.mov"
PAGE = SAMPLES / "html_renamed.mp4"
PAGE_REASON = "This is a web page or a playlist, not a recording. Choose the recording itself."


def intros(app: Flask, *words: str | Path) -> Result:
    return app.test_cli_runner().invoke(args=["intros", *map(str, words)])


def test_check_prints_the_facts_of_a_video(app: Flask) -> None:
    done = intros(app, "check", PHONE, "--json")

    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "verdict": "transcode",
        "reason": None,
        "seconds": 4.0,
        "width": 360,
        "height": 640,
        "video": "hevc",
        "audio": "aac",
    }


def test_check_prints_why_a_file_is_refused(app: Flask) -> None:
    done = intros(app, "check", PAGE, "--json")

    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "verdict": "reject",
        "reason": PAGE_REASON,
        "seconds": None,
        "width": None,
        "height": None,
        "video": None,
        "audio": None,
    }


def test_check_speaks_to_people_too(app: Flask) -> None:
    assert intros(app, "check", PAGE).stdout == f"{PAGE_REASON}\n"
    assert "will be prepared" in intros(app, "check", PHONE).stdout


def test_process_prints_what_it_made(app: Flask, tmp_path: Path) -> None:
    done = intros(app, "process", PHONE, "--out", tmp_path, "--json")

    assert done.exit_code == 0
    made = json.loads(done.stdout)
    assert (made["verdict"], made["seconds"]) == ("transcode", 4.0)
    for part, name in (("large", "720p.mp4"), ("small", "360p.mp4"), ("poster", "poster.jpg")):
        assert made[part]["path"] == str(tmp_path / name)
        assert (made[part]["width"], made[part]["height"]) == (360, 640)
        assert made[part]["bytes"] == (tmp_path / name).stat().st_size
    assert (made["large"]["video"], made["large"]["audio"]) == ("h264", "aac")


def test_a_video_chosen_as_audio_keeps_only_its_sound(app: Flask, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()

    checked = intros(app, "check", PHONE, "--kind", "audio", "--json")
    done = intros(app, "process", PHONE, "--kind", "audio", "--out", out, "--json")

    assert json.loads(checked.stdout) == {
        "verdict": "transcode",
        "reason": None,
        "seconds": 4.0,
        "width": None,
        "height": None,
        "video": None,
        "audio": "aac",
    }
    assert json.loads(done.stdout) == {
        "verdict": "transcode",
        "seconds": 4.0,
        "sound": {
            "path": str(out / "sound.m4a"),
            "audio": "aac",
            "channels": 1,
            "bytes": (out / "sound.m4a").stat().st_size,
            "seconds": 4.0,
        },
    }
    assert [file.name for file in out.iterdir()] == ["sound.m4a"]


def test_process_says_why_a_file_is_refused(app: Flask, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()

    done = intros(app, "process", PAGE, "--out", out, "--json")

    assert done.exit_code == 1
    assert json.loads(done.stdout) == {"verdict": "reject", "reason": PAGE_REASON}
    assert done.stderr == f"{PAGE_REASON}\n"
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ("check", "nowhere.mp4"),
        ("check", "."),
        ("process", "nowhere.mp4", "--out", "."),
        ("process", str(PAGE), "--out", "nowhere"),
        ("process", str(PAGE)),
    ],
)
def test_a_missing_file_or_folder_is_named(
    words: tuple[str, ...], app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    done = intros(app, *words)

    assert done.exit_code == 2
    assert done.stdout == ""
    assert "Error: " in done.stderr
    assert "Traceback" not in done.stderr


def test_the_installations_own_limits_hold(app: Flask, tmp_path: Path) -> None:
    """The seconds of the settings, not of the code."""
    longer = film(
        tmp_path / "a.mp4", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=1:d=91", "-c:v", "mpeg4"
    )

    assert "91 seconds long" in intros(app, "check", longer).stdout
