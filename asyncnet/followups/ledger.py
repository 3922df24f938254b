"""The ledger of an event: how far the two people of every match have come."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from asyncnet.followups.model import Answer, Reply, Step
from asyncnet.followups.queries import GONE
from asyncnet.followups.rules import Told
from asyncnet.matches.model import Match, MatchState
from asyncnet.messages.model import Message


class Stage(StrEnum):
    """How far a match has come."""

    WATCHED = "watched"
    ANSWERED = "answered"
    MAILED = "mailed"
    REPLIED = "replied"
    MET = "met"


@dataclass(frozen=True)
class Moment:
    """When a match came to a stage; `by_id` is the participant who brought it there."""

    at: datetime
    by_id: int


@dataclass
class Connection:
    """What has come of one published match.

    `stages` holds those that were reached; each is told by what people wrote or said
    themselves, so a later one may be there without an earlier one. `closed_by` are those who
    want no more mails about it.
    """

    match_id: int
    first_id: int
    second_id: int
    stages: dict[Stage, Moment] = field(default_factory=dict)
    closed_by: set[int] = field(default_factory=set)

    def note(self, stage: Stage, at: datetime, by_id: int) -> None:
        """Keep the first moment of a stage."""
        if stage not in self.stages or at < self.stages[stage].at:
            self.stages[stage] = Moment(at, by_id)


_TOLD = {Told.WATCHED: Stage.WATCHED, Told.MET: Stage.MET}


def ledger_of(session: Session, event_id: int) -> Sequence[Connection]:
    """Return every published match of an event with its stages, in four queries.

    Mailed is what a mail server took; replied is the first word of somebody to whom the other
    one had written.
    """
    published = (Match.event_id == event_id, Match.state == MatchState.PUBLISHED)
    matches = session.execute(
        select(Match.id, Match.first_id, Match.second_id).where(*published).order_by(Match.id)
    )
    lines = {row.id: Connection(row.id, row.first_id, row.second_id) for row in matches}

    def of_event(wanted: Select[*tuple[Any, ...]], column: Any) -> Any:
        return session.execute(wanted.join(Match, Match.id == column).where(*published))

    for match_id, who, told, at in of_event(
        select(Step.match_id, Step.participant_id, Step.told, Step.at), Step.match_id
    ):
        if told is Told.CLOSED:
            lines[match_id].closed_by.add(who)
        else:
            lines[match_id].note(_TOLD[told], at, who)
    answered: dict[int, set[int]] = {}
    for match_id, who, at, state, sent_at in of_event(
        select(
            Answer.match_id, Answer.author_id, Answer.created_at, Message.state, Message.sent_at
        ).outerjoin(Message, Message.id == Answer.message_id),
        Answer.match_id,
    ):
        answered.setdefault(match_id, set()).add(who)
        lines[match_id].note(Stage.ANSWERED, at, who)
        if state in GONE and sent_at is not None:
            lines[match_id].note(Stage.MAILED, sent_at, who)
    for match_id, who, at in of_event(
        select(Reply.match_id, Reply.author_id, Reply.created_at), Reply.match_id
    ):
        if answered.get(match_id, set()) - {who}:
            lines[match_id].note(Stage.REPLIED, at, who)
    return list(lines.values())
