"""Started by path as a small program of its own: locks itself in, then becomes the command.

    python -I -S jail.py BOUNDS -- COMMAND...

BOUNDS is one JSON object: `memory_bytes`, `cpu_seconds`, `file_bytes`, `readable` and
`writable` (lists of paths). A process of its own, because a program with threads (the worker)
must not run Python between fork and exec. Imports nothing of ours, so that it starts in
milliseconds.

The limits on memory, CPU and files always hold. The network is cut, and the rest of the disk
hidden, by whichever of the kernel's two means it allows: an empty network namespace, Landlock.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import stat
import struct
import sys

NOT_CLOSED = 70
"""The exit status, one that neither ffmpeg nor Python uses, when the command never started."""

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000

LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
LANDLOCK_CREATE_RULESET_VERSION = 1
LANDLOCK_RULE_PATH_BENEATH = 1
FS_EXECUTE, FS_WRITE_FILE, FS_READ_FILE, FS_READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
FS_REFER, FS_TRUNCATE, FS_IOCTL = 1 << 13, 1 << 14, 1 << 15
FS_ALL_OF_FIRST_VERSION = (1 << 13) - 1
FS_FOR_FILES = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL
NET_BIND_AND_CONNECT_TCP = 0b11

libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    bounds, command = json.loads(sys.argv[1]), sys.argv[3:]
    die_with_the_worker()
    limit_resources(bounds)
    leave_the_network()
    hide_the_disk(bounds["readable"], bounds["writable"])
    os.execv(command[0], command)  # noqa: S606


def die_with_the_worker() -> None:
    """Be killed when the parent goes, so that no encoder outlives a killed worker."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def limit_resources(bounds: dict[str, int]) -> None:
    """Set the limits; too much CPU or output kills, an allocation too much fails.

    The CPU's hard limit follows seconds after the soft one, so that the signal tells why.
    """
    for kind, most in (
        (resource.RLIMIT_AS, bounds["memory_bytes"]),
        (resource.RLIMIT_FSIZE, bounds["file_bytes"]),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        resource.setrlimit(kind, (most, most))
    most = bounds["cpu_seconds"]
    resource.setrlimit(resource.RLIMIT_CPU, (most, most + 5))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)


def leave_the_network() -> None:
    """Enter an empty network namespace, with a user namespace where that is needed."""
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        libc.unshare(CLONE_NEWNET)


def hide_the_disk(readable: list[str], writable: list[str]) -> None:
    """Leave only the named files and folders, and no TCP, where the kernel has Landlock."""
    version = libc.syscall(LANDLOCK_CREATE_RULESET, None, 0, LANDLOCK_CREATE_RULESET_VERSION)
    if version < 1:
        return
    files = FS_ALL_OF_FIRST_VERSION
    files |= FS_REFER if version >= 2 else 0
    files |= FS_TRUNCATE if version >= 3 else 0
    files |= FS_IOCTL if version >= 5 else 0
    network = NET_BIND_AND_CONNECT_TCP if version >= 4 else 0
    ruleset = landlock(LANDLOCK_CREATE_RULESET, struct.pack("QQ", files, network))
    reading = FS_EXECUTE | FS_READ_FILE | FS_READ_DIR
    for path in readable:
        allow(ruleset, path, reading)
    for path in writable:
        allow(ruleset, path, files & ~FS_EXECUTE)
    if libc.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0) != 0:
        raise OSError(ctypes.get_errno(), "Landlock made its rules but does not keep them")
    os.close(ruleset)


def landlock(call: int, attributes: bytes) -> int:
    ruleset = libc.syscall(call, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "Landlock is there but refuses its rules")
    return int(ruleset)


def allow(ruleset: int, path: str, access: int) -> None:
    """Open one path to the command; a path that is not there needs no opening."""
    with contextlib.suppress(FileNotFoundError):
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            access &= FS_FOR_FILES
        rule = struct.pack("=Qi", access, place)
        if libc.syscall(LANDLOCK_ADD_RULE, ruleset, LANDLOCK_RULE_PATH_BENEATH, rule, 0) != 0:
            raise OSError(ctypes.get_errno(), f"Landlock does not take {path}")
        os.close(place)


try:
    main()
except OSError as problem:
    print(f"The jail does not close: {problem}", file=sys.stderr)
    sys.exit(NOT_CLOSED)
