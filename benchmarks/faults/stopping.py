"""Workers and databases that stop at the worst moment."""

import signal
import threading
import time
from contextlib import suppress

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from asyncnet.clock import utc_now
from asyncnet.database import ChangedMeanwhile, db, transaction
from asyncnet.messages import queue
from asyncnet.messages.model import Message
from asyncnet.messages.rules import Act
from asyncnet.tasks import drain_mail
from benchmarks.faults.counting import Outcome, count, scheduled
from benchmarks.faults.installation import Bench, plan
from benchmarks.faults.workers import (
    AFTER_ALL_LEASES,
    PATIENCE_SECONDS,
    consumer,
    finish,
    signal_to,
    start,
    wait_for_mail,
    wake,
    wipe_queue,
)


def kills(bench: Bench, mails: int, times: int) -> Outcome:
    """Kill one of two workers at random, again and again, while an organizer cancels."""
    keys = plan(bench, mails)
    cancelled: set[str] = set()
    stop = threading.Event()
    organizer = threading.Thread(target=_cancel_some, args=(bench, keys, cancelled, stop))
    organizer.start()
    workers = [start(bench), start(bench)]
    for _ in range(times):
        wait_for_mail(bench)  # else most kills would meet workers that only just start
        stop.wait(bench.luck.uniform(0, 0.1))
        chosen = bench.luck.randrange(2)
        workers[chosen].kill()
        workers[chosen].join()
        workers[chosen] = start(bench)
    stop.set()
    organizer.join()
    finish(bench, workers)
    return count(bench, keys, times)


def _cancel_some(bench: Bench, keys: list[str], cancelled: set[str], stop: threading.Event) -> None:
    """Cancel every tenth mail at random moments, as long as nobody is sending it."""
    chosen = bench.luck.sample(keys, len(keys) // 10)
    with bench.app.app_context():
        for key in chosen:
            if stop.wait(0.02):
                return
            message = db.session.scalar(select(Message).where(Message.key == key))
            db.session.rollback()
            if message is None:
                continue
            with suppress(ChangedMeanwhile, DBAPIError), transaction() as session:
                queue.act(
                    session,
                    message.id,
                    Act.CANCEL,
                    version=message.version,
                    actor="person:1",
                    now=utc_now(),
                )
                cancelled.add(key)


def queue_wiped(bench: Bench, mails: int, times: int) -> Outcome:
    """Kill the real consumer again and again, and wipe its queue store at every third time.

    Nobody wakes the last one: its tick of every minute must find what is left.
    """
    keys = plan(bench, mails)
    for number in range(times):
        worker = consumer(bench)
        wake(bench)
        wait_for_mail(bench)
        time.sleep(bench.luck.uniform(0, 0.1))
        worker.kill()
        worker.wait()
        if number % 3 == 2:
            wipe_queue(bench)
    last = consumer(bench)
    deadline = time.monotonic() + 3 * PATIENCE_SECONDS
    while time.monotonic() < deadline and scheduled(bench):
        time.sleep(0.5)
    last.send_signal(signal.SIGINT)
    last.wait(PATIENCE_SECONDS)
    forgotten = scheduled(bench)
    finish(bench, [])  # what was being sent when its worker was killed
    seen = count(bench, keys, times)
    seen.lost += forgotten
    return seen


def sleeps_past_its_lease(bench: Bench, mails: int, times: int) -> Outcome:
    """Stop a worker in the middle, let its lease run out, let others work, wake it again."""
    keys: list[str] = []
    times = min(times, 20)
    for _ in range(times):
        keys += plan(bench, max(mails // times, 1))
        worker = start(bench)
        wait_for_mail(bench)
        time.sleep(bench.luck.uniform(0, 0.02))
        signal_to(worker, signal.SIGSTOP)
        with bench.app.app_context(), suppress(DBAPIError):
            drain_mail(clock=lambda: utc_now() + AFTER_ALL_LEASES)
        signal_to(worker, signal.SIGCONT)
        finish(bench, [worker])
    return count(bench, keys, times)


def graceful_stops(bench: Bench, mails: int, times: int) -> Outcome:
    """Ask the real consumer to stop (SIGINT) in the middle of its work, and start it again."""
    keys = plan(bench, mails)
    times = min(times, 20)
    for _ in range(times):
        worker = consumer(bench)
        wake(bench)
        wait_for_mail(bench)
        time.sleep(bench.luck.uniform(0, 0.3))
        worker.send_signal(signal.SIGINT)
        worker.wait(PATIENCE_SECONDS)
    finish(bench, [])
    return count(bench, keys, times)


def database_crashes(bench: Bench, mails: int, times: int) -> Outcome:
    """Kill the database server in the middle, and start it again."""
    keys = plan(bench, mails)
    times = min(times, 10)
    workers = [start(bench), start(bench)]
    assert bench.crash_database is not None
    for _ in range(times):
        wait_for_mail(bench)  # so each crash comes after the one before was got over
        time.sleep(bench.luck.uniform(0, 0.5))
        bench.crash_database()
        workers = [worker if worker.is_alive() else start(bench) for worker in workers]
    finish(bench, workers)
    return count(bench, keys, times)
