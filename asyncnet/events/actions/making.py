"""Makes and changes events."""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.database import ChangedMeanwhile, NotFound, lock
from asyncnet.events.actions.replanning import has_follow_ups, replan_follow_ups
from asyncnet.events.clock import rhythm_of
from asyncnet.events.model import Event, EventOrganizer, Participant, Question, Round
from asyncnet.events.queries import clock_of, event_made_from
from asyncnet.events.questions.rules import FIRST_QUESTIONS
from asyncnet.events.rules import Attendance, EventMode, Slot, slots


class RoundsTaken(Exception):
    """The change would touch rounds in which people meet or have met; the message says how."""


class ModeSettled(Exception):
    """How people take part can no longer be changed; the message says why."""


@dataclass(frozen=True)
class EventPlan:
    """What an organizer says of an event; `starts_at` in UTC, the hours on readers' clocks."""

    title: str
    purpose: str
    zone: str
    starts_at: datetime
    rounds: int
    length: timedelta
    pause: timedelta
    send_hour: str
    retention_days: int
    digest: bool = True
    reminder_days: int = 4
    mode: EventMode = EventMode.MIXED
    live_link: str = ""


def make_event(
    session: Session, person_id: int, said: EventPlan, *, form_key: str, actor: Actor, now: datetime
) -> Event:
    """Add an event with its rounds and a first match form; the person becomes its organizer.

    However often one rendered form is sent in, it makes one event (CHECKLIST F8).
    """
    lock(session, f"event-form:{form_key}")
    with suppress(NotFound):
        return event_made_from(session, person_id, form_key)
    times = list(slots(said.starts_at, rounds=said.rounds, length=said.length, pause=said.pause))
    event = Event(
        title=said.title,
        purpose=said.purpose,
        zone=said.zone,
        starts_at=said.starts_at,
        ends_at=times[-1].ends_at,
        send_hour=said.send_hour,
        retention_days=said.retention_days,
        digest=said.digest,
        reminder_days=said.reminder_days,
        mode=said.mode,
        live_link=said.live_link,
        registration_key=secrets.token_urlsafe(16),
        form_key=form_key,
        created_at=now,
        rounds=[Round(number=t.number, starts_at=t.starts_at, ends_at=t.ends_at) for t in times],
        questions=[
            Question(
                position=position, kind=q.kind, label=q.label, help=q.help, required=q.required
            )
            for position, q in enumerate(FIRST_QUESTIONS, start=1)
        ],
    )
    session.add(event)
    session.flush()
    session.add(EventOrganizer(event_id=event.id, person_id=person_id))
    record(session, actor, "event.made", f"event:{event.id}", now=now)
    return event


def change_event(
    session: Session, event: Event, said: EventPlan, *, version: int, actor: Actor, now: datetime
) -> None:
    """Change an event and move its rounds. Rounds are added or taken from the end.

    Rounds whose times are said as they were keep what the clock made of them during the event.
    Follow-ups that wait keep their day and follow the hour. Raises ChangedMeanwhile when
    somebody saved after `version` was shown, RoundsTaken when a round with matches would go, or
    the rounds would move after somebody has answered, and ModeSettled when people know their
    matches and would take part in another way.
    """
    before, kept = event.mode, _keeps_its_times(event, said)
    times = kept or list(
        slots(said.starts_at, rounds=said.rounds, length=said.length, pause=said.pause)
    )
    changed = session.scalar(
        update(Event)
        .where(Event.id == event.id, Event.version == version)
        .values(
            title=said.title,
            purpose=said.purpose,
            zone=said.zone,
            starts_at=times[0].starts_at,
            ends_at=replace(clock_of(session, event), slots=tuple(times)).ends_at,
            send_hour=said.send_hour,
            retention_days=said.retention_days,
            digest=said.digest,
            reminder_days=said.reminder_days,
            mode=said.mode,
            live_link=said.live_link,
            version=Event.version + 1,
            clock_version=Event.clock_version + 1,
        )
        .returning(Event.id)
    )
    if changed is None:
        raise ChangedMeanwhile
    if said.mode is not before:
        _change_mode(session, event, said.mode)
    _move_rounds(session, event, times)
    replan_follow_ups(session, event, now=now)
    record(session, actor, "event.changed", f"event:{event.id}", now=now)


def choose_asks(
    session: Session,
    event: Event,
    asks: Sequence[str],
    *,
    version: int,
    actor: Actor,
    now: datetime,
) -> None:
    """Choose which parts of the profile the registration form asks for.

    What people said to a part that is no longer asked for stays. Raises ChangedMeanwhile when
    somebody saved after `version` was shown.
    """
    changed = session.scalar(
        update(Event)
        .where(Event.id == event.id, Event.version == version)
        .values(asks=list(asks), version=Event.version + 1)
        .returning(Event.id)
    )
    if changed is None:
        raise ChangedMeanwhile
    record(session, actor, "registration.changed", f"event:{event.id}", now=now)


def _change_mode(session: Session, event: Event, mode: EventMode) -> None:
    """Let everybody take part in the way the event's new mode asks for. Raises ModeSettled."""
    if event.published_at is not None:
        raise ModeSettled(
            "The matches are published, so how people take part can no longer be changed."
        )
    if mode is EventMode.ASYNC:
        session.execute(
            update(Participant)
            .where(Participant.event_id == event.id)
            .values(attendance=Attendance.ASYNC)
        )


def _move_rounds(session: Session, event: Event, times: Sequence[Slot]) -> None:
    """Let the rounds of an event be at these times, and be so many. Raises RoundsTaken."""
    moved = [(slot.starts_at, slot.ends_at) for slot in event.rounds] != [
        (slot.starts_at, slot.ends_at) for slot in times
    ]
    if moved and has_follow_ups(session, event.id):
        raise RoundsTaken(
            "Somebody has answered already, so the rounds can no longer be moved. Everything "
            "else can be changed."
        )
    for slot in times[: len(event.rounds)]:
        event.rounds[slot.number - 1].starts_at = slot.starts_at
        event.rounds[slot.number - 1].ends_at = slot.ends_at
    for slot in times[len(event.rounds) :]:
        event.rounds.append(
            Round(number=slot.number, starts_at=slot.starts_at, ends_at=slot.ends_at)
        )
    del event.rounds[len(times) :]
    try:
        session.flush()
    except IntegrityError as error:
        raise RoundsTaken(
            f"People meet after round {len(times)}. Take those matches out of the plan first."
        ) from error


def _keeps_its_times(event: Event, said: EventPlan) -> list[Slot]:
    """Return the rounds as they are when nothing else was said of their times, else nothing."""
    here = [slot.slot for slot in event.rounds]
    begins = event.starts_at.replace(second=0, microsecond=0)
    same = (begins, len(here), *rhythm_of(here)) == (
        said.starts_at,
        said.rounds,
        said.length,
        said.pause,
    )
    return here if same else []
