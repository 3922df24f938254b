"""How far the asynchronous people of an event have come, and how long each stage took them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    case,
    cast,
    func,
    null,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from asyncnet.database import UtcDateTime
from asyncnet.events.model import Participant
from asyncnet.events.rules import Attendance
from asyncnet.followups.model import Answer, Reply, Step
from asyncnet.followups.queries import was_hushed
from asyncnet.followups.rules import Stage, Told
from asyncnet.intros.model import PROPER, Intro
from asyncnet.matches.model import Match, MatchState
from asyncnet.messages.model import Message
from asyncnet.messages.rules import GONE


def here(event_id: int) -> ColumnElement[bool]:
    return and_(Participant.event_id == event_id, Participant.left_at.is_(None))


_TO_SOMEBODY = select(Answer.id).where(
    Answer.match_id == Reply.match_id, Answer.author_id != Reply.author_id
)


def _gone_at(unsaid: Collection[int]) -> Any:
    """Return when the mail of an answer went, as far as that may be known."""
    return case(
        (Message.state.in_(GONE), Message.sent_at),
        (and_(was_hushed(), Answer.author_id.in_(unsaid)), Message.due_at),
    )


def stages_of(event_id: int, unsaid: Collection[int] = frozenset()) -> Any:
    """Select the first moment of every stage of every published match.

    `unsaid` are participants from whom it is kept that their words were not mailed.
    """
    mine = and_(Match.event_id == event_id, Match.state == MatchState.PUBLISHED)

    def told(what: Told) -> Any:
        return (
            select(Step.match_id, func.min(Step.at, type_=UtcDateTime).label("at"))
            .join(Match, Match.id == Step.match_id)
            .where(mine, Step.told == what)
            .group_by(Step.match_id)
            .subquery()
        )

    answers = (
        select(
            Answer.match_id,
            func.min(Answer.created_at, type_=UtcDateTime).label("answered"),
            func.min(_gone_at(unsaid), type_=UtcDateTime).label("mailed"),
        )
        .join(Match, Match.id == Answer.match_id)
        .outerjoin(Message, Message.id == Answer.message_id)
        .where(mine)
        .group_by(Answer.match_id)
        .subquery()
    )
    replies = (
        select(Reply.match_id, func.min(Reply.created_at, type_=UtcDateTime).label("at"))
        .join(Match, Match.id == Reply.match_id)
        .where(mine, _TO_SOMEBODY.exists())
        .group_by(Reply.match_id)
        .subquery()
    )
    watched, met = told(Told.WATCHED), told(Told.MET)
    return (
        select(
            Match.id.label("match_id"),
            Match.first_id,
            Match.second_id,
            watched.c.at.label(Stage.WATCHED.value),
            answers.c.answered.label(Stage.ANSWERED.value),
            answers.c.mailed.label(Stage.MAILED.value),
            replies.c.at.label(Stage.REPLIED.value),
            met.c.at.label(Stage.MET.value),
        )
        .outerjoin(watched, watched.c.match_id == Match.id)
        .outerjoin(answers, answers.c.match_id == Match.id)
        .outerjoin(replies, replies.c.match_id == Match.id)
        .outerjoin(met, met.c.match_id == Match.id)
        .where(mine)
        .subquery()
    )


@dataclass(frozen=True)
class Rung:
    """One stage of an event: how many asynchronous people came so far, and how long it took.

    `median` is the median time from the stage before, of those who came through both in that
    order; None when nobody did.
    """

    name: str
    people: int
    percent: int
    """How many of those who were invited."""
    median: timedelta | None

    @property
    def indent(self) -> float:
        """Where its bar begins, in hundredths, so that it stands in the middle."""
        return (100 - self.percent) / 2


RUNGS = ("invited", "recorded", *(stage.value for stage in Stage))


def funnel(session: Session, event_id: int, *, unsaid: Collection[int] = frozenset()) -> list[Rung]:
    """Return how far the asynchronous people of an event have come, in one query.

    Somebody has come to a stage when one of their matches has, or a later one. Words of
    participants who are `unsaid` have been mailed as far as they may know.
    """
    asynchronous = and_(here(event_id), Participant.attendance == Attendance.ASYNC)
    recorded = (
        select(Intro.participant_id, func.min(Intro.ready_at, type_=UtcDateTime).label("at"))
        .join(Participant, Participant.id == Intro.participant_id)
        .where(Participant.event_id == event_id, PROPER, Intro.ready_at.is_not(None))
        .group_by(Intro.participant_id)
        .subquery()
    )
    moments = _moments_of(event_id, unsaid).cte("moment")
    theirs = union_all(
        *(
            select(column.label("person_id"), *(moments.c[stage.value] for stage in Stage)).where(
                column.in_(select(Participant.id).where(asynchronous))
            )
            for column in (moments.c.first_id, moments.c.second_id)
        )
    ).subquery()
    best = (
        select(
            theirs.c.person_id,
            *(
                func.min(theirs.c[stage.value], type_=UtcDateTime).label(stage.value)
                for stage in Stage
            ),
        )
        .group_by(theirs.c.person_id)
        .subquery()
    )
    people = session.execute(
        select(Participant.registered_at, recorded.c.at, *(best.c[stage.value] for stage in Stage))
        .outerjoin(recorded, recorded.c.participant_id == Participant.id)
        .outerjoin(best, best.c.person_id == Participant.id)
        .where(asynchronous)
    ).all()
    return [_rung(number, name, people) for number, name in enumerate(RUNGS)]


def _moments_of(event_id: int, unsaid: Collection[int]) -> CompoundSelect[Any]:
    """Select when something came of a match, a row for each thing, its other stages empty.

    Grouped by person that takes a third of the time of a row for each match first.
    """
    mine = and_(Match.event_id == event_id, Match.state == MatchState.PUBLISHED)

    def rows(reached: dict[Stage, Any]) -> Select[Any]:
        return select(
            Match.first_id,
            Match.second_id,
            *(reached.get(stage, cast(null(), UtcDateTime)).label(stage.value) for stage in Stage),
        ).where(mine)

    told = {Stage.WATCHED: Told.WATCHED, Stage.MET: Told.MET}
    steps = rows({stage: case((Step.told == what, Step.at)) for stage, what in told.items()})
    answers = rows({Stage.ANSWERED: Answer.created_at, Stage.MAILED: _gone_at(unsaid)})
    replies = rows({Stage.REPLIED: Reply.created_at})
    return union_all(
        steps.join(Step, Step.match_id == Match.id).where(Step.told.in_(told.values())),
        answers.join(Answer, Answer.match_id == Match.id).outerjoin(
            Message, Message.id == Answer.message_id
        ),
        replies.join(Reply, Reply.match_id == Match.id).where(_TO_SOMEBODY.exists()),
    )


def _rung(number: int, name: str, people: Sequence[Sequence[datetime | None]]) -> Rung:
    reached = sum(any(moments[number:]) for moments in people)
    took = [
        moments[number] - moments[number - 1]  # type: ignore[operator]  # neither is None here
        for moments in people
        if number and moments[number] and moments[number - 1]
    ]
    forwards = [time.total_seconds() for time in took if time >= timedelta()]
    percent = round(100 * reached / len(people)) if people else 0
    return Rung(name, reached, percent, timedelta(seconds=median(forwards)) if forwards else None)
