"""Reads answers and the mails that bring them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, exists, func, or_, select
from sqlalchemy.orm import Session, aliased, contains_eager, joinedload

from asyncnet.database import NotFound, UtcDateTime
from asyncnet.events.model import Event, Participant
from asyncnet.events.rules import Attendance
from asyncnet.followups.model import Answer, AnswerDraft, Reply, Step
from asyncnet.followups.rules import Told
from asyncnet.intros.model import PROPER, UNDER_WAY, Intro, IntroState
from asyncnet.intros.queries import took_back
from asyncnet.matches.model import Match, MatchState
from asyncnet.matches.queries import published_match
from asyncnet.messages.model import Message
from asyncnet.messages.rules import GONE, MessageKind, MessageState

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
    other: Participant
    answer: Answer | None
    """What they sent in last: the match form, or a note after it."""
    message: Message | None
    """The mail that brings it."""
    draft: AnswerDraft | None
    intro: Intro | None
    watched: bool
    """True when they said that they have watched it."""
    took_back: bool
    """The other one withdrew their intro; there is none to wait for."""


_OTHER = aliased(Participant)
_VIEWING = (
    select(
        Match,
        _OTHER,
        Answer,
        Message,
        AnswerDraft,
        Intro,
        exists()
        .where(
            Step.match_id == Match.id,
            Step.participant_id == bindparam("viewer_id"),
            Step.told == Told.WATCHED,
        )
        .label("watched"),
        took_back(_OTHER.id).label("took_back"),
    )
    .join(Match.round)
    .join(_OTHER, _OTHER.id == Match.first_id + Match.second_id - bindparam("viewer_id"))
    .outerjoin(
        Answer, and_(Answer.match_id == Match.id, Answer.author_id == bindparam("viewer_id"))
    )
    .outerjoin(
        AnswerDraft,
        and_(AnswerDraft.match_id == Match.id, AnswerDraft.author_id == bindparam("viewer_id")),
    )
    .outerjoin(Message, Message.id == Answer.message_id)
    .outerjoin(
        Intro, and_(Intro.participant_id == _OTHER.id, PROPER, Intro.state == IntroState.READY)
    )
    .where(
        Match.id == bindparam("match_id"),
        or_(Match.first_id == bindparam("viewer_id"), Match.second_id == bindparam("viewer_id")),
        Match.state == MatchState.PUBLISHED,
        _OTHER.attendance == Attendance.ASYNC,
        _OTHER.left_at.is_(None),
    )
    .order_by(Answer.number.desc(), Intro.id.desc())
    .limit(1)
    .options(contains_eager(Match.round))
)


_FIRST, _SECOND = aliased(Participant), aliased(Participant)
_TO_ANSWER = (
    select(Match, Event, Answer, AnswerDraft, _FIRST, _SECOND)
    .join(Event, Event.id == Match.event_id)
    .join(_FIRST, _FIRST.id == Match.first_id)
    .join(_SECOND, _SECOND.id == Match.second_id)
    .outerjoin(
        Answer, and_(Answer.match_id == Match.id, Answer.author_id == bindparam("author_id"))
    )
    .outerjoin(
        AnswerDraft,
        and_(AnswerDraft.match_id == Match.id, AnswerDraft.author_id == bindparam("author_id")),
    )
    .where(Match.id == bindparam("match_id"), _FIRST.left_at.is_(None), _SECOND.left_at.is_(None))
    .order_by(Answer.number.desc())
    .limit(1)
)
_LOCK = (
    select(Match.id)
    .where(Match.id == bindparam("match_id"), Match.state == MatchState.PUBLISHED)
    .with_for_update()
)


_WITH_MATCH = (
    select(Answer)
    .options(joinedload(Answer.author), joinedload(Answer.match).joinedload(Match.round))
    .order_by(Answer.id)
)


@dataclass(frozen=True)
class ToAnswer:
    """A match as one of its two people may answer it at this moment."""

    match: Match
    event: Event
    answer: Answer | None
    """What they sent in last."""
    draft: AnswerDraft | None


def locked_to_answer(session: Session, match_id: int, author_id: int) -> ToAnswer:
    """Return a match, its event, and what its author sent in last and has typed since.

    Nobody else can answer the match before the transaction ends. The lock is a query of its
    own: PostgreSQL would join an answer as it was before the wait. Raises NotFound when the
    match is no longer published, or one of the two has left.
    """
    if session.execute(_LOCK, {"match_id": match_id}).first() is None:
        raise NotFound
    found = session.execute(_TO_ANSWER, {"match_id": match_id, "author_id": author_id}).first()
    if found is None or author_id not in {found.Match.first_id, found.Match.second_id}:
        raise NotFound
    return ToAnswer(*found[:4])


def viewing_by(session: Session, viewer: Participant, match_id: int) -> Viewing:
    """Return a published match with somebody whose intro is watched. Raises NotFound.

    One query, since this is the page that everybody opens in the same minute.
    """
    found = session.execute(_VIEWING, {"viewer_id": viewer.id, "match_id": match_id}).first()
    if found is None:
        raise NotFound
    return Viewing(*found)


def written_by(session: Session, author_id: int, match_id: int) -> Sequence[Answer]:
    """Return everything that one of the two has sent in about their match, the oldest first."""
    return session.scalars(
        select(Answer)
        .where(Answer.match_id == match_id, Answer.author_id == author_id)
        .order_by(Answer.number)
    ).all()


def locked_match(session: Session, participant_id: int, match_id: int) -> Match:
    """Return a published match of a participant, kept from others until the transaction ends.

    Raises NotFound, also when the other one has left.
    """
    session.execute(_LOCK, {"match_id": match_id})
    match = published_match(session, participant_id, match_id)
    if match.other(participant_id).left_at is not None:
        raise NotFound
    return match


def mail_of(session: Session, answer: Answer) -> Message | None:
    """Return the mail that brings an answer, kept as it is until the transaction ends."""
    return session.scalar(
        select(Message)
        .where(Message.id == answer.message_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def last_mail_at(session: Session, which: ColumnElement[bool]) -> datetime | None:
    """Return when the last of these mails went or is to go; None where none does."""
    return session.scalar(
        select(func.max(func.coalesce(Message.sent_at, Message.due_at), type_=UtcDateTime)).where(
            which, Message.state.not_in((MessageState.CANCELLED, MessageState.FAILED))
        )
    )


def brought_by(session: Session, message_id: int) -> Sequence[Answer]:
    """Return the answers that one mail brings, the oldest first, match and author loaded."""
    return session.scalars(_WITH_MATCH.where(Answer.message_id == message_id)).all()


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
            ~_has_closed(reader.id),
        )
        .order_by(Answer.id)
        .limit(100)
        .with_for_update(of=Answer, skip_locked=True)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def who_watched(session: Session, match_ids: Sequence[int]) -> set[tuple[int, int]]:
    """Return match and participant of everybody who told that they had watched an intro."""
    rows = session.execute(
        select(Step.match_id, Step.participant_id).where(
            Step.match_id.in_(match_ids), Step.told == Told.WATCHED
        )
    )
    return {(row.match_id, row.participant_id) for row in rows}


def closed_by(session: Session, participant_id: int) -> set[int]:
    """Return the ids of the matches about which a participant wants no more mails."""
    return set(
        session.scalars(
            select(Step.match_id).where(
                Step.participant_id == participant_id, Step.told == Told.CLOSED
            )
        )
    )


def wants_no_more(session: Session, match_id: int, *, by: Participant | None = None) -> bool:
    """Return whether one of the two, or this one, wants no more mails about their match."""
    closed = select(Step).where(Step.match_id == match_id, Step.told == Told.CLOSED)
    if by is not None:
        closed = closed.where(Step.participant_id == by.id)
    return bool(session.scalar(select(closed.exists())))


def contacts_in(session: Session, match_id: int) -> dict[int, str]:
    """Return where the two of a match may be written to, by participant, as they last said."""
    said = [
        *session.execute(
            select(Answer.author_id, Answer.contact, Answer.created_at).where(
                Answer.match_id == match_id
            )
        ),
        *session.execute(
            select(Reply.author_id, Reply.contact, Reply.created_at).where(
                Reply.match_id == match_id
            )
        ),
    ]
    newest = {row.author_id: row.contact for row in sorted(said, key=lambda row: row.created_at)}
    return {author_id: contact for author_id, contact in newest.items() if contact}


def replies_in(session: Session, message_id: int) -> Sequence[Reply]:
    """Return the replies that one mail brings, the oldest first, match and people loaded.

    A recording that was taken back meanwhile is not among them.
    """
    match = joinedload(Reply.match)
    return session.scalars(
        select(Reply)
        .outerjoin(Reply.recording)
        .where(
            Reply.message_id == message_id,
            or_(Reply.words != "", Intro.state == IntroState.READY),
        )
        .options(
            contains_eager(Reply.recording),
            joinedload(Reply.author),
            match.joinedload(Match.first),
            match.joinedload(Match.second),
        )
        .order_by(Reply.id)
    ).all()


def unsent_recordings(session: Session) -> Sequence[Intro]:
    """Return recorded replies that are ready and were not sent on their way yet, oldest first."""
    return session.scalars(
        select(Intro)
        .where(
            Intro.match_id.is_not(None),
            Intro.state == IntroState.READY,
            ~exists().where(Reply.recording_id == Intro.id),
        )
        .order_by(Intro.id)
    ).all()


def kept_recordings(session: Session, author_id: int, match_id: int) -> Sequence[Intro]:
    """Return everything that somebody recorded for a match and has not taken back."""
    return session.scalars(
        select(Intro)
        .where(
            Intro.match_id == match_id,
            Intro.participant_id == author_id,
            Intro.state.in_((*UNDER_WAY, IntroState.READY, IntroState.REJECTED)),
        )
        .order_by(Intro.id)
    ).all()


def recordings_under_way(session: Session, author_id: int, match_id: int) -> Sequence[Intro]:
    """Return what somebody recorded for a match and is not sent yet, refused ones included."""
    return session.scalars(
        select(Intro)
        .where(
            Intro.match_id == match_id,
            Intro.participant_id == author_id,
            Intro.state.in_((*UNDER_WAY, IntroState.READY, IntroState.REJECTED)),
            ~exists().where(Reply.recording_id == Intro.id),
        )
        .order_by(Intro.id)
    ).all()


def _has_closed(participant_id: Any) -> ColumnElement[bool]:
    return exists().where(
        Step.match_id == Match.id,
        Step.participant_id == participant_id,
        Step.told == Told.CLOSED,
    )


@dataclass(frozen=True)
class Outgoing:
    """The follow-ups of an event, as its organizer should know of them at a glance."""

    scheduled: int
    """Those that wait for their reader's morning."""
    sent: int
    next_message: Message | None
    """The one that goes out next."""


def outgoing_of(session: Session, event_id: int) -> Outgoing:
    """Return what becomes of an event's follow-ups, in two queries."""
    mine = (Message.event_id == event_id, Message.kind == MessageKind.FOLLOW_UP)
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
