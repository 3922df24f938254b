"""One gentle reminder of words that nobody answered, and never a second one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from asyncnet.audit.actions import SYSTEM
from asyncnet.database import transaction
from asyncnet.events.model import Event
from asyncnet.followups.actions.replying import reply
from asyncnet.followups.actions.telling import tell
from asyncnet.followups.rules import Told
from asyncnet.messages.model import Message
from asyncnet.tasks import remind_readers
from tests.followups.scene import Evening

Rows = Callable[..., list[Any]]
A_DAY = timedelta(days=1)


@pytest.fixture
def scene(scene: Evening) -> Evening:
    """Ana and Ben have written to Kenji, and he has read it."""
    scene.answers(scene.ana, "Your tide pools!")
    scene.answers(scene.ben, "And your volunteers?")
    scene.sends(scene.morning)
    scene.server.received.clear()
    return scene


def test_after_some_days_one_mail_reminds_at_a_good_hour(scene: Evening, rows: Rows) -> None:
    pass_days(scene, 10)

    [mail] = scene.mails_to(scene.kenji)
    assert mail.message["Subject"] == "A word back to Ana and Ben?"
    body = mail.message.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert text.count("?match=") == 2
    assert "this is the only reminder" in text
    [message] = rows(select(Message).where(Message.kind == "reminder"))
    assert (message.due_local, message.sent_at) == ("2027-06-23T09:00", scene.morning + 4 * A_DAY)


def test_planned_twice_at_once_it_is_one(scene: Evening, rows: Rows) -> None:
    for _ in range(3):
        plans(scene, days=3.5)

    assert len(rows(select(Message).where(Message.kind == "reminder"))) == 1


def test_only_what_is_still_unanswered_is_in_it(scene: Evening) -> None:
    answers_back(scene, scene.ana)

    pass_days(scene, 6)

    assert [mail.message["Subject"] for mail in scene.mails_to(scene.kenji)] == [
        "A word back to Ben?"
    ]


@pytest.mark.parametrize("reason", ["replied", "met", "closed", "switched off"])
def test_nobody_is_reminded_without_need(scene: Evening, session: Session, reason: str) -> None:
    """Also when the reason comes after it was planned."""
    plans(scene, days=3.5)
    for live in (scene.ana, scene.ben):
        match = scene.matches[live.id].id
        if reason == "replied":
            answers_back(scene, live)
        elif reason != "switched off":
            with scene.app.app_context(), transaction() as writing:
                told = Told.MET if reason == "met" else Told.CLOSED
                tell(writing, match, live.id, told, actor=SYSTEM, now=scene.morning)
    if reason == "switched off":
        session.execute(update(Event).values(reminder_days=0))
        session.commit()

    pass_days(scene, 8)

    kinds = [str(mail.message["Subject"]) for mail in scene.mails_to(scene.kenji)]
    assert not [words for words in kinds if "word back" in words]


def test_the_organizers_say_after_how_many_days(
    scene: Evening, session: Session, rows: Rows
) -> None:
    session.execute(update(Event).values(reminder_days=9))
    session.commit()

    pass_days(scene, 12)

    [message] = rows(select(Message).where(Message.kind == "reminder"))
    assert message.due_local == "2027-06-28T09:00"


def plans(scene: Evening, *, days: float) -> None:
    with scene.app.app_context():
        remind_readers(lambda: scene.morning + timedelta(days=days))


def pass_days(scene: Evening, days: int) -> None:
    """Let the workers do what they do, twice a day."""
    for half in range(1, 2 * days):
        plans(scene, days=half / 2)
        scene.sends(scene.morning + timedelta(days=half / 2))


def answers_back(scene: Evening, live: Any) -> None:
    with scene.app.app_context(), transaction() as session:
        reply(
            session, scene.matches[live.id].id, scene.kenji.id, words="Thank you.", contact=None,
            form_key=uuid4().hex, actor=SYSTEM, now=scene.morning,
        )  # fmt: skip
