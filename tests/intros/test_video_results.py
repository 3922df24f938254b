"""What the finished videos sound and look like, and what they no longer tell."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from asyncnet.intros import video
from asyncnet.intros.rules import Way
from tests.intros.films import (
    FFMPEG,
    PICTURE,
    SAMPLES,
    SOFT_H264,
    TONE,
    colour_at,
    ffmpeg,
    film,
    look,
    picture,
)

PARIS = "+48.8566+002.3522/"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def loudness(path: Path) -> float:
    """Return the integrated loudness in LUFS, measured by the standard EBU R 128."""
    log = ffmpeg("-i", path, "-vn", "-af", "ebur128=framelog=quiet", "-f", "null", "-")
    return float(re.findall(r"I: +(-?[\d.]+) LUFS", log)[-1])


def onsets(path: Path) -> list[float]:
    """Return when sound begins after silence, in seconds, to a hundredth."""
    raw = subprocess.run(
        [FFMPEG, "-v", "error", "-i", path, "-ac", "1", "-ar", "48000", "-f", "f32le", "-"],
        capture_output=True,
        check=True,
    ).stdout
    samples = np.abs(np.frombuffer(raw, dtype="f4"))
    loud = samples[: len(samples) // 480 * 480].reshape(-1, 480).max(axis=1) > 0.05
    return [n / 100 for n in range(1, len(loud)) if loud[n] and not loud[max(0, n - 20) : n].any()]


def beeps(*, level: float = 0.2, seconds: float = 6) -> tuple[str, ...]:
    """Return the input options of a beep at the middle of every second."""
    tone = f"aevalsrc=if(between(mod(t\\,1)\\,0.5\\,0.6)\\,{level}*sin(2*PI*800*t)\\,0)"
    return ("-f", "lavfi", "-i", f"{tone}:d={seconds}:s=48000")


def speech(level: float) -> tuple[str, ...]:
    """Return the input options of noise with pauses, as long as one can judge loudness by."""
    gaps = "volume=if(lt(mod(t\\,3)\\,2.2)\\,0.4+0.6*abs(sin(5*t))\\,0.002):eval=frame"
    return ("-f", "lavfi", "-i", f"anoisesrc=c=pink:d=12:a={level}:s=1,{gaps}")


@pytest.mark.parametrize("codecs", [(*SOFT_H264, "-c:a", "aac"), ("-c:v", "mpeg4")])
def test_quiet_and_loud_speakers_become_equally_loud(
    codecs: tuple[str, ...], tmp_path: Path, out: Path
) -> None:
    """Both when pictures are copied and when they are encoded, in both videos."""
    for level in (0.02, 0.9):
        source = film(
            tmp_path / f"{level}.mov",
            *picture("64x64", rate="5", seconds=12),
            *speech(level),
            *codecs,
        )

        made = video.process(source, out)

        assert loudness(made.large.path) == pytest.approx(-16, abs=1.5)
        assert loudness(made.small.path) == pytest.approx(-16, abs=1.5)


def test_the_hiss_of_a_quiet_room_is_not_raised_to_a_roar(tmp_path: Path, out: Path) -> None:
    hiss = ("-f", "lavfi", "-i", "anoisesrc=d=4:a=0.0008")
    source = film(tmp_path / "a.mov", *picture("64x64", seconds=4), *hiss, "-c:v", "mpeg4")

    made = video.process(source, out)

    assert loudness(made.large.path) < -50


@pytest.mark.parametrize("codecs", [(*SOFT_H264, "-c:a", "aac"), ("-c:v", "mpeg4")])
@pytest.mark.parametrize(("offset", "first"), [("0", 0.5), ("1.25", 1.75)])
def test_sound_stays_in_step(
    codecs: tuple[str, ...], offset: str, first: float, tmp_path: Path, out: Path
) -> None:
    source = film(
        tmp_path / "a.mov",
        *(*picture(seconds=4), "-itsoffset", offset, *beeps(seconds=2), *codecs),
    )

    made = video.process(source, out)

    for part in (made.large, made.small):
        assert onsets(part.path) == pytest.approx([first, first + 1], abs=0.03)


def test_sound_stays_in_step_across_a_gap(tmp_path: Path, out: Path) -> None:
    """A tab in the background loses pictures and sound for a while, and then goes on."""
    gap = "between(t\\,1.2\\,3.2)"
    source = film(
        tmp_path / "a.webm",
        *(*picture(seconds=5), *beeps(seconds=5), "-vf", f"select=not({gap})"),
        *("-af", f"aselect=not({gap})", "-fps_mode", "vfr"),
        *("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"),
    )

    made = video.process(source, out)

    assert onsets(made.large.path) == pytest.approx([0.5, 3.5, 4.5], abs=0.03)
    assert look(made.large.path).times[-1] == pytest.approx(4.97, abs=0.05)


def test_a_copy_keeps_every_picture_as_it_was(tmp_path: Path, out: Path) -> None:
    source = film(tmp_path / "a.mp4")

    made = video.process(source, out)

    assert made.verdict is Way.REMUX
    assert look(made.large.path).times == look(source).times
    assert pictures_of(made.large.path) == pictures_of(source)


def pictures_of(path: Path) -> str:
    """Return a sum over all decoded pictures."""
    command = [FFMPEG, "-v", "error", "-i", path, "-map", "0:v", "-f", "md5", "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(("channels", "kept"), [(1, 1), (2, 2), (6, 2)])
def test_sound_is_stereo_at_most(channels: int, kept: int, tmp_path: Path, out: Path) -> None:
    source = film(
        tmp_path / "a.mov", *PICTURE, *TONE, *SOFT_H264, "-ac", str(channels), "-c:a", "aac"
    )

    made = video.process(source, out)

    assert look(made.large.path).channels == kept
    assert look(made.small.path).channels == kept


def test_place_and_device_are_gone_from_what_is_encoded(out: Path) -> None:
    """U11, on what a phone writes."""
    source = SAMPLES / "iphone_hevc_rot90_gps.mov"
    assert PARIS.encode() in source.read_bytes()

    made = video.process(source, out)

    assert made.verdict is Way.TRANSCODE
    for file in out.iterdir():
        assert not re.search(rb"48\.8566|002\.3522|Apple|iPhone", file.read_bytes())


def test_place_and_device_are_gone_from_what_is_copied(tmp_path: Path, out: Path) -> None:
    """U11: from the container, each track, the chapters, and the H.264 stream itself."""
    (tmp_path / "facts.txt").write_text(
        f";FFMETADATA1\ntitle=A secret title\nlocation={PARIS}\nmake=Acme\n"
        "creation_time=2026-01-02T03:04:05Z\n"
        "[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=1\ntitle=A secret chapter\n"
    )
    in_stream = f"h264_metadata=sei_user_data=086f3693-b7b3-4f2c-9653-21492feee5b8{PARIS}"
    source = film(
        tmp_path / "a.mp4",
        *("-i", film(tmp_path / "plain.mp4"), "-i", tmp_path / "facts.txt", "-map_metadata", "1"),
        *("-map", "0", "-c", "copy", "-movflags", "use_metadata_tags", "-bsf:v", in_stream),
        *("-metadata:s:v", "handler_name=Acme Phone", "-metadata:s:a", "title=A secret track"),
    )
    assert source.read_bytes().count(b"48.8566") >= 2

    made = video.process(source, out)

    assert made.verdict is Way.REMUX
    for file in out.iterdir():
        assert not re.search(rb"48\.8566|Acme|secret|creation_time", file.read_bytes())
    for part in (made.large, made.small):
        assert set(look(part.path).metadata) <= PLAIN_METADATA


PLAIN_METADATA = {
    "major_brand",
    "minor_version",
    "compatible_brands",
    "language",
    "handler_name",
    "vendor_id",
    "encoder",
}


def test_trimmed_pictures_do_not_come_back(tmp_path: Path, out: Path) -> None:
    """What someone cut away in their phone is still in the file, behind an edit list."""
    halves = "color=red:s=320x240:r=30:d=1[a];color=lime:s=320x240:r=30:d=1[b];[a][b]concat"
    whole = film(
        tmp_path / "whole.mp4",
        "-f",
        "lavfi",
        "-i",
        halves,
        *SOFT_H264,
        "-g",
        "300",
        "-sc_threshold",
        "0",
    )
    trimmed = film(tmp_path / "trimmed.mp4", "-ss", "1.2", "-i", whole, "-c", "copy")

    made = video.process(trimmed, out)

    assert made.seconds == pytest.approx(0.8, abs=0.05)
    for part in (made.large, made.small):
        everything = film(
            tmp_path / "all.mkv", "-ignore_editlist", "1", "-i", part.path, *SOFT_H264
        )
        assert colour_at(part.path, 0.5, 0.5, at=0)[0] < 60
        assert colour_at(everything, 0.5, 0.5, at=0)[0] < 60


def test_rotation_turns_the_pictures_themselves(out: Path) -> None:
    """The card's bars stand; the phone, held upright, sees them lie: red on top, cyan below."""
    made = video.process(SAMPLES / "iphone_hevc_rot90_gps.mov", out)

    for part in (made.large, made.small):
        assert colour_at(part.path, 0.3, 0.05) == pytest.approx((230, 0, 0), abs=30)
        assert colour_at(part.path, 0.3, 0.95) == pytest.approx((0, 255, 255), abs=30)


