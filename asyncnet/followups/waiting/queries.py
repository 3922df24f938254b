"""Everybody of an event who waits for something."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Integer,
    Select,
    String,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    null,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from asyncnet.database import UtcDateTime
from asyncnet.events.model import Participant
from asyncnet.events.rules import Attendance
from asyncnet.followups.funnel import here, stages_of
from asyncnet.followups.model import Step
from asyncnet.followups.queries import NEEDS_A_PERSON
from asyncnet.followups.rules import Stage, Told
from asyncnet.intros.model import PROPER, Intro, IntroState
from asyncnet.intros.queries import took_back
from asyncnet.matches.bench.model import Bench, Plan
from asyncnet.matches.model import Match, MatchState
from asyncnet.matches.queries import is_uneasy
from asyncnet.messages.model import Message

PAGE = 50


class For(StrEnum):
    """What somebody waits for."""

    DECISION = "decision"
    """An organizer's: a mail that is held, failed, came back or was maybe sent."""
    INTRO = "intro"
    MATCH = "match"
    PUBLISHING = "publishing"
    WATCHING = "watching"
    ANSWER = "answer"
    MAIL = "mail"
    REPLY = "reply"
    MEETING = "meeting"


@dataclass(frozen=True)
class Waiting:
    """Somebody who waits, alone or with the other one of their match, and since when.

    `thing_id` is the message, the participant, the plan or the match that it is about. In a match
    with somebody live, `name` is theirs: they watch and write first.
    """

    what: For
    since: datetime
    thing_id: int
    name: str
    other: str | None
    is_away: bool
    """The one who watches and writes first had to leave during the event."""

    @property
    def thing(self) -> "Thing":
        return self.what, self.thing_id

    @property
    def who(self) -> str:
        return f"{self.name} and {self.other}" if self.other else self.name


Thing = tuple[For, int]
"""For what somebody waits, and the message, participant, plan or match that it is about."""
Place = tuple[datetime, str, int]
"""Where a page of the list ended: since when, for what, and the thing."""


def waiting_page(
    session: Session,
    event_id: int,
    what: For | None,
    *,
    after: Place | None,
    limit: int | None,
    unsaid: Collection[int] = (),
) -> tuple[Sequence[Waiting], Place | None]:
    """Return who waits longest, for one thing or any, and where the next page starts.

    `limit` None returns everybody. One query, however many there are. No match of the `unsaid`
    is among them: who is uneasy about them is in no list, and they would miss that one alone.
    """
    everybody = union_all(*_parts(event_id, what, unsaid)).subquery()
    wanted = _first_of(everybody, after=after, limit=limit)
    return _cut([_waiting(row) for row in session.execute(wanted)], limit)


def waiting_list(
    session: Session,
    event_id: int,
    what: For | None,
    *,
    after: Place | None,
    limit: int,
    unsaid: Collection[int] = (),
) -> tuple[Sequence[Waiting], Place | None, dict[For, int]]:
    """Return a page of who waits, where the next one starts, and how many wait for what in all.

    All from one look at everybody: in a large event that look is what takes the time.
    """
    everybody = union_all(*_parts(event_id, None, unsaid)).cte("everybody")
    page = _first_of(everybody, what=what, after=after, limit=limit).subquery()
    counts = select(
        everybody.c.what,
        cast(null(), UtcDateTime),
        func.count(),
        cast(null(), String),
        cast(null(), String),
        false(),
    ).group_by(everybody.c.what)
    rows = session.execute(union_all(select(page), counts)).all()
    counted = {For(row.what): row.thing_id for row in rows if row.since is None}
    found = [_waiting(row) for row in rows if row.since is not None]
    found.sort(key=lambda each: (each.since, each.what, each.thing_id))
    return *_cut(found, limit), {each: counted[each] for each in For if each in counted}


