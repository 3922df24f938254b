"""Removes what somebody wrote about a match that is no longer in the plan, as they wish."""

from datetime import datetime

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.database import there
from asyncnet.followups.model import Answer, AnswerDraft, Reply
from asyncnet.matches.model import Match, MatchState


class StillShared(Exception):
    """The match is in the plan, and the other one reads these words."""


def forget_words(
    session: Session, match_id: int, author_id: int, *, actor: Actor, now: datetime
) -> None:
    """Remove an author's own words, sent in or only typed. Recordings are taken back one by one.

    Raises NotFound for a match that is not theirs, and StillShared.
    """
    mine = or_(Match.first_id == author_id, Match.second_id == author_id)
    match = there(session.scalar(select(Match).where(Match.id == match_id, mine).with_for_update()))
    if match.state is MatchState.PUBLISHED and match.other(author_id).left_at is None:
        raise StillShared
    for table in (Answer, AnswerDraft):
        session.execute(
            delete(table).where(table.match_id == match_id, table.author_id == author_id)
        )
    session.execute(
        delete(Reply).where(
            Reply.match_id == match_id,
            Reply.author_id == author_id,
            Reply.recording_id.is_(None),
        )
    )
    record(session, actor, "words.forgotten", f"match:{match_id}", now=now)
