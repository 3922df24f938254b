"""Reads the participants of an event."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, exists, func, select, tuple_
from sqlalchemy.orm import Session, joinedload

from asyncnet.database import there
from asyncnet.events.model import EventOrganizer, Participant
from asyncnet.events.rules import Attendance
from asyncnet.people.model import Person

PAGE = 50


@dataclass(frozen=True)
class Readers:
    """How many people read what only organizers do, and those of them who take part, by name."""

    count: int
    taking_part: Sequence[str]


def participant(session: Session, participant_id: int) -> Participant:
    """Return a participant who has not left, the event loaded. Raises NotFound."""
    return there(
        session.scalar(
            select(Participant)
            .where(Participant.id == participant_id, Participant.left_at.is_(None))
            .options(joinedload(Participant.event))
        )
    )


def participant_of(session: Session, event_id: int, participant_id: int) -> Participant:
    """Return one participant of an event, also one who left. Raises NotFound."""
    return there(
        session.scalar(
            select(Participant)
            .where(Participant.id == participant_id, Participant.event_id == event_id)
            .options(joinedload(Participant.event))
        )
    )


def participants_page(
    session: Session,
    event_id: int,
    *,
    attendance: Attendance | None = None,
    after: tuple[str, int] | None = None,
) -> tuple[Sequence[Participant], tuple[str, int] | None]:
    """Return up to PAGE participants by name, and where the next page starts, if there is one.

    `after` is the name and id of the last one already shown.
    """
    wanted = select(Participant).where(
        Participant.event_id == event_id, Participant.left_at.is_(None)
    )
    if attendance is not None:
        wanted = wanted.where(Participant.attendance == attendance)
    if after is not None:
        wanted = wanted.where(tuple_(Participant.name, Participant.id) > after)
    found = session.scalars(wanted.order_by(Participant.name, Participant.id).limit(PAGE + 1)).all()
    more = (found[PAGE - 1].name, found[PAGE - 1].id) if len(found) > PAGE else None
    return found[:PAGE], more


def everyone(session: Session, event_id: int) -> Sequence[Participant]:
    """Return all participants of an event who have not left, by name."""
    return session.scalars(
        select(Participant)
        .where(Participant.event_id == event_id, Participant.left_at.is_(None))
        .order_by(Participant.name, Participant.id)
    ).all()


def registered_with(session: Session, email: str) -> Sequence[Participant]:
    """Return this address's registrations for events, the newest first, at most ten."""
    return session.scalars(
        select(Participant)
        .where(Participant.email == email, Participant.left_at.is_(None))
        .options(joinedload(Participant.event))
        .order_by(Participant.id.desc())
        .limit(10)
    ).all()


def addresses_in(session: Session, event_id: int) -> tuple[set[str], set[str]]:
    """Return the addresses of who takes part in an event, and of who was taken out of it."""
    rows = session.execute(
        select(Participant.email, Participant.left_at).where(Participant.event_id == event_id)
    ).all()
    return (
        {row.email for row in rows if row.left_at is None},
        {row.email for row in rows if row.left_at is not None},
    )


def counts(session: Session, event_id: int) -> dict[Attendance, int]:
    """Return how many take part live and how many asynchronously."""
    rows = session.execute(
        select(Participant.attendance, func.count())
        .where(Participant.event_id == event_id, Participant.left_at.is_(None))
        .group_by(Participant.attendance)
    )
    return dict.fromkeys(Attendance, 0) | {row[0]: row[1] for row in rows}


def readers_of(session: Session, event_id: int) -> Readers:
    """Return who reads what participants write for the organizers alone."""
    rows = session.execute(
        select(Person.id, Participant.name)
        .select_from(EventOrganizer)
        .join(Person, Person.id == EventOrganizer.person_id)
        .outerjoin(
            Participant,
            and_(
                Participant.email == Person.email,
                Participant.event_id == event_id,
                Participant.left_at.is_(None),
            ),
        )
        .where(EventOrganizer.event_id == event_id)
        .order_by(Participant.name)
    ).all()
    return Readers(len(rows), [name for _, name in rows if name is not None])


def kept_from(session: Session, event_id: int, person: Person) -> frozenset[int]:
    """Return as whom an organizer takes part in their own event, where others organize it too.

    Whom people avoid and what makes them uneasy is kept from an organizer whom it is about: the
    others see it. Where nobody else does, it is not kept from them, and people are told so before
    they write.
    """
    another = exists().where(
        EventOrganizer.event_id == event_id, EventOrganizer.person_id != person.id
    )
    mine = select(Participant.id).where(
        Participant.event_id == event_id, Participant.email == person.email, another
    )
    return frozenset(session.scalars(mine))
