"""Which measured videos are copied, encoded or refused: every limit from both sides (U1)."""

from dataclasses import replace

import pytest

from asyncnet.intros.rules import (
    NOTHING_TO_HEAR,
    AudioTrack,
    Limits,
    Probe,
    VideoTrack,
    Way,
    judge,
    judge_bytes,
    judge_sound,
)

LIMITS = Limits()
PICTURES = VideoTrack(
    index=0,
    codec="h264",
    profile="High",
    pixels="yuv420p",
    width=1280,
    height=720,
    frames=900,
    hidden_frames=0,
    frames_per_second=30.0,
    late_seconds=0.0,
    rotation=0,
    mirrored=False,
    pixel_aspect=1.0,
    interlaced=False,
    transfer=2,
    primaries=2,
    matrix=2,
    decodable=True,
)


def sound(codec: str, channels: int = 2, *, seconds: float = 30.0) -> AudioTrack:
    return AudioTrack(1, codec, channels, seconds, decodable=True)


PLAIN = Probe(
    container="mov",
    seconds=30.0,
    stated_seconds=30.0,
    bits_per_second=4_000_000.0,
    video=PICTURES,
    audio=sound("aac", 2),
    has_sound=True,
)


def test_a_plain_video_is_copied_without_a_word() -> None:
    verdict = judge(PLAIN, LIMITS)

    assert (verdict.way, verdict.reason, verdict.warnings) == (Way.REMUX, None, ())


@pytest.mark.parametrize(
    ("size", "taken"), [(0, False), (1, True), (299_999_999, True), (300_000_000, True)]
)
def test_size_up_to_the_limit_is_taken(size: int, taken: bool) -> None:
    assert (judge_bytes(size, LIMITS) is None) is taken


def test_one_byte_too_many_is_refused_in_figures_that_differ() -> None:
    assert judge_bytes(300_000_001, LIMITS) == (
        "This file has 300.1 MB; an intro can have at most 300 MB. "
        "Choose a shorter one, or record it here."
    )


@pytest.mark.parametrize(
    ("seconds", "taken"), [(89, True), (90, True), (90.4, True), (90.6, False), (91, False)]
)
def test_length_is_taken_up_to_the_limit_and_a_recorders_overshoot(
    seconds: float, taken: bool
) -> None:
    assert (judge(replace(PLAIN, seconds=seconds), LIMITS).way is not Way.REJECT) is taken


@pytest.mark.parametrize(
    ("width", "height", "taken"),
    [
        (4096, 2304, True),
        (2304, 4096, True),
        (4094, 2302, True),
        (4097, 2304, False),
        (4096, 2305, False),
        (2305, 4096, False),
        (3000, 3000, False),
    ],
)
def test_a_picture_may_lie_or_stand_within_the_limit(width: int, height: int, taken: bool) -> None:
    probe = replace(PLAIN, video=replace(PICTURES, width=width, height=height))

    assert (judge(probe, LIMITS).way is not Way.REJECT) is taken


@pytest.mark.parametrize(("frames", "taken"), [(4, False), (5, True), (6, True)])
def test_five_frames_are_a_video(frames: int, taken: bool) -> None:
    probe = replace(PLAIN, video=replace(PICTURES, frames=frames))

    assert (judge(probe, LIMITS).way is not Way.REJECT) is taken


def test_limits_are_settings() -> None:
    tight = Limits(seconds=10, bytes=1000, long_side=640, short_side=360, frames=1000)

    assert judge(PLAIN, tight).way is Way.REJECT
    assert judge_bytes(1001, tight) is not None


@pytest.mark.parametrize(
    "pictures",
    [
        {"codec": "hevc"},
        {"profile": "High 10"},
        {"profile": None},
        {"pixels": "yuvj420p"},
        {"pixels": "yuv422p"},
        {"interlaced": True},
        {"pixel_aspect": 16 / 15},
        {"rotation": 90},
        {"rotation": -90},
        {"rotation": 180},
        {"mirrored": True},
        {"hidden_frames": 1},
        {"transfer": 16},
        {"transfer": 18},
        {"frames_per_second": 120.0},
        {"late_seconds": 0.6},
        {"width": 1922, "height": 1080},
        {"width": 1920, "height": 1090},
    ],
)
def test_pictures_that_do_not_play_everywhere_are_encoded_anew(
    pictures: dict[str, object],
) -> None:
    probe = replace(PLAIN, video=replace(PICTURES, **pictures))  # type: ignore[arg-type]

    assert judge(probe, LIMITS).way is Way.TRANSCODE


@pytest.mark.parametrize(
    "file",
    [
        {"container": "avi"},
        {"bits_per_second": 6_000_001.0},
        {"audio": sound("aac", 6)},
        {"audio": sound("opus", 2)},
    ],
)
def test_files_that_do_not_play_everywhere_are_encoded_anew(file: dict[str, object]) -> None:
    assert judge(replace(PLAIN, **file), LIMITS).way is Way.TRANSCODE  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "file",
    [
        {"container": "matroska"},
        {"bits_per_second": 6_000_000.0},
        {"audio": sound("aac", 1)},
        {"audio": None, "has_sound": False},
        {"video": replace(PICTURES, width=1080, height=1920, frames_per_second=60.0)},
        {"video": replace(PICTURES, profile="Constrained Baseline")},
    ],
)
def test_files_that_play_everywhere_are_copied(file: dict[str, object]) -> None:
    assert judge(replace(PLAIN, **file), LIMITS).way is Way.REMUX  # type: ignore[arg-type]


def test_the_size_shown_is_upright_with_square_pixels() -> None:
    broadcast = replace(PICTURES, width=720, height=576, pixel_aspect=64 / 45)

    assert broadcast.shown_size == (1024, 576)
    assert replace(broadcast, rotation=-90).shown_size == (576, 1024)
    assert replace(broadcast, rotation=180).shown_size == (1024, 576)


@pytest.mark.parametrize(
    ("seconds", "taken"), [(0.9, False), (1, True), (90.4, True), (90.6, False), (3600, False)]
)
def test_sound_alone_has_a_least_and_a_greatest_length(seconds: float, taken: bool) -> None:
    """However long the pictures are that come with it."""
    heard = replace(PLAIN, seconds=7200.0, audio=sound("aac", seconds=seconds))

    verdict = judge_sound(heard, LIMITS)

    assert (verdict.way is Way.TRANSCODE) is taken
    assert (verdict.reason is None) is taken


def test_sound_that_cannot_be_decoded_is_named() -> None:
    locked = replace(PLAIN, audio=replace(sound("ac4"), decodable=False))

    assert "cannot read the sound of this file (ac4)" in str(judge_sound(locked, LIMITS).reason)
    assert judge(locked, LIMITS).reason == judge_sound(locked, LIMITS).reason
    assert judge_sound(replace(PLAIN, audio=None), LIMITS).reason == NOTHING_TO_HEAR