def _first_of(
    everybody: Any, *, what: For | None = None, after: Place | None, limit: int | None
) -> Select[Any]:
    """Select who waits longest of everybody, and one more than the limit."""
    order = (everybody.c.since, everybody.c.what, everybody.c.thing_id)
    wanted = select(everybody).order_by(*order)
    if what is not None:
        wanted = wanted.where(everybody.c.what == what.value)
    if after is not None:
        since, name, thing_id = after
        wanted = wanted.where(
            tuple_(*order)
            > tuple_(literal(since, UtcDateTime), literal(name, String), literal(thing_id, Integer))
        )
    return wanted if limit is None else wanted.limit(limit + 1)


def _cut(found: list[Waiting], limit: int | None) -> tuple[list[Waiting], Place | None]:
    """Return no more than the limit, and where the rest starts."""
    if limit is None or len(found) <= limit:
        return found, None
    last = found[limit - 1]
    return found[:limit], (last.since, last.what.value, last.thing_id)


def waiting_among(
    session: Session, event_id: int, things: Collection[Thing], *, unsaid: Collection[int] = ()
) -> Sequence[Waiting]:
    """Return for what the people and the matches wait now that these things are about."""
    people = {thing_id for what, thing_id in things if what is For.INTRO}
    matches = {thing_id for what, thing_id in things if what in _NEXT}
    parts = [
        _without_intro(event_id).where(Participant.id.in_(people)),
        _unfinished(event_id, None, unsaid).where(Match.id.in_(matches)),
    ]
    return [_waiting(row) for row in session.execute(union_all(*parts))]


def names_of(session: Session, event_id: int, things: Collection[Thing]) -> dict[Thing, str]:
    """Return who the people and the two of the matches are that these things are about.

    What belongs to another event is left out.
    """
    people = {thing_id for what, thing_id in things if what is For.INTRO}
    matches = {thing_id for what, thing_id in things if what in _NEXT}
    alone = session.execute(
        select(Participant.id, Participant.name).where(
            Participant.event_id == event_id, Participant.id.in_(people)
        )
    )
    both = session.execute(
        select(Match.id, *_WATCHER_FIRST)
        .join(_FIRST, _FIRST.id == Match.first_id)
        .join(_SECOND, _SECOND.id == Match.second_id)
        .where(Match.event_id == event_id, Match.id.in_(matches))
    )
    person = {row[0]: row[1] for row in alone}
    two = {row[0]: f"{row[1]} and {row[2]}" for row in both}
    return {
        thing: names[thing[1]]
        for thing in things
        if thing[1] in (names := person if thing[0] is For.INTRO else two)
    }


def waiting_counts(
    session: Session, event_id: int, *, unsaid: Collection[int] = ()
) -> dict[For, int]:
    """Return how many wait for what, as far as anybody does; in one query."""
    everybody = union_all(*_parts(event_id, None, unsaid)).subquery()
    rows = session.execute(select(everybody.c.what, func.count()).group_by(everybody.c.what)).all()
    counted = {For(what): count for what, count in rows}
    return {what: counted[what] for what in For if what in counted}


def _waiting(row: Any) -> Waiting:
    return Waiting(For(row.what), row.since, row.thing_id, row.name, row.other, row.is_away)


def _parts(event_id: int, what: For | None, unsaid: Collection[int]) -> list[Select[Any]]:
    parts: list[tuple[set[For], Select[Any]]] = [
        ({For.DECISION}, _stuck(event_id)),
        ({For.INTRO}, _without_intro(event_id)),
        ({For.MATCH}, _without_match(event_id)),
        ({For.PUBLISHING}, _unpublished(event_id)),
        (set(_NEXT), _unfinished(event_id, what, unsaid)),
    ]
    return [part for things, part in parts if what is None or what in things]


_NOBODY_AWAY = false()


def _row(
    what: Any, since: Any, thing_id: Any, name: Any, other: Any, away: Any = _NOBODY_AWAY
) -> Select[Any]:
    return select(
        cast(what, String).label("what"),
        since.label("since"),
        thing_id.label("thing_id"),
        name.label("name"),
        other.label("other"),
        away.label("is_away"),
    )


