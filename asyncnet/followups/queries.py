"""Reads answers and the mails that bring them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, bindparam, func, or_, select
from sqlalchemy.orm import Session, aliased, contains_eager, joinedload

from asyncnet.database import NotFound
from asyncnet.events.model import Event, Participant
from asyncnet.events.rules import Attendance, follow_up_key
from asyncnet.followups.model import Answer
from asyncnet.intros.model import Intro, IntroState
from asyncnet.intros.queries import states_in
from asyncnet.matches.model import Match, MatchState
from asyncnet.messages.model import Message
from asyncnet.messages.rules import MessageKind, MessageState

NEEDS_A_PERSON = (
    MessageState.HELD,
    MessageState.FAILED,
    MessageState.UNCONFIRMED,
    MessageState.BOUNCED,
)


@dataclass(frozen=True)
class Viewing:
    """One viewing as its viewer sees it; what does not exist yet is None."""

    match: Match
    answer: Answer | None
    message: Message | None
    intro: Intro | None


_OTHER = aliased(Participant)
_VIEWING = (
    select(Match, Answer, Message, Intro, _OTHER)
    .join(Match.round)
    .join(_OTHER, _OTHER.id == Match.first_id + Match.second_id - bindparam("viewer_id"))
    .outerjoin(Answer, Answer.match_id == Match.id)
    .outerjoin(
        Message, and_(Message.subject_id == Answer.id, Message.kind == MessageKind.FOLLOW_UP)
    )
    .outerjoin(Intro, and_(Intro.participant_id == _OTHER.id, Intro.state == IntroState.READY))
    .where(
        Match.id == bindparam("match_id"),
        or_(Match.first_id == bindparam("viewer_id"), Match.second_id == bindparam("viewer_id")),
        Match.state == MatchState.PUBLISHED,
        _OTHER.attendance == Attendance.ASYNC,
        _OTHER.left_at.is_(None),
    )
    .order_by(Intro.id.desc())
    .options(contains_eager(Match.round))
)


_FIRST, _SECOND = aliased(Participant), aliased(Participant)
_TO_ANSWER = (
    select(Match, Event, Answer, _FIRST, _SECOND)
    .join(Event, Event.id == Match.event_id)
    .join(_FIRST, _FIRST.id == Match.first_id)
    .join(_SECOND, _SECOND.id == Match.second_id)
    .outerjoin(Answer, Answer.match_id == Match.id)
    .where(Match.id == bindparam("match_id"), _FIRST.left_at.is_(None), _SECOND.left_at.is_(None))
)
_LOCK = (
    select(Match.id)
    .where(Match.id == bindparam("match_id"), Match.state == MatchState.PUBLISHED)
    .with_for_update()
)


def locked_to_answer(session: Session, match_id: int) -> tuple[Match, Event, Answer | None]:
    """Return a match, its event and its answer so far, as they are at this moment.

    Nobody else can answer the match before the transaction ends. The lock is a query of its
    own: PostgreSQL would join an answer as it was before the wait. Raises NotFound when the
    match is no longer published, or one of the two has left.
    """
    if session.execute(_LOCK, {"match_id": match_id}).first() is None:
        raise NotFound
    found = session.execute(_TO_ANSWER, {"match_id": match_id}).first()
    if found is None:
        raise NotFound
    return found[0], found[1], found[2]


def viewing_by(session: Session, viewer: Participant, match_id: int) -> Viewing:
    """Return a published viewing in which a live participant watches. Raises NotFound.

    One query, since this is the page that everybody opens in the same minute.
    """
    if viewer.attendance is not Attendance.LIVE:
        raise NotFound
    found = session.execute(_VIEWING, {"viewer_id": viewer.id, "match_id": match_id}).first()
    if found is None:
        raise NotFound
    return Viewing(*found[:4])


def messages_about(session: Session, match_ids: Sequence[int]) -> Mapping[int, Message]:
    """Return the follow-up mails of these matches, by match id."""
    keys = {follow_up_key(match_id): match_id for match_id in match_ids}
    found = session.scalars(select(Message).where(Message.key.in_(keys)))
    return {keys[message.key]: message for message in found}


def sent_to(session: Session, participant_id: int) -> Sequence[Answer]:
    """Return the answers whose mail has gone out to this participant, the oldest first."""
    sent = select(Message.subject_id).where(
        Message.participant_id == participant_id,
        Message.kind == MessageKind.FOLLOW_UP,
        Message.state == MessageState.SENT,
    )
    return session.scalars(
        select(Answer)
        .where(Answer.id.in_(sent))
        .options(joinedload(Answer.author), joinedload(Answer.match).joinedload(Match.round))
        .order_by(Answer.id)
    ).all()


@dataclass(frozen=True)
class Waiting:
    """How many of an event wait for what, as its organizer should know at a glance."""

    without_intro: int
    """Asynchronous people whose newest intro is not ready."""
    refused_intros: int
    """Those of them whose newest file could not be used."""
    without_match: int
    """People who are in no match."""
    drafts: int
    """Matches that only organizers see."""
    unanswered: int
    """Published viewings without words yet."""
    scheduled: int
    """Follow-ups that wait for their reader's morning."""
    sent: int
    """Follow-ups that have gone out."""
    stuck: int
    """Mails that need an organizer: on hold, failed, unconfirmed or returned."""
    next_message: Message | None
    """The follow-up that goes out next."""


