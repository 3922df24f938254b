"""Reads what has reached its reader by mail and was not answered in any way."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session, aliased, joinedload

from asyncnet.database import UtcDateTime
from asyncnet.events.model import Participant
from asyncnet.followups.model import Answer, Meeting, Reply, Step
from asyncnet.followups.rules import Told
from asyncnet.matches.model import Match, MatchState
from asyncnet.matches.queries import is_uneasy
from asyncnet.messages.model import Message
from asyncnet.messages.rules import MessageKind, MessageState

_READER, _AUTHOR = aliased(Participant), aliased(Participant)


def readers_to_remind(
    session: Session, event_id: int, *, mailed_before: datetime
) -> Sequence[tuple[Participant, datetime]]:
    """Return who owes somebody a word and was never reminded, and when they were first mailed."""
    reminded = exists().where(
        Message.participant_id == _READER.id, Message.kind == MessageKind.REMINDER
    )
    mailed = func.min(Message.sent_at, type_=UtcDateTime)
    rows = session.execute(
        _unanswered(select(_READER, mailed))
        .where(_READER.event_id == event_id, ~reminded.correlate(_READER))
        .group_by(_READER.id)
        .having(mailed <= mailed_before)
        .order_by(_READER.id)
    )
    return [(row[0], row[1]) for row in rows]


def unanswered_by(session: Session, reader_id: int) -> Sequence[Answer]:
    """Return what somebody was written and has not answered, the oldest first."""
    return (
        session.scalars(
            _unanswered(select(Answer))
            .where(_READER.id == reader_id)
            .options(joinedload(Answer.author), joinedload(Answer.match))
            .order_by(Answer.id)
        )
        .unique()
        .all()
    )


def unanswered_in(
    session: Session, match_ids: Collection[int]
) -> Sequence[tuple[int, Participant]]:
    """Return who was written to in which of these matches and has not answered.

    Somebody stands there once for each thing that they were written.
    """
    rows = session.execute(_unanswered(select(Match.id, _READER)).where(Match.id.in_(match_ids)))
    return [(row[0], row[1]) for row in rows]


def _unanswered(wanted: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Narrow to answers that were mailed and led to nothing: no reply, no meeting, no word of
    having met, nobody who closed the match, and a reader who is not uneasy about the author."""
    here = Match.id
    return (
        wanted.select_from(_READER)
        .join(Message, Message.participant_id == _READER.id)
        .join(Answer, Answer.message_id == Message.id)
        .join(Match, here == Answer.match_id)
        .join(_AUTHOR, _AUTHOR.id == Answer.author_id)
        .where(
            Message.kind == MessageKind.FOLLOW_UP,
            Message.state == MessageState.SENT,
            Match.state == MatchState.PUBLISHED,
            _READER.left_at.is_(None),
            _AUTHOR.left_at.is_(None),
            ~exists().where(Reply.match_id == here, Reply.author_id == _READER.id),
            ~exists().where(Step.match_id == here, Step.told.in_((Told.MET, Told.CLOSED))),
            ~exists().where(Meeting.match_id == here),
            ~is_uneasy(_READER.id),
        )
    )