def _stuck(event_id: int) -> Select[Any]:
    return _row(
        literal(For.DECISION.value), Message.due_at, Message.id, Message.to_name, null()
    ).where(Message.event_id == event_id, Message.state.in_(NEEDS_A_PERSON))


def _without_intro(event_id: int) -> Select[Any]:
    ready = select(Intro.id).where(
        Intro.participant_id == Participant.id, PROPER, Intro.state == IntroState.READY
    )
    return _row(
        literal(For.INTRO.value),
        Participant.registered_at,
        Participant.id,
        Participant.name,
        null(),
    ).where(
        here(event_id),
        Participant.attendance == Attendance.ASYNC,
        ~ready.exists(),
        ~took_back(Participant.id),
    )


def _without_match(event_id: int) -> Select[Any]:
    matched = select(Match.id).where(
        Match.state == MatchState.PUBLISHED,
        or_(Match.first_id == Participant.id, Match.second_id == Participant.id),
    )
    return _row(
        literal(For.MATCH.value),
        Participant.registered_at,
        Participant.id,
        Participant.name,
        null(),
    ).where(here(event_id), Participant.away_from_at.is_(None), ~matched.exists())


def _unpublished(event_id: int) -> Select[Any]:
    return (
        _row(
            literal(For.PUBLISHING.value),
            Plan.created_at,
            Plan.id,
            literal("Everybody"),
            null(),
        )
        .join(Bench, Bench.plan_id == Plan.id)
        .where(Bench.event_id == event_id)
    )


_FIRST, _SECOND = aliased(Participant), aliased(Participant)
_BOTH_HERE = and_(_FIRST.left_at.is_(None), _SECOND.left_at.is_(None))
_WATCHES = _FIRST.attendance == Attendance.LIVE
_WATCHER_FIRST = (
    case((_WATCHES, _FIRST.name), else_=_SECOND.name),
    case((_WATCHES, _SECOND.name), else_=_FIRST.name),
)
_NEXT = {
    For.WATCHING: None,
    For.ANSWER: Stage.WATCHED,
    For.MAIL: Stage.ANSWERED,
    For.REPLY: Stage.MAILED,
    For.MEETING: Stage.REPLIED,
}
"""The stage after which a match waits for each."""


def _unfinished(event_id: int, what: For | None, unsaid: Collection[int]) -> Select[Any]:
    """Select the published viewings that have not ended in a meeting, each once."""
    stages = stages_of(event_id)
    reached = {stage: stages.c[stage.value] for stage in Stage}
    next_thing = case(
        (reached[Stage.REPLIED].is_not(None), For.MEETING.value),
        (reached[Stage.MAILED].is_not(None), For.REPLY.value),
        (reached[Stage.ANSWERED].is_not(None), For.MAIL.value),
        (reached[Stage.WATCHED].is_not(None), For.ANSWER.value),
        else_=For.WATCHING.value,
    )
    since = func.coalesce(
        reached[Stage.REPLIED],
        reached[Stage.MAILED],
        reached[Stage.ANSWERED],
        reached[Stage.WATCHED],
        Match.created_at,
        type_=UtcDateTime,
    )
    closed = select(Step.match_id).where(Step.match_id == Match.id, Step.told == Told.CLOSED)
    chosen = (
        _row(
            next_thing,
            since,
            Match.id,
            *_WATCHER_FIRST,
            case((_WATCHES, _FIRST.away_from_at), else_=_SECOND.away_from_at).is_not(None),
        )
        .join(stages, stages.c.match_id == Match.id)
        .join(_FIRST, _FIRST.id == Match.first_id)
        .join(_SECOND, _SECOND.id == Match.second_id)
        .where(reached[Stage.MET].is_(None), _BOTH_HERE, ~closed.exists())
        .where(~is_uneasy(Match.first_id), ~is_uneasy(Match.second_id))
        .where(Match.first_id.not_in(unsaid), Match.second_id.not_in(unsaid))
        .where(or_(_FIRST.attendance == Attendance.ASYNC, _SECOND.attendance == Attendance.ASYNC))
    )
    return chosen if what is None else chosen.where(next_thing == what.value)
