"""How fast one worker claims, writes, sends and settles mail, with 100,000 rows in the table.

`python -m benchmarks.mail` prints messages a second on SQLite and PostgreSQL, each beside a
bare loop that builds the same mail and sends it over a kept smtplib connection to the same
server in the same minute. The figures to reach: 100 a second, and half of the bare loop.
"""

import argparse
import asyncio
import json
import multiprocessing
import smtplib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from functools import partial
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import flask_migrate
from flask import Flask
from sqlalchemy import insert, update

from asyncnet.app import create_app
from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.events.model import Event, Participant
from asyncnet.events.rules import Attendance
from asyncnet.mail.smtp import SmtpMailer
from asyncnet.messages.drain import drain
from asyncnet.messages.letters import Draft, render
from asyncnet.messages.model import Message
from asyncnet.messages.queue import reference_of
from asyncnet.messages.rules import MessageState
from asyncnet.messages.wording import WORDABLE
from asyncnet.tasks import LETTERS, compose_by
from asyncnet.wiring import links
from config import SmtpSettings, read_settings
from tests.servers.postgres import create_database, postgres

SENDER = "hello@forum.example"
FROM = f"asyncnet <{SENDER}>"
ROWS = 100_000
MAILS = 1_000
ROUNDS = 3


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--rows", type=int, default=ROWS)
    reader.add_argument("--mails", type=int, default=MAILS)
    reader.add_argument("--json", action="store_true")
    asked = reader.parse_args()
    with sink() as smtp, TemporaryDirectory(prefix="mail-bench-") as folder, postgres() as server:
        addresses = {
            "SQLite": f"sqlite:///{folder}/asyncnet.db",
            "PostgreSQL": create_database(server, "bench"),
        }
        for name, address in addresses.items():
            app = _installation(Path(folder), address, smtp)
            with app.app_context():
                _fill(asked.rows)
                figures = _measure(app, smtp, asked.mails)
                db.engine.dispose()
            if asked.json:
                print(json.dumps({"database": name, "rows": asked.rows} | figures))
            else:
                print(
                    f"mail, {name}, {asked.rows:,} rows: {figures['drained']:.0f} a second "
                    f"({figures['drained_cpu_ms']:.1f} ms of our CPU each); bare loop "
                    f"{figures['bare']:.0f} ({figures['bare_cpu_ms']:.1f} ms); "
                    f"ratio {figures['ratio']:.2f}"
                )