def waiting_in(session: Session, event_id: int) -> Waiting:
    """Return the counts of one event, in a constant number of queries."""
    intros = states_in(session, event_id)
    asynchronous = set(
        session.scalars(
            select(Participant.id).where(
                Participant.event_id == event_id,
                Participant.left_at.is_(None),
                Participant.attendance == Attendance.ASYNC,
            )
        )
    )
    matched = select(Match.id).where(
        Match.state != MatchState.WITHDRAWN,
        or_(Match.first_id == Participant.id, Match.second_id == Participant.id),
    )
    first, second = aliased(Participant), aliased(Participant)
    states = _counted(
        session.execute(
            select(Match.state, func.count())
            .where(Match.event_id == event_id)
            .group_by(Match.state)
        )
    )
    follow_ups = _counted(
        session.execute(
            select(Message.state, func.count())
            .where(Message.event_id == event_id, Message.kind == MessageKind.FOLLOW_UP)
            .group_by(Message.state)
        )
    )
    return Waiting(
        without_intro=sum(intros.get(who) is not IntroState.READY for who in asynchronous),
        refused_intros=sum(intros.get(who) is IntroState.REJECTED for who in asynchronous),
        without_match=session.scalar(
            select(func.count()).where(
                Participant.event_id == event_id,
                Participant.left_at.is_(None),
                ~matched.exists(),
            )
        )
        or 0,
        drafts=states.get(MatchState.DRAFT, 0),
        unanswered=session.scalar(
            select(func.count())
            .select_from(Match)
            .join(first, Match.first_id == first.id)
            .join(second, Match.second_id == second.id)
            .where(
                Match.event_id == event_id,
                Match.state == MatchState.PUBLISHED,
                first.attendance != second.attendance,
                ~select(Answer.id).where(Answer.match_id == Match.id).exists(),
            )
        )
        or 0,
        scheduled=follow_ups.get(MessageState.SCHEDULED, 0),
        sent=follow_ups.get(MessageState.SENT, 0),
        stuck=session.scalar(
            select(func.count()).where(
                Message.event_id == event_id, Message.state.in_(NEEDS_A_PERSON)
            )
        )
        or 0,
        next_message=session.scalar(
            select(Message)
            .where(
                Message.event_id == event_id,
                Message.kind == MessageKind.FOLLOW_UP,
                Message.state == MessageState.SCHEDULED,
            )
            .order_by(Message.due_at, Message.id)
            .limit(1)
        ),
    )


def _counted(found: Iterable[Any]) -> dict[Any, int]:
    return {row[0]: row[1] for row in found}
