"""Measures a file in a child process: what is in it, how long, how large."""

import json
import sys
from pathlib import Path

from asyncnet.intros.rules import AudioTrack, Limits, Probe, Unusable, VideoTrack
from asyncnet.intros.video.isolate import Bounds, ChildFailed, run

MEASURE = Path(__file__).with_name("measure.py")
CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi"
"""The only demuxers that may open a video or anything it names."""
SOUND_CONTAINERS = ("mp3", "wav", "ogg", "flac", "aac", "amr", "caf", "aiff")
"""What else an audio intro may come in; each may open a file of its own kind and nothing more."""
BOUNDS = Bounds(cpu_seconds=30, wall_seconds=60, file_bytes=1_000_000, memory_bytes=1024**3)
NOT_READABLE = 3
"""What the child exits with when the file, rather than we, is at fault."""
UNREADABLE = (
    "We cannot read this file; it is damaged or not a recording. "
    "Choose the original again, or record a new one."
)


def whitelist(container: str) -> str:
    """Return the demuxers that may take part once a file is opened as this container."""
    return container if container in SOUND_CONTAINERS else CONTAINERS


def measure(path: Path, container: str, *, limits: Limits, folder: Path) -> Probe:
    """Return what the packets of a file say, using `folder` for the job.

    Raises Unusable when it cannot be read, ChildFailed when the reader itself is broken.
    """
    pixels = str(limits.long_side * limits.short_side)
    child = run(
        [sys.executable, "-I", str(MEASURE), container, pixels, whitelist(container), str(path)],
        folder=folder,
        reads=(path, MEASURE),
        bounds=BOUNDS,
    )
    if child.status == NOT_READABLE or child.status < 0 or child.stopped:
        raise Unusable(UNREADABLE)
    if child.status:
        raise ChildFailed(child.log)
    found = json.loads(child.output)
    video, audio = found.pop("video", None), found.pop("audio", None)
    return Probe(
        container=container,
        video=VideoTrack(**video) if video else None,
        audio=AudioTrack(**audio) if audio else None,
        **found,
    )
