"""What an operator asks of the mail from a shell."""

import json
from datetime import timedelta

from flask import Flask
from sqlalchemy.orm import Session

from asyncnet.clock import utc_now
from asyncnet.messages.rules import MessageState
from tests import factories
from tests.messages.mails import plan_mail, states


def test_what_is_due_is_listed_oldest_first(app: Flask) -> None:
    now = utc_now()
    plan_mail(app, "second", due_at=now - timedelta(minutes=1), now=now)
    plan_mail(app, "first", due_at=now - timedelta(minutes=2), now=now)
    plan_mail(app, "not yet", due_at=now + timedelta(hours=1), now=now)

    result = app.test_cli_runner().invoke(args=["messages", "due", "--json"])

    listed = [json.loads(line) for line in result.output.splitlines()]
    assert [entry["id"] for entry in listed] == [2, 1]
    assert {entry["state"] for entry in listed} == {"scheduled"}
    assert app.test_cli_runner().invoke(args=["messages", "due"]).output.count("follow_up") == 2


def test_a_drain_from_the_shell_sends_and_says_so(app: Flask, session: Session) -> None:
    event = factories.event(session, factories.organizer(session))
    person = factories.participant(session, event)
    plan_mail(
        app,
        "a-link",
        kind="personal_link",
        subject_id=person.id,
        to_address=person.email,
        due_at=utc_now(),
        now=utc_now(),
    )

    result = app.test_cli_runner().invoke(args=["messages", "drain", "--json"])

    assert json.loads(result.output.splitlines()[-1])["sent"] == 1
    assert states(app)["a-link"] is MessageState.SENT