def test_interlaced_pictures_are_joined_without_combs(tmp_path: Path, out: Path) -> None:
    """A bar moving sideways has upright edges, not teeth, on every line."""
    moving = (
        "color=black:s=320x240:r=50:d=2[b];color=white:s=40x240:r=50:d=2[w];[b][w]overlay=x=n*6"
    )
    source = film(
        tmp_path / "a.mov",
        *("-f", "lavfi", "-i", moving, "-vf", "tinterlace=4,setfield=tff"),
        *("-c:v", "libx264", "-qp", "1", "-pix_fmt", "yuv420p", "-flags", "+ilme+ildct"),
    )

    made = video.process(source, out)

    assert combs(source) > 10
    assert combs(made.large.path) < 2


def combs(path: Path) -> float:
    """Return how much neighbouring lines differ, beyond the lines on either side of them."""
    command = [FFMPEG, "-v", "error", "-ss", "0.4", "-i", path, "-frames:v", "1"]
    raw = subprocess.run(
        [*command, "-f", "rawvideo", "-pix_fmt", "gray", "-"], capture_output=True, check=True
    ).stdout
    lines = np.frombuffer(raw, dtype="u1").reshape(240, 320).astype(int)
    teeth = np.abs(lines[1:-1] - (lines[:-2] + lines[2:]) / 2)
    return float(teeth.max(axis=1).mean()) / 12.75


