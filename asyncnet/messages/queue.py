"""The message table as a queue: plan, claim, settle, and an organizer's word in between."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from random import random
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Integer,
    and_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from asyncnet.database import Base, UtcDateTime, wake
from asyncnet.mail.port import Letter
from asyncnet.messages.model import NOTE_LENGTH, BouncingAddress, Message
from asyncnet.messages.rules import (
    LATE,
    LEASE,
    MANNERS,
    MAY,
    Act,
    MessageState,
    Outcome,
    first_look,
    next_daylight,
    next_step,
)

QUEUE = "mail"
LOOKED_UP_AT_ONCE = 500
_IS_SUPPRESSED = BouncingAddress.suppressed_at.is_not(None)
WORKER = "worker"
SYSTEM = "system"
REPORT = "delivery report"
SUPPRESSED = "Mail to this address came back, so no more is sent to it."
UNSETTLED = (MessageState.SENDING, MessageState.UNCONFIRMED)
WAITING = (MessageState.SCHEDULED, MessageState.HELD)
SUBJECT_LENGTH = 300
MASK = "[personal link]"
AT_ONCE = [kind for kind, manner in MANNERS.items() if manner.at_once]


# The statements of the busiest path are built once: building them costs more than running them.
_MESSAGE = Base.metadata.tables["message"]
_NOTE = insert(Base.metadata.tables["message_change"])
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


class Stale(Exception):
    """The message is not as it was when this was decided."""


class UnknownReference(Exception):
    """No message has this reference (any more)."""


class BeingSent(Stale):
    """A worker is sending the message right now."""


class TakesNoMail(Exception):
    """Mail to this address came back, so none is sent there any more."""


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


@dataclass(frozen=True)
class Copy:
    """What a mail says, its secret links masked."""

    subject: str
    text: str
    html: str


def reference_of(key: str) -> str:
    """Return what stands for a key outside: in the Message-ID and in the return path."""
    return sha256(key.encode()).hexdigest()[:32]


def plan(
    session: Session,
    *,
    key: str,
    kind: str,
    subject_id: int,
    event_id: int | None,
    participant_id: int | None,
    to_address: str,
    to_name: str,
    zone: str,
    due_at: datetime,
    now: datetime,
    expires_at: datetime | None = None,
) -> None:
    """Schedule a mail; nothing happens when this key has been planned before (CHECKLIST M5).

    To an address that takes no mail it is cancelled at once (M4).
    """
    planned = Planned(
        key,
        kind,
        subject_id,
        event_id,
        participant_id,
        to_address,
        to_name,
        zone,
        due_at,
        expires_at,
    )
    plan_all(session, [planned], now=now)


@dataclass(frozen=True)
class Planned:
    """A mail before it is a row."""

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


def plan_all(session: Session, mails: Sequence[Planned], *, now: datetime) -> None:
    """Schedule many mails at once, each as `plan` does."""
    if not mails:
        return
    suppressed = _suppressed(session, {mail.to_address for mail in mails})
    added = session.execute(
        _insert_new(session).on_conflict_do_nothing().returning(Message.id, Message.state),
        [_row(mail, suppressed=mail.to_address in suppressed, now=now) for mail in mails],
    ).all()
    for state, words in _FIRST_WORDS.items():
        ids = [row.id for row in added if row.state is state]
        _note_change(session, ids, state, SYSTEM, words, now)
    if any(row.state is MessageState.SCHEDULED for row in added) and any(
        mail.due_at <= now for mail in mails
    ):
        wake(session, QUEUE)


_FIRST_WORDS = {MessageState.SCHEDULED: "Planned.", MessageState.CANCELLED: SUPPRESSED}


def _row(mail: Planned, *, suppressed: bool, now: datetime) -> dict[str, Any]:
    return asdict(mail) | {
        "reference": reference_of(mail.key),
        "due_local": _wall_clock(mail.due_at, mail.zone),
        "state": MessageState.CANCELLED if suppressed else MessageState.SCHEDULED,
        "wake_at": None if suppressed else first_look(mail.kind, mail.due_at, now),
        "attempts": 0,
        "tries": 0,
        "version": 1,
        "note": SUPPRESSED if suppressed else "",
        "created_at": now,
    }


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
        settle(session, _claim_of(message, now), Outcome.UNCONFIRMED, words, now=now)
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
    _note_change(session, expired, MessageState.FAILED, SYSTEM, "Its time had passed.", now)
    late = and_(waiting, Message.due_at < now - LATE, Message.kind.not_in(AT_ONCE))
    for zone in session.scalars(select(Message.zone).where(late).distinct()).all():
        morning = next_daylight(ZoneInfo(zone), now)
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
    message = session.scalar(
        _CLAIM,
        {"now": now, "lease": now + LEASE, "only": only},
        execution_options={"synchronize_session": False, "populate_existing": True},
    )
    if message is None:
        return None
    _note_change(session, [message.id], MessageState.SENDING, WORKER, "", now)
    return _claim_of(message, now), message


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


def copy_of(message: Message) -> Copy:
    """Return the kept copy of a message, empty where there is none yet."""
    return Copy(message.sent_subject or "", message.sent_text or "", message.sent_html or "")


def masked(letter: Letter) -> Copy:
    """Return a letter's words without the links that open somebody's page."""
    subject, text, html = (
        _masked(words, letter.secrets) for words in (letter.subject, letter.text, letter.html)
    )
    return Copy(subject, text, html)


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
    settled = session.connection().execute(
        _SETTLE,
        {
            "message": held.message_id,
            "token": held.token,
            "to_state": step.state,
            "to_wake_at": step.wake_at,
            "to_note": step.note[:NOTE_LENGTH],
            "to_sent_at": now if step.state is MessageState.SENT else None,
        },
    )
    if not settled.rowcount:
        return False
    _note_change(session, [held.message_id], step.state, WORKER, step.note, now)
    return True


def act(
    session: Session, message_id: int, wish: Act, *, version: int, actor: str, now: datetime
) -> Message:
    """Do what an organizer decided when they saw `version`; return the message.

    Raises BeingSent while a worker has it, Stale when it has changed since, and TakesNoMail
    when it would go to an address from which mail came back.
    """
    message = _locked(session, message_id)
    allowed, state = MAY[wish]
    if message.state is MessageState.SENDING:
        raise BeingSent
    if message.version != version or message.state not in allowed:
        raise Stale
    if state is MessageState.SCHEDULED and is_suppressed(session, message.to_address):
        raise TakesNoMail
    if wish in {Act.SEND_NOW, Act.SEND_AGAIN}:
        _set_due(message, now, message.zone)
    if wish is Act.ARRIVED:
        message.sent_at = message.sent_at or now
    _move(session, message, state, actor=actor, note=_DONE[wish], now=now)
    return message


def learn(
    session: Session, reference: str, state: MessageState, *, note: str, now: datetime
) -> tuple[Message, bool]:
    """Write down what a delivery report says of a message that went out, or maybe did.

    Returns the message, and whether this was news. Raises UnknownReference.
    """
    message = session.scalar(
        select(Message)
        .where(Message.reference == reference)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if message is None:
        raise UnknownReference(reference)
    news = message.state in {*UNSETTLED, MessageState.SENT} and message.state is not state
    if news:
        message.sent_at = message.sent_at or now
        _move(session, message, state, actor=REPORT, note=note, now=now)
    return message, news


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
    message = _locked(session, message_id)
    if message.state not in WAITING:
        return False
    _set_due(message, due_at, zone)
    _move(session, message, message.state, actor=actor, note=note, now=now)
    return True


def readdress(
    session: Session, participant_id: int, *, address: str, name: str, now: datetime
) -> None:
    """Let every mail that waits for a participant follow them to another address or name."""
    for message in _waiting(session, Message.participant_id == participant_id):
        if (message.to_address, message.to_name) != (address, name):
            message.to_address, message.to_name = address, name
            _move(session, message, message.state, actor=SYSTEM, note="Other address.", now=now)


def cancel_key(session: Session, key: str, *, why: str, now: datetime) -> int:
    """Cancel the mail with this key if it still waits; return how many that were."""
    return _cancel(session, Message.key == key, why, now)


def cancel_for(session: Session, participant_id: int, *, why: str, now: datetime) -> int:
    """Cancel every mail that still waits to go to a participant; return how many."""
    return _cancel(session, Message.participant_id == participant_id, why, now)


def suppress(session: Session, address: str, *, now: datetime) -> int:
    """Cancel every mail that still waits to go to an address; return how many."""
    return _cancel(session, Message.to_address == address, SUPPRESSED, now)


def is_suppressed(session: Session, address: str) -> bool:
    """Return whether an address takes no mail any more."""
    return address in _suppressed(session, {address})


def _suppressed(session: Session, addresses: Collection[str]) -> set[str]:
    by_hash = {hash_of(address): address for address in addresses}
    if len(by_hash) > LOOKED_UP_AT_ONCE:
        known = session.scalars(select(BouncingAddress.address_hash).where(_IS_SUPPRESSED))
    else:
        known = session.scalars(
            select(BouncingAddress.address_hash).where(
                BouncingAddress.address_hash.in_(by_hash), _IS_SUPPRESSED
            )
        )
    return {by_hash[found] for found in known if found in by_hash}


def hash_of(address: str) -> bytes:
    """Return what is kept of an address that bounces."""
    return sha256(address.lower().encode()).digest()


def _cancel(session: Session, which: ColumnElement[bool], why: str, now: datetime) -> int:
    cancelled = session.scalars(
        update(Message)
        .where(which, Message.state.in_(WAITING))
        .values(state=MessageState.CANCELLED, wake_at=None, version=Message.version + 1, note=why)
        .returning(Message.id)
    ).all()
    _note_change(session, cancelled, MessageState.CANCELLED, SYSTEM, why, now)
    return len(cancelled)


_DONE = {
    Act.HOLD: "Held back.",
    Act.CANCEL: "Cancelled.",
    Act.RELEASE: "Let go again.",
    Act.SEND_NOW: "To be sent now.",
    Act.SEND_AGAIN: "To be sent again.",
    Act.ARRIVED: "It arrived, they say.",
}


def _locked(session: Session, message_id: int) -> Message:
    return session.get_one(Message, message_id, populate_existing=True, with_for_update=True)


def _waiting(session: Session, *which: ColumnElement[bool]) -> Sequence[Message]:
    return session.scalars(
        select(Message)
        .where(Message.state.in_(WAITING), *which)
        .order_by(Message.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def _set_due(message: Message, due_at: datetime, zone: str) -> None:
    message.due_at = due_at
    message.zone = zone
    message.due_local = _wall_clock(due_at, zone)


def _move(
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
    _note_change(session, [message.id], state, actor, note, now)
    if waits and message.due_at <= now:
        wake(session, QUEUE)


def _claim_of(message: Message, now: datetime) -> Claim:
    return Claim(
        message_id=message.id,
        token=message.attempts,
        kind=message.kind,
        tries=message.tries,
        tried_since=message.tried_since or now,
        expires_at=message.expires_at,
        lease_ends_at=message.wake_at or now,
    )


def _note_change(
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


def _insert_new(session: Session) -> sqlite.Insert | postgresql.Insert:
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(Message)
    return sqlite.insert(Message)


def _wall_clock(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M}"


def _masked(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, MASK).replace(secret.replace("&", "&amp;"), MASK)
    return text
