"""How fast videos are checked and prepared, as ratios measured in one run.

`python -m benchmarks.video` makes two films in 1080p, 60 s that play everywhere and 20 s that do
not, and prints: a copy against an encode, the whole way of an encode against the bare ffmpeg
command, the decode check against real time, and the check without decoding.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import imageio_ffmpeg

from asyncnet.intros import video
from asyncnet.intros.rules import Unusable, Way, judge
from asyncnet.intros.video import encode
from asyncnet.intros.video.encode import Job
from asyncnet.intros.video.isolate import run
from asyncnet.intros.video.prepare import LIMITS, bounds_of
from asyncnet.intros.video.probe import CONTAINERS, MEASURE, measure
from asyncnet.intros.video.sniff import container_of

SAMPLES = Path(__file__).parent.parent / "tests" / "data" / "samples"
SECONDS, HEAVY = 60, 20
CARD = "testsrc2=s=1920x1080:r=30:d=10,noise=alls=12:allf=t"
TONE = "sine=f=440:d=10:r=48000"
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac")
MEGABYTE = 1_000_000
IN_A_SMALL_PARENT = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""
"""A child's memory is counted from its parent's, so the parent has to be small."""


@dataclass(frozen=True)
class Figure:
    """One promise: what was reached, and what at least or at most was to be reached."""

    words: str
    reached: float
    promised: float
    at_least: bool

    @property
    def kept(self) -> bool:
        return (self.reached >= self.promised) is self.at_least or self.reached == self.promised

    def line(self) -> str:
        bound = f"at {'least' if self.at_least else 'most'} {self.promised:g}"
        return (
            f"{self.words:<58} {self.reached:7.2f}  {bound:<13} {'ok' if self.kept else 'MISSED'}"
        )


def main() -> None:
    """Print every figure; `--json` prints one object a line."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--rounds", type=int, default=3)
    reader.add_argument("--json", action="store_true")
    asked = reader.parse_args()
    with TemporaryDirectory(prefix="video-bench-") as name:
        for figure in figures(Path(name), rounds=asked.rounds):
            print(json.dumps(asdict(figure)) if asked.json else figure.line(), flush=True)


def figures(folder: Path, *, rounds: int) -> list[Figure]:
    """Make the two films and measure everything, the rivals of each ratio side by side."""
    ready = _job(_film(folder / "ready.mp4", "5M"), folder / "ready", Way.REMUX)
    heavy = _job(_film(folder / "heavy.mp4", "12M", HEAVY), folder / "heavy", Way.TRANSCODE)
    encode.make_sibling(ready)
    encodes = [_seconds(lambda: encode.transcode(ready))]
    copies, decodes, overheads, looks = [], [], [], []
    files = [ready.path, heavy.path, *sorted(SAMPLES.iterdir())]
    for _ in range(rounds):
        copies.append(_seconds(lambda: encode.remux(ready)))
        decodes.append(_seconds(lambda: encode.decode(ready)))
        bare = _seconds(lambda: _bare(heavy))
        overheads.append(_seconds(lambda: video.process(heavy.path, folder)) / bare)
        start = _seconds(lambda: _start(folder))
        looks.append(max(_look(file, folder) for file in files) - start)
    return [
        Figure("copy: times as fast as an encode", median(encodes) / median(copies), 20, True),
        Figure(
            "encode: wall time by that of the bare command",
            median(overheads),
            1.10,
            False,
        ),
        Figure(
            "passes over the input for all that is made",
            encode.transcoding(heavy).count("-i"),
            1,
            False,
        ),
        Figure("decode check in 1080p: times real time", SECONDS / median(decodes), 3, True),
        Figure(
            "check without decoding: seconds, the slowest of all files",
            median(looks),
            0.5,
            False,
        ),
        Figure(
            "check without decoding: megabytes, the largest of all files",
            max(_memory(file) for file in files) / MEGABYTE,
            150,
            False,
        ),
    ]


def _film(path: Path, rate: str, seconds: int = SECONDS) -> Path:
    """Return a film of a noisy test card and a tone: ten seconds, again and again."""
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y"]
    card = ["-f", "lavfi", "-i", CARD, "-f", "lavfi", "-i", TONE]
    steady = ["-b:v", rate, "-maxrate", rate, "-bufsize", rate]
    once = path.with_suffix(".mkv")
    subprocess.run([*ffmpeg, *card, *H264, *steady, str(once)], check=True)
    again = ["-stream_loop", "-1", "-i", str(once), "-t", str(seconds), "-c", "copy"]
    subprocess.run([*ffmpeg, *again, str(path)], check=True)
    return path


def _job(path: Path, folder: Path, way: Way) -> Job:
    folder.mkdir()
    probe = measure(path, container_of(path), limits=LIMITS, folder=folder)
    assert judge(probe, LIMITS).way is way
    return Job(path, probe, folder, LIMITS, bounds_of(LIMITS))


def _bare(job: Job) -> None:
    """Run the same ffmpeg command without jail, checks or anything of ours."""
    subprocess.run(encode.transcoding(job), cwd=job.folder, capture_output=True, check=True)


def _start(folder: Path) -> None:
    """Start an interpreter in the jail for nothing."""
    nothing = [sys.executable, "-I", "-c", "pass"]
    run(nothing, folder=folder, bounds=bounds_of(LIMITS))


def _look(file: Path, folder: Path) -> float:
    """Tell what a file is, as every check begins; return the seconds it took."""
    begun = time.perf_counter()
    with suppress(Unusable):
        measure(file, container_of(file), limits=LIMITS, folder=folder)
    return time.perf_counter() - begun


def _memory(file: Path) -> int:
    """Return the most bytes that looking at a file took."""
    try:
        container = container_of(file)
    except Unusable:
        return 0
    pixels = str(LIMITS.long_side * LIMITS.short_side)
    looking = [sys.executable, "-I", str(MEASURE), container, pixels, CONTAINERS, str(file)]
    small = [sys.executable, "-I", "-S", "-c", IN_A_SMALL_PARENT, *looking]
    return int(subprocess.run(small, capture_output=True, check=True).stdout)


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
