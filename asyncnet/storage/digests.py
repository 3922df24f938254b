"""What stands for the bytes of a file on the local disk."""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import file_digest
from pathlib import Path


@dataclass(frozen=True)
class Look:
    """What a file looks like from outside; nobody writes into it without changing that."""

    inode: int
    size: int
    modified_ns: int
    changed_ns: int


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, which is read again only when it looks otherwise.

    Raises OSError.
    """
    stat = path.stat()
    return _digest(path, Look(stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))


@lru_cache(maxsize=10_000)
def _digest(path: Path, _look: Look) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
