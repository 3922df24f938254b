"""Keeps how long the closing groups of an event talk."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from asyncnet.database import ChangedMeanwhile
from asyncnet.events.actions.replanning import replan_follow_ups
from asyncnet.events.model import Event
from asyncnet.events.queries import clock_of


def change_closing(
    session: Session, event: Event, minutes: int, *, seen: int, now: datetime
) -> None:
    """Let the closing groups talk for so many minutes; the event ends when they do.

    Raises ChangedMeanwhile when they no longer are the `seen` ones. Whoever asks for this
    records it.
    """
    if minutes == seen:
        return
    found = session.scalar(
        update(Event)
        .where(Event.id == event.id, Event.closing_minutes == seen)
        .values(version=Event.version + 1, clock_version=Event.clock_version + 1)
        .returning(Event.id)
    )
    if found is None:
        raise ChangedMeanwhile
    session.refresh(event)
    end_with_groups(session, event, minutes, now=now)


def end_with_groups(session: Session, event: Event, minutes: int, *, now: datetime) -> None:
    """Move the end of the event, and the mails that wait for it, behind its closing groups."""
    event.closing_minutes = minutes
    event.ends_at = clock_of(session, event).ends_at
    replan_follow_ups(session, event, now=now)
