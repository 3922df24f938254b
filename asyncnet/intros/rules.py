"""What an intro may be: its limits, and how a measured video is judged against them."""

import math
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

from asyncnet.messages.rules import next_daylight
from config import Settings

OVERSHOOT_SECONDS = 0.5
"""How far a recorder that stops by itself at the limit may run past it."""

REMUX_BITS_PER_SECOND = 6_000_000
REMUX_FRAMES_PER_SECOND = 60.5
REMUX_LATE_SECONDS = 0.5
REMUX_LONG_SIDE, REMUX_SHORT_SIDE = 1920, 1088
REMUX_CONTAINERS = frozenset({"mov", "matroska"})
REMUX_PROFILES = frozenset({"Constrained Baseline", "Baseline", "Main", "High"})
HDR_TRANSFERS = frozenset({16, 18})
"""PQ and HLG, as ITU-T H.273 numbers them."""

NUDGE_HOURS = time(9), time(20)
FILE_TYPES = {".mp4": "video/mp4", ".m4a": "audio/mp4", ".jpg": "image/jpeg"}
"""What the files of a ready intro are, by how their names end."""
"""When a reminder may reach somebody, on their own clock."""

NOT_SEEN = "This file has sound but no picture."
SOUND_ONLY = f"{NOT_SEEN} You can upload it as an audio intro instead."
NO_PICTURE = "There is no video in this file. Choose another file, or record a new one."
NO_SOUND = (
    "This video has no sound. If you meant to speak, check your microphone and record it again."
)
NOTHING_TO_HEAR = (
    "There is no sound in this file. "
    "Choose another file, or record a new one with the microphone on."
)
SILENT = (
    "We hear nothing in this recording; the microphone may have been muted. "
    "If you meant to speak, record it again."
)


class Unusable(Exception):
    """A file that cannot become an intro. `reason` tells its owner why and what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    @property
    def is_sound_only(self) -> bool:
        """Whether the same file may be worth a try as an audio intro."""
        return self.reason == SOUND_ONLY


class Way(StrEnum):
    """What happens to a file: copied as it plays already, encoded anew, or refused."""

    REMUX = "remux"
    TRANSCODE = "transcode"
    REJECT = "reject"


@dataclass(frozen=True)
class Limits:
    """The largest intro that is taken; a picture may lie or stand."""

    seconds: float = 90
    bytes: int = 300_000_000
    long_side: int = 4096
    short_side: int = 2304
    frames: int = 5
    sound_seconds: float = 1
    """The least that an audio intro can say anything in."""

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """Return what this installation takes."""
        return cls(seconds=settings.max_intro_seconds, bytes=settings.max_intro_bytes)


@dataclass(frozen=True)
class VideoTrack:
    """The pictures as measured. Sides are stored pixels, before rotation and pixel shape."""

    index: int
    codec: str
    profile: str | None
    pixels: str | None
    width: int
    height: int
    frames: int
    hidden_frames: int
    """Frames that an edit list cuts away; players skip them, a plain copy would not."""
    frames_per_second: float
    late_seconds: float
    """How long the sound, where it begins first, goes on before there is a picture."""
    rotation: int
    """Degrees counter-clockwise; what is no multiple of 90 leaves the sides as they are."""
    mirrored: bool
    pixel_aspect: float
    interlaced: bool
    transfer: int
    primaries: int
    matrix: int
    """Colours as ITU-T H.273 numbers them; 2 is "not stated"."""
    decodable: bool

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height as a viewer sees them, with square pixels, upright."""
        width = max(1, round(self.width * self.pixel_aspect))
        return (self.height, width) if self.rotation % 180 == 90 else (width, self.height)

    @property
    def is_hdr(self) -> bool:
        return self.transfer in HDR_TRANSFERS


@dataclass(frozen=True)
class AudioTrack:
    """The sound as measured."""

    index: int
    codec: str
    channels: int
    seconds: float
    decodable: bool


@dataclass(frozen=True)
class Probe:
    """A file as measured from its packets, whatever its headers say.

    `stated_seconds` is what the header claims, None where it claims nothing; it is
    never trusted, only compared.
    """

    container: str
    seconds: float
    stated_seconds: float | None
    bits_per_second: float
    video: VideoTrack | None
    audio: AudioTrack | None
    has_sound: bool


@dataclass(frozen=True)
class Verdict:
    """The way a file goes; `reason` is a sentence for its owner when that is REJECT."""

    way: Way
    reason: str | None = None
    warnings: tuple[str, ...] = ()


def nudge_at(zone: ZoneInfo, now: datetime) -> tuple[datetime, date]:
    """Return when a reminder asked for now goes out, in UTC, and which day that is in `zone`.

    At once within NUDGE_HOURS of the reader, else when they next begin there.
    """
    due_at = next_daylight(zone, now, hours=NUDGE_HOURS)
    return due_at, due_at.astimezone(zone).date()


