"""Starts the web server and the workers, together or each alone."""

import gc
import os
import resource
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from multiprocessing.context import ForkProcess
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import click
import structlog
import waitress
from flask import current_app
from flask.cli import AppGroup, with_appcontext
from huey import Huey
from huey.consumer import Consumer
from huey.storage import BaseSqlStorage

from asyncnet.intros.actions.uploading import PART_BYTES
from asyncnet.intros.video.isolate import walls
from asyncnet.intros.video.scratch import scratch
from asyncnet.stopping import stopping
from asyncnet.wiring import parts, settings

log = structlog.get_logger()
PARTS = ("web", "mail", "video", "plans")
RESTART_AFTER_SECONDS = 1.0
STOP_WITHIN_SECONDS = 25
STOPS = (signal.SIGINT, signal.SIGTERM)
LARGEST_BODY = PART_BYTES + (1 << 20)
"""In bytes. No body is larger than one part of an upload; forms and lists stay below it."""
WAITRESS: dict[str, Any] = {
    "max_request_body_size": LARGEST_BODY,
    "outbuf_overflow": 256 << 10,
    "outbuf_high_watermark": 1 << 20,
    "connection_limit": 4000,
    "channel_timeout": 60,
    "asyncore_use_poll": True,
}
"""In bytes and seconds. A slow reader of a video holds a megabyte, not sixteen (CHECKLIST U9).
Browsers keep a few connections each for a while; at an event hundreds come in one minute."""
OPEN_FILES = 8192

start = AppGroup(
    "start",
    invoke_without_command=True,
    help="Start the web server and all workers; with a name, only that one.",
)


@start.command("web")
@click.option("--listen", help="Address and port; by default those of the base URL.")
@with_appcontext
def start_web(listen: str | None) -> None:
    """Serve the pages with waitress, which buffers slow bodies without holding a thread."""
    _allow_open_files()
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # a LocalProxy
    waitress.serve(
        app,
        listen=listen or _own_address(),
        threads=8,
        ident=None,
        clear_untrusted_proxy_headers=not settings().proxies,
        **WAITRESS,
    )


@start.command("mail")
@with_appcontext
def start_mail() -> None:
    """Send mail as it falls due, woken by commits and every minute."""
    _consume(parts().mail_queue)


@start.command("video")
@with_appcontext
def start_video() -> None:
    """Check and prepare uploaded videos, one at a time."""
    _tell_of_walls()
    _consume(parts().video_queue)


@start.command("plans")
@with_appcontext
def start_plans() -> None:
    """Solve plans of who meets whom, one at a time, each in a process of its own."""
    _consume(parts().plan_queue)


@start.result_callback()
@click.pass_context
def start_together(context: click.Context, *_: object) -> None:
    """Run them all as child processes and restart whichever dies."""
    if context.invoked_subcommand is None:
        _supervise([partial(context.invoke, start.commands[part]) for part in PARTS])


def _tell_of_walls() -> None:
    """Say in the log how well this system lets uploaded files be locked in."""
    with scratch(settings().instance / "work") as folder:
        found = walls(folder)
    whole = found.network_is_cut and found.disk_is_hidden
    (log.info if whole else log.warning)("videos are locked in", **asdict(found))


class _Worker(Consumer):  # type: ignore[misc]  # Huey has no types
    """Ends a video under way when it is asked to stop; Huey would wait for it."""

    def stop(self, graceful: bool = False) -> None:
        stopping.set()
        super().stop(graceful)


def _consume(queue: Huey) -> None:
    if isinstance(queue.storage, BaseSqlStorage):
        queue.storage.initialize_schema()
    _Worker(
        queue, workers=1, worker_type="thread", initial_delay=0.1, backoff=1.1, max_delay=0.5
    ).run()


def _allow_open_files() -> None:
    """Let this process hold as many connections as it takes in, where the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _own_address() -> str:
    address = urlsplit(settings().base_url)
    return f"{address.hostname if not settings().public else '127.0.0.1'}:{address.port or 8000}"


def _supervise(works: Sequence[Callable[[], None]]) -> None:
    """Keep a process for each of them until SIGINT or SIGTERM, then stop them all gracefully."""
    stopping = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    for number in STOPS:
        signal.signal(number, stop)
    gc.freeze()  # a child that never collects what it was given goes on sharing its memory
    running = [_spawn(work) for work in works]
    while not stopping:
        time.sleep(0.2)
        for place, work in enumerate(works):
            if not running[place].is_alive() and not stopping:
                time.sleep(RESTART_AFTER_SECONDS)
                running[place] = _spawn(work)
    for process in running:
        if process.pid and process.is_alive():
            os.kill(process.pid, signal.SIGINT)  # Huey finishes its task on it, not on SIGTERM
    deadline = time.monotonic() + STOP_WITHIN_SECONDS
    for process in running:
        process.join(max(0.1, deadline - time.monotonic()))
        process.kill()


def _spawn(work: Callable[[], None]) -> ForkProcess:
    """Do it in a process that starts with all that is loaded here, so at once and in less memory.

    No signal is lost to the handlers of this process before the other one has its own.
    """
    process = get_context("fork").Process(target=_alone, args=(work,))
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    process.start()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    return process


def _alone(work: Callable[[], None]) -> None:
    os.setsid()  # so that Ctrl-C reaches it through the supervisor alone
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    work()
