"""Reads how two people of a match stand: who watched, and who wants no more."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from asyncnet.events.model import Participant
from asyncnet.followups.model import Step
from asyncnet.followups.rules import Told
from asyncnet.matches.model import Match
from asyncnet.matches.queries import is_uneasy


def who_watched(session: Session, match_ids: Sequence[int]) -> set[tuple[int, int]]:
    """Return match and participant of everybody who told that they had watched an intro."""
    rows = session.execute(
        select(Step.match_id, Step.participant_id).where(
            Step.match_id.in_(match_ids), Step.told == Told.WATCHED
        )
    )
    return {(row.match_id, row.participant_id) for row in rows}


def closed_by(session: Session, participant_id: int) -> set[int]:
    """Return the ids of the matches about which a participant wants no more mails."""
    return set(
        session.scalars(
            select(Step.match_id).where(
                Step.participant_id == participant_id, Step.told == Told.CLOSED
            )
        )
    )


def hushed_for(session: Session, participant_id: int) -> set[int]:
    """Return the ids of the matches about whose other one a participant is uneasy."""
    theirs = or_(Match.first_id == participant_id, Match.second_id == participant_id)
    return set(session.scalars(select(Match.id).where(theirs, is_uneasy(participant_id))))


def wants_no_more(session: Session, match_id: int, *, by: Participant | None = None) -> bool:
    """Return whether one of the two, or this one, wants no more mails about their match."""
    closed = select(Step).where(Step.match_id == match_id, Step.told == Told.CLOSED)
    if by is not None:
        closed = closed.where(Step.participant_id == by.id)
    return bool(session.scalar(select(closed.exists())))


def has_closed(participant_id: Any) -> ColumnElement[bool]:
    """Return whether somebody wants no more mails about a match, as a condition on `Match`."""
    return exists().where(
        Step.match_id == Match.id, Step.participant_id == participant_id, Step.told == Told.CLOSED
    )
