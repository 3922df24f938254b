"""A real S3 server on this machine, for tests and benchmarks."""

import json
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import boto3
import psutil
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from config import S3Settings

SERVICES = ("s3", "master", "filer", "volume", "admin")
BUCKET = "intros"
READY_WITHIN_SECONDS = 30


@contextmanager
def seaweed(*, page_origin: str = "*") -> Iterator[S3Settings]:
    """Run SeaweedFS on free ports of loopback; yield the settings of an empty bucket in it.

    `page_origin` may read and write from a browser. Everything is gone afterwards.
    """
    with TemporaryDirectory(prefix="seaweed-") as folder, ExitStack() as stack:
        access_key, secret_key = secrets.token_hex(10), secrets.token_hex(20)
        ports = _free_ports()
        process = _start(Path(folder), ports, access_key, secret_key)
        stack.callback(_stop, process)
        settings = S3Settings(
            bucket=BUCKET,
            endpoint_url=f"http://127.0.0.1:{ports['s3']}",
            public_endpoint_url=f"http://127.0.0.1:{ports['s3']}",
            region="us-east-1",
            access_key=access_key,
            secret_key=secret_key,
            path_style=True,
        )
        _make_bucket(settings, process, page_origin)
        _check_ports(process, set(ports.values()))
        yield settings


def _free_ports() -> dict[str, int]:
    """Return a free port for each service and for its RPC twin."""
    names = [*SERVICES, *(f"{service}.grpc" for service in SERVICES)]
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in names]
        for listener in sockets:
            listener.bind(("127.0.0.1", 0))
        return {
            name: listener.getsockname()[1] for name, listener in zip(names, sockets, strict=True)
        }


def _start(
    folder: Path, ports: dict[str, int], access_key: str, secret_key: str
) -> "subprocess.Popen[bytes]":
    identity = {
        "name": "asyncnet",
        "credentials": [{"accessKey": access_key, "secretKey": secret_key}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    (folder / "data").mkdir()
    command = [
        str(Path(sys.executable).with_name("weed")),
        "mini",
        f"-dir={folder / 'data'}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-s3.config={folder / 's3.json'}",
        "-webdav=false",
        "-admin.ui=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-master.telemetry=false",
    ]
    for name, port in ports.items():
        service, _, twin = name.partition(".")
        command.append(f"-{service}.port{'.' + twin if twin else ''}={port}")
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)


def _make_bucket(
    settings: S3Settings, process: "subprocess.Popen[bytes]", page_origin: str
) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=settings.endpoint_url,
        region_name=settings.region,
        aws_access_key_id=settings.access_key,
        aws_secret_access_key=settings.secret_key,
        config=Config(
            s3={"addressing_style": "path"},
            connect_timeout=1,
            read_timeout=5,
            retries={"total_max_attempts": 1},
        ),
    )
    give_up_at = time.monotonic() + READY_WITHIN_SECONDS
    while True:
        try:
            client.create_bucket(Bucket=settings.bucket)
            break
        except (BotoCoreError, ClientError):
            if process.poll() is not None or time.monotonic() > give_up_at:
                raise
            time.sleep(0.1)
    client.put_bucket_cors(
        Bucket=settings.bucket,
        CORSConfiguration={
            "CORSRules": [
                {
                    "AllowedOrigins": [page_origin],
                    "AllowedMethods": ["GET", "PUT", "POST", "DELETE"],
                    "AllowedHeaders": ["Content-Type", "If-None-Match"],
                    "ExposeHeaders": ["ETag"],
                    "MaxAgeSeconds": 3600,
                }
            ]
        },
    )


def _check_ports(process: "subprocess.Popen[bytes]", chosen: set[int]) -> None:
    """Wait for all services; fail when one moved: a busy port makes it do so without a word."""
    give_up_at = time.monotonic() + READY_WITHIN_SECONDS
    listening: set[int] = set()
    while listening != chosen:
        if listening - chosen or time.monotonic() > give_up_at:
            raise RuntimeError(f"SeaweedFS listens on {listening}, not on {chosen}")
        time.sleep(0.05)
        listening = {
            connection.laddr.port
            for connection in psutil.Process(process.pid).net_connections(kind="tcp")
            if connection.status == psutil.CONN_LISTEN
        }


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
