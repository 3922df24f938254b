"""Reads messages for the organizers' board and for operators."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, defer

from asyncnet.database import there
from asyncnet.messages.model import Message, MessageChange
from asyncnet.messages.rules import MessageState

PAGE = 50
BODIES = (defer(Message.sent_text), defer(Message.sent_html))


def board(
    session: Session,
    event_id: int,
    *,
    state: MessageState | None = None,
    after: tuple[datetime, int] | None = None,
) -> tuple[Sequence[Message], tuple[datetime, int] | None]:
    """Return up to PAGE messages of an event, the latest due first, and where the next page starts.

    `after` is the due time and id of the last one already shown.
    """
    wanted = select(Message).where(Message.event_id == event_id).options(*BODIES)
    if state is not None:
        wanted = wanted.where(Message.state == state)
    if after is not None:
        due_at, message_id = after
        wanted = wanted.where(
            or_(
                Message.due_at < due_at,
                and_(Message.due_at == due_at, Message.id < message_id),
            )
        )
    found = session.scalars(
        wanted.order_by(Message.due_at.desc(), Message.id.desc()).limit(PAGE + 1)
    ).all()
    last = found[PAGE - 1] if len(found) > PAGE else None
    return found[:PAGE], (last.due_at, last.id) if last else None


def counts(session: Session, event_id: int) -> dict[MessageState, int]:
    """Return how many messages of an event are in each state that has any."""
    rows = session.execute(
        select(Message.state, func.count())
        .where(Message.event_id == event_id)
        .group_by(Message.state)
    )
    return dict(rows.all())


def message_of(session: Session, event_id: int, message_id: int) -> Message:
    """Return one message of an event. Raises NotFound."""
    return there(
        session.scalar(
            select(Message).where(Message.id == message_id, Message.event_id == event_id)
        )
    )


def history(session: Session, message_id: int) -> Sequence[MessageChange]:
    """Return the steps of a message, the newest first, at most a hundred."""
    return session.scalars(
        select(MessageChange)
        .where(MessageChange.message_id == message_id)
        .order_by(MessageChange.id.desc())
        .limit(100)
    ).all()


def due(session: Session, now: datetime) -> Sequence[Message]:
    """Return the messages that a worker would look at now, in its order."""
    return session.scalars(
        select(Message).where(Message.wake_at <= now).order_by(Message.wake_at).options(*BODIES)
    ).all()
