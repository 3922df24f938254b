"""Reads messages for the organizers' board and for operators."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select
from sqlalchemy.orm import Session, defer

from asyncnet.database import there
from asyncnet.messages.model import MailText, Message, MessageChange
from asyncnet.messages.rules import MessageState
from asyncnet.messages.wording import WORDABLE, Wording

PAGE = 50
BODIES = (defer(Message.sent_text), defer(Message.sent_html))


@dataclass(frozen=True)
class Choice:
    """Which messages of an event an organizer looks at; what is None or empty narrows nothing.

    `who` is a part of the name or the address of the reader; `without` are messages that are
    kept from this organizer, whatever else they choose.
    """

    state: MessageState | None = None
    kind: str | None = None
    who: str = ""
    without: frozenset[int] = frozenset()

    def narrows(self) -> bool:
        return self != Choice(without=self.without)


def board(
    session: Session,
    event_id: int,
    choice: Choice,
    *,
    after: tuple[datetime, int] | None = None,
) -> tuple[Sequence[Message], tuple[datetime, int] | None]:
    """Return up to PAGE messages of an event, the latest due first, and where the next page starts.

    `after` is the due time and id of the last one already shown.
    """
    wanted = select(Message).where(*_chosen(event_id, choice)).options(*BODIES)
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


def ids_of(session: Session, event_id: int, choice: Choice) -> Sequence[int]:
    """Return the ids of all messages that an organizer chose."""
    return session.scalars(select(Message.id).where(*_chosen(event_id, choice))).all()


def among(session: Session, event_id: int, message_ids: Collection[int]) -> set[int]:
    """Return those of some ids that are messages of this event."""
    return set(
        session.scalars(
            select(Message.id).where(Message.event_id == event_id, Message.id.in_(message_ids))
        )
    )


def some_of(session: Session, event_id: int, message_ids: Collection[int]) -> Sequence[Message]:
    """Return these messages of an event as they stand, the latest due first."""
    return session.scalars(
        select(Message)
        .where(Message.event_id == event_id, Message.id.in_(message_ids))
        .order_by(Message.due_at.desc(), Message.id.desc())
        .options(*BODIES)
    ).all()


def rows_of(session: Session, event_id: int, choice: Choice) -> Iterator[Any]:
    """Yield all chosen messages for a table, the latest due first, a thousand in memory at once."""
    yield from session.execute(
        select(
            Message.to_name,
            Message.to_address,
            Message.kind,
            Message.state,
            Message.due_at,
            Message.due_local,
            Message.zone,
            Message.sent_at,
            Message.sent_subject,
            Message.note,
        )
        .where(*_chosen(event_id, choice))
        .order_by(Message.due_at.desc(), Message.id.desc())
        .execution_options(yield_per=1000)
    )


def _chosen(event_id: int, choice: Choice) -> list[ColumnElement[bool]]:
    chosen: list[ColumnElement[bool]] = [Message.event_id == event_id]
    if choice.without:
        chosen.append(Message.id.not_in(choice.without))
    if choice.state is not None:
        chosen.append(Message.state == choice.state)
    if choice.kind is not None:
        chosen.append(Message.kind == choice.kind)
    if choice.who:
        chosen.append(
            or_(
                Message.to_name.icontains(choice.who, autoescape=True),
                Message.to_address.icontains(choice.who, autoescape=True),
            )
        )
    return chosen


def counts(
    session: Session, event_id: int, choice: Choice
) -> tuple[dict[MessageState, int], dict[str, int]]:
    """Return how many messages of an event are in each state, and of each kind, that has any.

    Each is counted under the rest of the choice: states among the chosen kind and reader.
    """
    rows = session.execute(
        select(Message.state, Message.kind, func.count())
        .where(*_chosen(event_id, replace(choice, state=None, kind=None)))
        .group_by(Message.state, Message.kind)
    )
    states: Counter[MessageState] = Counter()
    kinds: Counter[str] = Counter()
    for state, kind, count in rows:
        if choice.kind in {None, kind}:
            states[state] += count
        if choice.state in {None, state}:
            kinds[kind] += count
    return dict(states), dict(kinds)


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


def longest_name(session: Session, event_id: int) -> str:
    """Return the longest name that a mail of an event is addressed to; empty without any."""
    name = session.scalar(
        select(Message.to_name)
        .where(Message.event_id == event_id)
        .order_by(func.length(Message.to_name).desc())
        .limit(1)
    )
    return name or ""


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


def texts_of(session: Session, event_id: int) -> dict[str, Wording]:
    """Return an event's own words by kind of mail."""
    rows = session.scalars(select(MailText).where(MailText.event_id == event_id))
    return {row.kind: Wording(row.subject, row.opening, row.closing) for row in rows}


_WORDS = select(MailText.subject, MailText.opening, MailText.closing, MailText.version).where(
    MailText.event_id == bindparam("event"), MailText.kind == bindparam("kind")
)
