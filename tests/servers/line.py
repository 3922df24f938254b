"""A bad line: a proxy before a server that slows, cuts, loses and refuses what it is told to."""

import http.client
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CHUNK_BYTES = 1 << 16
CUT, LOST = "cut", "lost"
"""Ended in the middle of the body; answered by the server, but the answer never comes back."""
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(frozen=True)
class Fault:
    """What happens to the next request of a method whose path holds some words."""

    method: str
    what: str | int
    path: str = ""


@dataclass
class Line:
    """Where it leads, what is wrong with it, and how much went over it."""

    upstream: int
    bytes_per_second: float = float("inf")
    faults: list[Fault] = field(default_factory=list)
    sent: int = 0
    """Bytes of bodies that were taken in for PUT, cut ones too."""
    failed: int = 0
    """PUTs that were not answered, or with an error."""

    def fault_for(self, method: str, path: str) -> str | int | None:
        for fault in self.faults:
            if fault.method == method and fault.path in path:
                self.faults.remove(fault)
                return fault.what
        return None


@contextmanager
def line_to(upstream: int, *, port: int) -> Iterator[Line]:
    """Listen on a port of loopback and pass everything on to another, well or badly."""
    line = Line(upstream)

    class Handler(_Handler):
        pass

    Handler.line = line
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield line
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    line: Line

    def _pass_on(self) -> None:
        fault = self.line.fault_for(self.command, self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = self._read(length // 2 if fault == CUT else length)
        if fault == CUT:
            self._hang_up()
        elif isinstance(fault, int):
            self._answer(fault, [], b"")
        else:
            try:
                status, headers, answer = self._ask(body)
            except OSError:
                status, headers, answer = 502, [], b""
            if fault == LOST:
                self._hang_up()
            else:
                self._answer(status, headers, answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = _pass_on  # noqa: N815

    def _read(self, length: int) -> bytes:
        pieces = []
        while length > 0 and (piece := self.rfile.read(min(CHUNK_BYTES, length))):
            pieces.append(piece)
            length -= len(piece)
            if self.command == "PUT":
                self.line.sent += len(piece)
            time.sleep(len(piece) / self.line.bytes_per_second)
        return b"".join(pieces)

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = http.client.HTTPConnection("127.0.0.1", self.line.upstream, timeout=30)
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() != "connection":
                upstream.putheader(name, value)
        upstream.endheaders(body)
        answer = upstream.getresponse()
        content = answer.read()
        upstream.close()
        return answer.status, answer.getheaders(), content

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.line.failed += self.command == "PUT" and status >= 400
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _hang_up(self) -> None:
        """Reset the connection, as a line that is gone does."""
        self.line.failed += self.command == "PUT"
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
