"""Reads the plan: matches of an event, of a round, of a participant."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, exists, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from asyncnet.database import there
from asyncnet.events.model import Mention, Participant, Round
from asyncnet.events.queries import clock_of
from asyncnet.events.rules import MentionKind
from asyncnet.matches.model import Forbid, Group, GroupMember, Match, MatchState

_WITH_PEOPLE = (
    joinedload(Match.round, innerjoin=True),
    joinedload(Match.first, innerjoin=True),
    joinedload(Match.second, innerjoin=True),
)
PUBLISHED_FOR = (
    select(Match)
    .where(
        or_(
            Match.first_id == bindparam("participant_id"),
            Match.second_id == bindparam("participant_id"),
        ),
        Match.state == MatchState.PUBLISHED,
    )
    .options(*_WITH_PEOPLE)
)
_PUBLISHED = PUBLISHED_FOR.where(Match.id == bindparam("match_id"))


def plan_of(session: Session, event_id: int) -> Sequence[Match]:
    """Return the published matches of an event by round, both people loaded."""
    return session.scalars(
        select(Match)
        .where(Match.event_id == event_id, Match.state == MatchState.PUBLISHED)
        .options(*_WITH_PEOPLE)
        .order_by(Match.round_id, Match.id)
    ).all()


def groups_of(session: Session, event_id: int) -> Sequence[Group]:
    """Return the closing groups of an event, their members loaded."""
    return session.scalars(
        select(Group)
        .where(Group.event_id == event_id)
        .options(selectinload(Group.members))
        .order_by(Group.number, Group.id)
    ).all()


def group_numbers(
    session: Session, event_id: int, participant_ids: Collection[int]
) -> dict[int, int] | None:
    """Return in which closing group each of these people sits, None without groups."""
    rows = session.execute(
        select(GroupMember.participant_id, Group.number)
        .join(Group, Group.id == GroupMember.group_id)
        .where(Group.event_id == event_id)
    ).all()
    return {who: number for who, number in rows if who in participant_ids} if rows else None


def closing_for(session: Session, participant: Participant) -> tuple[datetime, datetime] | None:
    """Return from when to when a participant's closing group talks, None where they sit in none."""
    clock = clock_of(session, participant.event)
    if clock.rounds_end_at >= clock.ends_at:
        return None
    seat = select(GroupMember.group_id).where(GroupMember.participant_id == participant.id)
    return None if session.scalar(seat) is None else (clock.rounds_end_at, clock.ends_at)


def is_uneasy(participant_id: Any) -> ColumnElement[bool]:
    """Return the condition that this one of the two of a selected match is uneasy about the other.

    Whoever is, is sent nothing more about that match, and the other never learns of it.
    """
    return exists().where(
        Forbid.first_id == Match.first_id,
        Forbid.second_id == Match.second_id,
        Forbid.uneasy_id == participant_id,
    )


def kept_apart_in(session: Session, event_id: int) -> defaultdict[int, set[int]]:
    """Return from whom each person of an event is kept apart: they or the other avoid that, one of
    the two is uneasy, or an organizer wants it. Everybody else is kept apart from nobody.

    Where a name that somebody avoids may mean several people, all of them are.
    """
    found: defaultdict[int, set[int]] = defaultdict(set)
    pairs = [
        (one, other)
        for one, other in session.execute(
            select(Forbid.first_id, Forbid.second_id).where(Forbid.event_id == event_id)
        )
    ]
    avoided = select(Mention.participant_id, Mention.meant_id, Mention.possible).where(
        Mention.event_id == event_id, Mention.kind == MentionKind.AVOID
    )
    for who, meant_id, possible in session.execute(avoided):
        pairs += [(who, one) for one in ((possible or ()) if meant_id is None else [meant_id])]
    for one, other in pairs:
        found[one].add(other)
        found[other].add(one)
    return found


def published_in(session: Session, event_id: int, number: int) -> Sequence[Match]:
    """Return the published matches of one round, both people loaded."""
    return session.scalars(
        select(Match)
        .join(Round)
        .where(
            Match.event_id == event_id,
            Round.number == number,
            Match.state == MatchState.PUBLISHED,
        )
        .options(*_WITH_PEOPLE)
        .order_by(Match.id)
    ).all()


def published_for(session: Session, participant_id: int) -> Sequence[Match]:
    """Return a participant's published matches with people who are still there, by round."""
    found = [
        match
        for match in session.scalars(PUBLISHED_FOR, {"participant_id": participant_id})
        if match.other(participant_id).left_at is None
    ]
    return sorted(found, key=lambda match: (match.round.number, match.id))


def coming_of(session: Session, participant_id: int, *, now: datetime) -> list[Match]:
    """Return a participant's published matches of rounds that have not begun."""
    found = published_for(session, participant_id)
    return [match for match in found if match.round.starts_at > now]


def published_match(session: Session, participant_id: int, match_id: int) -> Match:
    """Return one published match in which this participant takes part. Raises NotFound."""
    return there(
        session.scalar(_PUBLISHED, {"participant_id": participant_id, "match_id": match_id})
    )
