"""Files on the local disk; browsers reach them through our own routes by signed addresses."""

import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from itsdangerous import BadSignature, URLSafeSerializer

from asyncnet.clock import utc_now
from asyncnet.storage.digests import digest_of
from asyncnet.storage.folders import changed_at, check_space, copy_chunks, older, port_errors, sync
from asyncnet.storage.port import (
    FileMissing,
    Part,
    SignedRequest,
    StoredFile,
    UploadRequest,
)

KEY = re.compile(r"[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9._-]*)+")
UPLOAD_ID = re.compile(r"[0-9a-f]{32}")


class BadAddress(Exception):
    """The signed address was changed, has ended, or was made for another request."""


class BodyCut(Exception):
    """Fewer bytes came than were announced."""


class PartsDiffer(Exception):
    """The browser names a part that is not stored."""


class AlreadyStored(Exception):
    """A finished file has this key; an upload never replaces one."""


@dataclass(frozen=True)
class KeptPart:
    """One whole part of an upload under way, in bytes of its file."""

    number: int
    offset: int
    length: int
    etag: str

    @property
    def name(self) -> str:
        return f"{self.number:05}-{self.offset}-{self.length}-{self.etag}"


class DiskStorage:
    """Fills the Storage port with a folder.

    `files/<key>` holds what is finished. `uploads/<id>` holds what is under way: the `key`, the
    `data`, into which every part is written where it belongs, and an empty file for each part
    that is whole, whose name says all about it. A name appears only when every byte behind it
    is on the disk, so a killed process leaves nothing half, and completing copies nothing.

    An address carries its own end rather than the moment it was made, so machines whose
    clocks differ by less than its life agree that a fresh one is good.
    """

    def __init__(self, root: Path, *, base_url: str, keys: tuple[str, ...]) -> None:
        self._files = root / "files"
        self._uploads = root / "uploads"
        self._incoming = root / "incoming"
        for folder in (self._files, self._uploads, self._incoming):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._base_url = base_url
        oldest_first = list(reversed(keys))
        self._requests = URLSafeSerializer(oldest_first, salt="storage.upload")
        self._readings = URLSafeSerializer(oldest_first, salt="storage.read")

    # What the port asks for

    def sign(self, request: UploadRequest, *, valid_for: timedelta) -> SignedRequest:
        token = self._requests.dumps(
            [
                request.method,
                request.key,
                request.upload_id,
                request.part_number,
                request.length,
                request.offset,
                _end(valid_for),
            ]
        )
        return SignedRequest(f"{self._base_url}/uploads/{_text(token)}")

    def parts(self, key: str, upload_id: str) -> list[Part]:
        with port_errors(key):
            folder = self._upload_folder(key, upload_id)
            return [Part(kept.number, kept.length, kept.etag) for kept in _kept_parts(folder)]

    def abort(self, key: str) -> None:
        with port_errors(key):
            for folder in self._uploads.iterdir():
                with suppress(FileNotFoundError):
                    if (folder / "key").read_text() == key:
                        shutil.rmtree(folder)

    def size(self, key: str) -> int:
        with port_errors(key):
            return self._path(key).stat().st_size

    def checksums(self, folder: str) -> dict[str, str]:
        with port_errors(folder):
            return {
                path.name: digest_of(path)
                for path in self._path(folder).glob("*")
                if path.is_file()
            }

    def link(self, key: str, *, content_type: str, valid_for: timedelta) -> str:
        token = self._readings.dumps([key, content_type, _end(valid_for)])
        return f"{self._base_url}/media/{_text(token)}"

    def fetch(self, key: str, target: Path) -> None:
        with port_errors(key):
            shutil.copyfile(self._path(key), target)

    def put(self, key: str, source: Path, *, content_type: str) -> None:
        with port_errors(key), self._incoming_file() as incoming:
            shutil.copyfile(source, incoming)
            sync(incoming)
            target = self._path(key)
            target.parent.mkdir(parents=True, exist_ok=True)
            incoming.rename(target)
            sync(target.parent)

    def delete(self, key: str) -> None:
        path = self._path(key)
        with port_errors(key):
            path.unlink(missing_ok=True)
            if path.parent.parent != self._files:  # uploads arrive in the top folders
                with suppress(OSError):  # other files are in it
                    path.parent.rmdir()

    def files(self, prefix: str) -> Iterator[StoredFile]:
        folder = self._files / prefix.rpartition("/")[0]
        if ".." in folder.parts or not folder.is_relative_to(self._files):
            raise ValueError(f"{prefix!r} begins no key")
        with port_errors(prefix):
            for path in sorted(folder.rglob("*")):
                key = path.relative_to(self._files).as_posix()
                if key.startswith(prefix) and path.is_file():
                    stat = path.stat()
                    moment = datetime.fromtimestamp(stat.st_mtime, tz=UTC)
                    yield StoredFile(key, stat.st_size, moment)

    def abort_unfinished(self, *, started_before: datetime) -> int:
        """As the port says; what a killed process left half-copied goes too."""
        with port_errors("uploads"):
            for path in older(self._incoming, started_before):
                path.unlink(missing_ok=True)
            old = [
                folder
                for folder in self._uploads.iterdir()
                if changed_at(folder / "key") < started_before
            ]
            for folder in old:
                shutil.rmtree(folder, ignore_errors=True)
        return len(old)

    def origin(self) -> str:
        parts = urlsplit(self._base_url)
        return f"{parts.scheme}://{parts.netloc}"

    # What our own routes ask for

    def request_of(self, token: str, method: str) -> UploadRequest:
        """Return the request that an address was signed for. Raises BadAddress."""
        signed_method, key, upload_id, number, length, offset, end = _signed(self._requests, token)
        if signed_method != method or utc_now().timestamp() >= end:
            raise BadAddress
        return UploadRequest(method, key, upload_id, number, length, offset)

    def reading_of(self, token: str) -> tuple[Path, str]:
        """Return the file that an address opens, and its content type.

        Raises BadAddress and FileMissing.
        """
        key, content_type, end = _signed(self._readings, token)
        if utc_now().timestamp() >= end:
            raise BadAddress
        path = self._path(key)
        if not path.is_file():
            raise FileMissing(key)
        return path, content_type

    def create(self, key: str) -> str:
        """Begin an upload, or go on with the one that this key has; return its id.

        So a key never holds more than one file's bytes, however often this is asked
        (CHECKLIST U1, U2). Raises AlreadyStored and DiskFull.
        """
        check_space(self._files)
        if self._path(key).exists():
            raise AlreadyStored(key)
        upload_id = sha256(key.encode()).hexdigest()[:32]
        with port_errors(key), self._incoming_file() as incoming:
            incoming.write_text(key)
            sync(incoming)
            folder = self._uploads / upload_id
            folder.mkdir(mode=0o700, exist_ok=True)
            (folder / "data").touch()
            with suppress(FileExistsError):  # it is under way, and its key may be locked
                (folder / "key").hardlink_to(incoming)
            sync(folder)
            sync(self._uploads)
        return upload_id

    def receive(self, request: UploadRequest, body: BinaryIO) -> str:
        """Store one part, replacing an earlier one of its number; return its ETag.

        Raises BodyCut, and keeps nothing, unless exactly `request.length` bytes come.
        """
        check_space(self._files)
        kept = KeptPart(
            request.part_number or 0,
            request.offset or 0,
            request.length or 0,
            secrets.token_hex(16),
        )
        with port_errors(request.key), self._locked(request, fcntl.LOCK_SH) as folder:
            for earlier in folder.glob(f"{kept.number:05}-*"):
                earlier.unlink(missing_ok=True)
                sync(folder)
            with (folder / "data").open("r+b") as file:
                file.seek(kept.offset)
                if copy_chunks(body, file, at_most=kept.length) != kept.length:
                    raise BodyCut
                file.flush()
                os.fsync(file.fileno())
            (folder / kept.name).touch()
            sync(folder)
        return kept.etag

    def complete(self, request: UploadRequest, parts: Sequence[tuple[int, str]]) -> str:
        """Join the named parts, given as number and ETag, into the finished file.

        Returns its ETag. Raises PartsDiffer and AlreadyStored.
        """
        with port_errors(request.key), self._locked(request, fcntl.LOCK_EX) as folder:
            kept = [part for part in _kept_parts(folder) if (part.number, part.etag) in parts]
            size = 0
            for part in kept:
                if part.offset != size:
                    raise PartsDiffer
                size += part.length
            if not kept or len(kept) != len(parts):
                raise PartsDiffer
            os.truncate(folder / "data", size)
            sync(folder / "data")
            target = self._path(request.key)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                target.hardlink_to(folder / "data")
            except FileExistsError as error:
                raise AlreadyStored(request.key) from error
            sync(target.parent)
            shutil.rmtree(folder, ignore_errors=True)
        return secrets.token_hex(16)

    @contextmanager
    def _locked(self, request: UploadRequest, lock: int) -> Iterator[Path]:
        """Yield the folder of an upload: many may write parts at once, but none while one joins.

        Raises StorageError where the lock is taken; the browser tries again.
        """
        folder = self._upload_folder(request.key, request.upload_id or "")
        with (folder / "key").open("rb") as file:
            fcntl.flock(file, lock | fcntl.LOCK_NB)
            yield folder

    def _path(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise ValueError(f"{key!r} is not a key")
        return self._files / key

    def _upload_folder(self, key: str, upload_id: str) -> Path:
        folder = self._uploads / upload_id
        if not UPLOAD_ID.fullmatch(upload_id) or (folder / "key").read_text() != key:
            raise FileMissing(upload_id)
        return folder

    @contextmanager
    def _incoming_file(self) -> Iterator[Path]:
        """Yield a new path to grow a file at; whatever still has this name is removed."""
        path = self._incoming / secrets.token_hex(16)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


def _kept_parts(folder: Path) -> list[KeptPart]:
    """Return the parts that are whole, by number; of two tries the later one."""
    newest: dict[int, KeptPart] = {}
    for path in sorted(folder.glob("*-*"), key=lambda path: path.stat().st_mtime_ns):
        number, offset, length, etag = path.name.split("-")
        newest[int(number)] = KeptPart(int(number), int(offset), int(length), etag)
    return [newest[number] for number in sorted(newest)]


def _signed(serializer: URLSafeSerializer, token: str) -> list[Any]:
    """Return what we signed ourselves, so its types are known. Raises BadAddress."""
    try:
        values: list[Any] = serializer.loads(token)
    except BadSignature as error:
        raise BadAddress from error
    return values


def _end(valid_for: timedelta) -> int:
    return int((utc_now() + valid_for).timestamp())


def _text(token: str | bytes) -> str:
    return token if isinstance(token, str) else token.decode()