def judge(probe: Probe, limits: Limits) -> Verdict:
    """Return what happens to a measured file, with what its owner should know."""
    reason = _refusal(probe, limits)
    if reason:
        return Verdict(Way.REJECT, reason)
    way = Way.REMUX if plays_everywhere(probe) else Way.TRANSCODE
    return Verdict(way, warnings=_warnings(probe))


def judge_sound(probe: Probe, limits: Limits) -> Verdict:
    """Return what happens to a measured file of which only the sound is wanted.

    Never a copy: its loudness is evened, and nothing that came with it is kept.
    """
    reason = _sound_refusal(probe, limits)
    return Verdict(Way.REJECT, reason) if reason else Verdict(Way.TRANSCODE)


def judge_bytes(size: int, limits: Limits) -> str | None:
    """Return why a file of `size` bytes is refused unopened, or None when it is not."""
    if size == 0:
        return "This file is empty. Choose it again, or record a new one."
    if size > limits.bytes:
        return (
            f"This file has {_megabytes(size)} MB; an intro can have at most "
            f"{_megabytes(limits.bytes)} MB. Choose a shorter one, or record it here."
        )
    return None


def plays_everywhere(probe: Probe) -> bool:
    """Return whether every browser plays the pictures and sound just as they are stored."""
    video, audio = probe.video, probe.audio
    return (
        video is not None
        and probe.container in REMUX_CONTAINERS
        and video.codec == "h264"
        and video.profile in REMUX_PROFILES
        and video.pixels == "yuv420p"
        and not video.interlaced
        and not video.is_hdr
        and not video.hidden_frames
        and not video.mirrored
        and video.rotation == 0
        and video.pixel_aspect == 1
        and max(video.width, video.height) <= REMUX_LONG_SIDE
        and min(video.width, video.height) <= REMUX_SHORT_SIDE
        and video.frames_per_second <= REMUX_FRAMES_PER_SECOND
        and video.late_seconds <= REMUX_LATE_SECONDS
        and probe.bits_per_second <= REMUX_BITS_PER_SECOND
        and (audio is None or (audio.codec == "aac" and audio.channels <= 2))
    )


def _refusal(probe: Probe, limits: Limits) -> str | None:
    video = probe.video
    if video is None:
        if probe.has_sound:
            return SOUND_ONLY
        return NO_PICTURE
    if max(video.width, video.height) > limits.long_side or (
        min(video.width, video.height) > limits.short_side
    ):
        return (
            f"The picture has {video.width} × {video.height} pixels; an intro can have at most "
            f"{limits.long_side} × {limits.short_side}. Record it in 1080p instead."
        )
    if not video.decodable:
        return (
            f"We cannot read the pictures of this video ({video.codec}). "
            "Save it as MP4 (H.264) in your video app, or record a new one here."
        )
    if probe.audio is not None and not probe.audio.decodable:
        return _unreadable_sound(probe.audio)
    if _is_too_long(probe.seconds, limits):
        return _too_long("video", probe.seconds, limits)
    if video.frames < limits.frames:
        return (
            "This file is a still picture rather than a video. "
            "Record a short video of a few seconds instead."
        )
    return None


def _sound_refusal(probe: Probe, limits: Limits) -> str | None:
    audio = probe.audio
    if audio is None:
        return NOTHING_TO_HEAR
    if not audio.decodable:
        return _unreadable_sound(audio)
    if _is_too_long(audio.seconds, limits):
        return _too_long("recording", audio.seconds, limits)
    if audio.seconds < limits.sound_seconds:
        return "This recording is over before anything can be said. Record a new one."
    return None


def _unreadable_sound(audio: AudioTrack) -> str:
    return (
        f"We cannot read the sound of this file ({audio.codec}). "
        "Save it as MP4 or M4A in your recording app, or record a new one here."
    )


def _is_too_long(seconds: float, limits: Limits) -> bool:
    return seconds > limits.seconds + OVERSHOOT_SECONDS


def _too_long(thing: str, seconds: float, limits: Limits) -> str:
    return (
        f"This {thing} is {_length(seconds)} long; an intro can be at most "
        f"{_length(limits.seconds)}. Trim it, or record a shorter one."
    )


def _warnings(probe: Probe) -> tuple[str, ...]:
    warnings = []
    if probe.audio is None:
        warnings.append(NO_SOUND)
    if probe.stated_seconds is not None and probe.stated_seconds > probe.seconds + 1:
        warnings.append(
            f"This video stops after {_length(max(1, probe.seconds))}, although it should be "
            f"{_length(probe.stated_seconds)} long. If its end is missing, upload it again."
        )
    return tuple(warnings)


def _length(seconds: float) -> str:
    whole = round(seconds)
    if whole <= 120:
        return "1 second" if whole == 1 else f"{whole} seconds"
    if whole < 7200:
        return f"{round(whole / 60)} minutes"
    return f"{round(whole / 3600)} hours"


def _megabytes(size: int) -> str:
    """Return megabytes with at most one digit, rounded up so that too much looks too much."""
    return f"{math.ceil(size / 100_000) / 10:g}"
