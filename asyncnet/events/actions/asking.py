"""Changes the questions of a match form."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.database import lock
from asyncnet.events.model import (
    Question,
)
from asyncnet.events.rules import (
    MAX_QUESTIONS,
    QuestionKind,
)


class TooMany(Exception):
    """The event has reached the limit; the message says which."""


def add_question(
    session: Session,
    event_id: int,
    *,
    kind: QuestionKind,
    label: str,
    help_text: str,
    required: bool,
    choices: Sequence[str],
    actor: Actor,
    now: datetime,
) -> Question:
    """Put a question at the end of the match form. Raises TooMany."""
    lock(session, f"questions:{event_id}")
    last, count = session.execute(
        select(func.max(Question.position), func.count()).where(Question.event_id == event_id)
    ).one()
    if count >= MAX_QUESTIONS:
        raise TooMany(f"A match form has at most {MAX_QUESTIONS} questions.")
    question = Question(
        event_id=event_id,
        position=(last or 0) + 1,
        kind=kind,
        label=label,
        help=help_text,
        required=required,
        choices=list(choices),
    )
    session.add(question)
    session.flush()
    record(session, actor, "question.added", f"question:{question.id}", now=now)
    return question


def remove_question(session: Session, question: Question, *, actor: Actor, now: datetime) -> None:
    """Take a question off the form; answers already given keep its words."""
    record(session, actor, "question.removed", f"question:{question.id}", now=now)
    session.delete(question)


def move_question(
    session: Session, question: Question, *, up: bool, actor: Actor, now: datetime
) -> None:
    """Swap a question with its neighbour above or below; at the end nothing changes."""
    lock(session, f"questions:{question.event_id}")
    session.refresh(question)
    beside = Question.position < question.position if up else Question.position > question.position
    order = Question.position.desc() if up else Question.position
    neighbour = session.scalar(
        select(Question).where(Question.event_id == question.event_id, beside).order_by(order)
    )
    if neighbour is not None:
        place, question.position = question.position, -question.id
        session.flush()
        neighbour.position, other = place, neighbour.position
        session.flush()
        question.position = other
    record(session, actor, "question.moved", f"question:{question.id}", now=now)
