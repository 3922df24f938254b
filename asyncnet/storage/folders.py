"""What the disk is asked for so that a file is whole or not there."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from asyncnet.storage.port import FileMissing, StorageError

CHUNK_BYTES = 1 << 20
KEPT_FREE_BYTES = 1 << 30
KEPT_FREE_SHARE = 0.05


class DiskFull(StorageError):
    """Too little space is left to take more in."""


def check_space(folder: Path) -> None:
    """Refuse to take more in while too little space is left beside a folder. Raises DiskFull."""
    usage = shutil.disk_usage(folder)
    if usage.free < max(KEPT_FREE_BYTES, KEPT_FREE_SHARE * usage.total):
        raise DiskFull(f"{usage.free} bytes are free")


@contextmanager
def port_errors(key: str) -> Iterator[None]:
    """Turn the disk's errors into the port's."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileMissing(key) from error
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull(key) from error
        raise StorageError(f"{key}: {error}") from error


def copy_chunks(body: BinaryIO, file: BinaryIO, *, at_most: int) -> int:
    """Copy up to so many bytes in chunks; return how many came."""
    left = at_most
    while left and (chunk := body.read(min(CHUNK_BYTES, left))):
        file.write(chunk)
        left -= len(chunk)
    return at_most - left


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def changed_at(path: Path) -> datetime:
    """Return when a file was last changed, in UTC; of one that is gone, when its folder was."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
    except FileNotFoundError:
        return datetime.fromtimestamp(path.parent.stat().st_mtime, tz=UTC)


def older(folder: Path, moment: datetime) -> list[Path]:
    """Return what in a folder was last changed before a moment."""
    return [path for path in folder.iterdir() if changed_at(path) < moment]