def _measure(app: Flask, smtp: SmtpSettings, mails: int) -> dict[str, float]:
    mailer = SmtpMailer(smtp, mail_from=FROM)
    drained, bare = [], []
    for _ in range(ROUNDS):
        _make_due(mails)
        drained.append(_timed(partial(_drain_all, mailer, mails)))
        bare.append(_timed(partial(_bare_loop, app, smtp, _drafts(mails))))
    return {
        "drained": round(mails / median(wall for wall, _ in drained), 1),
        "drained_cpu_ms": round(1000 * median(cpu for _, cpu in drained) / mails, 2),
        "bare": round(mails / median(wall for wall, _ in bare), 1),
        "bare_cpu_ms": round(1000 * median(cpu for _, cpu in bare) / mails, 2),
        "ratio": round(median(b[0] / d[0] for d, b in zip(drained, bare, strict=True)), 3),
    }


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    """Return how long some work took, in seconds on the wall and of this process's CPU."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def _drain_all(mailer: SmtpMailer, mails: int) -> None:
    done = drain(mailer, compose_by(utc_now), clock=utc_now)
    if done.sent != mails:
        raise SystemExit(f"Only {done} of {mails} were sent.")


def _bare_loop(app: Flask, smtp: SmtpSettings, drafts: list[tuple[Draft, Message]]) -> None:
    """Build the same mail with the standard library alone, and send it: no table, no commit."""
    with smtplib.SMTP(smtp.host, smtp.port) as server:
        for draft, message in drafts:
            letter = render(app.jinja_env, draft, message, links(), WORDABLE[message.kind].usual)
            mail = EmailMessage(policy=SMTP.clone(max_line_length=998))
            mail["From"] = FROM
            mail["To"] = Address(letter.to_name, addr_spec=letter.to_address)
            mail["Subject"] = letter.subject
            mail["Date"] = utc_now()
            mail["Message-ID"] = letter.message_id
            for name, value in letter.headers.items():
                mail[name] = value
            mail.set_content(letter.text, cte="quoted-printable")
            mail.add_alternative(letter.html, subtype="html", cte="quoted-printable")
            server.sendmail(SENDER, [letter.to_address], mail.as_bytes())


def _drafts(mails: int) -> list[tuple[Draft, Message]]:
    session = db.session()
    found = session.query(Message).filter_by(state=MessageState.SENT).limit(mails).all()
    drafts = [
        (LETTERS[message.kind](session, message, links(), now=utc_now()), message)
        for message in found
    ]
    session.expunge_all()  # else every later commit has these to forget
    return drafts


def _fill(rows: int) -> None:
    """Keep one event of 10,000 people with `rows` mails, all due next week."""
    now = utc_now()
    with transaction() as session:
        event = Event(
            title="Tide pools and telescopes",
            purpose="Meet the people who work on what you do, from the other side of the world.",
            zone="Europe/Berlin",
            starts_at=now,
            ends_at=now + timedelta(hours=2),
            registration_key="bench",
            form_key="bench",
            created_at=now,
        )
        session.add(event)
        session.flush()
        people = session.scalars(
            insert(Participant).returning(Participant.id),
            [
                {
                    "event_id": event.id,
                    "name": f"Person {number}",
                    "email": f"person{number}@example.org",
                    "zone": "Australia/Sydney",
                    "attendance": Attendance.ASYNC,
                    "registered_at": now,
                }
                for number in range(10_000)
            ],
        ).all()
        session.execute(
            insert(Message),
            [
                {
                    "key": f"bench:{number}",
                    "reference": reference_of(f"bench:{number}"),
                    "kind": "personal_link",
                    "subject_id": people[number % 10_000],
                    "event_id": event.id,
                    "participant_id": people[number % 10_000],
                    "to_address": f"person{number}@example.org",
                    "to_name": f"Person {number}",
                    "zone": "Australia/Sydney",
                    "due_local": "2030-01-01T09:00",
                    "due_at": now + timedelta(days=7),
                    "wake_at": now + timedelta(days=7, seconds=number),
                    "created_at": now,
                }
                for number in range(rows)
            ],
        )


def _make_due(mails: int) -> None:
    now = utc_now()
    with transaction() as session:
        chosen = (
            session.query(Message.id)
            .filter(Message.state == MessageState.SCHEDULED)
            .limit(mails)
            .scalar_subquery()
        )
        session.execute(
            update(Message).where(Message.id.in_(chosen)).values(due_at=now, wake_at=now),
            execution_options={"synchronize_session": False},
        )


def _installation(folder: Path, address: str, smtp: SmtpSettings) -> Flask:
    settings = read_settings(
        {
            "ASYNCNET_INSTANCE": str(folder),
            "ASYNCNET_DATABASE_URL": address,
            "ASYNCNET_QUEUE_URL": f"sqlite:///{folder}/queue.db",
            "ASYNCNET_SMTP_HOST": smtp.host,
            "ASYNCNET_SMTP_PORT": str(smtp.port),
            "ASYNCNET_SMTP_SECURITY": "none",
        }
    )
    app = create_app(settings)
    with app.app_context():
        flask_migrate.upgrade()
    return app


@contextmanager
def sink() -> Iterator[SmtpSettings]:
    """Run a mail server in a process of its own that takes everything and keeps nothing."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_run_sink, args=(theirs,), daemon=True
    )
    process.start()
    try:
        yield SmtpSettings("127.0.0.1", ours.recv(), "", "", "none")
    finally:
        process.terminate()
        process.join()


def _run_sink(ready: Pipe) -> None:
    async def serve() -> None:
        server = await asyncio.start_server(_take, "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


_ANSWERS = {b"QUIT": b"221 bye\r\n", b"EHLO": b"250-sink\r\n250 PIPELINING\r\n"}
"""It takes commands together, as every mail server in earnest does."""


async def _take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 sink\r\n")
    while line := await reader.readline():
        word = line[:4].upper()
        if word == b"DATA":
            writer.write(b"354 go on\r\n")
            await reader.readuntil(b"\r\n.\r\n")
        writer.write(_ANSWERS.get(word, b"250 OK\r\n"))
    writer.close()


if __name__ == "__main__":
    main()
