"""What our own end of the upload protocol adds to the contract: it is a server of its own."""

import io
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask

from asyncnet.storage.disk import DiskStorage, PartsDiffer
from asyncnet.storage.port import FileMissing, StorageError, UploadRequest
from asyncnet.web import files
from asyncnet.web.forms import csrf
from tests.storage.places import KEYS, VALID_FOR, begin, disk_place, send, send_part

KEY = "uploads/0123456789abcdef"
BASE_URL = "http://localhost"


@pytest.fixture
def storage(tmp_path: Path) -> DiskStorage:
    return DiskStorage(tmp_path / "uploads", base_url=BASE_URL, keys=KEYS)


@pytest.fixture
def app(storage: DiskStorage) -> Flask:
    app = Flask("files")
    app.config["SECRET_KEY"] = KEYS[0]
    csrf.init_app(app)
    app.register_blueprint(files.pages)
    app.extensions["asyncnet"] = SimpleNamespace(storage=storage)
    return app


@pytest.fixture
def served(tmp_path: Path) -> Iterator[DiskStorage]:
    with disk_place(tmp_path / "served") as place:
        yield place


def everything(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_a_cut_body_leaves_no_part(
    app: Flask, storage: DiskStorage, tmp_path: Path, share: float
) -> None:
    """CHECKLIST U10: as servers hand it over that give a cut body as a normal end."""
    body = bytes(100_000)
    upload_id = storage.create(KEY)
    request = UploadRequest("PUT", KEY, upload_id, 1, len(body))
    address = storage.sign(request, valid_for=VALID_FOR).url
    before = everything(tmp_path)

    answer = app.test_client().put(
        urlsplit(address).path,
        input_stream=io.BytesIO(body[: int(share * len(body))]),
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": str(len(body))},
    )

    assert answer.status_code == 400
    assert storage.parts(KEY, upload_id) == []
    assert everything(tmp_path) == before


def test_a_line_cut_on_the_way_leaves_no_part(served: DiskStorage, tmp_path: Path) -> None:
    """CHECKLIST U10, F10: over a real connection that breaks in the middle."""
    upload_id = begin(served, KEY)
    request = UploadRequest("PUT", KEY, upload_id, 1, 1_000_000)
    parts = urlsplit(served.sign(request, valid_for=VALID_FOR).url)
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as line:
        head = (
            f"PUT {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: 1000000\r\n\r\n"
        )
        line.sendall(head.encode() + bytes(500_000))

    whole = send_part(served, KEY, upload_id, 2, b"on another line")

    assert whole.status == 200
    assert [part.number for part in served.parts(KEY, upload_id)] == [2]


def test_a_body_of_unknown_length_is_refused(app: Flask, storage: DiskStorage) -> None:
    """CHECKLIST P1: chunked bodies have no length that could have been signed."""
    upload_id = storage.create(KEY)
    request = UploadRequest("PUT", KEY, upload_id, 1, 5)
    address = storage.sign(request, valid_for=VALID_FOR).url

    answer = app.test_client().put(
        urlsplit(address).path,
        input_stream=io.BytesIO(b"hello"),
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )

    assert answer.status_code == 403
    assert storage.parts(KEY, upload_id) == []


def test_nothing_more_is_taken_in_when_space_runs_out(
    app: Flask, storage: DiskStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CHECKLIST F6: 507 in words an upload library understands; what is there still plays."""
    upload_id = storage.create(KEY)
    storage.put("intros/x/720p.mp4", Path(__file__), content_type="video/mp4")
    part = storage.sign(UploadRequest("PUT", KEY, upload_id, 1, 5), valid_for=VALID_FOR).url
    new = storage.sign(UploadRequest("POST", "uploads/other"), valid_for=VALID_FOR).url
    link = storage.link("intros/x/720p.mp4", content_type="video/mp4", valid_for=VALID_FOR)
    usage = SimpleNamespace(total=100 << 30, free=4 << 30)  # more than 1 GiB, less than 5 %
    monkeypatch.setattr("asyncnet.storage.disk.shutil.disk_usage", lambda _: usage)
    client = app.test_client()

    answers = [client.put(urlsplit(part).path, data=b"hello"), client.post(urlsplit(new).path)]

    assert [answer.status_code for answer in answers] == [507, 507]
    assert b"<Code>DiskFull</Code>" in answers[0].data
    assert storage.parts(KEY, upload_id) == []
    assert client.get(urlsplit(link).path).status_code == 200


def test_a_file_is_served_inert(app: Flask, storage: DiskStorage, tmp_path: Path) -> None:
    """CHECKLIST U5, B8: a page that was uploaded is never opened as one."""
    page = tmp_path / "page.html"
    page.write_text("<script>alert(1)</script>")
    storage.put(f"{KEY}/720p.mp4", page, content_type="text/html")
    link = storage.link(f"{KEY}/720p.mp4", content_type="video/mp4", valid_for=VALID_FOR)

    answer = app.test_client().get(urlsplit(link).path)

    assert {name: answer.headers[name] for name in files.INERT} == files.INERT
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Content-Disposition"] == 'inline; filename="720p.mp4"'
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_many_ranges_at_once_are_not_answered_one_by_one(app: Flask, storage: DiskStorage) -> None:
    """CHECKLIST U9."""
    storage.put(KEY, Path(__file__), content_type="video/mp4")
    link = storage.link(KEY, content_type="video/mp4", valid_for=VALID_FOR)
    ranges = ",".join(f"{start}-{start + 1}" for start in range(0, 2000, 2))

    answer = app.test_client().get(urlsplit(link).path, headers={"Range": f"bytes={ranges}"})

    assert answer.status_code in {200, 416}
    assert len(answer.data) <= Path(__file__).stat().st_size


def test_a_range_of_a_large_file_keeps_memory_flat(served: DiskStorage, tmp_path: Path) -> None:
    """CHECKLIST U9: 500 MB asked for, under 20 MB used."""
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(500_000_000)
    served.put(KEY, large, content_type="video/mp4")
    link = served.link(KEY, content_type="video/mp4", valid_for=VALID_FOR)
    drain(link, 50_000_000)
    before = resident_bytes()

    got, most = drain(link, 500_000_000)

    assert got > 500_000_000
    assert most - before < 20_000_000


def drain(link: str, size: int) -> tuple[int, int]:
    """Read the first `size` bytes of a link; return how many came and the most memory in use."""
    parts = urlsplit(link)
    got = most = 0
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as line:
        head = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n"
        line.sendall(f"{head}Range: bytes=0-{size - 1}\r\n\r\n".encode())
        while chunk := line.recv(1 << 16):
            got += len(chunk)
            most = max(most, resident_bytes())
    return got, most


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


@pytest.mark.parametrize(
    "key",
    [
        "../outside",
        "uploads/../../outside",
        "/etc/passwd",
        "uploads/a\0b",
        "uploads/.hidden",
        "uploads/*",
        "uploads//double",
        "uploads/" + "ü",
        "C:/windows",
        "nofolder",
        "uploads/UPPER",
        "",
    ],
)
def test_nothing_but_our_own_keys_becomes_a_path(
    storage: DiskStorage, tmp_path: Path, key: str
) -> None:
    """CHECKLIST U8."""
    before = everything(tmp_path)

    for use in (storage.size, storage.create, storage.delete):
        with pytest.raises(ValueError, match="is not a key"):
            use(key)

    assert everything(tmp_path) == before


@pytest.mark.parametrize("upload_id", ["../../files", "..", "", "*", "a" * 33, "\0" * 32])
def test_no_upload_id_leads_elsewhere(storage: DiskStorage, upload_id: str) -> None:
    """CHECKLIST U8: the id comes back from the browser."""
    storage.put(KEY, Path(__file__), content_type="video/mp4")

    with pytest.raises(FileMissing):
        storage.parts(KEY, upload_id)


def test_an_etag_from_the_browser_is_never_a_path(app: Flask, storage: DiskStorage) -> None:
    """CHECKLIST U8."""
    storage.put("uploads/secret", Path(__file__), content_type="video/mp4")
    upload_id = storage.create(KEY)
    address = storage.sign(UploadRequest("POST", KEY, upload_id), valid_for=VALID_FOR).url
    etag = "x/../../../files/uploads/secret"
    body = f"<Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>"

    answer = app.test_client().post(urlsplit(address).path, data=body)

    assert answer.status_code == 400
    with pytest.raises(FileMissing):
        storage.size(KEY)


def test_a_changed_secret_keeps_older_addresses_good_until_it_is_dropped(
    app: Flask, storage: DiskStorage, tmp_path: Path
) -> None:
    """CHECKLIST P4."""
    older = DiskStorage(tmp_path / "uploads", base_url=BASE_URL, keys=KEYS[1:])
    storage.put(KEY, Path(__file__), content_type="video/mp4")
    address = older.link(KEY, content_type="video/mp4", valid_for=VALID_FOR)
    client = app.test_client()

    believed = client.get(urlsplit(address).path).status_code
    app.extensions["asyncnet"].storage = DiskStorage(
        tmp_path / "uploads", base_url=BASE_URL, keys=KEYS[:1]
    )

    assert (believed, client.get(urlsplit(address).path).status_code) == (200, 403)


def test_a_reading_address_uploads_nothing_and_the_other_way_round(
    app: Flask, storage: DiskStorage
) -> None:
    """CHECKLIST S9: each kind of token works where it belongs and nowhere else."""
    storage.put(KEY, Path(__file__), content_type="video/mp4")
    reading = storage.link(KEY, content_type="video/mp4", valid_for=VALID_FOR)
    writing = storage.sign(UploadRequest("GET", KEY, "0" * 32), valid_for=VALID_FOR).url
    client = app.test_client()

    answers = [
        client.get(urlsplit(reading).path.replace("/media/", "/uploads/")),
        client.get(urlsplit(writing).path.replace("/uploads/", "/media/")),
        client.get("/media/nonsense"),
        client.post("/uploads/nonsense"),
    ]

    assert [answer.status_code for answer in answers] == [403] * 4


def test_on_s3_these_routes_do_not_exist(app: Flask) -> None:
    app.extensions["asyncnet"].storage = object()

    statuses: list[Any] = [
        app.test_client().get("/media/x").status_code,
        app.test_client().put("/uploads/x").status_code,
    ]

    assert statuses == [404, 404]


def test_nothing_is_completed_while_a_part_is_being_written(storage: DiskStorage) -> None:
    """CHECKLIST U6: else the late bytes would end up in the finished file."""
    upload_id = storage.create(KEY)
    etag = storage.receive(UploadRequest("PUT", KEY, upload_id, 1, 5, 0), io.BytesIO(b"first"))

    class CompletesMeanwhile(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            with pytest.raises(StorageError):
                storage.complete(UploadRequest("POST", KEY, upload_id), [(1, etag)])
            return super().read(size)

    storage.receive(UploadRequest("PUT", KEY, upload_id, 2, 6, 5), CompletesMeanwhile(b"second"))

    with pytest.raises(FileMissing):
        storage.size(KEY)
    assert [part.size for part in storage.parts(KEY, upload_id)] == [5, 6]


def test_checksums_tell_bytes_written_into_a_file(storage: DiskStorage, tmp_path: Path) -> None:
    """CHECKLIST U6: though a file that looks as it did is not read again."""
    storage.put("intros/some/720p.mp4", Path(__file__), content_type="video/mp4")
    before = storage.checksums("intros/some")
    with (tmp_path / "uploads/files/intros/some/720p.mp4").open("r+b") as file:
        file.write(b"other bytes")

    after = storage.checksums("intros/some")

    assert set(before) == set(after) == {"720p.mp4"}
    assert before != after


def test_parts_that_leave_a_gap_are_not_joined(storage: DiskStorage) -> None:
    upload_id = storage.create(KEY)
    first = storage.receive(UploadRequest("PUT", KEY, upload_id, 1, 5, 0), io.BytesIO(b"first"))
    third = storage.receive(UploadRequest("PUT", KEY, upload_id, 3, 5, 10), io.BytesIO(b"third"))

    with pytest.raises(PartsDiffer):
        storage.complete(UploadRequest("POST", KEY, upload_id), [(1, first), (3, third)])


def test_the_first_of_two_completions_wins(served: DiskStorage) -> None:
    """CHECKLIST U6: the name is taken once, and what is sent for it later changes nothing."""
    upload_id = begin(served, KEY)
    etag = send_part(served, KEY, upload_id, 1, b"one").etag
    request = UploadRequest("POST", KEY, upload_id)
    body = f"<Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>".encode()
    address = served.sign(request, valid_for=VALID_FOR)

    first = send(address, "POST", body)
    late = send_part(served, KEY, upload_id, 1, b"the other")
    second = send(address, "POST", body)

    assert [first.status, late.status, second.status] == [200, 404, 404]
    assert served.size(KEY) == len(b"one")


def test_a_key_has_one_upload_however_often_it_is_begun(
    storage: DiskStorage, tmp_path: Path
) -> None:
    """CHECKLIST U1, U2: or one address would take in any number of files."""
    first = storage.create(KEY)
    before = everything(tmp_path)

    again = [storage.create(KEY) for _ in range(3)]

    assert again == [first] * 3
    assert everything(tmp_path) == before


def test_an_upload_whose_making_was_killed_is_made_whole(
    storage: DiskStorage, tmp_path: Path
) -> None:
    """CHECKLIST F2: its folder is there, and what says whose it is is not."""
    upload_id = storage.create(KEY)
    [key_file] = [path for path in everything(tmp_path) if path.name == "key"]
    key_file.unlink()

    again = storage.create(KEY)

    assert again == upload_id
    assert storage.parts(KEY, again) == []


def test_clearing_up_takes_no_folder_from_under_an_upload(
    storage: DiskStorage, tmp_path: Path
) -> None:
    """CHECKLIST F4: another upload is completed into the same folder at that very moment."""
    source = tmp_path / "source"
    source.write_bytes(b"something")
    for key in (KEY, "intros/0123/720p.mp4"):
        storage.put(key, source, content_type="video/mp4")
        storage.delete(key)

    folders = [path.name for path in (tmp_path / "uploads" / "files").rglob("*")]
    assert sorted(folders) == ["intros", "uploads"]


@pytest.mark.parametrize("prefix", ["../", "uploads/../../", "/etc/"])
def test_no_listing_leaves_the_storage(storage: DiskStorage, prefix: str) -> None:
    """CHECKLIST U2."""
    with pytest.raises(ValueError, match="begins no key"):
        list(storage.files(prefix))
