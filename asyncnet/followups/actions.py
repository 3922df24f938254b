"""Keeps what a viewer wrote, and plans the one mail that brings it."""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.events.model import Event
from asyncnet.events.rules import due_at, follow_up_key
from asyncnet.followups.model import Answer
from asyncnet.followups.queries import locked_to_answer
from asyncnet.matches.model import Match
from asyncnet.messages.model import Message
from asyncnet.messages.queue import plan
from asyncnet.messages.rules import MessageKind, MessageState
from asyncnet.zones import zone_named

OPEN = {MessageState.SCHEDULED, MessageState.HELD}
"""While its mail waits, an answer can be changed."""


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
    """Keep the viewer's answer, or change it, and plan one mail to the one they watched.

    However often it is sent in, there is one answer and one message. Raises AlreadySent.
    """
    match, event, answer = locked_to_answer(session, match_id)
    if answer is None:
        answer = Answer(match_id=match.id, author_id=match.viewer.id, created_at=now)
        session.add(answer)
    elif not _may_change(session, match.id):
        raise AlreadySent
    answer.items = list(items)
    answer.contact = contact
    answer.changed_at = now
    session.flush()
    _plan_mail(session, event, match, answer, now=now)
    record(session, actor, "match.answered", f"match:{match.id}", now=now)
    return answer


def _plan_mail(
    session: Session, event: Event, match: Match, answer: Answer, *, now: datetime
) -> None:
    reader = match.viewed
    plan(
        session,
        key=follow_up_key(match.id),
        kind=MessageKind.FOLLOW_UP,
        subject_id=answer.id,
        event_id=match.event_id,
        participant_id=reader.id,
        to_address=reader.email,
        to_name=reader.name,
        zone=reader.zone,
        due_at=due_at(
            now, event.ends_at, zone_named(reader.zone), time.fromisoformat(event.send_hour)
        ),
        now=now,
    )


def _may_change(session: Session, match_id: int) -> bool:
    state = session.scalar(
        select(Message.state).where(Message.key == follow_up_key(match_id)).with_for_update()
    )
    return state is None or state in OPEN
