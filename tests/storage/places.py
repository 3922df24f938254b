"""The two places that files can be kept in, running for real, and a browser's requests to them."""

import http.client
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.datastructures import Headers

from asyncnet.storage.disk import DiskStorage
from asyncnet.storage.port import SignedRequest, Storage, UploadRequest
from asyncnet.web import files
from asyncnet.web.forms import csrf
from tests.servers.web import serving

KEYS = ("the newest secret of this test run", "the one before it")
PART_BYTES = 5 << 20
"""The smallest part that S3 takes, but for the last one."""
VALID_FOR = timedelta(minutes=5)


@dataclass(frozen=True)
class Answer:
    """What came back over HTTP."""

    status: int
    headers: Headers = field(repr=False)
    body: bytes

    @property
    def upload_id(self) -> str:
        found = re.search(rb"<UploadId>(.*?)</UploadId>", self.body)
        assert found, self.body
        return found[1].decode()

    @property
    def etag(self) -> str:
        return str(self.headers["ETag"]).strip('"')


@contextmanager
def disk_place(root: Path) -> Iterator[DiskStorage]:
    """Serve a folder through our own routes, as an installation without S3 does."""
    app = Flask("files")
    app.config["SECRET_KEY"] = KEYS[0]
    csrf.init_app(app)
    app.register_blueprint(files.pages)
    with serving(app) as base_url:
        storage = DiskStorage(root, base_url=base_url, keys=KEYS)
        app.extensions["asyncnet"] = SimpleNamespace(storage=storage)
        yield storage


def send(
    signed: SignedRequest | str,
    method: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """Make one request as a browser would, with the headers that the signer asked for."""
    if isinstance(signed, str):
        signed = SignedRequest(signed)
    parts = urlsplit(signed.url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    try:
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, body, {**signed.headers, **(headers or {})})
        response = connection.getresponse()
        return Answer(response.status, Headers(response.getheaders()), response.read())
    finally:
        connection.close()


def begin(storage: Storage, key: str) -> str:
    """Create an upload the way a browser does; return its id."""
    request = UploadRequest("POST", key)
    answer = send(storage.sign(request, valid_for=VALID_FOR), "POST")
    assert answer.status == 200, answer
    return answer.upload_id


def send_part(storage: Storage, key: str, upload_id: str, number: int, data: bytes) -> Answer:
    request = UploadRequest("PUT", key, upload_id, number, len(data), (number - 1) * PART_BYTES)
    return send(storage.sign(request, valid_for=VALID_FOR), "PUT", data)


def completion(etags: list[str]) -> bytes:
    """Return the body that completes an upload, in the words of the browser's library."""
    named = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
        for number, etag in enumerate(etags, start=1)
    )
    return f"<CompleteMultipartUpload>{named}</CompleteMultipartUpload>".encode()


def complete(storage: Storage, key: str, upload_id: str, etags: list[str]) -> Answer:
    """Complete with parts numbered from 1."""
    request = UploadRequest("POST", key, upload_id)
    headers = {"Content-Type": "application/xml"}
    signed = storage.sign(request, valid_for=VALID_FOR)
    return send(signed, "POST", completion(etags), headers)


def upload(storage: Storage, key: str, chunks: list[bytes]) -> Answer:
    """Send a whole file in parts; return the answer to its completion."""
    upload_id = begin(storage, key)
    etags = [
        send_part(storage, key, upload_id, number, chunk).etag
        for number, chunk in enumerate(chunks, start=1)
    ]
    return complete(storage, key, upload_id, etags)
