"""Reads viewings, and what was answered to them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, bindparam, exists, or_, select
from sqlalchemy.orm import Session, aliased, contains_eager

from asyncnet.database import NotFound
from asyncnet.events.model import Event, Participant
from asyncnet.events.rules import Attendance
from asyncnet.followups.model import Answer, AnswerDraft, Reply, Step
from asyncnet.followups.rules import Told
from asyncnet.intros.model import PROPER, Intro, IntroState
from asyncnet.intros.queries import took_back
from asyncnet.matches.model import Match, MatchState
from asyncnet.matches.queries import published_match
from asyncnet.messages.model import Message


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


@dataclass(frozen=True)
class ToAnswer:
    """A match as one of its two people may answer it at this moment."""

    match: Match
    event: Event
    answer: Answer | None
    """What they sent in last."""
    draft: AnswerDraft | None


def viewing_by(session: Session, viewer: Participant, match_id: int) -> Viewing:
    """Return a published match with somebody whose intro is watched. Raises NotFound.

    One query, since this is the page that everybody opens in the same minute.
    """
    found = session.execute(_VIEWING, {"viewer_id": viewer.id, "match_id": match_id}).first()
    if found is None:
        raise NotFound
    return Viewing(*found)


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


def locked_match(session: Session, participant_id: int, match_id: int) -> Match:
    """Return a published match of a participant, kept from others until the transaction ends.

    Raises NotFound, also when the other one has left.
    """
    session.execute(_LOCK, {"match_id": match_id})
    match = published_match(session, participant_id, match_id)
    if match.other(participant_id).left_at is not None:
        raise NotFound
    return match


def written_by(session: Session, author_id: int, match_id: int) -> Sequence[Answer]:
    """Return everything that one of the two has sent in about their match, the oldest first."""
    return session.scalars(
        select(Answer)
        .where(Answer.match_id == match_id, Answer.author_id == author_id)
        .order_by(Answer.number)
    ).all()


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
