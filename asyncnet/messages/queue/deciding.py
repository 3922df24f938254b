"""What organizers and delivery reports say of messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from asyncnet.database import Base, ChangedMeanwhile, wake
from asyncnet.messages.model import NOTE_LENGTH, Message, MessageChange
from asyncnet.messages.queue.history import (
    QUEUE,
    REPORT,
    UNSETTLED,
    WAITING,
    locked,
    move,
    note_change,
    wall_clock,
)
from asyncnet.messages.queue.suppression import refusals
from asyncnet.messages.rules import MAY, Act, MessageKind, MessageState, first_look
from asyncnet.messages.wording import Wording

_MESSAGE = Base.metadata.tables["message"]
_DECIDE = (
    update(_MESSAGE)
    .where(_MESSAGE.c.id == bindparam("message"))
    .values(
        state=bindparam("to_state"),
        wake_at=bindparam("to_wake_at"),
        due_at=bindparam("to_due_at"),
        due_local=bindparam("to_due_local"),
        sent_at=bindparam("to_sent_at"),
        tries=0,
        tried_since=None,
        version=_MESSAGE.c.version + 1,
        note=bindparam("to_note"),
    )
)
REWORDABLE = (*WAITING, MessageState.FAILED)


class BeingSent(ChangedMeanwhile):
    """A worker is sending the message right now."""


class TakesNoMail(Exception):
    """None is sent to this address any more; the error says why."""


class UnknownReference(Exception):
    """No message has this reference (any more)."""


@dataclass
class Tally:
    """What became of a wish, by the ids of the messages it was meant for.

    `changed` were not as they had been seen; `not_now` are in a state in which the wish means
    nothing; `refused` go to readers who take no mail, each with the reason.
    """

    done: list[int] = field(default_factory=list)
    being_sent: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    not_now: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)


def act(
    session: Session, message_id: int, wish: Act, *, version: int, actor: str, now: datetime
) -> Message:
    """Do what an organizer decided when they saw `version`; return the message.

    Raises BeingSent while a worker has it, ChangedMeanwhile when it has changed since, and
    TakesNoMail when its reader takes no mail.
    """
    tally = act_on(session, wish, {message_id: version}, actor=actor, now=now)
    if tally.being_sent:
        raise BeingSent
    if tally.changed or tally.not_now:
        raise ChangedMeanwhile
    if tally.refused:
        raise TakesNoMail(tally.refused[message_id])
    return session.get_one(Message, message_id, populate_existing=True)


def act_on(
    session: Session, wish: Act, seen: Mapping[int, int], *, actor: str, now: datetime
) -> Tally:
    """Do what an organizer decided about many messages, each seen at the version beside its id.

    Those that are not as they were seen are left alone and told apart in the tally.
    """
    allowed, state = MAY[wish]
    tally, chosen = Tally(), []
    for row in _locked_rows(session, list(seen)):
        if row.state is MessageState.SENDING:
            tally.being_sent.append(row.id)
        elif row.version != seen[row.id]:
            tally.changed.append(row.id)
        elif row.state not in allowed:
            tally.not_now.append(row.id)
        else:
            chosen.append(row)
    if state is MessageState.SCHEDULED:
        deaf = refusals(
            session,
            {(row.to_address, row.event_id) for row in chosen if row.kind != MessageKind.SIGN_IN},
        )
        for row in chosen:
            if (row.to_address, row.event_id) in deaf:
                tally.refused[row.id] = deaf[row.to_address, row.event_id]
        chosen = [row for row in chosen if row.id not in tally.refused]
    tally.done = [row.id for row in chosen]
    if chosen:
        steps = [_decided(row, wish, state, now) for row in chosen]
        session.connection().execute(_DECIDE, steps)
        note_change(session, tally.done, state, actor, _DONE[wish], now)
        if state is MessageState.SCHEDULED and any(step["to_due_at"] <= now for step in steps):
            wake(session, QUEUE)
    tally.changed += sorted(
        set(seen)
        - {*tally.done, *tally.being_sent, *tally.changed}
        - {*tally.not_now, *tally.refused}
    )
    return tally


def seen_until(session: Session, message_ids: Sequence[int], at: datetime) -> dict[int, int]:
    """Return the versions of messages as somebody saw them who looked at that moment.

    One that has changed since has version 0, which none ever has.
    """
    later = select(MessageChange.message_id).where(MessageChange.at > at)
    seen: dict[int, int] = {}
    for ids in _chunks(message_ids):
        changed = set(session.scalars(later.where(MessageChange.message_id.in_(ids))))
        for row in session.execute(select(Message.id, Message.version).where(Message.id.in_(ids))):
            seen[row.id] = 0 if row.id in changed else row.version
    return seen


def reword(
    session: Session,
    message_id: int,
    words: Wording | None,
    *,
    version: int,
    actor: str,
    now: datetime,
) -> None:
    """Give one mail words of its own, or None for those of its kind again.

    Raises BeingSent and ChangedMeanwhile as `act` does; a mail that has gone out keeps its words.
    """
    message = locked(session, message_id)
    if message.state is MessageState.SENDING:
        raise BeingSent
    if message.version != version or message.state not in REWORDABLE:
        raise ChangedMeanwhile
    message.own_subject = words.subject if words else None
    message.own_opening = words.opening if words else None
    message.own_closing = words.closing if words else None
    message.sent_subject = message.sent_text = message.sent_html = None
    message.version += 1
    session.flush()
    said = "Written anew." if words else "Back to the usual words."
    note_change(session, [message.id], message.state, actor, said, now)


_DONE = {
    Act.HOLD: "Held back.",
    Act.CANCEL: "Cancelled.",
    Act.RELEASE: "Let go again.",
    Act.SEND_NOW: "To be sent now.",
    Act.SEND_AGAIN: "To be sent again.",
    Act.ARRIVED: "It arrived, they say.",
}
_AT_ONCE = 500


def _chunks(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]


def _locked_rows(session: Session, message_ids: Sequence[int]) -> list[Any]:
    """Return what decides about messages, nobody else changing them before this commits."""
    wanted = select(
        Message.id,
        Message.version,
        Message.state,
        Message.kind,
        Message.zone,
        Message.due_at,
        Message.due_local,
        Message.sent_at,
        Message.to_address,
        Message.event_id,
    ).order_by(Message.id)
    return [
        row
        for ids in _chunks(sorted(message_ids))
        for row in session.execute(wanted.where(Message.id.in_(ids)).with_for_update())
    ]


def _decided(row: Any, wish: Act, state: MessageState, now: datetime) -> dict[str, Any]:
    at_once = wish in {Act.SEND_NOW, Act.SEND_AGAIN}
    due_at = now if at_once else row.due_at
    waits = state is MessageState.SCHEDULED
    return {
        "message": row.id,
        "to_state": state,
        "to_wake_at": first_look(row.kind, due_at, now) if waits else None,
        "to_due_at": due_at,
        "to_due_local": wall_clock(now, row.zone) if at_once else row.due_local,
        "to_sent_at": (row.sent_at or now) if wish is Act.ARRIVED else row.sent_at,
        "to_note": _DONE[wish][:NOTE_LENGTH],
    }


def expect(session: Session, reference: str) -> None:
    """Make sure that a message has this reference. Raises UnknownReference."""
    if session.scalar(select(Message.id).where(Message.reference == reference)) is None:
        raise UnknownReference(reference)


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
        move(session, message, state, actor=REPORT, note=note, now=now)
    return message, news
