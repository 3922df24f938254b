"""The declarative base, moments in UTC, and the one way to write."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from threading import Lock
from time import monotonic
from typing import Any, TypeVar

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, Connection, DateTime, Dialect, Engine, MetaData, event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry, Pool, PoolProxiedConnection
from sqlalchemy.types import TypeDecorator

WRITES = "asyncnet_writes"
WAKE = "asyncnet_wake"
BUSY_SECONDS = 15
ASLEEP_SECONDS = 1.0
USED_AT = "asyncnet_used_at"
T = TypeVar("T")


class NotFound(Exception):
    """There is no such row, or it belongs to somebody else: nobody can tell which."""


class ChangedMeanwhile(Exception):
    """Somebody else saved it after the page was shown, so nothing was done (CHECKLIST F9)."""


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, kept in UTC. Refuses a value without a zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Every table of asyncnet."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - read by SQLAlchemy while mapping
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        dict[str, str]: JSON,
        list[int]: JSON,
        list[list[int]]: JSON,
        list[str]: JSON,
        list[dict[str, Any]]: JSON,
    }


db = SQLAlchemy(metadata=Base.metadata)
_writing = Lock()


@contextmanager
def transaction() -> Iterator[Session]:
    """Open the request's session for writing; commit at the end, or roll everything back.

    On SQLite the write lock is taken at once (`BEGIN IMMEDIATE`), so whatever the block reads
    cannot change before it commits. Anything read earlier is expired and read again inside.
    On PostgreSQL a row that is read to be changed needs `with_for_update`.
    """
    session = db.session()
    session.rollback()
    with _one_writer(session):
        session.connection(execution_options={WRITES: True})
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise


@contextmanager
def _one_writer(session: Session) -> Iterator[None]:
    """Let the threads of this process write to SQLite in turn.

    SQLite itself waits for its lock by sleeping and trying again, up to 100 ms at a time;
    four threads that do so reach a tenth of what they reach in turn.
    """
    if session.get_bind().dialect.name == "sqlite":
        with _writing:
            yield
    else:
        yield


def insert_new(session: Session, table: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """Return an insert of rows that may be there already, as this database says it."""
    is_postgres = session.get_bind().dialect.name == "postgresql"
    return postgresql.insert(table) if is_postgres else sqlite.insert(table)


def lock(session: Session, name: str) -> None:
    """Wait until no other transaction holds this name, then hold it to the end of ours.

    For what no row stands for yet. On SQLite whoever writes is alone already.
    """
    if session.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(sha256(name.encode()).digest()[:8], "big", signed=True)
        session.execute(select(func.pg_advisory_xact_lock(number)))


def there(found: T | None) -> T:
    """Return what a query found. Raises NotFound when that is nothing."""
    if found is None:
        raise NotFound
    return found


def passes(error: DBAPIError) -> bool:
    """Return whether a trouble of the database ends by itself, so that trying again helps.

    So it is when the server is away, a deadlock or a time-out was met, or a disk is full; a
    statement that SQLite cannot run at all bears the same name there, and does not pass.
    """
    if error.connection_invalidated:
        return True
    wrong = getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
    return isinstance(error, OperationalError) and not wrong


@event.listens_for(Engine, "connect")
def _set_up_sqlite(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.isolation_level = None  # we send BEGIN ourselves
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


@event.listens_for(Pool, "checkin")
def _note_use(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    record.info[USED_AT] = monotonic()


@event.listens_for(Pool, "checkout")
def _greet_one_that_slept(
    connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection
) -> None:
    """Have a connection to a server replaced when it died while nobody used it.

    One that was in use a moment ago is not asked: a worker takes it a hundred times a second.
    """
    asleep = monotonic() - record.info.get(USED_AT, monotonic())
    if asleep < ASLEEP_SECONDS or isinstance(connection, sqlite3.Connection):
        return
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        cursor.close()
        connection.rollback()
    except Exception as error:
        raise DisconnectionError from error


@event.listens_for(Engine, "begin")
def _begin_sqlite(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        writes = connection.get_execution_options().get(WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def wake(session: Session, queue: str) -> None:
    """Have a worker look at its table as soon as this session's transaction has committed."""
    session.info.setdefault(WAKE, set()).add(queue)
