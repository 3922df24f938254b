"""Runs one command on a file that nobody trusts, in a child process that can do little harm."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

from asyncnet.stopping import WorkerStops, stopping

JAIL = Path(__file__).with_name("jail.py")
NOT_CLOSED = 70
"""What the jail exits with when it could not lock itself in, and so never ran the command."""
LOG_BYTES = 256 * 1024
OUT_OF_MEMORY = (
    "Cannot allocate memory",
    "MemoryError",
    "malloc of size",
    "Resource temporarily unavailable",
    "Error while opening encoder",
)
"""How Python, ffmpeg, threads and x264, which says no more, put it."""
ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "2"}
SYSTEM = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/dev/null", "/dev/urandom")
"""What any program needs to start: its libraries, nothing of ours."""
LOOK_EVERY_SECONDS = 0.1


@dataclass(frozen=True)
class Bounds:
    """The most that one child process may use; each written file counts by itself."""

    cpu_seconds: int
    wall_seconds: float
    file_bytes: int
    memory_bytes: int = 2 * 1024**3


TRY_OUT = """
import socket, sys
def reached(what):
    try:
        what()
    except OSError:
        return "no"
    return "yes"
print(reached(lambda: socket.create_connection(("127.0.0.1", int(sys.argv[1])), 2)))
print(reached(lambda: open(sys.argv[2])))
"""


@dataclass(frozen=True)
class Walls:
    """Which of the jail's walls this system lets it build; its bounds hold everywhere.

    Where one is missing, a file meets the lists of what a demuxer may open, and nothing else.
    """

    network_is_cut: bool
    disk_is_hidden: bool


class ChildFailed(OSError):
    """The child process did not do its work, and the file is not to blame: try again later."""


class Stopped(StrEnum):
    """Which bound ended a child process."""

    TIME = "time"
    MEMORY = "memory"
    OUTPUT = "output"


@dataclass(frozen=True)
class Finished:
    """How a child ended: its exit status (negative: the signal), what it wrote, which bound."""

    status: int
    output: str
    log: str
    stopped: Stopped | None


def run(
    command: list[str],
    *,
    folder: Path,
    reads: tuple[Path, ...] = (),
    bounds: Bounds,
) -> Finished:
    """Run `command` in `folder`, where alone it may write, and return how it ended.

    It sees the files and folders in `reads`, its own program and the system's libraries. Its
    standard output and the last 256 KiB of its log come back; both count as output. Raises
    ChildFailed when the jail cannot be closed, and WorkerStops once `stopping` is set.
    """
    readable = [*SYSTEM, command[0], sys.prefix, sys.base_prefix, *map(str, reads)]
    jail = {
        "memory_bytes": bounds.memory_bytes,
        "cpu_seconds": bounds.cpu_seconds,
        "file_bytes": bounds.file_bytes,
        "readable": readable,
        "writable": [str(folder), "/dev/null"],
    }
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as log:
        child = subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-S", str(JAIL), json.dumps(jail), "--", *command],
            cwd=folder,
            env={**ENVIRONMENT, "TMPDIR": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=log,
            start_new_session=True,
        )
        too_slow = False
        try:
            too_slow = not _ended(child, time.monotonic() + bounds.wall_seconds)
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        text = _tail(log)
        if child.returncode == NOT_CLOSED:
            raise ChildFailed(text.strip())
        stopped = _stopped(child.returncode, text)
        if too_slow:
            stopped = Stopped.TIME
        elif max(_size(output), _size(log)) >= bounds.file_bytes:
            stopped = Stopped.OUTPUT
        return Finished(child.returncode, _tail(output), text, stopped)


def walls(folder: Path) -> Walls:
    """Return which walls stand, found by a child process that tries to get out of `folder`."""
    with socket.create_server(("127.0.0.1", 0)) as server, tempfile.NamedTemporaryFile() as file:
        way_out = [str(server.getsockname()[1]), file.name]
        child = run(
            [sys.executable, "-I", "-c", TRY_OUT, *way_out],
            folder=folder,
            bounds=Bounds(cpu_seconds=10, wall_seconds=30, file_bytes=100_000),
        )
    if child.status:
        raise ChildFailed(child.log)
    address, file_outside = child.output.split()
    return Walls(network_is_cut=address == "no", disk_is_hidden=file_outside == "no")


def _ended(child: subprocess.Popen[bytes], deadline: float) -> bool:
    """Wait for a child; return whether it ended in time. Raises WorkerStops."""
    while time.monotonic() < deadline:
        if stopping.is_set():
            raise WorkerStops
        try:
            child.wait(LOOK_EVERY_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return True
    return False


def _size(file: IO[bytes]) -> int:
    return file.seek(0, os.SEEK_END)


def _tail(file: IO[bytes]) -> str:
    file.seek(max(0, _size(file) - LOG_BYTES))
    return file.read().decode("utf-8", "replace")


def _stopped(status: int, log: str) -> Stopped | None:
    """Tell which bound a child met. ffmpeg answers the signal about its CPU time in words; a
    SIGKILL that is not ours comes from a system out of memory."""
    if status == 0:
        return None
    if status == -signal.SIGXCPU or f"received signal {int(signal.SIGXCPU)}" in log:
        return Stopped.TIME
    if status == -signal.SIGXFSZ or "File too large" in log:
        return Stopped.OUTPUT
    if status == -signal.SIGKILL or any(words in log for words in OUT_OF_MEMORY):
        return Stopped.MEMORY
    return None
