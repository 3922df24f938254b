"""Reads who said that they cannot go on, who is there and who has answered."""

from collections import defaultdict
from collections.abc import Collection, Sequence, Set

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, joinedload, load_only

from asyncnet.database import there
from asyncnet.day.model import Exit, ExitKind, Presence
from asyncnet.events.model import Participant, Round
from asyncnet.events.rules import Attendance
from asyncnet.followups.model import Answer
from asyncnet.matches.model import Group, GroupMember, Match, MatchState

_GROUP = (
    select(Group)
    .join(GroupMember, GroupMember.group_id == Group.id)
    .where(GroupMember.participant_id == bindparam("participant_id"))
    .options(joinedload(Group.members))
    .order_by(Group.id.desc())
)
_OPEN_EXITS = (
    select(Exit)
    .where(Exit.event_id == bindparam("event_id"), Exit.undone_at.is_(None))
    .order_by(Exit.id)
)
_WHO = (Participant.name, Participant.attendance)
"""What the board shows of somebody; the rest of ten thousand people takes a second to be read."""
_WITH_MATCH = (
    joinedload(Exit.match).joinedload(Match.round, innerjoin=True),
    joinedload(Exit.match).joinedload(Match.first, innerjoin=True),
    joinedload(Exit.match).joinedload(Match.second, innerjoin=True),
)


def group_of(session: Session, participant_id: int) -> Group | None:
    """Return a participant's published closing group with its members, if there is one."""
    return session.scalars(_GROUP, {"participant_id": participant_id}).unique().first()


def open_exits(session: Session, event_id: int) -> Sequence[Exit]:
    """Return what people of an event said of leaving and the like and did not take back, by age."""
    return session.scalars(_OPEN_EXITS, {"event_id": event_id}).all()


def exit_of(session: Session, participant_id: int, exit_id: int) -> Exit:
    """Return what a participant said, match and people loaded. Raises NotFound."""
    return there(
        session.scalar(
            select(Exit)
            .where(Exit.id == exit_id, Exit.participant_id == participant_id)
            .options(*_WITH_MATCH)
        )
    )


def exit_in(session: Session, event_id: int, exit_id: int) -> Exit:
    """Return what somebody of an event said. Raises NotFound."""
    return there(session.scalar(select(Exit).where(Exit.id == exit_id, Exit.event_id == event_id)))


def exits_in(session: Session, event_id: int, *, unsaid: Set[int] = frozenset()) -> Sequence[Exit]:
    """Return what people of an event said and did not take back, the newest first, but that
    somebody is uneasy about one of the `unsaid`."""
    found = session.scalars(
        select(Exit)
        .where(Exit.event_id == event_id, Exit.undone_at.is_(None))
        .options(joinedload(Exit.participant), *_WITH_MATCH)
        .order_by(Exit.id.desc())
    ).all()
    return [
        said
        for said in found
        if said.kind is not ExitKind.UNEASY
        or said.match is None
        or said.match.other(said.participant_id).id not in unsaid
    ]


def seated_in(session: Session, event_id: int, number: int) -> Sequence[Match]:
    """Return the published matches of a round with who the two are, and nothing else of them."""
    return session.scalars(
        select(Match)
        .join(Round, Round.id == Match.round_id)
        .where(
            Match.event_id == event_id,
            Round.number == number,
            Match.state == MatchState.PUBLISHED,
        )
        .options(
            load_only(Match.first_id, Match.second_id, Match.room, Match.round_id),
            joinedload(Match.first, innerjoin=True).load_only(*_WHO),
            joinedload(Match.second, innerjoin=True).load_only(*_WHO),
        )
        .order_by(Match.id)
    ).all()


def live_in(session: Session, event_id: int) -> Sequence[Participant]:
    """Return who the live people of an event are that have not left, by name."""
    return session.scalars(
        select(Participant)
        .where(
            Participant.event_id == event_id,
            Participant.attendance == Attendance.LIVE,
            Participant.left_at.is_(None),
        )
        .options(load_only(*_WHO))
        .order_by(Participant.name, Participant.id)
    ).all()


def answered_in(session: Session, match_ids: Collection[int]) -> set[int]:
    """Return which of these matches somebody has written about."""
    return set(session.scalars(select(Answer.match_id).where(Answer.match_id.in_(match_ids))))


def circles_in(session: Session, event_id: int) -> dict[int, list[tuple[int, str]]]:
    """Return id and name of who still takes part, by the number of their closing group."""
    rows = session.execute(
        select(Group.number, Participant.id, Participant.name)
        .join(GroupMember, GroupMember.group_id == Group.id)
        .join(Participant, Participant.id == GroupMember.participant_id)
        .where(Group.event_id == event_id, Participant.left_at.is_(None))
        .order_by(Group.number, Participant.name, Participant.id)
    )
    found: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    for number, who, name in rows:
        found[number].append((who, name))
    return dict(found)


def present_in(session: Session, event_id: int) -> dict[int, Presence]:
    """Return when each participant of an event last had their page open, by their id."""
    found = session.scalars(select(Presence).where(Presence.event_id == event_id))
    return {presence.participant_id: presence for presence in found}
