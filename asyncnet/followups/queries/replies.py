"""Reads replies, and what was recorded for them."""

from collections.abc import Sequence

from sqlalchemy import Select, exists, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from asyncnet.followups.model import Reply
from asyncnet.intros.model import UNDER_WAY, Intro, IntroState
from asyncnet.matches.model import Match


def replies_in(session: Session, message_id: int) -> Sequence[Reply]:
    """Return the replies that one mail brings, the oldest first, match and people loaded.

    A recording that was taken back meanwhile is not among them.
    """
    match = joinedload(Reply.match)
    return session.scalars(
        select(Reply)
        .outerjoin(Reply.recording)
        .where(
            Reply.message_id == message_id, or_(Reply.words != "", Intro.state == IntroState.READY)
        )
        .options(
            contains_eager(Reply.recording),
            joinedload(Reply.author),
            match.joinedload(Match.first),
            match.joinedload(Match.second),
        )
        .order_by(Reply.id)
    ).all()


KEPT = (*UNDER_WAY, IntroState.READY, IntroState.REJECTED)
"""In these states a recording is still its author's to play or to take back."""
_SENT = exists().where(Reply.recording_id == Intro.id)


def unsent_recordings(session: Session) -> Sequence[Intro]:
    """Return recorded replies that are ready and were not sent on their way yet, oldest first."""
    return session.scalars(
        select(Intro)
        .where(Intro.match_id.is_not(None), Intro.state == IntroState.READY, ~_SENT)
        .order_by(Intro.id)
    ).all()


def kept_recordings(session: Session, author_id: int, match_id: int) -> Sequence[Intro]:
    """Return everything that somebody recorded for a match and has not taken back."""
    return session.scalars(_kept(author_id, match_id)).all()


def recordings_under_way(session: Session, author_id: int, match_id: int) -> Sequence[Intro]:
    """Return what somebody recorded for a match and is not sent yet, refused ones included."""
    return session.scalars(_kept(author_id, match_id).where(~_SENT)).all()


def _kept(author_id: int, match_id: int) -> Select[Intro]:
    return (
        select(Intro)
        .where(
            Intro.match_id == match_id,
            Intro.participant_id == author_id,
            Intro.state.in_(KEPT),
        )
        .order_by(Intro.id)
    )