def test_the_poster_is_not_the_black_of_a_camera_waking_up(tmp_path: Path, out: Path) -> None:
    waking = "color=black:s=320x240:r=30:d=0.8[a];color=orange:s=320x240:r=30:d=3[b];[a][b]concat"
    for codec in (SOFT_H264, ("-c:v", "mpeg4")):
        source = film(tmp_path / "a.mov", "-f", "lavfi", "-i", waking, *codec)

        made = video.process(source, out)

        assert colour_at(made.poster.path, 0.5, 0.5, at=0)[0] > 200


def test_processing_again_replaces_what_was_there(tmp_path: Path, out: Path) -> None:
    """A worker killed half-way is followed by one that does it all again (F2)."""
    first = video.process(film(tmp_path / "a.mp4"), out)
    again = video.process(film(tmp_path / "b.mp4", *picture("64x64"), *SOFT_H264), out)

    assert sorted(file.name for file in out.iterdir()) == ["360p.mp4", "720p.mp4", "poster.jpg"]
    assert (first.large.width, again.large.width) == (320, 64)
    assert look(again.large.path).size == (64, 64)


@pytest.mark.parametrize("name", ["-i.mp4", "a:b|c.mp4", "concat:x.mp4", "%d.mp4", "ä 📹\n.mp4"])
def test_the_name_of_a_file_means_nothing(name: str, tmp_path: Path, out: Path) -> None:
    """U8, though only names made by the server ever get here."""
    source = film(tmp_path / "plain.mp4").rename(tmp_path / name)

    made = video.process(source, out)

    assert (made.verdict, made.large.width) == (Way.REMUX, 320)
