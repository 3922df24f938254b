"""Keeps what a viewer wrote, and has it brought by mail."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.followups.actions.mailing import may_change, plan_follow_up
from asyncnet.followups.actions.telling import note_step
from asyncnet.followups.model import Answer
from asyncnet.followups.queries import locked_to_answer, mail_of
from asyncnet.followups.rules import Told
from asyncnet.intros.queries import ready_of


class AlreadySent(Exception):
    """The mail with this answer is on its way or has arrived; it can no longer be changed."""


def answer_match(
    session: Session,
    match_id: int,
    *,
    items: Sequence[dict[str, Any]],
    contact: str | None,
    actor: Actor,
    now: datetime,
) -> Answer:
    """Keep the viewer's answer, or change it, and have it mailed to the one they watched.

    However often it is sent in, there is one answer in one mail. Whoever answers an intro
    tells that they have watched it. Raises AlreadySent.
    """
    match, event, answer = locked_to_answer(session, match_id)
    author, reader = match.viewer, match.viewed
    if answer is None:
        answer = Answer(match_id=match.id, author_id=author.id, created_at=now)
        session.add(answer)
    elif not may_change(mail_of(session, answer)):
        raise AlreadySent
    answer.items = list(items)
    answer.contact = contact
    answer.changed_at = now
    session.flush()
    if ready_of(session, reader.id):
        note_step(session, match.id, author.id, Told.WATCHED, now=now)
    if answer.message_id is None:
        plan_follow_up(session, event, answer, reader, now=now)
    record(session, actor, "match.answered", f"match:{match.id}", now=now)
    return answer
