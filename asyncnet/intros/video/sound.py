"""Checks a file of which only the sound is wanted, and makes an audio intro of it."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from asyncnet.intros import rules
from asyncnet.intros.rules import Limits, Unusable, Verdict, Way
from asyncnet.intros.video import encode
from asyncnet.intros.video.encode import Job
from asyncnet.intros.video.isolate import Bounds
from asyncnet.intros.video.prepare import LEAST_LEFT, LIMITS, Checked, bounds_of, measured
from asyncnet.intros.video.probe import measure
from asyncnet.intros.video.scratch import scratch


@dataclass(frozen=True)
class Sound:
    """The finished sound, an M4A; `audio` names its codec."""

    path: Path
    audio: str
    channels: int
    bytes: int
    seconds: float


@dataclass(frozen=True)
class ProcessedSound:
    """The one file made for an audio intro; pictures that came with the sound are left out."""

    verdict: Way
    seconds: float
    sound: Sound


def check_sound(
    path: Path, work: Path, limits: Limits = LIMITS, bounds: Bounds | None = None
) -> Checked:
    """Return what a file is and whether it can become an audio intro; it is heard to its end.

    What is written meanwhile lies in a scratch folder inside `work`. Raises FileNotFoundError,
    but nothing for the sake of what the file holds.
    """
    path = path.resolve(strict=True)
    with scratch(work) as folder:
        try:
            probe = measured(path, limits, folder, sound=True)
        except Unusable as refusal:
            return Checked(Way.REJECT, refusal.reason)
        verdict = rules.judge_sound(probe, limits)
        if verdict.way is not Way.REJECT:
            try:
                encode.listen(Job(path, probe, folder, limits, bounds or bounds_of(limits)))
            except Unusable as refusal:
                verdict = Verdict(Way.REJECT, refusal.reason)
    return Checked(
        verdict=verdict.way,
        reason=verdict.reason,
        seconds=probe.audio.seconds if probe.audio else None,
        audio=probe.audio.codec if probe.audio else None,
    )


def process_sound(
    path: Path,
    out: Path,
    limits: Limits = LIMITS,
    bounds: Bounds | None = None,
    *,
    accepted: Callable[[], None] = lambda: None,
) -> ProcessedSound:
    """Write the sound of a file into `out`, replacing an older one; return what it is.

    `accepted` is called as by `process`. Nothing is left in `out` when this fails. Raises
    Unusable with a sentence for the owner, OSError when a path is missing or the disk is full.
    """
    path, out = path.resolve(strict=True), out.resolve(strict=True)
    with tempfile.TemporaryDirectory(prefix=".job-", dir=out) as name:
        folder = Path(name)
        probe = measured(path, limits, folder, sound=True)
        verdict = rules.judge_sound(probe, limits)
        if verdict.reason or probe.audio is None:
            raise Unusable(verdict.reason or rules.NOTHING_TO_HEAR)
        accepted()
        encode.extract(Job(path, probe, folder, limits, bounds or bounds_of(limits)))
        made = folder / encode.SOUND
        found = measure(made, "mov", limits=limits, folder=folder).audio
        if found is None or found.seconds < probe.audio.seconds * LEAST_LEFT:
            raise Unusable(encode.BROKEN)
        sound = Sound(
            out / encode.SOUND, found.codec, found.channels, made.stat().st_size, found.seconds
        )
        made.replace(sound.path)
    return ProcessedSound(
        verdict=Way.TRANSCODE,
        seconds=sound.seconds,
        sound=sound,
    )
