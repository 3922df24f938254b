"""Plans mails, and changes those that still wait."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from asyncnet.database import insert_new, wake
from asyncnet.messages.model import Message
from asyncnet.messages.queue.history import (
    QUEUE,
    SYSTEM,
    WAITING,
    cancel,
    locked,
    move,
    note_change,
    set_due,
    waiting_rows,
    wall_clock,
)
from asyncnet.messages.queue.suppression import SUPPRESSED, UNSUBSCRIBED, Reader, refusals
from asyncnet.messages.rules import MessageState, first_look


def reference_of(key: str) -> str:
    """Return what stands for a key outside: in the Message-ID and in the return path."""
    return sha256(key.encode()).hexdigest()[:32]


class Recipient(Protocol):
    """A participant, as far as a mail to them needs to know."""

    @property
    def id(self) -> int: ...
    @property
    def event_id(self) -> int: ...
    @property
    def email(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def zone(self) -> str: ...


@dataclass(frozen=True)
class Planned:
    """A mail before it is a row. `asked_for`: its reader waits for it at this moment."""

    key: str
    kind: str
    subject_id: int
    event_id: int | None
    participant_id: int | None
    to_address: str
    to_name: str
    zone: str
    due_at: datetime
    expires_at: datetime | None = None
    asked_for: bool = False

    @classmethod
    def to(
        cls,
        reader: Recipient,
        kind: str,
        *,
        key: str,
        subject_id: int,
        due_at: datetime,
        expires_at: datetime | None = None,
        asked_for: bool = False,
    ) -> "Planned":
        """Return a mail to a participant about what `subject_id` names."""
        return cls(
            key,
            kind,
            subject_id,
            reader.event_id,
            reader.id,
            reader.email,
            reader.name,
            reader.zone,
            due_at,
            expires_at,
            asked_for,
        )


def plan(session: Session, mails: Sequence[Planned], *, now: datetime) -> None:
    """Schedule mails; nothing happens to a key that has been planned before (CHECKLIST M5).

    To an address that takes no mail one is cancelled at once (M4), unless its reader has just
    `asked_for` it.
    """
    if not mails:
        return
    refused = refusals(session, {_reader(mail) for mail in mails if not mail.asked_for})
    added = session.execute(
        insert_new(session, Message)
        .on_conflict_do_nothing()
        .returning(Message.id, Message.state, Message.note),
        [
            _row(mail, why_not="" if mail.asked_for else refused.get(_reader(mail), ""), now=now)
            for mail in mails
        ],
    ).all()
    for why_not in ("", SUPPRESSED, UNSUBSCRIBED):
        ids = [row.id for row in added if row.note == why_not]
        state = MessageState.CANCELLED if why_not else MessageState.SCHEDULED
        note_change(session, ids, state, SYSTEM, why_not or "Planned.", now)
    if any(row.state is MessageState.SCHEDULED for row in added) and any(
        mail.due_at <= now for mail in mails
    ):
        wake(session, QUEUE)


def plan_one(session: Session, mail: Planned, *, now: datetime) -> int:
    """Schedule a mail as `plan` does, and return its id, also when it was planned before."""
    plan(session, [mail], now=now)
    return session.scalars(select(Message.id).where(Message.key == mail.key)).one()


def is_untried(message: Message) -> bool:
    """Return whether a mail waits and no worker has tried to send it.

    After that nobody can tell what its reader has seen, so nothing may join it or change in it.
    """
    return message.state in WAITING and message.attempts == 0


def untried(session: Session, *which: ColumnElement[bool]) -> Message | None:
    """Return the first of these mails that is untried, locked, for more words to go with it."""
    waiting = waiting_rows(session, Message.attempts == 0, *which, limit=1)
    return waiting[0] if waiting else None


def untold(
    session: Session, event_id: int, kind: str, participant_ids: Collection[int]
) -> set[int]:
    """Return for which of these participants a mail of one kind is untried; the mails are locked,
    so that none goes before what its reader is to know is saved."""
    found = session.execute(
        select(Message.id, Message.participant_id)
        .where(
            Message.event_id == event_id,
            Message.kind == kind,
            Message.participant_id.in_(participant_ids),
            Message.state.in_(WAITING),
            Message.attempts == 0,
        )
        .order_by(Message.id)
        .with_for_update()
    )
    return {row.participant_id for row in found}


def _reader(mail: Planned) -> Reader:
    return mail.to_address, mail.event_id


def _row(mail: Planned, *, why_not: str, now: datetime) -> dict[str, Any]:
    values = asdict(mail)
    del values["asked_for"]
    return values | {
        "reference": reference_of(mail.key),
        "due_local": wall_clock(mail.due_at, mail.zone),
        "state": MessageState.CANCELLED if why_not else MessageState.SCHEDULED,
        "wake_at": None if why_not else first_look(mail.kind, mail.due_at, now),
        "attempts": 0,
        "tries": 0,
        "version": 1,
        "note": why_not,
        "created_at": now,
    }


def replan(
    session: Session,
    message_id: int,
    *,
    due_at: datetime,
    zone: str,
    actor: str = SYSTEM,
    note: str,
    now: datetime,
) -> bool:
    """Give a waiting message another moment or zone; return False when it waits no longer."""
    message = locked(session, message_id)
    if message.state not in WAITING:
        return False
    set_due(message, due_at, zone)
    move(session, message, message.state, actor=actor, note=note, now=now)
    return True


def readdress(
    session: Session, participant_id: int, *, address: str, name: str, now: datetime
) -> None:
    """Let every mail that waits for a participant follow them to another address or name."""
    for message in waiting_rows(session, Message.participant_id == participant_id):
        if (message.to_address, message.to_name) != (address, name):
            message.to_address, message.to_name = address, name
            move(session, message, message.state, actor=SYSTEM, note="Other address.", now=now)


def cancel_key(session: Session, key: str, *, why: str, now: datetime) -> int:
    """Cancel the mail with this key if it still waits; return how many that were."""
    return cancel(session, Message.key == key, why, now)


def cancel_kind(
    session: Session,
    event_id: int,
    kind: str,
    participant_ids: Collection[int],
    *,
    why: str,
    now: datetime,
) -> int:
    """Cancel what waits of one kind for these participants of an event; return how many."""
    which = and_(
        Message.event_id == event_id,
        Message.kind == kind,
        Message.participant_id.in_(participant_ids),
    )
    return cancel(session, which, why, now)


def cancel_about(
    session: Session,
    participant_id: int,
    kinds: Collection[str],
    subject_id: int,
    *,
    why: str,
    now: datetime,
) -> int:
    """Cancel what waits to tell a participant about this one subject; return how many."""
    which = and_(
        Message.participant_id == participant_id,
        Message.kind.in_(kinds),
        Message.subject_id == subject_id,
    )
    return cancel(session, which, why, now)


def cancel_for(session: Session, participant_id: int, *, why: str, now: datetime) -> int:
    """Cancel every mail that still waits to go to a participant; return how many."""
    return cancel(session, Message.participant_id == participant_id, why, now)
