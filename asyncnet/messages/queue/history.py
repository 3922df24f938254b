"""How a message goes from state to state, with a line of history for every step."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import CTE, ColumnElement, Insert, bindparam, insert, select, update
from sqlalchemy.orm import Session

from asyncnet.database import Base, UtcDateTime, wake
from asyncnet.messages.model import NOTE_LENGTH, Message
from asyncnet.messages.rules import MessageState, first_look
from asyncnet.zones import zone_named

QUEUE = "mail"
WORKER = "worker"
SYSTEM = "system"
REPORT = "delivery report"
UNSETTLED = (MessageState.SENDING, MessageState.UNCONFIRMED)
WAITING = (MessageState.SCHEDULED, MessageState.HELD)
_CHANGE = Base.metadata.tables["message_change"]
_NOTE = insert(_CHANGE)


def locked(session: Session, message_id: int) -> Message:
    return session.get_one(Message, message_id, populate_existing=True, with_for_update=True)


def waiting_rows(
    session: Session, *which: ColumnElement[bool], limit: int | None = None
) -> Sequence[Message]:
    return session.scalars(
        select(Message)
        .where(Message.state.in_(WAITING), *which)
        .order_by(Message.id)
        .limit(limit)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def set_due(message: Message, due_at: datetime, zone: str) -> None:
    message.due_at = due_at
    message.zone = zone
    message.due_local = wall_clock(due_at, zone)


def wall_clock(at: datetime, zone: str) -> str:
    return f"{at.astimezone(zone_named(zone)):%Y-%m-%dT%H:%M}"


def move(
    session: Session,
    message: Message,
    state: MessageState,
    *,
    actor: str,
    note: str,
    now: datetime,
) -> None:
    waits = state is MessageState.SCHEDULED
    message.state = state
    message.wake_at = first_look(message.kind, message.due_at, now) if waits else None
    message.tries = 0
    message.tried_since = None
    message.version += 1
    message.note = note[:NOTE_LENGTH]
    session.flush()
    note_change(session, [message.id], state, actor, note, now)
    if waits and message.due_at <= now:
        wake(session, QUEUE)


def cancel(session: Session, which: ColumnElement[bool], why: str, now: datetime) -> int:
    cancelled = session.scalars(
        update(Message)
        .where(which, Message.state.in_(WAITING))
        .values(state=MessageState.CANCELLED, wake_at=None, version=Message.version + 1, note=why)
        .returning(Message.id)
    ).all()
    note_change(session, cancelled, MessageState.CANCELLED, SYSTEM, why, now)
    return len(cancelled)


def note_change(
    session: Session,
    message_ids: Iterable[int],
    state: MessageState,
    actor: str,
    note: str,
    now: datetime,
) -> None:
    rows = [
        {
            "message_id": message_id,
            "at": now,
            "to_state": state,
            "actor": actor,
            "note": note[:NOTE_LENGTH],
        }
        for message_id in message_ids
    ]
    if rows:
        session.connection().execute(_NOTE, rows)


def noting(moved: CTE) -> Insert:
    """Return what notes a change of the messages that an UPDATE moves, in its own statement.

    It is executed with the values of `noted`. Only PostgreSQL can; it spares a wait there.
    """
    return _NOTE.from_select(
        ["message_id", "at", "to_state", "actor", "note"],
        select(
            moved.c.id,
            bindparam("noted_at", type_=UtcDateTime),
            bindparam("noted_state", type_=_CHANGE.c.to_state.type),
            bindparam("noted_actor", type_=_CHANGE.c.actor.type),
            bindparam("noted_note", type_=_CHANGE.c.note.type),
        ),
    )


def noted(state: MessageState, actor: str, note: str, now: datetime) -> dict[str, object]:
    return {
        "noted_at": now,
        "noted_state": state,
        "noted_actor": actor,
        "noted_note": note[:NOTE_LENGTH],
    }
