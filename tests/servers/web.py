"""A real web server in a thread, for tests and benchmarks that need real connections."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from waitress.server import create_server  # type: ignore[import-untyped]


@contextmanager
def serving(app: Flask, *, threads: int = 4) -> Iterator[str]:
    """Serve the app with waitress on a free port of loopback; yield its base URL."""
    server = create_server(app, host="127.0.0.1", port=0, threads=threads)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.trigger.pull_trigger(server.close)  # closes in the thread that it runs in
        thread.join(5)
