"""Mails that come back, and mails that surely arrived (CHECKLIST M4)."""

import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select, update

from asyncnet.commands.messages import take_report
from asyncnet.database import transaction
from asyncnet.mail.smtp import SmtpMailer
from asyncnet.messages.bounces import SOFT_BOUNCES, NotAReport, ReturnPaths
from asyncnet.messages.model import BouncingAddress, Message
from asyncnet.messages.queue import TakesNoMail, act, reference_of
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
    content = text.format(to=to, action=action, status=status)
    return pipe(app, content.encode()).exit_code


def pipe(app: Flask, content: bytes, *options: str) -> Result:
    runner: FlaskCliRunner = app.test_cli_runner()
    return runner.invoke(args=["messages", "bounce", *options], input=content)


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
    reference = reference_of("a-mail")

    address = before.of(letter(message_id=f"<{reference}@forum.example>"))

    assert after.reference_in(address) == reference
    with pytest.raises(NotAReport):
        before.reference_in(after.of(letter(message_id=f"<{reference}@forum.example>")))


def test_a_waiting_mail_is_not_touched_by_a_report(
    app: Flask, server: MailServer, paths: ReturnPaths
) -> None:
    plan_mail(app, due_at=NOON + timedelta(days=1))
    address = paths.of(letter(message_id=f"<{the_message(app).reference}@forum.example>"))

    report(app, address)

    assert the_message(app).state is MessageState.SCHEDULED


MANY = 60_000
ENCODED = "=?utf-8?q?a?= " * MANY
NESTED = "".join(
    f"Content-Type: multipart/mixed; boundary=b{depth}\n\n--b{depth}\n" for depth in range(3_000)
)
HOSTILE = {
    "long words": REPORT.replace("550-5.1.1 no such", ENCODED),
    "a long address": REPORT.replace("To: {to}", "To: {to}, " + ENCODED),
    "an address in brackets": REPORT.replace("To: {to}", "To: {to} " + "(" * MANY),
    "a long type": REPORT.replace('"b"', '"b"; x="' + "; " * MANY),
    "parts in parts": REPORT.replace("--b\n", "--b\n" + NESTED, 1),
    "mails in mails": REPORT.replace("--b\n", "--b\n" + "Content-Type: message/rfc822\n\n" * MANY),
}


@pytest.mark.sizeless
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_report_is_read_in_little_memory_or_refused(
    app: Flask, server: MailServer, paths: ReturnPaths, name: str
) -> None:
    came_back_to = send(app, server, paths)
    hostile = HOSTILE[name].format(to=came_back_to, action="failed", status="5.1.1").encode()
    tracemalloc.start()

    heard = pipe(app, hostile)

    most_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert heard.exit_code in {0, 65}
    assert most_bytes < 30_000_000
    assert len(the_message(app).note) <= 300


def test_nothing_is_read_before_the_address_has_proved_to_be_ours(
    app: Flask, server: MailServer, paths: ReturnPaths
) -> None:
    came_back_to = send(app, server, paths)
    content = REPORT.format(to=came_back_to, action="failed", status="5.1.1").encode()
    forged = ("bounces@forum.example", f"{came_back_to[:-20]}@forum.example", "bounces+\udcff-x@y")

    heard = [pipe(app, content, "--to", address) for address in forged]

    assert [each.exit_code for each in heard] == [65] * 3
    assert {each.output for each in heard} == {"The report is not addressed to any mail of ours.\n"}
    assert the_message(app).state is MessageState.SENT
    assert pipe(app, content, "--to", came_back_to).output == "Noted: failed.\n"


@pytest.mark.sizeless
def test_without_any_standard_input_there_is_no_report(
    app: Flask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", None)

    with app.app_context(), pytest.raises(SystemExit) as ended:
        take_report.main(args=[], standalone_mode=False)

    assert ended.value.code == 65
    assert capsys.readouterr().err == "This is no delivery report.\n"
