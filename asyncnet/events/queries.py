"""Reads events and their participants."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, func, select, tuple_
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from asyncnet.database import NotFound, there
from asyncnet.events.clock import Clock
from asyncnet.events.model import (
    Event,
    EventOrganizer,
    Import,
    Mention,
    Participant,
    Question,
    Round,
    Spelling,
)
from asyncnet.events.rules import Attendance, EventMode, MentionKind, Slot, WordKind, window_of
from asyncnet.events.spelling import folded
from asyncnet.people.model import BrowserSession
from asyncnet.people.rules import hash_of
from asyncnet.zones import zone_named

PAGE = 50
SUGGESTED = 200
_KNOWN_BY = (
    select(Participant, BrowserSession.link_version, BrowserSession.ended_at)
    .join(BrowserSession, BrowserSession.participant_id == Participant.id)
    .join(Participant.event)
    .where(
        Participant.id == bindparam("participant_id"),
        BrowserSession.key_hash == bindparam("key_hash"),
    )
    .options(contains_eager(Participant.event))
)
_BROWSER, _READER, _EVENT = BrowserSession.__table__.c, Participant.__table__.c, Event.__table__.c
_GLANCE = (  # of tables, not of their classes: it is asked hundreds of times a second
    select(
        _READER.id.label("participant_id"),
        _READER.event_id,
        _READER.page_version,
        _READER.link_version,
        _READER.left_at,
        _READER.zone,
        _BROWSER.link_version.label("known_version"),
        _BROWSER.ended_at,
        _EVENT.mode,
        _EVENT.clock_version,
        _EVENT.paused_at,
        _EVENT.closing_minutes,
        _EVENT.ends_at,
        _EVENT.retention_days,
    ).where(
        _BROWSER.participant_id == _READER.id,
        _EVENT.id == _READER.event_id,
        _READER.id == bindparam("participant_id"),
        _BROWSER.key_hash == bindparam("key_hash"),
    )
)
_ROUNDS = (
    select(Round.number, Round.starts_at, Round.ends_at)
    .where(Round.event_id == bindparam("event_id"))
    .order_by(Round.number)
)
_QUESTIONS = (
    select(Question).where(Question.event_id == bindparam("event_id")).order_by(Question.position)
)


class LinkEnded(Exception):
    """The personal link that opened this page was withdrawn, or its owner has left."""


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


def participant_with(session: Session, key: str, participant_id: int) -> Participant:
    """Return the participant whose pages a browser's key opens, the event loaded.

    Raises NotFound for a key of somebody else, and LinkEnded for one whose link was withdrawn.
    Asked once in every request of a participant.
    """
    found = session.execute(
        _KNOWN_BY, {"key_hash": hash_of(key), "participant_id": participant_id}
    ).first()
    if found is None:
        raise NotFound
    participant: Participant = found.Participant
    if found.ended_at or participant.left_at or found.link_version != participant.link_version:
        raise LinkEnded
    return participant


@dataclass(frozen=True)
class Glance:
    """The few values from which an open page learns that nothing has changed."""

    participant_id: int
    event_id: int
    page_version: int
    clock_version: int
    paused_at: datetime | None
    closing: timedelta
    removed_at: datetime
    own_zone: str | None
    """Where the reader is, in an event whose rounds open at an hour of their own."""


def glance_with(session: Session | Connection, key: str, participant_id: int) -> Glance:
    """Return what an open page of this participant asks every few seconds, in one small query.

    It refuses as `participant_with` does.
    """
    found = session.execute(
        _GLANCE, {"key_hash": hash_of(key), "participant_id": participant_id}
    ).first()
    if found is None:
        raise NotFound
    if found.ended_at or found.left_at or found.known_version != found.link_version:
        raise LinkEnded
    return Glance(
        participant_id=found.participant_id,
        event_id=found.event_id,
        page_version=found.page_version,
        clock_version=found.clock_version,
        paused_at=found.paused_at,
        closing=timedelta(minutes=found.closing_minutes),
        removed_at=found.ends_at + timedelta(days=found.retention_days),
        own_zone=found.zone if found.mode is EventMode.ASYNC else None,
    )


def slots_of(session: Session | Connection, event_id: int) -> tuple[Slot, ...]:
    """Return when each round of an event begins and ends, by number."""
    rows = session.execute(_ROUNDS, {"event_id": event_id})
    return tuple(Slot(*row) for row in rows)


def clock_of(session: Session, event: Event) -> Clock:
    """Return an event's clock as it stands."""
    return Clock(
        slots_of(session, event.id), timedelta(minutes=event.closing_minutes), event.paused_at
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


def round_of(session: Session, event_id: int, round_id: int) -> Round:
    """Return one round of an event. Raises NotFound."""
    return there(
        session.scalar(select(Round).where(Round.id == round_id, Round.event_id == event_id))
    )


def import_of(session: Session, event_id: int, import_id: int) -> Import:
    """Return a kept list of an event, added or not yet. Raises NotFound."""
    return there(
        session.scalar(select(Import).where(Import.id == import_id, Import.event_id == event_id))
    )


def questions_of(session: Session, event_id: int) -> Sequence[Question]:
    """Return the questions of the event's match form, in order."""
    return session.scalars(_QUESTIONS, {"event_id": event_id}).all()


def mentions_of(session: Session, participant_id: int) -> Sequence[Mention]:
    """Return whom a participant names, as they wrote them."""
    return session.scalars(
        select(Mention).where(Mention.participant_id == participant_id).order_by(Mention.id)
    ).all()


def mention_of(session: Session, participant_id: int, mention_id: int) -> Mention:
    """Return one name that a participant wrote. Raises NotFound."""
    return there(
        session.scalar(
            select(Mention).where(
                Mention.id == mention_id, Mention.participant_id == participant_id
            )
        )
    )


def people_meant(session: Session, mentions: Sequence[Mention]) -> dict[int, Participant]:
    """Return those who may be meant by these names, by id; who left is not among them."""
    ids = {person for mention in mentions for person in (*mention.possible, mention.meant_id)}
    found = session.scalars(
        select(Participant).where(Participant.id.in_(ids), Participant.left_at.is_(None))
    )
    return {participant.id: participant for participant in found}


def spellings_of(session: Session, event_id: int) -> Sequence[Spelling]:
    """Return how the people of an event write what they say, the same words together."""
    return session.scalars(
        select(Spelling)
        .where(Spelling.event_id == event_id)
        .order_by(Spelling.kind, Spelling.word, Spelling.id)
    ).all()


def spelling_of(session: Session, event_id: int, spelling_id: int) -> Spelling:
    """Return one spelling of an event. Raises NotFound."""
    return there(
        session.scalar(
            select(Spelling).where(Spelling.id == spelling_id, Spelling.event_id == event_id)
        )
    )


def suggestions(session: Session, event_id: int, *, used_by: int = 2) -> dict[WordKind, list[str]]:
    """Return the words of an event, each once, at most SUGGESTED of a kind.

    Only those that as many people who still take part use: what one person alone says of
    themselves is not shown to whoever opens the registration form.
    """
    words = {(row.kind, row.folded): row.word for row in spellings_of(session, event_id)}
    used: dict[WordKind, Counter[str]] = {kind: Counter() for kind in WordKind}
    for said in _said_by_each(session, event_id):
        for kind, folds in said.items():
            used[kind].update({words[kind, fold] for fold in folds if (kind, fold) in words})
    found: dict[WordKind, list[str]] = {kind: [] for kind in WordKind}
    for kind, word in sorted({(kind, word) for (kind, _), word in words.items()}):
        if used[kind][word] >= used_by and len(found[kind]) < SUGGESTED:
            found[kind].append(word)
    return found


def uses(session: Session, event_id: int) -> dict[WordKind, Counter[str]]:
    """Return how many people of an event use each spelling, by its folded form."""
    found: dict[WordKind, Counter[str]] = {kind: Counter() for kind in WordKind}
    for said in _said_by_each(session, event_id):
        for kind, folds in said.items():
            found[kind].update(folds)
    return found


def _said_by_each(session: Session, event_id: int) -> Iterator[dict[WordKind, set[str]]]:
    rows = session.execute(
        select(
            Participant.role,
            Participant.community,
            Participant.topics,
            Participant.offers,
            Participant.seeks,
            Participant.wish_roles,
        ).where(Participant.event_id == event_id, Participant.left_at.is_(None))
    )
    for role, community, topics, offers, seeks, wish_roles in rows:
        yield {
            WordKind.ROLE: {folded(word) for word in (role, *wish_roles) if word},
            WordKind.COMMUNITY: {folded(community)} if community else set(),
            WordKind.TOPIC: {folded(word) for word in topics},
            WordKind.SKILL: {folded(word) for word in (*offers, *seeks)},
        }


def named_in(session: Session, event_id: int) -> dict[int, dict[MentionKind, list[str]]]:
    """Return whom each participant of an event would like to meet or knows, in their words.

    Whom they avoid is not among it: that leaves this installation in no list.
    """
    found: dict[int, dict[MentionKind, list[str]]] = {}
    rows = session.execute(
        select(Mention.participant_id, Mention.kind, Mention.written)
        .where(Mention.event_id == event_id, Mention.kind != MentionKind.AVOID)
        .order_by(Mention.id)
    )
    for participant_id, kind, written in rows:
        found.setdefault(participant_id, {}).setdefault(kind, []).append(written)
    return found
