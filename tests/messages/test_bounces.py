"""Mails that come back, and mails that surely arrived (CHECKLIST M4)."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select, update

from asyncnet.database import transaction
from asyncnet.mail.smtp import SmtpMailer
from asyncnet.messages.bounces import SOFT_BOUNCES, NotAReport, ReturnPaths
from asyncnet.messages.model import BouncingAddress, Message
from asyncnet.messages.queue import TakesNoMail, act
from asyncnet.messages.rules import Act, MessageState
from config import Settings
from tests.mail.letters import letter
from tests.messages.mails import NOON, Clock, drain_once, plan_mail, states, steps, the_message
from tests.servers.smtp import MailServer, mail_server

REPORT = """\
From: MAILER-DAEMON@mx.example
To: {to}
Subject: Delivery Status Notification
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Your mail: see below.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; ana@example.org
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550-5.1.1 no such
 user here

--b
Content-Type: text/rfc822-headers

Subject: About a-mail

--b--
"""


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture
def paths(settings: Settings) -> ReturnPaths:
    return ReturnPaths("bounces@forum.example", settings.secret_keys)


def send(app: Flask, server: MailServer, paths: ReturnPaths, key: str = "a-mail") -> str:
    """Send one mail; return the address to which its bounces go."""
    plan_mail(app, key)
    mailer = SmtpMailer(server.settings(), mail_from="a@b.org", return_path=paths.of)
    drain_once(app, mailer, Clock())
    return server.received[-1].sender


def report(
    app: Flask, to: str, *, action: str = "failed", status: str = "5.1.1", text: str = REPORT
) -> int:
    """Pipe a delivery report into the command; return its exit status."""
    runner: FlaskCliRunner = app.test_cli_runner()
    content = text.format(to=to, action=action, status=status)
    return runner.invoke(args=["messages", "bounce"], input=content).exit_code


def test_a_mail_that_came_back_says_why(app: Flask, server: MailServer, paths: ReturnPaths) -> None:
    came_back_to = send(app, server, paths)

    status = report(app, came_back_to)

    message = the_message(app)
    assert status == 0
    assert came_back_to.startswith("bounces+")
    assert message.state is MessageState.BOUNCED
    assert message.note == "5.1.1 550-5.1.1 no such user here"
    assert steps(app)[-1] == (MessageState.BOUNCED, "delivery report")


def test_nothing_more_goes_to_an_address_that_takes_no_mail(
    app: Flask, server: MailServer, paths: ReturnPaths
) -> None:
    report(app, send(app, server, paths))

    send(app, server, paths, "next")

    assert states(app)["next"] is MessageState.CANCELLED
    assert len(server.received) == 1


def test_what_waits_for_such_an_address_is_cancelled_and_stays_so(
    app: Flask, server: MailServer, paths: ReturnPaths
) -> None:
    plan_mail(app, "tomorrow", due_at=NOON + timedelta(days=1))
    report(app, send(app, server, paths))
    waiting = the_message(app, "tomorrow")

    with pytest.raises(TakesNoMail), app.app_context(), transaction() as session:
        act(session, waiting.id, Act.RELEASE, version=waiting.version, actor="x", now=NOON)

    assert the_message(app, "tomorrow").state is MessageState.CANCELLED


def test_of_an_address_that_bounces_only_a_hash_is_kept(
    app: Flask, server: MailServer, paths: ReturnPaths, rows: Callable[..., Sequence[Any]]
) -> None:
    """CHECKLIST D5."""
    report(app, send(app, server, paths))

    [kept] = rows(select(BouncingAddress))
    assert kept.address_hash == sha256(b"ana@example.org").digest()


def test_an_operator_can_allow_an_address_again(
    app: Flask, server: MailServer, paths: ReturnPaths
) -> None:
    report(app, send(app, server, paths))

    said = app.test_cli_runner().invoke(args=["messages", "allow", "Ana@example.org"]).output
    send(app, server, paths, "next")

    assert said == "It gets mail again.\n"
    assert states(app)["next"] is MessageState.SENT


def test_passing_trouble_suppresses_after_the_fifth_time(
    app: Flask, server: MailServer, paths: ReturnPaths
) -> None:
    for number in range(SOFT_BOUNCES):
        key = f"mail-{number}"
        report(app, send(app, server, paths, key), status="4.2.2")
        assert states(app)[key] is MessageState.BOUNCED

    send(app, server, paths, "one more")

    assert states(app)["one more"] is MessageState.CANCELLED


def test_passing_trouble_that_has_passed_is_forgotten(
    app: Flask, server: MailServer, paths: ReturnPaths
) -> None:
    for number in range(SOFT_BOUNCES - 1):
        report(app, send(app, server, paths, f"before-{number}"), status="4.2.2")
    report(app, send(app, server, paths, "arrived"), action="delivered", status="2.0.0")
    report(app, send(app, server, paths, "after"), status="4.2.2")

    send(app, server, paths, "next")

    assert states(app)["next"] is MessageState.SENT


def test_the_same_report_twice_counts_once(
    app: Flask, server: MailServer, paths: ReturnPaths
) -> None:
    came_back_to = send(app, server, paths)
    for _ in range(SOFT_BOUNCES):
        report(app, came_back_to, status="4.2.2")

    send(app, server, paths, "next")

    assert states(app)["next"] is MessageState.SENT


def test_a_report_of_delivery_settles_what_was_maybe_sent(
    app: Flask, server: MailServer, paths: ReturnPaths
) -> None:
    came_back_to = send(app, server, paths)
    with app.app_context(), transaction() as session:
        session.execute(update(Message).values(state=MessageState.UNCONFIRMED))

    report(app, came_back_to, action="delivered", status="2.0.0")

    assert the_message(app).state is MessageState.SENT


def test_a_delay_is_no_bounce(app: Flask, server: MailServer, paths: ReturnPaths) -> None:
    came_back_to = send(app, server, paths)

    report(app, came_back_to, action="delayed", status="4.4.1")

    assert the_message(app).state is MessageState.SENT


def test_a_report_that_nobody_vouches_for_changes_nothing(
    app: Flask, server: MailServer, paths: ReturnPaths
) -> None:
    real = send(app, server, paths)
    forged = ReturnPaths("bounces@forum.example", ("another secret",)).of(
        letter(message_id=f"<{the_message(app).reference}@forum.example>")
    )

    statuses = [
        report(app, forged),
        report(app, "bounces@forum.example"),
        report(app, real, text="Subject: hello\nTo: {to}\n\nnot a report {action} {status}\n"),
        report(app, real, text=""),
    ]

    assert statuses == [65] * 4
    assert the_message(app).state is MessageState.SENT


def test_an_older_secret_is_still_believed() -> None:
    before = ReturnPaths("bounces@forum.example", ("old",))
    after = ReturnPaths("bounces@forum.example", ("new", "old"))

    address = before.of(letter(message_id="<0123@forum.example>"))

    assert after.reference_in(address) == "0123"
    with pytest.raises(NotAReport):
        before.reference_in(after.of(letter(message_id="<0123@forum.example>")))


def test_a_waiting_mail_is_not_touched_by_a_report(
    app: Flask, server: MailServer, paths: ReturnPaths
) -> None:
    plan_mail(app, due_at=NOON + timedelta(days=1))
    address = paths.of(letter(message_id=f"<{the_message(app).reference}@forum.example>"))

    report(app, address)

    assert the_message(app).state is MessageState.SCHEDULED
