"""Files by key: what every storage backend can do, and its errors."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol


class StorageError(Exception):
    """The storage cannot be reached or refused; the same call may succeed later."""


class FileMissing(StorageError):
    """Nothing is stored under this key, or no such upload is under way."""


@dataclass(frozen=True)
class Part:
    """One stored part of an unfinished upload; `number` counts from 1, `size` is in bytes."""

    number: int
    size: int
    etag: str


@dataclass(frozen=True)
class UploadRequest:
    """One request that a browser wants to make while it uploads `key` in parts.

    The five that exist, as in S3's multipart protocol: create (POST), send a part (PUT with
    `upload_id`, `part_number`, its exact `length` in bytes and the `offset` at which it begins
    in the file), list the parts (GET with
    `upload_id`), complete (POST with `upload_id`), abort (DELETE with `upload_id`).
    """

    method: str
    key: str
    upload_id: str | None = None
    part_number: int | None = None
    length: int | None = None
    offset: int | None = None


@dataclass(frozen=True)
class SignedRequest:
    """An address, and the headers that the browser must send to it."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredFile:
    """What a listing says of one finished file."""

    key: str
    size: int
    changed_at: datetime


class Storage(Protocol):
    """Files by key; a key is `folder/name`, made by us, never by the uploader.

    Every method raises StorageError when the storage cannot be reached.
    """

    def sign(self, request: UploadRequest, *, valid_for: timedelta) -> SignedRequest:
        """Return how a browser may make exactly this request, for so long.

        A completed key cannot be completed again: a signed upload never replaces a file.
        """

    def parts(self, key: str, upload_id: str) -> list[Part]:
        """Return the stored parts of an unfinished upload, by number. Raises FileMissing."""

    def abort(self, key: str) -> None:
        """Forget every unfinished upload to this key; nothing happens if there is none."""

    def size(self, key: str) -> int:
        """Return the size in bytes. Raises FileMissing."""

    def checksums(self, folder: str) -> dict[str, str]:
        """Return what stands for the bytes of each file right in a folder, by name.

        It stays the same as long as the bytes do, and hardly longer; two backends differ.
        """

    def link(self, key: str, *, content_type: str, valid_for: timedelta) -> str:
        """Return an address from which a browser may read the file, ranges included.

        The answer carries `content_type`, whatever the file was stored as.
        """

    def fetch(self, key: str, target: Path) -> None:
        """Copy the file to a local path. Raises FileMissing."""

    def put(self, key: str, source: Path, *, content_type: str) -> None:
        """Store a local file, replacing what the key held."""

    def delete(self, key: str) -> None:
        """Remove the file; nothing happens if there is none."""

    def files(self, prefix: str) -> Iterator[StoredFile]:
        """Yield every finished file whose key starts with `prefix`."""

    def abort_unfinished(self, *, started_before: datetime) -> int:
        """Forget every unfinished upload begun before then; return how many there were."""

    def origin(self) -> str:
        """Return scheme, host and port from which browsers read and to which they write."""
