"""What a worker does with the table: claim one message, keep its copy, settle it."""

from dataclasses import dataclass
from datetime import datetime
from random import random

from sqlalchemy import Integer, and_, bindparam, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from asyncnet.database import Base, UtcDateTime
from asyncnet.mail.port import Letter
from asyncnet.messages.model import NOTE_LENGTH, Message
from asyncnet.messages.queue.copies import masked
from asyncnet.messages.queue.history import SYSTEM, UNSETTLED, WORKER, note_change, noted, noting
from asyncnet.messages.rules import (
    LATE,
    LEASE,
    MANNERS,
    MessageState,
    Outcome,
    next_daylight,
    next_step,
)
from asyncnet.zones import zone_named

SUBJECT_LENGTH = 300
AT_ONCE = [kind for kind, manner in MANNERS.items() if manner.at_once]
_MESSAGE = Base.metadata.tables["message"]
_NOW = bindparam("now", type_=UtcDateTime)
_EARLIEST = (
    select(Message.id)
    .where(
        Message.wake_at <= _NOW,
        Message.state == MessageState.SCHEDULED,
        or_(Message.expires_at.is_(None), Message.expires_at > _NOW),
        or_(bindparam("only", type_=Integer).is_(None), Message.id == bindparam("only")),
    )
    .order_by(Message.wake_at)
    .limit(1)
    .with_for_update(skip_locked=True)
    .scalar_subquery()
)


_CLAIM = (
    update(Message)
    .where(Message.id == _EARLIEST)
    .values(
        state=MessageState.SENDING,
        wake_at=bindparam("lease", type_=UtcDateTime),
        attempts=Message.attempts + 1,
        tries=Message.tries + 1,
        tried_since=func.coalesce(Message.tried_since, _NOW),
        version=Message.version + 1,
    )
    .returning(Message)
)
_CLAIMED = _CLAIM.cte("claimed")
_CLAIM_AND_NOTE = select(aliased(Message, _CLAIMED)).add_cte(noting(_CLAIMED).cte("noted"))


_KEEP_COPY = (
    update(_MESSAGE)
    .where(_MESSAGE.c.id == bindparam("message"))
    .values(
        sent_subject=bindparam("sent_subject"),
        sent_text=bindparam("sent_text"),
        sent_html=bindparam("sent_html"),
    )
)


_SETTLE = (
    update(_MESSAGE)
    .where(
        _MESSAGE.c.id == bindparam("message"),
        _MESSAGE.c.attempts == bindparam("token"),
        _MESSAGE.c.state.in_(UNSETTLED),
    )
    .values(
        state=bindparam("to_state"),
        wake_at=bindparam("to_wake_at"),
        note=bindparam("to_note"),
        version=_MESSAGE.c.version + 1,
        sent_at=func.coalesce(bindparam("to_sent_at", type_=UtcDateTime), _MESSAGE.c.sent_at),
    )
)
_SETTLE_AND_NOTE = noting(_SETTLE.returning(_MESSAGE.c.id).cte("settled")).execution_options(
    preserve_rowcount=True
)


@dataclass(frozen=True)
class Claim:
    """One worker's right to send one message, until its lease ends.

    `token` tells this attempt from every other one; settling must show it.
    """

    message_id: int
    token: int
    kind: str
    tries: int
    tried_since: datetime
    expires_at: datetime | None
    lease_ends_at: datetime


def anything_due(session: Session, now: datetime) -> bool:
    """Return whether a worker has anything to look at."""
    return bool(session.scalar(select(exists().where(Message.wake_at <= now))))


