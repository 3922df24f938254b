"""What every storage backend promises, asked of a real disk and a real S3 server.

The first test shows that a broken signature is refused: a stand-in that takes any signature
would make all the others worthless (CHECKLIST U2).
"""

import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import botocore.auth
import pytest

from asyncnet.storage import disk
from asyncnet.storage.disk import DiskStorage
from asyncnet.storage.port import (
    FileMissing,
    Part,
    SignedRequest,
    Storage,
    StorageError,
    UploadRequest,
)
from asyncnet.storage.s3 import S3Storage
from config import S3Settings
from tests.servers.seaweed import seaweed
from tests.storage.places import (
    KEYS,
    PART_BYTES,
    VALID_FOR,
    begin,
    complete,
    disk_place,
    send,
    send_part,
    upload,
)

LARGE = secrets.token_bytes(PART_BYTES)
SMALL = b"the rest of it"


@pytest.fixture(scope="module")
def s3_settings() -> Iterator[S3Settings]:
    with seaweed() as settings:
        yield settings


@pytest.fixture(params=["disk", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    if request.param == "s3":
        yield S3Storage(request.getfixturevalue("s3_settings"))
    else:
        with disk_place(tmp_path / "uploads") as place:
            yield place


@pytest.fixture
def key() -> str:
    return f"uploads/{secrets.token_hex(16)}"


def broken(signed: SignedRequest) -> SignedRequest:
    """Return the same request with one character of its signature changed."""
    found = re.search(r"X-Amz-Signature=[0-9a-f]{10}", signed.url)
    place = found.end() if found else len(signed.url) - 5
    other = "a" if signed.url[place] != "a" else "b"
    return SignedRequest(signed.url[:place] + other + signed.url[place + 1 :], signed.headers)


def test_a_broken_signature_is_refused(storage: Storage, key: str) -> None:
    upload_id = begin(storage, key)
    requests = [
        (UploadRequest("POST", key), b""),
        (UploadRequest("PUT", key, upload_id, 1, len(SMALL)), SMALL),
        (UploadRequest("GET", key, upload_id), None),
        (UploadRequest("POST", key, upload_id), b"<CompleteMultipartUpload/>"),
        (UploadRequest("DELETE", key, upload_id), None),
    ]

    statuses = [
        send(broken(storage.sign(request, valid_for=VALID_FOR)), request.method, body).status
        for request, body in requests
    ]

    assert statuses == [403] * 5
    assert storage.parts(key, upload_id) == []
    with pytest.raises(FileMissing):
        storage.size(key)


def test_a_file_sent_in_parts_is_stored_as_it_was(
    storage: Storage, key: str, tmp_path: Path
) -> None:
    upload_id = begin(storage, key)
    second = send_part(storage, key, upload_id, 2, SMALL)
    first = send_part(storage, key, upload_id, 1, LARGE)
    parts = storage.parts(key, upload_id)

    answer = complete(storage, key, upload_id, [first.etag, second.etag])
    storage.fetch(key, tmp_path / "fetched")

    assert parts == [Part(1, len(LARGE), first.etag), Part(2, len(SMALL), second.etag)]
    assert answer.status == 200
    assert storage.size(key) == len(LARGE) + len(SMALL)
    assert (tmp_path / "fetched").read_bytes() == LARGE + SMALL


def test_a_part_sent_again_counts_once(storage: Storage, key: str) -> None:
    """CHECKLIST F10: the answer was lost, so the browser sends the part once more."""
    upload_id = begin(storage, key)
    send_part(storage, key, upload_id, 1, SMALL)

    again = send_part(storage, key, upload_id, 1, SMALL)

    assert storage.parts(key, upload_id) == [Part(1, len(SMALL), again.etag)]


@pytest.mark.parametrize("body", [SMALL[:-1], SMALL + b"!", b""])
def test_a_part_of_another_length_is_refused(storage: Storage, key: str, body: bytes) -> None:
    """CHECKLIST U1, U2: the length is part of what is signed."""
    upload_id = begin(storage, key)
    request = UploadRequest("PUT", key, upload_id, 1, len(SMALL))

    answer = send(storage.sign(request, valid_for=VALID_FOR), "PUT", body)

    assert answer.status == 403
    assert storage.parts(key, upload_id) == []


def test_an_address_serves_one_method_and_one_key(storage: Storage, key: str) -> None:
    upload_id = begin(storage, key)
    listing = storage.sign(UploadRequest("GET", key, upload_id), valid_for=VALID_FOR)
    elsewhere = listing.url.replace(key, f"uploads/{secrets.token_hex(16)}")

    statuses = [send(listing, method).status for method in ("DELETE", "PUT", "POST")]

    assert set(statuses) <= {403, 400}
    assert storage.parts(key, upload_id) == []
    if elsewhere != listing.url:
        assert send(elsewhere, "GET").status == 403


def test_an_address_ends(storage: Storage, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """CHECKLIST U2, U7."""
    upload_id = begin(storage, key)
    storage.put(f"{key}-done", Path(__file__), content_type="video/mp4")
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    with monkeypatch.context() as past:
        past.setattr(disk, "utc_now", lambda: an_hour_ago)
        past.setattr(
            botocore.auth, "get_current_datetime", lambda: an_hour_ago.replace(tzinfo=None)
        )
        request = UploadRequest("PUT", key, upload_id, 1, len(SMALL))
        writing = storage.sign(request, valid_for=timedelta(minutes=15))
        reading = storage.link(
            f"{key}-done", content_type="video/mp4", valid_for=timedelta(minutes=10)
        )

    assert send(writing, "PUT", SMALL).status == 403
    assert send(reading, "GET").status == 403
    assert storage.parts(key, upload_id) == []


def test_a_signed_upload_never_replaces_a_finished_file(
    storage: Storage, key: str, tmp_path: Path
) -> None:
    """CHECKLIST U2, U6: a second upload begun in time cannot change what was checked."""
    late = begin(storage, key)
    late_part = send_part(storage, key, late, 1, b"something else")
    upload(storage, key, [SMALL])

    answer = complete(storage, key, late, [late_part.etag])
    storage.fetch(key, tmp_path / "fetched")

    assert answer.status in {404, 412}
    assert (tmp_path / "fetched").read_bytes() == SMALL


def test_completing_with_a_part_that_never_came_is_refused(storage: Storage, key: str) -> None:
    upload_id = begin(storage, key)
    etag = send_part(storage, key, upload_id, 1, LARGE).etag

    answer = complete(storage, key, upload_id, [etag, "0" * 32])

    assert answer.status == 400
    with pytest.raises(FileMissing):
        storage.size(key)


def test_an_aborted_upload_is_forgotten(storage: Storage, key: str) -> None:
    upload_id = begin(storage, key)
    send_part(storage, key, upload_id, 1, SMALL)

    storage.abort(key)
    storage.abort(key)

    with pytest.raises(FileMissing):
        storage.parts(key, upload_id)
    assert send_part(storage, key, upload_id, 1, SMALL).status == 404


def test_a_browser_may_abort_its_own_upload(storage: Storage, key: str) -> None:
    upload_id = begin(storage, key)
    request = UploadRequest("DELETE", key, upload_id)

    answer = send(storage.sign(request, valid_for=VALID_FOR), "DELETE")

    assert answer.status == 204
    with pytest.raises(FileMissing):
        storage.parts(key, upload_id)


def test_only_uploads_begun_before_the_given_moment_are_swept(storage: Storage, key: str) -> None:
    upload_id = begin(storage, key)
    finished = f"{key}-done"
    upload(storage, finished, [SMALL])
    now = datetime.now(UTC)

    storage.abort_unfinished(started_before=now - timedelta(hours=1))
    kept = storage.parts(key, upload_id)
    storage.abort_unfinished(started_before=now + timedelta(minutes=1))

    assert kept == []
    with pytest.raises(FileMissing):
        storage.parts(key, upload_id)
    assert storage.size(finished) == len(SMALL)


def test_a_file_is_put_fetched_and_deleted(storage: Storage, key: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(SMALL)

    storage.put(key, source, content_type="video/mp4")
    storage.fetch(key, tmp_path / "fetched")
    size = storage.size(key)
    storage.delete(key)
    storage.delete(key)

    assert ((tmp_path / "fetched").read_bytes(), size) == (SMALL, len(SMALL))
    with pytest.raises(FileMissing):
        storage.size(key)
    with pytest.raises(FileMissing):
        storage.fetch(key, tmp_path / "again")


def test_putting_again_replaces(storage: Storage, key: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"before")
    storage.put(key, source, content_type="video/mp4")
    source.write_bytes(SMALL)

    storage.put(key, source, content_type="video/mp4")

    assert storage.size(key) == len(SMALL)


def test_checksums_tell_other_bytes_of_the_same_length(
    storage: Storage, key: str, tmp_path: Path
) -> None:
    """CHECKLIST U6."""
    source = tmp_path / "source"

    def said(content: bytes) -> dict[str, str]:
        source.write_bytes(content)
        storage.put(f"{key}/720p.mp4", source, content_type="video/mp4")
        return storage.checksums(key)

    before, same, other = said(b"a" * 1000), said(b"a" * 1000), said(b"b" * 1000)
    storage.delete(f"{key}/720p.mp4")

    assert set(before) == {"720p.mp4"}
    assert before == same != other
    assert storage.checksums(key) == {}


def test_files_are_listed_by_prefix(storage: Storage, key: str) -> None:
    folder = f"intros/{secrets.token_hex(16)}"
    for name in ("720p.mp4", "poster.jpg"):
        storage.put(f"{folder}/{name}", Path(__file__), content_type="video/mp4")
    storage.put(f"{key}/720p.mp4", Path(__file__), content_type="video/mp4")

    listed = list(storage.files(f"{folder}/"))

    assert {file.key for file in listed} == {f"{folder}/720p.mp4", f"{folder}/poster.jpg"}
    assert {file.size for file in listed} == {Path(__file__).stat().st_size}
    assert all(abs(file.changed_at - datetime.now(UTC)) < timedelta(minutes=1) for file in listed)


def test_a_link_plays_the_file_with_our_type_and_name(storage: Storage, key: str) -> None:
    """CHECKLIST U5, B8: whatever was sent, the answer is a video with a name of ours."""
    name = f"{key}/720p.mp4"
    storage.put(name, Path(__file__), content_type="text/html")

    answer = send(storage.link(name, content_type="video/mp4", valid_for=VALID_FOR), "GET")

    assert answer.status == 200
    assert answer.body == Path(__file__).read_bytes()
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Content-Disposition"] == 'inline; filename="720p.mp4"'
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("asked", "part"),
    [("bytes=2-5", slice(2, 6)), ("bytes=10-", slice(10, None)), ("bytes=-4", slice(-4, None))],
)
def test_a_link_answers_one_range(
    storage: Storage, key: str, asked: str, part: "slice[int]"
) -> None:
    storage.put(key, Path(__file__), content_type="video/mp4")
    link = storage.link(key, content_type="video/mp4", valid_for=VALID_FOR)

    answer = send(link, "GET", headers={"Range": asked})

    assert answer.status == 206
    assert answer.body == Path(__file__).read_bytes()[part]


def test_a_changed_link_opens_nothing(storage: Storage, key: str) -> None:
    storage.put(key, Path(__file__), content_type="video/mp4")
    link = storage.link(key, content_type="video/mp4", valid_for=VALID_FOR)
    changed = link.replace("video%2Fmp4", "text%2Fhtml")

    assert send(broken(SignedRequest(link)), "GET").status == 403
    assert send(link.partition("?")[0][:-1], "GET").status in {403, 404}
    if changed != link:
        assert send(changed, "GET").status == 403


def test_a_link_to_nothing_is_missing(storage: Storage, key: str) -> None:
    link = storage.link(key, content_type="video/mp4", valid_for=VALID_FOR)

    assert send(link, "GET").status == 404


def test_browsers_are_sent_to_the_stated_origin(storage: Storage, key: str) -> None:
    writing = storage.sign(UploadRequest("POST", key), valid_for=VALID_FOR).url
    reading = storage.link(key, content_type="video/mp4", valid_for=VALID_FOR)

    assert writing.startswith(storage.origin() + "/")
    assert reading.startswith(storage.origin() + "/")


def test_a_storage_out_of_reach_raises_the_ports_error(
    s3_settings: S3Settings, tmp_path: Path
) -> None:
    """CHECKLIST F4: nothing of the vendor's gets out."""
    gone = S3Storage(
        S3Settings(
            **{**vars(s3_settings), "endpoint_url": "http://127.0.0.1:9", "access_key": "AKIA"}
        )
    )
    wrong = S3Storage(S3Settings(**{**vars(s3_settings), "secret_key": "not the secret"}))
    lost = DiskStorage(tmp_path / "uploads", base_url="http://127.0.0.1", keys=KEYS)
    (tmp_path / "uploads" / "files" / "intros").write_text("a file where a folder should be")

    for storage in (gone, wrong, lost):
        with pytest.raises(StorageError):
            storage.put("intros/key", Path(__file__), content_type="video/mp4")
        with pytest.raises(StorageError):
            storage.size("intros/key")
