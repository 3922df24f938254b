"""How fast a video is taken in, beside what the same storage does without us.

`python -m benchmarks.upload` sends 100 MB the way a browser does, in signed parts one after
another, and prints ratios measured in alternation in one run:

- S3: beside boto3's own multipart upload to the same server; at least 0.9, and the share of
  that time in which our web process works, which only signs: less than 1 %.
- Local disk: beside a bare streaming PUT in the same server; at least 0.5, with flat memory.
  Both say "stored" only when the bytes are on the disk; a bare PUT that does not wait for
  that is printed too.
"""

import argparse
import http.client
import io
import json
import multiprocessing
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode, urlsplit

import boto3
import flask_migrate
import psutil
from botocore.config import Config
from flask import request
from sqlalchemy.orm import Session
from waitress.server import create_server

from asyncnet.app import create_app
from asyncnet.commands.demo.scratch import free_port
from asyncnet.database import db
from asyncnet.intros.actions.uploading import PART_BYTES
from asyncnet.web.access import Role, requires
from asyncnet.web.forms import csrf
from config import S3Settings, Settings, read_settings
from tests.intros.people import agree, make_participant, phone
from tests.servers.seaweed import seaweed
from tests.storage.places import completion

ROUNDS = 5
MEGABYTES = 100
"""As the figure is stated: millions of bytes."""
CHUNK_BYTES = 1 << 20


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--json", action="store_true")
    reader.add_argument("--megabytes", type=int, default=MEGABYTES)
    asked = reader.parse_args()
    data = secrets.token_bytes(asked.megabytes * 1_000_000)
    with TemporaryDirectory(prefix="upload-bench-") as folder, seaweed() as s3:
        figures = {
            "S3": _to_s3(Path(folder) / "s3", s3, data),
            "disk": _to_disk(Path(folder) / "disk", data),
        }
    if asked.json:
        print(json.dumps(figures))
        return
    for place, values in figures.items():
        words = "; ".join(f"{name} {value:.3g}" for name, value in values.items())
        print(f"upload of {asked.megabytes} MB, {place}: {words}")


def _to_s3(folder: Path, s3: S3Settings, data: bytes) -> dict[str, float]:
    settings = _settings(
        folder,
        S3_BUCKET=s3.bucket,
        S3_ENDPOINT_URL=s3.endpoint_url or "",
        S3_ACCESS_KEY=s3.access_key,
        S3_SECRET_KEY=s3.secret_key,
    )
    peer = _boto(s3)
    with _server(settings) as site:
        ours, bare, spent = [], [], []
        for number in range(ROUNDS):
            started, busy = time.perf_counter(), site.spent()
            arrived = site.upload(data)
            ours.append(time.perf_counter() - started)
            spent.append((site.spent() - busy) / ours[-1])
            site.arrive(arrived)
            started = time.perf_counter()
            peer.upload_fileobj(io.BytesIO(data), s3.bucket, f"bare/{number}")
            bare.append(time.perf_counter() - started)
    return {
        "MB/s": len(data) / median(ours) / 1e6,
        "boto3 MB/s": len(data) / median(bare) / 1e6,
        "ratio (to reach 0.9)": _ratio(bare, ours),
        "share of the time in our process (to stay under 0.01)": median(spent),
    }


def _to_disk(folder: Path, data: bytes) -> dict[str, float]:
    with _server(_settings(folder)) as site:
        ours, bare, unsafe, growth = [], [], [], []
        for _ in range(ROUNDS):
            with site.watched() as memory:
                ours.append(_seconds(lambda: site.upload(data)))
            growth.append(memory.growth)
            bare.append(_seconds(lambda: site.put_bare(data, sync=True)))
            unsafe.append(_seconds(lambda: site.put_bare(data, sync=False)))
    return {
        "MB/s": len(data) / median(ours) / 1e6,
        "bare PUT MB/s": len(data) / median(bare) / 1e6,
        "ratio (to reach 0.5)": _ratio(bare, ours),
        "ratio to a bare PUT that does not wait for the disk": _ratio(unsafe, ours),
        "memory growth MB": max(growth) / 1e6,
    }


def _ratio(theirs: list[float], ours: list[float]) -> float:
    """Return the median of the ratios of neighbours, which had the same neighbours themselves."""
    return median(their / our for their, our in zip(theirs, ours, strict=True))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@dataclass
class Memory:
    """How much more memory a process used at most, in bytes."""

    growth: int = 0


