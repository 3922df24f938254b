"""Keeps follow-ups that wait on the day and at the hour that the rule says now."""

from datetime import datetime, time

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
from asyncnet.messages.rules import MessageKind
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
