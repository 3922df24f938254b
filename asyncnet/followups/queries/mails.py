"""Reads the mails that bring answers, and what each brings."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, union
from sqlalchemy.orm import Session, aliased, joinedload

from asyncnet.database import UtcDateTime
from asyncnet.events.model import Event, Participant
from asyncnet.followups.model import Answer, Meeting, Reply
from asyncnet.followups.queries.standing import has_closed
from asyncnet.followups.rules import HUSHED
from asyncnet.matches.model import Match, MatchState
from asyncnet.messages.model import Message
from asyncnet.messages.rules import ABOUT_MEETINGS, GONE, MessageKind, MessageState

NEEDS_A_PERSON = (
    MessageState.HELD,
    MessageState.FAILED,
    MessageState.UNCONFIRMED,
    MessageState.BOUNCED,
)
NUDGES = (MessageKind.REMINDER, MessageKind.VIEWING_NUDGE)
_WITH_MATCH = (
    select(Answer)
    .options(joinedload(Answer.author), joinedload(Answer.match).joinedload(Match.round))
    .order_by(Answer.id)
)


def mail_of(session: Session, answer: Answer) -> Message | None:
    """Return the mail that brings an answer, kept as it is until the transaction ends."""
    return session.scalar(
        select(Message)
        .where(Message.id == answer.message_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def was_hushed() -> ColumnElement[bool]:
    """Return the condition that a message was not sent since its reader is uneasy."""
    return and_(Message.state == MessageState.CANCELLED, Message.note == HUSHED)


def seems_gone() -> ColumnElement[bool]:
    """Return the condition that a message looks sent to whoever wrote what it brings."""
    return or_(Message.state.in_(GONE), was_hushed())


def last_mail_at(session: Session, which: ColumnElement[bool]) -> datetime | None:
    """Return when the last of these mails went or is to go, as their author may know it; None
    where none does."""
    return session.scalar(
        select(func.max(func.coalesce(Message.sent_at, Message.due_at), type_=UtcDateTime)).where(
            which,
            or_(Message.state.not_in((MessageState.CANCELLED, MessageState.FAILED)), seems_gone()),
        )
    )


def brought_by(session: Session, message_id: int) -> Sequence[Answer]:
    """Return the answers that one mail brings, the oldest first, match and author loaded."""
    return session.scalars(_WITH_MATCH.where(Answer.message_id == message_id)).all()


def mails_about_words_of(session: Session, people: Collection[int]) -> frozenset[int]:
    """Return the ids of the mails that bring these participants' words or times to others, and
    of those that ask whoever got such words to watch or to answer.

    What becomes of them tells whether their reader is uneasy about the author.
    """
    in_match = or_(Match.first_id.in_(people), Match.second_id.in_(people))
    partners = [
        select(mine).where(theirs.in_(people))
        for mine, theirs in ((Match.first_id, Match.second_id), (Match.second_id, Match.first_id))
    ]
    return frozenset(
        session.scalars(
            union(
                select(Answer.message_id).where(Answer.author_id.in_(people)),
                select(Reply.message_id).where(Reply.author_id.in_(people)),
                select(Message.id)
                .join(Meeting, Meeting.id == Message.subject_id)
                .join(Match, Match.id == Meeting.match_id)
                .where(Message.kind.in_(ABOUT_MEETINGS), Message.participant_id.not_in(people))
                .where(in_match),
                *(
                    select(Message.id).where(
                        Message.kind.in_(NUDGES), Message.participant_id.in_(theirs)
                    )
                    for theirs in partners
                ),
            )
        )
    ) - {None}


def sent_to(session: Session, participant_id: int) -> Sequence[Answer]:
    """Return the answers whose mail has gone out to this participant, the oldest first."""
    return session.scalars(
        _WITH_MATCH.join(Message, Message.id == Answer.message_id).where(
            Message.participant_id == participant_id, Message.state.in_(GONE)
        )
    ).all()


def unmailed(session: Session) -> Sequence[tuple[Answer, Event, Participant]]:
    """Return answers that no mail brings although their reader could get one, locked.

    At most a hundred, the oldest first.
    """
    reader = aliased(Participant)
    rows = session.execute(
        select(Answer, Event, reader)
        .join(Match, Match.id == Answer.match_id)
        .join(Event, Event.id == Match.event_id)
        .join(reader, reader.id == Match.first_id + Match.second_id - Answer.author_id)
        .where(
            Answer.message_id.is_(None),
            Match.state == MatchState.PUBLISHED,
            reader.left_at.is_(None),
            ~has_closed(reader.id),
        )
        .order_by(Answer.id)
        .limit(100)
        .with_for_update(of=Answer, skip_locked=True)
    )
    return [(row[0], row[1], row[2]) for row in rows]


@dataclass(frozen=True)
class Outgoing:
    """The follow-ups of an event, as its organizer should know of them at a glance."""

    scheduled: int
    """Those that wait for their reader's morning."""
    sent: int
    next_message: Message | None
    """The one that goes out next."""


def outgoing_of(
    session: Session, event_id: int, *, without: Collection[int] = frozenset()
) -> Outgoing:
    """Return what becomes of an event's follow-ups but these, in two queries."""
    mine = (
        Message.event_id == event_id,
        Message.kind == MessageKind.FOLLOW_UP,
        Message.id.not_in(without),
    )
    rows = session.execute(select(Message.state, func.count()).where(*mine).group_by(Message.state))
    states = {row[0]: row[1] for row in rows}
    return Outgoing(
        scheduled=states.get(MessageState.SCHEDULED, 0),
        sent=states.get(MessageState.SENT, 0),
        next_message=session.scalar(
            select(Message)
            .where(*mine, Message.state == MessageState.SCHEDULED)
            .order_by(Message.due_at, Message.id)
            .limit(1)
        ),
    )
