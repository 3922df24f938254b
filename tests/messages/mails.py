"""Planned mails for tests."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.database import db, transaction
from asyncnet.mail.port import Letter, Mailer
from asyncnet.messages.drain import Drained, drain
from asyncnet.messages.model import Message, MessageChange
from asyncnet.messages.queue import Planned, plan
from asyncnet.messages.rules import MessageState

NOON = datetime(2026, 6, 27, 12, 0, tzinfo=UTC)
"""Midday in UTC, and daytime in Berlin."""


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **some: float) -> None:
        self.now += timedelta(**some)


def plan_mail(app: Flask, key: str = "a-mail", **changes: Any) -> None:
    """Plan a follow-up to Ana in Berlin, due at noon in UTC, changed where a test says so."""
    usual: dict[str, Any] = {
        "kind": "follow_up",
        "subject_id": 1,
        "event_id": None,
        "participant_id": None,
        "to_address": "ana@example.org",
        "to_name": "Ana Silva",
        "zone": "Europe/Berlin",
        "due_at": NOON,
    }
    with app.app_context(), transaction() as session:
        now = changes.pop("now", NOON - timedelta(days=1))
        plan(session, [Planned(key=key, **(usual | changes))], now=now)


def compose(session: Session, message: Message) -> Letter:
    """Write a short letter that names its message."""
    return Letter(
        to_name=message.to_name,
        to_address=message.to_address,
        subject=f"About {message.key}",
        text=f"Your page: https://forum.example/hello/{message.key}\n",
        html=f'<a href="https://forum.example/hello/{message.key}">Your page</a>\n',
        message_id=f"<{message.reference}@forum.example>",
        secrets=(f"https://forum.example/hello/{message.key}",),
    )


def drain_once(
    app: Flask,
    mailer: Mailer,
    clock: Clock,
    write: Callable[[Session, Message], Letter] = compose,
) -> Drained:
    with app.app_context():
        return drain(mailer, write, clock=clock)


def the_message(app: Flask, key: str = "a-mail") -> Message:
    """Return a message as it stands in the database now."""
    with app.app_context():
        found = db.session.execute(select(Message).where(Message.key == key)).scalar_one()
        db.session.expunge_all()
        return found


def states(app: Flask) -> dict[str, MessageState]:
    with app.app_context():
        rows = db.session.execute(select(Message.key, Message.state).order_by(Message.id))
        return dict(rows.all())


def steps(app: Flask, key: str = "a-mail") -> list[tuple[MessageState, str]]:
    """Return the history of a message: states and who brought it there."""
    with app.app_context():
        rows = db.session.execute(
            select(MessageChange.to_state, MessageChange.actor)
            .join(Message)
            .where(Message.key == key)
            .order_by(MessageChange.id)
        )
        return list(rows.all())
