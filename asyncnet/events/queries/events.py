"""Reads events with what belongs to them: rounds, questions, kept lists."""

from collections.abc import Sequence

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session, selectinload

from asyncnet.database import there
from asyncnet.events.model import Event, EventOrganizer, Import, Participant, Question, Round

_QUESTIONS = (
    select(Question).where(Question.event_id == bindparam("event_id")).order_by(Question.position)
)


def event_of(session: Session, person_id: int, event_id: int) -> Event:
    """Return an event that this person organizes, rounds and questions loaded.

    Raises NotFound.
    """
    found = session.scalar(
        select(Event)
        .join(EventOrganizer)
        .where(Event.id == event_id, EventOrganizer.person_id == person_id)
        .options(selectinload(Event.rounds), selectinload(Event.questions))
    )
    return there(found)


def events_of(session: Session, person_id: int) -> Sequence[tuple[Event, int]]:
    """Return this person's events, the next first, each with its number of participants."""
    people = (
        select(func.count())
        .where(Participant.event_id == Event.id, Participant.left_at.is_(None))
        .scalar_subquery()
    )
    rows = session.execute(
        select(Event, people)
        .join(EventOrganizer)
        .where(EventOrganizer.person_id == person_id)
        .order_by(Event.starts_at.desc(), Event.id)
        .limit(200)
    )
    return [(event, count) for event, count in rows]


def event_registering(session: Session, registration_key: str) -> Event:
    """Return the event behind a public registration address. Raises NotFound."""
    return there(session.scalar(select(Event).where(Event.registration_key == registration_key)))


def event_made_from(session: Session, person_id: int, form_key: str) -> Event:
    """Return the event that this person's rendered form has already made. Raises NotFound."""
    return there(
        session.scalar(
            select(Event)
            .join(EventOrganizer)
            .where(Event.form_key == form_key, EventOrganizer.person_id == person_id)
        )
    )


def round_of(session: Session, event_id: int, round_id: int) -> Round:
    """Return one round of an event. Raises NotFound."""
    return there(
        session.scalar(select(Round).where(Round.id == round_id, Round.event_id == event_id))
    )


def questions_of(session: Session, event_id: int) -> Sequence[Question]:
    """Return the questions of the event's match form, in order."""
    return session.scalars(_QUESTIONS, {"event_id": event_id}).all()


def import_of(session: Session, event_id: int, import_id: int) -> Import:
    """Return a kept list of an event, added or not yet. Raises NotFound."""
    return there(
        session.scalar(select(Import).where(Import.id == import_id, Import.event_id == event_id))
    )
