"""Rows that wait in their table and are worked on by one worker at a time.

A row waits once its `wake_at` has come. Whoever takes it moves that to the end of a lease and
counts the try; until then nobody else takes it, and whoever comes back later than that finds
another number of tries. What a killed worker had taken goes on once its lease is over.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

LEASE = timedelta(minutes=1)
"""How long a claim lasts unless it is renewed."""
MAX_ATTEMPTS = 3


class NothingWaiting(Exception):
    """No row waits to be worked on."""


class ClaimLost(Exception):
    """Another worker took the row over, or it is not worked on any more."""


class Leased:
    """The columns of a table whose rows are worked on by one worker at a time.

    `wake_at` is when a worker should look at the row, empty when nobody need; `attempts` fences a
    worker that came back too late.
    """

    id: Mapped[int] = mapped_column(primary_key=True, sort_order=-1)
    wake_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)


@dataclass(frozen=True)
class Claim:
    """The right to work on one row, as long as `attempts` is still the row's."""

    id: int
    attempts: int


Row = TypeVar("Row", bound=Leased)


def take(
    session: Session,
    table: type[Row],
    *waiting: ColumnElement[bool],
    lease: timedelta = LEASE,
    now: datetime,
    **values: Any,
) -> Row:
    """Return the row that has waited longest, taken in one statement and given these values.

    `waiting` are its other conditions. Raises NothingWaiting.
    """
    due = (
        select(table.id)
        .where(table.wake_at <= now, table.attempts < MAX_ATTEMPTS, *waiting)
        .order_by(table.wake_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    taken = session.scalars(
        update(table)
        .where(table.id == due)
        .values(attempts=table.attempts + 1, wake_at=now + lease, **values)
        .returning(table)
        .execution_options(synchronize_session=False, populate_existing=True)
    ).one_or_none()
    if taken is None:
        raise NothingWaiting
    return taken


def used_up(table: type[Leased], now: datetime) -> ColumnElement[bool]:
    """Return the condition that a row has been tried often enough without a word."""
    return and_(table.wake_at <= now, table.attempts >= MAX_ATTEMPTS)


def is_held(table: type[Leased], claim: Claim) -> ColumnElement[bool]:
    """Return the condition that a row is still the one that was claimed."""
    return and_(table.id == claim.id, table.attempts == claim.attempts)


def claimed(session: Session, table: type[Row], claim: Claim, *working: ColumnElement[bool]) -> Row:
    """Return the row of a claim, locked; `working` are its other conditions. Raises ClaimLost."""
    row = session.scalar(
        select(table)
        .where(is_held(table, claim), *working)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise ClaimLost
    return row
