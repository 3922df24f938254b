"""What `transaction()` promises: nothing is lost, nothing is half done."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from multiprocessing import get_context
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.orm import Session

from asyncnet.app import create_app
from asyncnet.audit.actions import SYSTEM, record
from asyncnet.audit.model import AuditEntry
from asyncnet.clock import utc_now
from asyncnet.database import WRITES, db, lock, passes, transaction
from asyncnet.people.model import Person
from asyncnet.web.limits import AttemptWindow
from config import Settings

WRITERS = 4
TURNS = 300
Rows = Callable[..., list[Any]]


def test_no_update_is_lost(app: Flask, settings: Settings, rows: Rows) -> None:
    """F5: four processes, each reading a number, adding one and writing it back 300 times."""
    with app.app_context(), transaction() as session:
        session.add(AttemptWindow(key="counter", hits=0, ends_at=0))
    with app.app_context():
        db.engine.dispose()

    forked = get_context("fork")
    writers = [forked.Process(target=count_up, args=(settings,)) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    [counter] = rows(select(AttemptWindow))
    assert counter.hits == WRITERS * TURNS


def count_up(settings: Settings) -> None:
    """Add one to the counter, again and again, in a process with connections of its own."""
    app = create_app(settings)
    for _ in range(TURNS):
        with app.app_context(), transaction() as session:
            counter = session.get_one(AttemptWindow, "counter", with_for_update=True)
            counter.hits = counter.hits + 1


def test_what_was_read_before_is_read_again_inside(app: Flask, session: Session) -> None:
    """F5: a row that the page has shown cannot be written back as it was then."""
    session.add(AttemptWindow(key="counter", hits=1, ends_at=0))
    session.commit()
    with app.app_context():
        shown = db.session.get_one(AttemptWindow, "counter")
        assert shown.hits == 1
        session.execute(text("UPDATE attempt_window SET hits = 41"))
        session.commit()

        with transaction():
            shown.hits = shown.hits + 1

    assert session.scalar(select(AttemptWindow.hits)) == 42


def test_a_change_that_fails_leaves_neither_itself_nor_its_entry(app: Flask, rows: Rows) -> None:
    """P5: change and audit entry are kept together or not at all."""

    def fail() -> None:
        with transaction() as session:
            session.add(Person(email="ida@forum.example", created_at=utc_now()))
            record(session, SYSTEM, "person.added", "person:1", now=utc_now())
            session.flush()
            raise RuntimeError

    with app.app_context(), pytest.raises(RuntimeError):
        fail()

    assert rows(select(Person)) == []
    assert rows(select(AuditEntry)) == []


def test_a_name_is_held_by_one_at_a_time(app: Flask, rows: Rows) -> None:
    """A6: twenty who all look before they add; only the first finds nothing."""

    def add_once() -> None:
        with app.app_context(), transaction() as session:
            lock(session, "the first one")
            if not session.scalar(select(func.count()).select_from(AuditEntry)):
                record(session, SYSTEM, "first", "thing:1", now=utc_now())

    in_threads([add_once] * 10)

    assert len(rows(select(AuditEntry))) == 1


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=5, minutes=45))])
def test_moments_come_back_in_utc(app: Flask, rows: Rows, zone: timezone) -> None:
    at = datetime(2027, 3, 28, 2, 30, 15, 123456, tzinfo=zone)
    with app.app_context(), transaction() as session:
        session.add(Person(email="ida@forum.example", created_at=at))

    [person] = rows(select(Person))

    assert person.created_at == at
    assert person.created_at.tzinfo is UTC


def test_a_moment_without_a_zone_is_refused(app: Flask) -> None:
    nowhere = datetime(2027, 1, 1)  # noqa: DTZ001 - that is the point

    def keep() -> None:
        with transaction() as session:
            session.add(Person(email="a@b.example", created_at=nowhere))

    with app.app_context(), pytest.raises(StatementError, match="no time zone"):
        keep()


@pytest.mark.sizeless
@pytest.mark.usefixtures("power_may_fail")
def test_sqlite_is_set_up_to_lose_nothing(app: Flask) -> None:
    """F5: what SQLite's own defaults would not do."""
    with app.app_context(), db.engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }

    assert settings == {
        "journal_mode": "wal",
        "synchronous": 2,  # FULL
        "foreign_keys": 1,
        "busy_timeout": 15_000,
    }


def in_threads(work: list[Callable[[], None]]) -> None:
    """Run everything at once; raise what the first one that failed raised."""
    failures: list[BaseException] = []
    ready = threading.Barrier(len(work))

    def run(one: Callable[[], None]) -> None:
        ready.wait()
        try:
            one()
        except BaseException as error:  # it is raised below, in the thread of the test
            failures.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_what_passes_by_itself_is_told_from_what_does_not(app: Flask) -> None:
    """F3: a lock that somebody holds passes; a statement that no database can run never does."""
    with app.app_context():
        session = db.session()
        with pytest.raises(DBAPIError) as no_such_table:
            session.execute(text("SELECT 1 FROM no_such_table"))
        session.rollback()
        waits = "SET LOCAL lock_timeout = 1" if on_postgres(session) else "PRAGMA busy_timeout = 1"
        with transaction() as writing, db.engine.connect() as other:
            writing.execute(text("INSERT INTO attempt_window VALUES ('held', 0, 0)"))
            other.execution_options(**{WRITES: False}).exec_driver_sql(waits)
            with pytest.raises(DBAPIError) as held:
                other.exec_driver_sql("INSERT INTO attempt_window VALUES ('held', 0, 0)")

    assert (passes(no_such_table.value), passes(held.value)) == (False, True)


def on_postgres(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"
