"""Keeps what a viewer wrote, and has it brought by mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.database import ChangedMeanwhile
from asyncnet.events.rules import MAX_ANSWERS
from asyncnet.followups.actions.drafting import empty
from asyncnet.followups.actions.mailing import has_gone, may_change, plan_follow_up
from asyncnet.followups.actions.telling import note_step
from asyncnet.followups.model import Answer
from asyncnet.followups.queries import locked_to_answer, mail_of
from asyncnet.followups.rules import Told
from asyncnet.intros.queries import ready_of
from asyncnet.matches.model import Match


class AlreadySent(Exception):
    """The mail with this answer is on its way or has arrived; it can no longer be changed."""


class TooManyNotes(Exception):
    """These two have had the match form and all the notes that may follow it."""


@dataclass(frozen=True)
class Seen:
    """What a page has shown of somebody's answers, when it sends one in."""

    number: int = 1
    """Which answer it means: 1 is the match form, 2 the first note after it."""
    version: int = 0
    """The answer's version that it showed; 0 when there was none."""


def answer_match(
    session: Session,
    match_id: int,
    author_id: int,
    *,
    items: Sequence[dict[str, Any]],
    contact: str | None,
    seen: Seen = Seen(),
    actor: Actor,
    now: datetime,
) -> Answer:
    """Keep what one of the two sent in, or change it, and have it mailed to the other.

    However often it is sent in, there is one answer in one mail, and the draft is empty
    afterwards. Whoever answers an intro tells that they have watched it. Raises AlreadySent,
    ChangedMeanwhile and TooManyNotes, each without a change.
    """
    found = locked_to_answer(session, match_id, author_id)
    answer = found.answer
    if seen.number > (answer.number if answer else 0):
        answer = _begin(session, found.match, author_id, answer, seen.number, now=now)
    elif answer is None or answer.number > seen.number:
        raise AlreadySent
    elif answer.items == list(items) and answer.contact == contact:
        empty(found.draft, now=now)
        return answer
    elif not may_change(mail_of(session, answer)):
        raise AlreadySent
    elif answer.version != seen.version:
        raise ChangedMeanwhile
    else:
        answer.version += 1
    answer.items = list(items)
    answer.contact = contact
    answer.changed_at = now
    empty(found.draft, now=now)
    session.flush()
    reader = found.match.other(author_id)
    if ready_of(session, reader.id):
        note_step(session, match_id, author_id, Told.WATCHED, now=now)
    if answer.message_id is None:
        plan_follow_up(session, found.event, answer, reader, now=now)
    record(session, actor, "match.answered", f"match:{match_id}", now=now)
    return answer


def _begin(
    session: Session,
    match: Match,
    author_id: int,
    last: Answer | None,
    number: int,
    *,
    now: datetime,
) -> Answer:
    """Add the match form's answer, or a note once the words before it have gone out."""
    if number > MAX_ANSWERS:
        raise TooManyNotes
    follows = last is None or has_gone(mail_of(session, last))
    if number != (last.number if last else 0) + 1 or not follows:
        raise ChangedMeanwhile
    answer = Answer(
        match_id=match.id, author_id=author_id, number=number, version=1, created_at=now
    )
    session.add(answer)
    return answer
