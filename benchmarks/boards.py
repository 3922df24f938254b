"""What the organizers' boards and the page of two cost in a full installation.

`python -m benchmarks.boards` fills SQLite and PostgreSQL with 60,000 matches and 100,000 mails
in events of 800 people and 3,000 matches each, and asks for each page of one of them. The
figure to reach: under 300 ms, and as many queries as with hardly any rows. `--event-matches`
puts more of them into each event.
"""

import argparse
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import flask_migrate
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, event, insert, text
from sqlalchemy.orm import Session

from asyncnet.app import create_app
from asyncnet.clock import utc_now
from asyncnet.database import db
from asyncnet.events.model import Participant
from asyncnet.events.rules import Attendance
from asyncnet.followups.model import Answer, Reply, Step
from asyncnet.followups.rules import Told
from asyncnet.intros.model import Intro, IntroKind, IntroState
from asyncnet.matches.model import Match, MatchState
from asyncnet.messages.model import Message
from asyncnet.messages.queue import reference_of
from asyncnet.messages.rules import MessageKind, MessageState
from config import read_settings
from tests import factories
from tests.pages import Browser, open_personal_link, sign_in
from tests.servers.postgres import create_database, postgres

PEOPLE, MATCHES, ALL_MATCHES, ALL_MAILS = 800, 3_000, 60_000, 100_000
TIMES = 7
FEW = 20
"""So many matches has the event whose queries are counted for comparison."""


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--event-matches", type=int, default=MATCHES)
    each = reader.parse_args().event_matches
    with TemporaryDirectory(prefix="boards-") as folder, postgres() as server:
        addresses = {
            "SQLite": f"sqlite:///{folder}/asyncnet.db",
            "PostgreSQL": create_database(server, "boards"),
        }
        for name, address in addresses.items():
            app = _installation(Path(folder), address)
            with app.app_context():
                engine = db.engine
            _show(app, engine, name, each)
            engine.dispose()


