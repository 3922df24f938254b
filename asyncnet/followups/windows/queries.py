"""Reads who has not watched and answered yet."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, joinedload

from asyncnet.events.clock import takes_place
from asyncnet.events.model import Event, Participant, Round
from asyncnet.events.queries import slot_for
from asyncnet.events.rules import Attendance, EventMode, Slot
from asyncnet.followups.model import Answer, StandIn
from asyncnet.intros.model import PROPER, Intro, IntroState
from asyncnet.matches.model import Forbid, Match, MatchState

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
    hushed: bool
    """True when the viewer is uneasy about the other one, so that nobody asks them to write."""
    is_ready: bool
    """The intro of the other one is there to be watched."""


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


def viewings_in(
    session: Session,
    event_id: int,
    *,
    of: int | None = None,
    among: Collection[int] | None = None,
) -> list[Viewing]:
    """Return who watches whom in the published matches of an event, in four queries.

    Two asynchronous people watch each other; whoever is live watches, and is not watched. With
    `of`, in the matches of this participant only, with `among`, in the matches of these ids.
    Matches with somebody who has left are not among them.
    """
    mine = [Match.event_id == event_id]
    if of is not None:
        mine.append(or_(Match.first_id == of, Match.second_id == of))
    if among is not None:
        mine.append(Match.id.in_(among))
    matches = session.scalars(
        select(Match)
        .where(*mine, Match.state == MatchState.PUBLISHED)
        .options(joinedload(Match.round), joinedload(Match.first), joinedload(Match.second))
        .order_by(Match.id)
    ).all()
    answered = {
        (row.match_id, row.author_id)
        for row in session.execute(
            select(Answer.match_id, Answer.author_id).join(Match).where(*mine)
        )
    }
    uneasy = {
        (row.id, row.uneasy_id)
        for row in session.execute(
            select(Match.id, Forbid.uneasy_id)
            .join(
                Forbid,
                and_(Forbid.first_id == Match.first_id, Forbid.second_id == Match.second_id),
            )
            .where(*mine, Forbid.uneasy_id.is_not(None))
        )
    }
    ready = set(
        session.scalars(
            select(Intro.participant_id)
            .join(Participant)
            .where(Participant.event_id == event_id, PROPER, Intro.state == IntroState.READY)
        )
    )
    return [
        Viewing(
            match,
            viewer,
            other,
            slot_for(viewer, match.round),
            (match.id, viewer.id) in answered,
            (match.id, viewer.id) in uneasy,
            other.id in ready,
        )
        for match in matches
        if match.first.left_at is None and match.second.left_at is None
        for viewer, other in ((match.first, match.second), (match.second, match.first))
        if other.attendance is Attendance.ASYNC
    ]


def last_round(event: Event) -> Round:
    """Return the round of an event after which there is none."""
    return max(
        (slot for slot in event.rounds if takes_place(slot.slot)), key=lambda slot: slot.ends_at
    )


def waiting_for(viewings: Sequence[Viewing], silent: Sequence[Viewing]) -> list[Viewing]:
    """Return those of the silent viewings whose other one has written, and so waits."""
    wrote = {(viewing.match.id, viewing.viewer.id) for viewing in viewings if viewing.answered}
    return [viewing for viewing in silent if (viewing.match.id, viewing.other.id) in wrote]


def replaced_in(session: Session, event_id: int) -> set[int]:
    """Return the matches of an event in whose place somebody got another one."""
    found = select(StandIn.match_id).join(Match, Match.id == StandIn.match_id)
    return set(session.scalars(found.where(Match.event_id == event_id)))


def in_vain(
    session: Session, event: Event, now: datetime, *, of: int | None = None
) -> list[Viewing]:
    """Return the viewings of silent people for whom somebody waited, and nobody could stand in.

    So it is known once their window is over and no other one comes. With `of`, only those of
    this participant's matches.
    """
    if now < last_round(event).starts_at:
        return []
    viewings = viewings_in(session, event.id, of=of)
    silent = [one for one in viewings if not one.answered and one.window.ends_at <= now]
    waited = waiting_for(viewings, silent)
    replaced = replaced_in(session, event.id) if waited else set()
    return [viewing for viewing in waited if viewing.match.id not in replaced]


def waits_for(viewings: Sequence[Viewing], participant_id: int, round_id: int) -> list[Participant]:
    """Return whose intro is there and somebody has not answered in a round, by name."""
    return sorted(
        (
            viewing.other
            for viewing in viewings
            if viewing.viewer.id == participant_id
            and viewing.match.round_id == round_id
            and not viewing.answered
            and not viewing.hushed
            and viewing.is_ready
        ),
        key=lambda person: person.name,
    )
