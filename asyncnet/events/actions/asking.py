"""Changes the questions of a match form. Answers and drafts keep what they were given."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.database import ChangedMeanwhile, lock
from asyncnet.events.model import Question
from asyncnet.events.questions.rules import Asked
from asyncnet.events.rules import MAX_QUESTIONS


class TooMany(Exception):
    """The event has reached the limit; the message says which."""


def add_question(
    session: Session, event_id: int, asked: Asked, *, actor: Actor, now: datetime
) -> Question:
    """Put a question at the end of the match form. Raises TooMany."""
    lock(session, f"questions:{event_id}")
    last, count = session.execute(
        select(func.max(Question.position), func.count()).where(Question.event_id == event_id)
    ).one()
    if count >= MAX_QUESTIONS:
        raise TooMany(f"A match form has at most {MAX_QUESTIONS} questions.")
    question = _question(event_id, asked, (last or 0) + 1)
    session.add(question)
    session.flush()
    record(session, actor, "question.added", f"question:{question.id}", now=now)
    return question


def change_question(
    session: Session,
    question: Question,
    asked: Asked,
    *,
    version: int,
    actor: Actor,
    now: datetime,
) -> None:
    """Change the words of a question; what it asks for stays.

    Raises ChangedMeanwhile when somebody saved after `version` was shown.
    """
    changed = session.scalar(
        update(Question)
        .where(Question.id == question.id, Question.version == version)
        .values(
            label=asked.label,
            help=asked.help,
            required=asked.required,
            choices=list(asked.choices),
            version=Question.version + 1,
        )
        .returning(Question.id)
    )
    if changed is None:
        raise ChangedMeanwhile
    record(session, actor, "question.changed", f"question:{question.id}", now=now)


def start_with(
    session: Session, event_id: int, questions: Iterable[Asked], *, actor: Actor, now: datetime
) -> None:
    """Replace all questions of a match form with others; answers already given keep their words."""
    lock(session, f"questions:{event_id}")
    session.execute(delete(Question).where(Question.event_id == event_id))
    session.add_all(
        _question(event_id, asked, position) for position, asked in enumerate(questions, start=1)
    )
    record(session, actor, "questions.started", f"event:{event_id}", now=now)


def remove_question(session: Session, question: Question, *, actor: Actor, now: datetime) -> None:
    """Take a question off the form; answers already given keep its words."""
    record(session, actor, "question.removed", f"question:{question.id}", now=now)
    session.delete(question)


def move_question(
    session: Session, question: Question, *, up: bool, actor: Actor, now: datetime
) -> None:
    """Swap a question with its neighbour above or below; at the end nothing changes."""
    lock(session, f"questions:{question.event_id}")
    order = _order(session, question.event_id)
    here = order.index(question.id)
    there = max(here - 1, 0) if up else min(here + 1, len(order) - 1)
    order[here], order[there] = order[there], order[here]
    _arrange(session, question.event_id, order)
    record(session, actor, "question.moved", f"question:{question.id}", now=now)


def order_questions(
    session: Session, event_id: int, ids: Sequence[int], *, actor: Actor, now: datetime
) -> None:
    """Put the questions into this order; any that it leaves out come after them."""
    lock(session, f"questions:{event_id}")
    known = _order(session, event_id)
    wanted = [number for number in dict.fromkeys(ids) if number in known]
    _arrange(session, event_id, wanted + [number for number in known if number not in wanted])
    record(session, actor, "questions.ordered", f"event:{event_id}", now=now)


def _question(event_id: int, asked: Asked, position: int) -> Question:
    return Question(
        event_id=event_id,
        position=position,
        kind=asked.kind,
        label=asked.label,
        help=asked.help,
        required=asked.required,
        choices=list(asked.choices),
    )


def _order(session: Session, event_id: int) -> list[int]:
    return list(
        session.scalars(
            select(Question.id).where(Question.event_id == event_id).order_by(Question.position)
        )
    )


def _arrange(session: Session, event_id: int, ids: Sequence[int]) -> None:
    """Number the questions anew, by way of numbers that none of them has."""
    session.execute(
        update(Question)
        .where(Question.event_id == event_id)
        .values(position=-Question.position)
        .execution_options(synchronize_session=False)
    )
    for position, number in enumerate(ids, start=1):
        session.execute(
            update(Question)
            .where(Question.id == number)
            .values(position=position)
            .execution_options(synchronize_session=False)
        )
    session.expire_all()
