"""A real web server in a thread, for tests and benchmarks that need real connections."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from flask import Flask
from waitress.server import create_server

from asyncnet.commands.run import WAITRESS


@contextmanager
def serving(app: Flask, *, port: int = 0, threads: int = 4) -> Iterator[str]:
    """Serve the app with waitress on loopback, on a free port unless told; yield its base URL."""
    server: Any = create_server(app, host="127.0.0.1", port=port, threads=threads, **WAITRESS)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.task_dispatcher.shutdown()
        with suppress(OSError):  # another event woke the thread first, and it has closed by now
            server.trigger.pull_trigger(server.close)  # closes in the thread that it runs in
        thread.join(5)