def tidy(session: Session, now: datetime) -> None:
    """Settle what needs no sending: leases that ran out, mails past their time, late ones at night.

    A late message is put off to the next morning in its reader's zone.
    """
    for message in session.scalars(
        select(Message)
        .where(Message.wake_at <= now, Message.state == MessageState.SENDING)
        .with_for_update(skip_locked=True)
    ):
        words = "The worker stopped while it was sending; the mail may have gone."
        settle(session, claim_of(message, now), Outcome.UNCONFIRMED, words, now=now)
    waiting = and_(Message.wake_at <= now, Message.state == MessageState.SCHEDULED)
    expired = session.scalars(
        update(Message)
        .where(waiting, Message.expires_at <= now)
        .values(
            state=MessageState.FAILED,
            wake_at=None,
            version=Message.version + 1,
            note="Its time had passed before it could be sent.",
        )
        .returning(Message.id)
    ).all()
    note_change(session, expired, MessageState.FAILED, SYSTEM, "Its time had passed.", now)
    late = and_(waiting, Message.due_at < now - LATE, Message.kind.not_in(AT_ONCE))
    for zone in session.scalars(select(Message.zone).where(late).distinct()).all():
        morning = next_daylight(zone_named(zone), now)
        if morning > now:
            session.execute(
                update(Message).where(late, Message.zone == zone).values(wake_at=morning)
            )


def claim(
    session: Session, now: datetime, *, only: int | None = None
) -> tuple[Claim, Message] | None:
    """Take the message that has waited longest, or None when nothing is due.

    `only` takes that one message, if it is due. Nobody else gets it until the lease ends. The
    caller commits before it sends.
    """
    at_once = _notes_at_once(session)
    message = session.scalar(
        _CLAIM_AND_NOTE if at_once else _CLAIM,
        {
            "now": now,
            "lease": now + LEASE,
            "only": only,
            **(noted(MessageState.SENDING, WORKER, "", now) if at_once else {}),
        },
        execution_options={"synchronize_session": False, "populate_existing": True},
    )
    if message is None:
        return None
    if not at_once:
        note_change(session, [message.id], MessageState.SENDING, WORKER, "", now)
    return claim_of(message, now), message


def keep_copy(session: Session, held: Claim, letter: Letter) -> None:
    """Keep what is about to go out, without the links that open somebody's page (CHECKLIST S5)."""
    kept = masked(letter)
    session.connection().execute(
        _KEEP_COPY,
        {
            "message": held.message_id,
            "sent_subject": kept.subject[:SUBJECT_LENGTH],
            "sent_text": kept.text,
            "sent_html": kept.html,
        },
    )


def settle(session: Session, held: Claim, outcome: Outcome, words: str, *, now: datetime) -> bool:
    """Write down how an attempt ended; return whether the claim still counted.

    A late answer is believed as long as nobody has decided anything since: the token still
    matches, and the message is being sent or unconfirmed.
    """
    step = next_step(
        outcome,
        words,
        kind=held.kind,
        tries=held.tries,
        tried_since=held.tried_since,
        expires_at=held.expires_at,
        now=now,
        luck=random(),  # noqa: S311 - spreads retries, guards nothing
    )
    at_once = _notes_at_once(session)
    settled = session.connection().execute(
        _SETTLE_AND_NOTE if at_once else _SETTLE,
        {
            "message": held.message_id,
            "token": held.token,
            "to_state": step.state,
            "to_wake_at": step.wake_at,
            "to_note": step.note[:NOTE_LENGTH],
            "to_sent_at": now if step.state is MessageState.SENT else None,
            **(noted(step.state, WORKER, step.note, now) if at_once else {}),
        },
    )
    if settled.rowcount and not at_once:
        note_change(session, [held.message_id], step.state, WORKER, step.note, now)
    return bool(settled.rowcount)


def _notes_at_once(session: Session) -> bool:
    """Return whether one statement can move a message and note it; SQLite needs a second."""
    return session.get_bind().dialect.name == "postgresql"


def claim_of(message: Message, now: datetime) -> Claim:
    return Claim(
        message_id=message.id,
        token=message.attempts,
        kind=message.kind,
        tries=message.tries,
        tried_since=message.tried_since or now,
        expires_at=message.expires_at,
        lease_ends_at=message.wake_at or now,
    )