class Site:
    """A running installation, and one participant's browser in it that has agreed."""

    def __init__(self, port: int, pid: int, cookie: str, token: str, participant_id: int) -> None:
        self._process = psutil.Process(pid)
        self._web = http.client.HTTPConnection("127.0.0.1", port)
        self._storage: http.client.HTTPConnection | None = None
        self._cookie, self._token = cookie, token
        self._uploads = f"/me/{participant_id}/intro/uploads"

    def upload(self, data: bytes) -> str:
        """Send a file as the page does: parts one after another, signed several at a time.

        Returns the address at which the page would say that it arrived.
        """
        intro_id = self._post(self._uploads, size=len(data), content_type="video/mp4")["id"]
        sign = f"{self._uploads}/{intro_id}/sign"
        created = self._send(self._post(sign, method="POST"), "POST")[1]
        upload_id = created.split(b"<UploadId>")[1].split(b"<")[0].decode()
        signed: dict[str, Any] = {}
        etags = []
        for number, start in enumerate(range(0, len(data), PART_BYTES), start=1):
            if str(number) not in signed:
                step = {"method": "PUT", "upload_id": upload_id, "part_number": number}
                signed = self._post(sign, **step)["parts"]
            part = memoryview(data)[start : start + PART_BYTES]
            etags.append(self._send(signed[str(number)], "PUT", part)[0].strip('"'))
        finish = self._post(sign, method="POST", upload_id=upload_id)
        self._send(finish, "POST", completion(etags))
        return f"{self._uploads}/{intro_id}/arrived"

    def arrive(self, address: str) -> None:
        self._post(address)

    def put_bare(self, data: bytes, *, sync: bool) -> None:
        self._web.request("PUT", f"/bare/{int(sync)}", data)
        self._answer(self._web)

    def spent(self) -> float:
        """Return the CPU seconds that the web process has used so far."""
        self._web.request("GET", "/spent")
        return float(self._answer(self._web)[1])

    @contextmanager
    def watched(self) -> Iterator[Memory]:
        """Watch the memory of the web process while the block runs."""
        before, memory, done = self._process.memory_info().rss, Memory(), threading.Event()

        def watch() -> None:
            while not done.wait(0.01):
                grown = self._process.memory_info().rss - before
                memory.growth = max(memory.growth, grown)

        watcher = threading.Thread(target=watch)
        watcher.start()
        yield memory
        done.set()
        watcher.join()

    def _post(self, path: str, **fields: object) -> dict[str, Any]:
        body = urlencode({"csrf_token": self._token, **fields})
        headers = {"Cookie": self._cookie, "Content-Type": "application/x-www-form-urlencoded"}
        self._web.request("POST", path, body, headers)
        answer: dict[str, Any] = json.loads(self._answer(self._web)[1])
        return answer

    def _send(
        self, signed: dict[str, Any], method: str, body: bytes | memoryview = b""
    ) -> tuple[str, bytes]:
        parts = urlsplit(signed["url"])
        if self._storage is None:
            self._storage = http.client.HTTPConnection(parts.netloc)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        self._storage.request(method, path, body, signed["headers"])
        return self._answer(self._storage)

    def _answer(self, connection: http.client.HTTPConnection) -> tuple[str, bytes]:
        response = connection.getresponse()
        body = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{response.status}: {body[:300]!r}")
        return response.headers.get("ETag", ""), body


@contextmanager
def _server(settings: Settings) -> Iterator[Site]:
    """Serve an installation, and a bare PUT beside it, from a process of its own."""
    cookie, token, participant_id = _set_up(settings)
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(settings, there), daemon=True)
    process.start()
    try:
        here.recv()
        port = urlsplit(settings.base_url).port or 0
        yield Site(port, process.pid or 0, cookie, token, participant_id)
    finally:
        process.terminate()
        process.join()


def _serve(settings: Settings, pipe: "Pipe[None, None]") -> None:
    app = create_app(settings)

    @app.put("/bare/<int:sync>")
    @csrf.exempt  # type: ignore[untyped-decorator]  # Flask-WTF has no types
    @requires(Role.SIGNED)  # so that nobody looks into the body on the way, as for our own
    def bare(sync: int) -> str:
        left = request.max_content_length = request.content_length or 0
        with (settings.instance / secrets.token_hex(8)).open("wb") as file:
            while left:
                left -= file.write(request.stream.read(min(CHUNK_BYTES, left)))
            if sync:
                file.flush()
                os.fsync(file.fileno())
        return "stored"

    @app.get("/spent")
    @requires(Role.PUBLIC)
    def spent() -> str:
        return str(time.process_time())

    server: Any = create_server(
        app, host="127.0.0.1", port=urlsplit(settings.base_url).port, threads=4
    )
    pipe.send(None)
    server.run()


def _set_up(settings: Settings) -> tuple[str, str, int]:
    """Make a participant who has agreed; return cookie and token of their browser, and their id."""
    app = create_app(settings)
    with app.app_context():
        flask_migrate.upgrade()
        with Session(db.engine, expire_on_commit=False) as session:
            participant = make_participant(session)
    browser = phone(app, participant)
    agree(browser, participant.id)
    page = browser.get(f"/me/{participant.id}/intro").text
    token = page.split('data-csrf="')[1].split('"')[0]
    cookie = browser.get_cookie("asyncnet", domain="127.0.0.1")
    if cookie is None:
        raise RuntimeError("the personal link left no cookie")
    return f"asyncnet={cookie.value}", token, participant.id


def _settings(folder: Path, **changes: str) -> Settings:
    named = {"INSTANCE": str(folder), "BASE_URL": f"http://127.0.0.1:{free_port()}"} | changes
    return read_settings({f"ASYNCNET_{name}": value for name, value in named.items()})


def _boto(s3: S3Settings) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=s3.endpoint_url,
        region_name=s3.region,
        aws_access_key_id=s3.access_key,
        aws_secret_access_key=s3.secret_key,
        config=Config(
            s3={"addressing_style": "path"}, request_checksum_calculation="when_required"
        ),
    )


if __name__ == "__main__":
    main()
