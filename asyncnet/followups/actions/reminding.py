"""Reminds people, once and gently, of words that they have not answered."""

from datetime import datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.events.model import Event, Participant
from asyncnet.followups.unanswered import readers_to_remind
from asyncnet.messages.queue import Planned, plan
from asyncnet.messages.rules import MessageKind, next_morning
from asyncnet.zones import zone_named

AHEAD = timedelta(days=1)
"""So long before it is due a reminder is planned: organizers see it, and may still tune it."""
NEWS_ENDS = timedelta(days=60)
"""After an event; a reminder that late would only be odd."""


def plan_reminders(session: Session, *, now: datetime) -> int:
    """Plan the reminders that are due within a day; return for how many people.

    Whoever answered, met, closed the match or looks for a time needs none, and nobody gets a
    second one. However often and in however many workers this runs, a reminder is planned once.
    """
    events = session.scalars(
        select(Event).where(Event.reminder_days > 0, Event.ends_at > now - NEWS_ENDS)
    )
    mails = [
        reminder_to(reader, due_at=due_at)
        for event in events
        for reader, mailed_at in readers_to_remind(
            session, event.id, mailed_before=now + 2 * AHEAD - timedelta(days=event.reminder_days)
        )
        if (due_at := _due_at(reader, event, mailed_at, now)) <= now + AHEAD
    ]
    plan(session, mails, now=now)
    return len(mails)


def reminder_to(reader: Participant, *, due_at: datetime) -> Planned:
    """Return the one mail that reminds somebody of all that they have not answered."""
    return Planned.to(
        reader,
        MessageKind.REMINDER,
        key=reminder_key(reader.id),
        subject_id=reader.id,
        due_at=due_at,
    )


def reminder_key(reader_id: int) -> str:
    return f"{MessageKind.REMINDER}:{reader_id}"


def _due_at(reader: Participant, event: Event, mailed_at: datetime, now: datetime) -> datetime:
    """Return the morning so many days after the mail; the next one where that has passed."""
    zone, hour = zone_named(reader.zone), time.fromisoformat(event.send_hour)
    due_at = next_morning(mailed_at + timedelta(days=event.reminder_days - 1), zone, hour)
    return due_at if due_at > now else next_morning(now, zone, hour)
