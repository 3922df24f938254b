"""Checks an uploaded file and prepares what is played: what worker and command line call."""

import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from asyncnet.intros import rules
from asyncnet.intros.rules import Limits, Probe, Unusable, Verdict, Way
from asyncnet.intros.video import encode
from asyncnet.intros.video.encode import Job
from asyncnet.intros.video.isolate import Bounds
from asyncnet.intros.video.probe import measure
from asyncnet.intros.video.scratch import scratch
from asyncnet.intros.video.sniff import CUT_OFF, container_of, is_cut_off

LIMITS = Limits()
LEAST_LEFT = 0.5
"""How much of a damaged video's length must be left in what is made of it."""


@dataclass(frozen=True)
class Checked:
    """What a file is and which way it goes. Sizes are as shown: upright, with square pixels.

    `reason` tells the owner why it is refused and what to do; None when it is accepted.
    """

    verdict: Way
    reason: str | None = None
    seconds: float | None = None
    width: int | None = None
    height: int | None = None
    video: str | None = None
    audio: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Poster:
    """The finished picture, a JPEG, that stands for the video before it plays."""

    path: Path
    width: int
    height: int
    bytes: int


@dataclass(frozen=True)
class Video:
    """One finished video, an MP4; `video` and `audio` name its codecs."""

    path: Path
    video: str
    audio: str | None
    width: int
    height: int
    bytes: int
    seconds: float


@dataclass(frozen=True)
class Processed:
    """The three files made from a video; `verdict` says which way the large one was made.

    A remuxed large video keeps the picture of the original, which may be 1080p.
    """

    verdict: Way
    seconds: float
    width: int
    height: int
    large: Video
    small: Video
    poster: Poster
    warnings: tuple[str, ...] = ()


def check(path: Path, work: Path, limits: Limits = LIMITS, bounds: Bounds | None = None) -> Checked:
    """Return what a file is and which way it would go; what would be copied is decoded whole.

    What is written meanwhile lies in a scratch folder inside `work`. Raises FileNotFoundError,
    but nothing for the sake of what the file holds.
    """
    path = path.resolve(strict=True)
    with scratch(work) as folder:
        try:
            probe = measured(path, limits, folder)
        except Unusable as refusal:
            return Checked(Way.REJECT, refusal.reason)
        verdict = rules.judge(probe, limits)
        video, silent = probe.video, False
        if verdict.way is Way.REMUX:
            try:
                job = Job(path, probe, folder, limits, bounds or bounds_of(limits))
                silent = encode.decode(job)
            except encode.NotClean:
                verdict = replace(verdict, way=Way.TRANSCODE)
            except Unusable as refusal:
                verdict = Verdict(Way.REJECT, refusal.reason)
    width, height = video.shown_size if video and video.height else (None, None)
    return Checked(
        verdict=verdict.way,
        reason=verdict.reason,
        seconds=probe.seconds,
        width=width,
        height=height,
        video=video.codec if video else None,
        audio=probe.audio.codec if probe.audio else None,
        warnings=_warnings(verdict, silent=silent),
    )


def process(
    path: Path,
    out: Path,
    limits: Limits = LIMITS,
    bounds: Bounds | None = None,
    *,
    accepted: Callable[[], None] = lambda: None,
) -> Processed:
    """Write the two videos and the poster into `out`, replacing older ones; return what they are.

    A file that could be copied is decoded once, for the small video, and then copied; damage
    found on the way sends it through the encoder instead. `accepted` is called once the file is
    measured and judged, before the long part. Nothing is left in `out` when this fails. Raises
    Unusable with a sentence for the owner, OSError when a path is missing or the disk is full.
    """
    path, out = path.resolve(strict=True), out.resolve(strict=True)
    with tempfile.TemporaryDirectory(prefix=".job-", dir=out) as name:
        folder = Path(name)
        probe = measured(path, limits, folder)
        verdict = rules.judge(probe, limits)
        if verdict.reason:
            raise Unusable(verdict.reason)
        accepted()
        job = Job(path, probe, folder, limits, bounds or bounds_of(limits))
        way, silent = _made(job, verdict.way)
        large = _video(job, encode.LARGE, out)
        small = _video(job, encode.SMALL, out)
        if large.seconds < probe.seconds * LEAST_LEFT:
            raise Unusable(encode.BROKEN)
        poster = _poster(job, out)
        for file in (encode.LARGE, encode.SMALL, encode.POSTER):
            (folder / file).replace(out / file)
    return Processed(
        verdict=way,
        seconds=large.seconds,
        width=large.width,
        height=large.height,
        large=large,
        small=small,
        poster=poster,
        warnings=_warnings(verdict, silent=silent),
    )


def bounds_of(limits: Limits) -> Bounds:
    """Return what one step may use: ample for the largest file within the limits, and no more."""
    return Bounds(
        cpu_seconds=math.ceil(15 * limits.seconds),
        wall_seconds=10 * limits.seconds,
        file_bytes=limits.bytes,
    )


def measured(path: Path, limits: Limits, folder: Path, *, sound: bool = False) -> Probe:
    """Return what is in a file, of which perhaps only the sound is wanted. Raises Unusable."""
    reason = rules.judge_bytes(path.stat().st_size, limits)
    if reason:
        raise Unusable(reason)
    container = container_of(path, sound=sound)
    probe = measure(path, container, limits=limits, folder=folder)
    if container == "mov" and not (probe.video or probe.has_sound) and is_cut_off(path):
        raise Unusable(CUT_OFF)
    return probe


def _made(job: Job, way: Way) -> tuple[Way, bool]:
    """Make all files in the job's folder; return which way it went and whether it is silent."""
    if way is Way.REMUX:
        try:
            silent = encode.make_sibling(job)
            encode.remux(job)
        except encode.NotClean:
            pass
        else:
            return Way.REMUX, silent
    return Way.TRANSCODE, encode.transcode(job)


def _video(job: Job, name: str, out: Path) -> Video:
    """Return a finished video as measured, under the name that it will have."""
    made = job.folder / name
    probe = measure(made, "mov", limits=job.limits, folder=job.folder)
    if probe.video is None:
        raise Unusable(encode.BROKEN)
    width, height = probe.video.shown_size
    return Video(
        path=out / name,
        video=probe.video.codec,
        audio=probe.audio.codec if probe.audio else None,
        width=width,
        height=height,
        bytes=made.stat().st_size,
        seconds=probe.seconds,
    )


def _poster(job: Job, out: Path) -> Poster:
    width, height = encode.fitted(job.video.shown_size, encode.LARGE_BOX)
    size = (job.folder / encode.POSTER).stat().st_size
    return Poster(out / encode.POSTER, width, height, size)


def _warnings(verdict: Verdict, *, silent: bool) -> tuple[str, ...]:
    return (*verdict.warnings, rules.SILENT) if silent else verdict.warnings
