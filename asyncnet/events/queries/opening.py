"""Reads whose page a browser opens, and whether anything is new on it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.orm import Session, contains_eager

from asyncnet.database import NotFound
from asyncnet.events.model import Event, Participant
from asyncnet.events.rules import EventMode
from asyncnet.people.model import BrowserSession
from asyncnet.people.rules import hash_of

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
        _EVENT.closed_at,
        _EVENT.ends_at,
        _EVENT.retention_days,
    ).where(
        _BROWSER.participant_id == _READER.id,
        _EVENT.id == _READER.event_id,
        _READER.id == bindparam("participant_id"),
        _BROWSER.key_hash == bindparam("key_hash"),
    )
)


class LinkEnded(Exception):
    """The personal link that opened this page was withdrawn, or its owner has left."""


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
    closed_at: datetime | None
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
        closed_at=found.closed_at,
        removed_at=found.ends_at + timedelta(days=found.retention_days),
        own_zone=found.zone if found.mode is EventMode.ASYNC else None,
    )
