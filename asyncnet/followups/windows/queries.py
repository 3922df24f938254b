"""Reads who has not watched and answered yet, in events without anybody live."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from asyncnet.events.model import Event, Participant
from asyncnet.events.queries import slot_for
from asyncnet.events.rules import EventMode, Slot
from asyncnet.followups.model import Answer
from asyncnet.matches.model import Match, MatchState

OVER = timedelta(days=2)
"""So long after an event the windows of its last round are closed for everybody."""


@dataclass(frozen=True)
class Viewing:
    """A match as one of its two people is asked to watch it, and for how long."""

    match: Match
    viewer: Participant
    other: Participant
    window: Slot
    answered: bool


def running(session: Session, now: datetime) -> Sequence[Event]:
    """Return the asynchronous events with matches in which somebody may still be silent."""
    return session.scalars(
        select(Event)
        .where(
            Event.mode == EventMode.ASYNC,
            Event.published_at.is_not(None),
            Event.starts_at <= now,
            Event.ends_at > now - OVER,
        )
        .order_by(Event.id)
    ).all()


def viewings_in(session: Session, event_id: int) -> list[Viewing]:
    """Return both viewings of every published match of an event, in two queries.

    Matches with somebody who has left are not among them.
    """
    matches = session.scalars(
        select(Match)
        .where(Match.event_id == event_id, Match.state == MatchState.PUBLISHED)
        .options(joinedload(Match.round), joinedload(Match.first), joinedload(Match.second))
        .order_by(Match.id)
    ).all()
    answered = {
        (row.match_id, row.author_id)
        for row in session.execute(
            select(Answer.match_id, Answer.author_id).join(Match).where(Match.event_id == event_id)
        )
    }
    return [
        Viewing(
            match,
            viewer,
            other,
            slot_for(viewer, match.round),
            (match.id, viewer.id) in answered,
        )
        for match in matches
        if match.first.left_at is None and match.second.left_at is None
        for viewer, other in ((match.first, match.second), (match.second, match.first))
    ]


def waits_for(viewings: Sequence[Viewing], participant_id: int, round_id: int) -> list[Participant]:
    """Return whose intro somebody has not answered in a round, by name."""
    return sorted(
        (
            viewing.other
            for viewing in viewings
            if viewing.viewer.id == participant_id
            and viewing.match.round_id == round_id
            and not viewing.answered
        ),
        key=lambda person: person.name,
    )
