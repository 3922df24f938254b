"""Turns the clock of an event, and tells everybody something on their open pages."""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.database import ChangedMeanwhile
from asyncnet.events.actions.replanning import replan_follow_ups
from asyncnet.events.clock import CannotTurn, Clock, Turn, turned
from asyncnet.events.model import Event, Round
from asyncnet.events.queries import clock_of
from asyncnet.events.rules import EventMode


def turn_clock(
    session: Session,
    event: Event,
    turn: Turn,
    *,
    by: timedelta,
    version: int,
    form_key: str,
    actor: Actor,
    now: datetime,
) -> None:
    """Turn the clock of an event; rounds, its end and waiting follow-ups move with it.

    One rendered form turns it once, however often it is sent in (CHECKLIST F8). Raises
    ChangedMeanwhile when the clock was turned after `version` was shown, and CannotTurn.
    """
    if event.mode is EventMode.ASYNC:
        raise CannotTurn(
            "Everybody takes part in their own time here, so windows open by themselves. Move them "
            "in the settings."
        )
    now = now.replace(microsecond=0)
    if not _take(session, event, version, form_key):
        return
    clock = turned(clock_of(session, event), turn, by=by, now=now)
    _keep(session, event, clock)
    replan_follow_ups(session, event, now=now)
    record(session, actor, f"clock.{turn}", f"event:{event.id}", now=now)


def tell_everybody(
    session: Session,
    event: Event,
    notice: str,
    *,
    version: int,
    form_key: str,
    actor: Actor,
    now: datetime,
) -> None:
    """Show a sentence on every open page, or take it away again when it is empty.

    It ends with the round that is on or comes next; where everybody has rounds of their own, it
    stands until it is taken away. Raises ChangedMeanwhile.
    """
    if not _take(session, event, version, form_key):
        return
    event.notice = notice
    has_rounds = event.mode is not EventMode.ASYNC
    event.notice_round = clock_of(session, event).at(now).round if has_rounds else None
    record(
        session, actor, "notice.shown" if notice else "notice.ended", f"event:{event.id}", now=now
    )


def _take(session: Session, event: Event, version: int, form_key: str) -> bool:
    """Take the right to change what open pages show; False when this form did so already."""
    found = session.scalar(
        update(Event)
        .where(Event.id == event.id, Event.clock_version == version)
        .values(clock_version=Event.clock_version + 1, clock_key=form_key)
        .returning(Event.id)
    )
    if found is None:
        last = session.scalar(select(Event.clock_key).where(Event.id == event.id))
        if last != form_key:
            raise ChangedMeanwhile
        return False
    session.refresh(event)
    return True


def _keep(session: Session, event: Event, clock: Clock) -> None:
    times = {slot.number: slot for slot in clock.slots}
    for slot in session.scalars(select(Round).where(Round.event_id == event.id)):
        slot.starts_at, slot.ends_at = times[slot.number].starts_at, times[slot.number].ends_at
    event.starts_at = clock.slots[0].starts_at
    event.ends_at = clock.ends_at
    event.closing_minutes = -(-clock.closing // timedelta(minutes=1))
    event.paused_at = clock.paused_at
    event.closed_at = clock.closed_at
    session.flush()
