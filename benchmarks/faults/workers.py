"""Workers in processes of their own: started, woken, stopped, and waited for."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import timedelta
from multiprocessing.process import BaseProcess

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from asyncnet.app import create_app
from asyncnet.clock import utc_now
from asyncnet.database import db
from asyncnet.messages.model import Message
from asyncnet.messages.rules import LEASE
from asyncnet.tasks import drain_mail
from asyncnet.wiring import parts
from benchmarks.faults.counting import scheduled
from benchmarks.faults.installation import Bench
from config import CHECKOUT, Settings

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["asyncnet"])
AFTER_ALL_LEASES = LEASE + timedelta(minutes=2)
PATIENCE_SECONDS = 90


def start(bench: Bench) -> BaseProcess:
    """Start a worker that drains again and again until it is told to stop."""
    worker = PROCESSES.Process(target=_work, args=(bench.settings,), daemon=True)
    worker.start()
    return worker


def _work(settings: Settings) -> None:
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGINT, stop)
    app = create_app(settings)
    with app.app_context():
        while not stopping:
            with suppress(DBAPIError):
                drain_mail(seconds=0.2)
            time.sleep(0.02)


def consumer(bench: Bench, part: str = "mail") -> subprocess.Popen[bytes]:
    """Start the real consumer of a queue, as it runs in production."""
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "start", part],
        cwd=CHECKOUT,
        env=os.environ | bench.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wake(bench: Bench) -> None:
    with bench.app.app_context():
        parts().mail_queue.storage.initialize_schema()  # as the consumer does when it starts
        bench.app.extensions["asyncnet.wake"]["mail"]()


def wipe_queue(bench: Bench) -> None:
    """Remove the queue's own store, with every wake-up in it."""
    with bench.app.app_context():
        parts().mail_queue.storage.close()
    for path in bench.settings.instance.glob("queue.db*"):
        path.unlink()


def wait_for_mail(bench: Bench) -> None:
    """Return as soon as the server takes one more mail, or none waits any more."""
    before = len(bench.server.received)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(bench.server.received) == before and scheduled(bench):
        if time.monotonic() > deadline:
            raise SystemExit("Nothing happened for too long.")
        time.sleep(0.005)


def wait_for_progress(bench: Bench) -> None:
    """Return as soon as one mail less waits to be sent, or none does; for any mail server."""
    before = waiting = scheduled(bench)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while waiting and waiting == before:
        if time.monotonic() > deadline:
            raise SystemExit("Nothing happened for too long.")
        time.sleep(0.02)
        waiting = scheduled(bench)


def finish(bench: Bench, workers: list[BaseProcess]) -> None:
    """Stop the workers gracefully, then send what is left once every lease has run out."""
    for worker in workers:
        while worker.is_alive():  # one that is only just starting may not listen yet
            signal_to(worker, signal.SIGINT)
            worker.join(0.5)
    with bench.app.app_context():
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            drain_mail(clock=lambda: utc_now() + AFTER_ALL_LEASES)
            if all_ended(bench):
                return


def all_ended(bench: Bench) -> bool:
    with bench.app.app_context():
        return not db.session.scalar(
            select(func.count()).where(Message.wake_at.is_not(None)).select_from(Message)
        )


def signal_to(worker: BaseProcess, number: signal.Signals) -> None:
    assert worker.pid is not None
    with suppress(ProcessLookupError):
        os.kill(worker.pid, number)
