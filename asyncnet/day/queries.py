"""Reads what a participant's own page shows during the event."""

from collections.abc import Collection, Sequence

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, joinedload

from asyncnet.day.model import Exit, Presence
from asyncnet.followups.model import Answer
from asyncnet.matches.model import Group, GroupMember, Match, MatchState

_GROUP = (
    select(Group)
    .join(GroupMember, GroupMember.group_id == Group.id)
    .where(
        GroupMember.participant_id == bindparam("participant_id"),
        Group.state == MatchState.PUBLISHED,
    )
    .options(joinedload(Group.members))
    .order_by(Group.id.desc())
)
_ANSWERED = (
    select(Answer.match_id)
    .join(Match, Match.id == Answer.match_id)
    .where(Answer.author_id == bindparam("participant_id"))
)


def group_of(session: Session, participant_id: int) -> Group | None:
    """Return a participant's published closing group with its members, if there is one."""
    return session.scalars(_GROUP, {"participant_id": participant_id}).unique().first()


def answered_by(session: Session, participant_id: int) -> set[int]:
    """Return the ids of the matches to whom a participant has written."""
    return set(session.scalars(_ANSWERED, {"participant_id": participant_id}))


def open_exits(session: Session, participant_ids: Collection[int]) -> Sequence[Exit]:
    """Return what these people said of leaving and the like and did not take back, by age."""
    return session.scalars(
        select(Exit)
        .where(Exit.participant_id.in_(participant_ids), Exit.undone_at.is_(None))
        .order_by(Exit.id)
    ).all()


def present_in(session: Session, event_id: int) -> dict[int, Presence]:
    """Return when each participant of an event last had their page open, by their id."""
    found = session.scalars(select(Presence).where(Presence.event_id == event_id))
    return {presence.participant_id: presence for presence in found}


def in_round(matches: Sequence[Match], number: int) -> list[Match]:
    """Return those of somebody's matches that are in a round; two of them make a trio."""
    return [match for match in matches if match.round.number == number]
