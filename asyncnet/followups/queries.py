"""Reads answers and the mails that bring them."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from asyncnet.followups.model import Answer
from asyncnet.matches.model import Match
from asyncnet.messages.model import Message
from asyncnet.messages.rules import MessageState


def message_key(match_id: int) -> str:
    """Return the key of the one message that an answer plans."""
    return f"follow-up:{match_id}"


def answers_to(session: Session, match_ids: Sequence[int]) -> Mapping[int, Answer]:
    """Return the answers given to these matches, by match id."""
    found = session.scalars(
        select(Answer).where(Answer.match_id.in_(match_ids)).options(joinedload(Answer.author))
    )
    return {answer.match_id: answer for answer in found}


def messages_about(session: Session, match_ids: Sequence[int]) -> Mapping[int, Message]:
    """Return the follow-up mails of these matches, by match id."""
    keys = {message_key(match_id): match_id for match_id in match_ids}
    found = session.scalars(select(Message).where(Message.key.in_(keys)))
    return {keys[message.key]: message for message in found}


def sent_to(session: Session, participant_id: int) -> Sequence[Answer]:
    """Return the answers whose mail has gone out to this participant, the oldest first."""
    sent = select(Message.subject_id).where(
        Message.participant_id == participant_id,
        Message.kind == "follow_up",
        Message.state == MessageState.SENT,
    )
    return session.scalars(
        select(Answer)
        .where(Answer.id.in_(sent))
        .options(joinedload(Answer.author), joinedload(Answer.match).joinedload(Match.round))
        .order_by(Answer.id)
    ).all()
