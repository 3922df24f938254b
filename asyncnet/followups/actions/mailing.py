"""Decides which mail brings an answer: one a morning, or one an answer."""

from datetime import datetime, time

from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.database import lock
from asyncnet.events.model import Event, Participant
from asyncnet.events.rules import due_at, follow_up_key
from asyncnet.followups.model import Answer
from asyncnet.followups.queries import unmailed
from asyncnet.followups.rules import HUSHED
from asyncnet.messages.model import Message
from asyncnet.messages.queue import Planned, is_untried, plan_one, replan, untried
from asyncnet.messages.rules import LEAVING, MessageKind, MessageState
from asyncnet.zones import zone_named


def may_change(message: Message | None) -> bool:
    """Return whether words that this mail brings can still be changed."""
    return message is None or is_untried(message)


def has_gone(message: Message | None) -> bool:
    """Return whether words have gone out, or are just going, so that a note may follow them.

    To whoever wrote them, those to somebody who is uneasy have, too.
    """
    return message is not None and (message.state in LEAVING or is_hushed(message))


def went_at(message: Message | None) -> datetime | None:
    """Return when words went out, as whoever wrote them may know it; None where they did not."""
    if message is None or not (message.state is MessageState.SENT or is_hushed(message)):
        return None
    return message.sent_at or message.due_at


def is_hushed(message: Message) -> bool:
    """Return whether a mail was not sent because its reader is uneasy about who wrote it."""
    return message.state is MessageState.CANCELLED and message.note == HUSHED


def plan_follow_up(
    session: Session, event: Event, answer: Answer, reader: Participant, *, now: datetime
) -> None:
    """Let an answer go with the mail that waits for its reader's next morning, or plan one.

    Who writes while that mail is being sent gets into the next one: nothing is lost, and
    nothing comes twice.
    """
    lock(session, f"follow-up:{reader.id}")
    mine = (Message.participant_id == reader.id, Message.kind == MessageKind.FOLLOW_UP)
    waiting = untried(session, *mine) if event.digest else None
    if waiting is not None:
        replan(
            session,
            waiting.id,
            due_at=waiting.due_at,
            zone=waiting.zone,
            note="One more answer goes with it.",
            now=now,
        )
        answer.message_id = waiting.id
        return
    mail = Planned.to(
        reader,
        MessageKind.FOLLOW_UP,
        key=follow_up_key(reader.id, _next_number(session, reader.id)),
        subject_id=answer.id,
        due_at=due_at(
            now, event.gathers_until, zone_named(reader.zone), time.fromisoformat(event.send_hour)
        ),
    )
    answer.message_id = plan_one(session, mail, now=now)


def plan_unmailed(session: Session, *, now: datetime) -> int:
    """Plan the mails of answers that are in none, such as those of a match that was taken out
    while its mail went and is back in the plan; return how many answers there were."""
    found = unmailed(session)
    for answer, event, reader in found:
        plan_follow_up(session, event, answer, reader, now=now)
    return len(found)


def _next_number(session: Session, reader_id: int) -> int:
    keys = session.scalars(
        select(Message.key).where(
            Message.participant_id == reader_id, Message.kind == MessageKind.FOLLOW_UP
        )
    )
    return 1 + max((int(key.rpartition(":")[2]) for key in keys if key.count(":") == 2), default=0)
