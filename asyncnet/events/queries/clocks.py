"""Reads when the rounds of an event are, and for whom."""

from datetime import timedelta

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.orm import Session

from asyncnet.events.clock import Clock
from asyncnet.events.model import Event, Participant, Round
from asyncnet.events.rules import EventMode, Slot, window_of
from asyncnet.zones import zone_named

_ROUNDS = (
    select(Round.number, Round.starts_at, Round.ends_at)
    .where(Round.event_id == bindparam("event_id"))
    .order_by(Round.number)
)


def slots_of(session: Session | Connection, event_id: int) -> tuple[Slot, ...]:
    """Return when each round of an event begins and ends, by number."""
    rows = session.execute(_ROUNDS, {"event_id": event_id})
    return tuple(Slot(*row) for row in rows)


def clock_of(session: Session, event: Event) -> Clock:
    """Return an event's clock as it stands."""
    return Clock(
        slots_of(session, event.id),
        timedelta(minutes=event.closing_minutes),
        event.paused_at,
        event.closed_at,
    )


def clock_for(session: Session, event: Event, participant: Participant) -> Clock:
    """Return an event's clock as it runs for a participant."""
    clock = clock_of(session, event)
    if event.mode is EventMode.ASYNC:
        return clock.seen_from(zone_named(participant.zone))
    return clock


def slot_for(participant: Participant, slot: Round) -> Slot:
    """Return when a round is for a participant, their own window in an asynchronous event."""
    if participant.event.mode is EventMode.ASYNC:
        return window_of(slot.slot, zone_named(participant.zone))
    return slot.slot
