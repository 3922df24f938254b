"""Reads messages for the organizers' board and for operators."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, bindparam, func, or_, select
from sqlalchemy.orm import Session, defer

from asyncnet.database import there
from asyncnet.messages.model import MailText, Message, MessageChange
from asyncnet.messages.rules import MessageState
from asyncnet.messages.wording import WORDABLE, Wording

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


def words_of(session: Session, message: Message) -> Wording | None:
    """Return the words of a mail: its own, else its event's, else the usual ones.

    None for a kind that nobody words but asyncnet. Its places are not filled.
    """
    if message.kind not in WORDABLE:
        return None
    if message.own_subject is not None:
        return Wording(message.own_subject, message.own_opening or "", message.own_closing or "")
    return words_for(session, message.event_id or 0, message.kind)[0]


def words_for(session: Session, event_id: int, kind: str) -> tuple[Wording, int]:
    """Return an event's words for a kind of mail, and their version, 0 for the usual ones."""
    row = session.execute(_WORDS, {"event": event_id, "kind": kind}).first()
    if row is None:
        return WORDABLE[kind].usual, 0
    return Wording(row.subject, row.opening, row.closing), row.version


_WORDS = select(MailText.subject, MailText.opening, MailText.closing, MailText.version).where(
    MailText.event_id == bindparam("event"), MailText.kind == bindparam("kind")
)