def _show(app: Flask, engine: Engine, name: str, each: int) -> None:
    with Session(engine, expire_on_commit=False) as session:
        host = factories.organizer(session, "host@forum.example")
        small = _event(session, host, FEW)
        full = [_event(session, host, each) for _ in range(ALL_MATCHES // each)][-1]
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    browser = app.test_client()
    sign_in(browser, host)
    for _, person, _ in (small, full):
        open_personal_link(browser, person)
    for words, few, many in zip(WORDS, _pages(*small), _pages(*full), strict=True):
        before, *_ = _asked(engine, browser, few)
        queries, took, cpu = _asked(engine, browser, many)
        print(
            f"{name:<11}{words:<34} {took:5.0f} ms ({cpu:4.0f} ms of our CPU), {queries} queries, "
            f"{before} with {FEW} matches",
            flush=True,
        )


WORDS = (
    "who waits",
    "who waits for an answer",
    "who waits, as a table",
    "messages",
    "messages of one state",
    "messages to a name",
    "messages, as a table",
    "overview with the funnel",
    "the page of two",
    "everything written to somebody",
)


def _pages(event_id: int, person: Participant, match_id: int) -> Iterator[str]:
    """Yield the addresses of the pages of WORDS, in their order."""
    board, own = f"/events/{event_id}", f"/me/{person.id}"
    yield f"{board}/waiting"
    yield f"{board}/waiting?what=answer"
    yield f"{board}/waiting.csv"
    yield f"{board}/messages"
    yield f"{board}/messages?state=sent"
    yield f"{board}/messages?who=person+7"
    yield f"{board}/messages.csv"
    yield board
    yield f"{own}/matches/{match_id}/thread"
    yield f"{own}/letters"


def _asked(engine: Engine, browser: FlaskClient, page: str) -> tuple[int, float, float]:
    """Return how many queries a page needs, and how long it takes: on the wall, and of our CPU."""
    seen: list[str] = []

    def note(*said: Any) -> None:
        seen.append(said[2])

    event.listen(engine, "before_cursor_execute", note)
    answer = browser.get(page)
    event.remove(engine, "before_cursor_execute", note)
    if answer.status_code != 200:
        raise SystemExit(f"{page} answered {answer.status_code}")
    walls, cpus = [], []
    for _ in range(TIMES):
        wall, cpu = time.perf_counter(), time.process_time()
        browser.get(page).get_data()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    asked = [sql for sql in seen if not sql.startswith(("BEGIN", "PRAGMA"))]
    return len(asked), 1000 * median(walls), 1000 * median(cpus)


def _event(session: Session, host: Any, matches: int) -> tuple[int, Participant, int]:
    """Fill an event; return it, somebody of it who was written to, and a match of theirs."""
    made = factories.event(session, host, starts_at=utc_now() - timedelta(days=2), rounds=4)
    crowd = max(FEW, PEOPLE * matches // MATCHES)
    now, share = utc_now(), crowd // 5
    people = _rows(
        session,
        Participant,
        (
            {
                "event_id": made.id,
                "name": f"Person {n}",
                "email": f"person{n}@reader.example",
                "zone": "Australia/Sydney" if n < share else "Europe/Berlin",
                "attendance": Attendance.ASYNC if n < share else Attendance.LIVE,
                "registered_at": now - timedelta(days=9),
            }
            for n in range(crowd)
        ),
    )
    away, live = people[:share], people[share:]
    _rows(session, Intro, (_intro(person, now) for person in away[: share * 9 // 10]))
    pairs = [(away[n % share], live[(n // share + n % share) % len(live)]) for n in range(matches)]
    met = _rows(
        session,
        Match,
        (
            {
                "event_id": made.id,
                "round_id": made.rounds[n % 4].id,
                "first_id": first,
                "second_id": second,
                "state": MatchState.PUBLISHED,
                "created_at": now - timedelta(days=3),
            }
            for n, (first, second) in enumerate(pairs)
        ),
    )
    mails = _rows(session, Message, (_mail(made.id, n, away, now) for n in range(matches * 5 // 3)))
    told = [
        {"match_id": met[n], "participant_id": second, "told": Told.WATCHED, "at": now}
        for n, (_, second) in enumerate(pairs)
        if n % 5
    ]
    session.execute(insert(Step), told)
    said = [{"question": 1, "kind": "long", "label": "What struck you?", "value": "Tides."}]
    _rows(
        session,
        Answer,
        (
            {
                "match_id": met[n],
                "author_id": second,
                "items": said,
                "message_id": mails[n % share],
                "created_at": now - timedelta(days=1),
                "changed_at": now - timedelta(days=1),
            }
            for n, (_, second) in enumerate(pairs)
            if n % 5 > 1
        ),
    )
    _rows(
        session,
        Reply,
        (
            {
                "match_id": met[n],
                "author_id": first,
                "words": "Thank you.",
                "message_id": mails[-1],
                "form_key": uuid4().hex,
                "created_at": now - timedelta(hours=5),
            }
            for n, (first, _) in enumerate(pairs)
            if n % 5 > 3
        ),
    )
    session.commit()
    return made.id, session.get_one(Participant, pairs[4][0]), met[4]


def _rows(session: Session, table: Any, rows: Iterator[dict[str, Any]]) -> list[int]:
    return list(session.scalars(insert(table).returning(table.id), list(rows)))


def _intro(person: int, now: datetime) -> dict[str, Any]:
    key = uuid4().hex
    return {
        "participant_id": person,
        "kind": IntroKind.TEXT,
        "state": IntroState.READY,
        "upload_key": f"uploads/{key}",
        "words": "I count eelgrass.",
        "bytes_announced": 0,
        "created_at": now - timedelta(days=5),
        "ready_at": now - timedelta(days=4),
    }


def _mail(event_id: int, number: int, readers: list[int], now: datetime) -> dict[str, Any]:
    key, waits = uuid4().hex, number % 10 == 9
    return {
        "key": key,
        "reference": reference_of(key),
        "kind": MessageKind.FOLLOW_UP if number < len(readers) else MessageKind.REPLY,
        "subject_id": 1,
        "event_id": event_id,
        "participant_id": readers[number % len(readers)],
        "to_address": f"person{number}@reader.example",
        "to_name": f"Person {number}",
        "zone": "Australia/Sydney",
        "due_local": "2026-01-01T09:00",
        "due_at": now - timedelta(hours=9, seconds=number),
        "state": MessageState.HELD if waits else MessageState.SENT,
        "sent_at": None if waits else now - timedelta(hours=8),
        "created_at": now - timedelta(days=1),
    }


def _installation(folder: Path, address: str) -> Flask:
    settings = read_settings(
        {
            "ASYNCNET_INSTANCE": str(folder),
            "ASYNCNET_DATABASE_URL": address,
            "ASYNCNET_QUEUE_URL": f"sqlite:///{folder}/queue.db",
            "ASYNCNET_LOG_JSON": "yes",
        }
    )
    app = create_app(settings)
    app.test_client_class = Browser
    with app.app_context():
        flask_migrate.upgrade()
    return app


if __name__ == "__main__":
    main()
