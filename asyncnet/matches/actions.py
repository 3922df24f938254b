"""Keeps the published matches right as people change, leave, return or are kept apart."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import count

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor
from asyncnet.events.actions import registering
from asyncnet.events.actions.refreshing import refresh_pages_of
from asyncnet.events.actions.registering import Profile
from asyncnet.events.model import Participant, Round
from asyncnet.events.rules import Attendance, EventMode
from asyncnet.matches.model import Forbid, Match, MatchState
from asyncnet.matches.queries import kept_apart_in, plan_of


def change_participant(
    session: Session,
    participant: Participant,
    said: Profile,
    *,
    version: int,
    actor: Actor,
    now: datetime,
) -> list[Match]:
    """Change what is known of a participant, as `events.actions` does; return the matches of
    coming rounds that another way to take part concerns.

    Those that cannot take place any more are withdrawn: two asynchronous people never meet in a
    live round, and nobody who is live meets two at once. What is left free, a repair fills.
    Raises AlreadyRegistered for a taken address, and ChangedMeanwhile when somebody saved after
    `version` was shown.
    """
    was = participant.attendance
    registering.change_participant(
        session, participant, said, version=version, actor=actor, now=now
    )
    if participant.attendance is was:
        return []
    coming = _coming(session, participant, now=now)
    for match in coming:
        if _is_impossible(session, match):
            match.state = MatchState.WITHDRAWN
            match.room = None
            session.flush()
    give_rooms(session, participant.event_id)
    people = {i for match in coming for i in (match.first_id, match.second_id)}
    refresh_pages_of(session, tuple(people))
    return coming


def give_rooms(session: Session, event_id: int) -> None:
    """Give every published chat of an event a breakout room; who has one keeps it.

    Three matches that share a room are a trio. A viewing needs no room.
    """
    by_round: defaultdict[int, list[Match]] = defaultdict(list)
    for match in plan_of(session, event_id):
        if match.first.attendance is match.second.attendance is Attendance.LIVE:
            by_round[match.round_id].append(match)
        else:
            match.room = None
    for chats in by_round.values():
        taken = {match.room for match in chats if match.room is not None}
        free = (number for number in count(1) if number not in taken)
        for match in chats:
            match.room = match.room or next(free)


def withdraw_coming(session: Session, participant_id: int, *, now: datetime) -> Sequence[Match]:
    """Take somebody's conversations out of the rounds that have not begun; return those.

    What they may watch in their own time stays. Whoever calls it records why.
    """
    participant = session.get_one(Participant, participant_id)
    coming = [
        match
        for match in _coming(session, participant, now=now)
        if match.first.attendance is match.second.attendance is Attendance.LIVE
    ]
    for match in coming:
        match.state = MatchState.WITHDRAWN
        match.room = None
    return coming


def seat_of(session: Session, match: Match, participant_id: int) -> Sequence[Match]:
    """Return what somebody loses without this match: it, and their other match of the same trio."""
    together = _trio_of(session, match)
    others = session.scalars(select(Match).where(Match.id.in_(together - {match.id})))
    return [match, *(m for m in others if participant_id in (m.first_id, m.second_id))]


def restore_matches(
    session: Session, match_ids: Sequence[int], *, now: datetime
) -> Sequence[Match]:
    """Put matches back that were taken out, where that is still possible; return those.

    It is not once the round has begun, somebody has left or had to, the two are kept apart, or
    one of them meets somebody else.
    """
    back: list[Match] = []
    found = session.scalars(
        select(Match).where(Match.id.in_(match_ids), Match.state == MatchState.WITHDRAWN)
    ).all()
    if not found:
        return back
    apart = kept_apart_in(session, found[0].event_id)
    for match in found:
        people = (match.first, match.second)
        free = not any(
            person.left_at is not None
            or person.away_from_at is not None
            or _is_busy(session, match.round, person)
            for person in people
        )
        allowed = match.second_id not in apart[match.first_id]
        if match.round.starts_at > now and free and allowed:
            match.state = MatchState.PUBLISHED
            session.flush()
            back.append(match)
    if back:
        give_rooms(session, back[0].event_id)
    return back


def keep_apart(
    session: Session,
    event_id: int,
    who: Sequence[int],
    *,
    by_id: int | None = None,
    uneasy_id: int | None = None,
    now: datetime,
) -> bool:
    """Let two participants never be matched again: an organizer, or one of the two, wants it.

    Returns whether that is new. Whoever calls it records why.
    """
    if session.scalar(select(Forbid.id).where(*_said_of(who, by_id, uneasy_id))) is not None:
        return False
    first_id, second_id = sorted(who)
    session.add(
        Forbid(
            event_id=event_id,
            first_id=first_id,
            second_id=second_id,
            by_id=by_id,
            uneasy_id=uneasy_id,
            created_at=now,
        )
    )
    return True


def let_meet(
    session: Session, who: Sequence[int], *, by_id: int | None = None, uneasy_id: int | None = None
) -> None:
    """Take back what one organizer, or one of the two, said; what others said stays."""
    session.execute(delete(Forbid).where(*_said_of(who, by_id, uneasy_id)))


def overrule(session: Session, who: Sequence[int]) -> list[int | None]:
    """Take back what any organizer said of two participants; what the two said stays.

    Returns the ids of the organizers who had said so, None for somebody who is gone.
    """
    said = delete(Forbid).where(*_about(who), Forbid.uneasy_id.is_(None)).returning(Forbid.by_id)
    return list(session.scalars(said))


def _about(who: Sequence[int]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    first_id, second_id = sorted(who)
    return Forbid.first_id == first_id, Forbid.second_id == second_id


def _said_of(
    who: Sequence[int], by_id: int | None, uneasy_id: int | None
) -> tuple[ColumnElement[bool], ...]:
    return *_about(who), Forbid.by_id == by_id, Forbid.uneasy_id == uneasy_id


def _coming(session: Session, participant: Participant, *, now: datetime) -> list[Match]:
    """Return a participant's matches of rounds that have not begun, the pinned ones last."""
    found = session.scalars(
        select(Match)
        .join(Round)
        .where(
            or_(Match.first_id == participant.id, Match.second_id == participant.id),
            Match.state == MatchState.PUBLISHED,
            Round.starts_at > now,
        )
        .order_by(Match.pinned, Match.id.desc())
    )
    return list(found)


def _is_impossible(session: Session, match: Match) -> bool:
    people = (match.first, match.second)
    live = [person for person in people if person.attendance is Attendance.LIVE]
    if not live and match.first.event.mode is EventMode.MIXED:
        return True
    together = _trio_of(session, match)
    return any(
        _is_busy(session, match.round, person, beside={match.id, *together}) for person in live
    )


def _trio_of(session: Session, match: Match) -> set[int]:
    """Return the matches that share a room of three with this one, while all of them are live."""
    people = (match.first, match.second)
    if match.room is None or any(p.attendance is Attendance.ASYNC for p in people):
        return set()
    return set(
        session.scalars(
            select(Match.id).where(
                Match.round_id == match.round_id,
                Match.room == match.room,
                Match.state == MatchState.PUBLISHED,
            )
        )
    )


def _is_busy(
    session: Session, slot: Round, participant: Participant, *, beside: Collection[int] = ()
) -> bool:
    """Return whether somebody has a match in a round, those `beside` not counted."""
    return (
        session.scalar(
            select(Match.id)
            .where(
                Match.round_id == slot.id,
                Match.state == MatchState.PUBLISHED,
                Match.id.not_in(beside),
                or_(Match.first_id == participant.id, Match.second_id == participant.id),
            )
            .limit(1)
        )
        is not None
    )
