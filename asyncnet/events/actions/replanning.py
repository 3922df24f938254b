"""Keeps mails that wait on the day and at the hour that the rule says now."""

from datetime import UTC, datetime, time

from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.events.model import (
    Event,
    Participant,
)
from asyncnet.events.rules import (
    due_at,
)
from asyncnet.messages.model import Message
from asyncnet.messages.queue import (
    WAITING,
    replan,
)
from asyncnet.messages.rules import ABOUT_MEETINGS, MessageKind, next_daylight
from asyncnet.zones import zone_named


def replan_follow_ups(
    session: Session, event: Event, *, reader: Participant | None = None, now: datetime
) -> None:
    """Give follow-ups that wait the moment that the rule says now, of one reader or of all."""
    waiting = select(Message).where(
        Message.event_id == event.id,
        Message.kind == MessageKind.FOLLOW_UP,
        Message.state.in_(WAITING),
    )
    if reader is not None:
        waiting = waiting.where(Message.participant_id == reader.id)
    hour = time.fromisoformat(event.send_hour)
    for message in session.scalars(waiting.order_by(Message.id)).all():
        zone = reader.zone if reader else message.zone
        due = due_at(message.created_at, event.gathers_until, zone_named(zone), hour)
        if (due, zone) != (message.due_at, message.zone):
            replan(
                session,
                message.id,
                due_at=due,
                zone=zone,
                note="Another day or zone.",
                now=now,
            )


def follow_reader(session: Session, reader: Participant, *, now: datetime) -> None:
    """Let what waits to be told to somebody follow them to another zone.

    Replies and times go at the next good hour there; a reminder keeps its day and hour, on the
    clocks of that zone. What waits for their zone already stays as it is.
    """
    zone = zone_named(reader.zone)
    waiting = select(Message).where(
        Message.participant_id == reader.id,
        Message.kind.in_((MessageKind.REPLY, *ABOUT_MEETINGS, MessageKind.REMINDER)),
        Message.state.in_(WAITING),
        Message.zone != reader.zone,
    )
    for message in session.scalars(waiting.order_by(Message.id)).all():
        due = next_daylight(zone, now)
        if message.kind == MessageKind.REMINDER:
            intended = datetime.fromisoformat(message.due_local).replace(tzinfo=zone)
            due = max(due, intended.astimezone(UTC))
        replan(session, message.id, due_at=due, zone=reader.zone, note="Another zone.", now=now)


def has_follow_ups(session: Session, event_id: int) -> bool:
    return bool(
        session.scalar(
            select(
                select(Message.id)
                .where(Message.event_id == event_id, Message.kind == MessageKind.FOLLOW_UP)
                .exists()
            )
        )
    )
