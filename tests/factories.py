"""Rows that tests need before they begin, committed through the `session` fixture.

Each call makes one thing that is right in itself; what a test is about, it names.
"""

from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.audit.actions import SYSTEM
from asyncnet.clock import utc_now
from asyncnet.events.actions.making import EventPlan, make_event
from asyncnet.events.model import Event, EventOrganizer, Participant, Round
from asyncnet.events.rules import Attendance
from asyncnet.intros.model import Intro, IntroKind, IntroState
from asyncnet.matches.actions import give_rooms
from asyncnet.matches.model import Match
from asyncnet.messages.model import MailText
from asyncnet.messages.wording import WORDABLE
from asyncnet.people.model import Person

_numbers = count(1)


def organizer(session: Session, email: str | None = None, *, of: Event | None = None) -> Person:
    """Return a person; one who runs an event together with others when `of` names it."""
    person = Person(email=email or f"host{next(_numbers)}@forum.example", created_at=utc_now())
    session.add(person)
    session.flush()
    if of is not None:
        session.add(EventOrganizer(event_id=of.id, person_id=person.id))
    session.commit()
    return person


def event(
    session: Session,
    person: Person,
    *,
    title: str = "Tidal Commons",
    zone: str = "Europe/Berlin",
    starts_at: datetime | None = None,
    rounds: int = 3,
    send_hour: str = "09:00",
    retention_days: int = 90,
) -> Event:
    """Return an event of this organizer, with five-minute rounds and the first match form.

    It starts in a week unless `starts_at` says when.
    """
    next_week = (utc_now() + timedelta(days=7)).replace(minute=0, second=0, microsecond=0)
    made = make_event(
        session,
        person.id,
        EventPlan(
            title=title,
            purpose="Meet the people who look after coasts.",
            zone=zone,
            starts_at=(starts_at or next_week).astimezone(UTC),
            rounds=rounds,
            length=timedelta(minutes=5),
            pause=timedelta(minutes=2),
            send_hour=send_hour,
            retention_days=retention_days,
        ),
        form_key=uuid4().hex,
        actor=SYSTEM,
        now=utc_now(),
    )
    session.commit()
    return made


def participant(
    session: Session,
    event: Event,
    *,
    name: str | None = None,
    email: str | None = None,
    zone: str = "Europe/Berlin",
    attendance: Attendance = Attendance.LIVE,
    greeting: str = "I count eelgrass.",
) -> Participant:
    """Return somebody who takes part, without a mail on its way."""
    number = next(_numbers)
    made = Participant(
        event_id=event.id,
        name=name or f"Person {number}",
        email=email or f"person{number}@reader.example",
        zone=zone,
        attendance=attendance,
        greeting=greeting,
        wishes="",
        registered_at=utc_now(),
    )
    session.add(made)
    session.commit()
    return made


def match(
    session: Session,
    one: Participant,
    other: Participant,
    *,
    round_number: int = 1,
) -> Match:
    """Return a published match of two participants of one event."""
    first, second = sorted((one, other), key=lambda participant: participant.id)
    slot = session.scalars(
        select(Round).where(Round.event_id == one.event_id, Round.number == round_number)
    ).one()
    made = Match(
        event_id=one.event_id,
        round_id=slot.id,
        first_id=first.id,
        second_id=second.id,
        created_at=utc_now(),
    )
    session.add(made)
    session.commit()
    return made


def publish(session: Session, event: Event) -> None:
    """Give the matches of an event their rooms, as publishing them does."""
    give_rooms(session, event.id)
    event.published_at = utc_now()
    session.commit()


def intro(session: Session, person: Participant, *, words: str = "") -> Intro:
    """Return a ready intro of somebody, of words or a video whose files are only named."""
    now = utc_now()
    folder = f"intros/{uuid4().hex}"
    made = Intro(
        participant_id=person.id,
        state=IntroState.READY,
        kind=IntroKind.TEXT if words else IntroKind.VIDEO,
        words=words,
        upload_key=f"uploads/{uuid4().hex}",
        bytes_announced=9,
        folder=folder,
        files=["720p.mp4", "360p.mp4", "poster.jpg"],
        seconds=5.0,
        width=1280,
        height=720,
        created_at=now,
        ready_at=now,
    )
    session.add(made)
    session.commit()
    return made


def own_words(session: Session, event: Event) -> None:
    """Let every mail of an event end with "Yours", and with all that its words may name."""
    for kind, wordable in WORDABLE.items():
        places = " ".join(f"{{{name}}}" for name in wordable.places)
        session.add(
            MailText(
                event_id=event.id,
                kind=kind,
                subject=wordable.usual.subject,
                opening=wordable.usual.opening,
                closing=f"Yours {places}",
                changed_at=utc_now(),
            )
        )
    session.commit()
