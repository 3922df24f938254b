"""What one drain does with a mail server, good or bad (CHECKLIST F2, F3, M5)."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from asyncnet.database import db
from asyncnet.mail.port import Connection, Letter
from asyncnet.mail.smtp import SmtpMailer
from asyncnet.messages.drain import Drained, drain, preview
from asyncnet.messages.letters import NotNeeded
from asyncnet.messages.model import Message
from asyncnet.messages.rules import LEASE, MessageState
from tests.messages.mails import (
    NOON,
    Clock,
    compose,
    drain_once,
    plan_mail,
    states,
    steps,
    the_message,
)
from tests.servers.smtp import Fault, MailServer, mail_server, mute_server


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


def mailer_for(server: MailServer) -> SmtpMailer:
    return SmtpMailer(server.settings(), mail_from="hello@forum.example", reply_seconds=0.5)


def test_everything_due_goes_over_one_connection(app: Flask, server: MailServer) -> None:
    for number in range(5):
        plan_mail(app, f"mail-{number}")
    plan_mail(app, "tomorrow", due_at=NOON + timedelta(days=1))

    done = drain_once(app, mailer_for(server), Clock())

    assert done == Drained(sent=5)
    assert [mail.message["Subject"] for mail in server.received] == [
        f"About mail-{number}" for number in range(5)
    ]
    assert server.connections == 1
    assert states(app)["tomorrow"] is MessageState.SCHEDULED
    assert steps(app, "mail-3") == [
        (MessageState.SCHEDULED, "system"),
        (MessageState.SENDING, "worker"),
        (MessageState.SENT, "worker"),
    ]


def test_draining_again_sends_nothing_twice(app: Flask, server: MailServer) -> None:
    plan_mail(app)
    drain_once(app, mailer_for(server), Clock())
    plan_mail(app)

    done = drain_once(app, mailer_for(server), Clock(NOON + timedelta(days=1)))

    assert done == Drained()
    assert len(server.received) == 1


def test_the_message_id_follows_from_the_key(app: Flask, server: MailServer) -> None:
    """CHECKLIST M5."""
    plan_mail(app)

    drain_once(app, mailer_for(server), Clock())

    message = the_message(app)
    [mail] = server.received
    assert mail.message["Message-ID"] == f"<{message.reference}@forum.example>"


def test_the_kept_copy_opens_nobodys_page(app: Flask, server: MailServer) -> None:
    """CHECKLIST S5."""
    plan_mail(app)

    drain_once(app, mailer_for(server), Clock())

    message = the_message(app)
    assert b"https://forum.example/hello/a-mail" in server.received[0].content
    assert (message.sent_subject, message.sent_text, message.sent_html) == (
        "About a-mail",
        "Your page: [personal link]\n",
        '<a href="[personal link]">Your page</a>\n',
    )


def test_a_drain_that_has_no_time_left_takes_nothing_on(app: Flask, server: MailServer) -> None:
    plan_mail(app)

    with app.app_context():
        done = drain(mailer_for(server), compose, clock=Clock(), seconds=0)

    assert done == Drained(more=True)
    assert states(app) == {"a-mail": MessageState.SCHEDULED}


def test_a_dead_mail_server_claims_nothing(app: Flask) -> None:
    plan_mail(app)
    with mute_server() as dead:
        done = drain_once(app, mailer_for(dead), Clock())

    message = the_message(app)
    assert "timed out" in done.unreachable
    assert (message.state, message.attempts) == (MessageState.SCHEDULED, 0)


def test_nothing_due_calls_no_server(app: Flask, server: MailServer) -> None:
    plan_mail(app, due_at=NOON + timedelta(minutes=1))

    drain_once(app, mailer_for(server), Clock())

    assert server.connections == 0


@pytest.mark.parametrize(
    ("fault", "state", "copies"),
    [
        (Fault.TRY_LATER, MessageState.SCHEDULED, 0),
        (Fault.BUSY, MessageState.SCHEDULED, 0),
        (Fault.DROPS_AT_MAIL_FROM, MessageState.SCHEDULED, 0),
        (Fault.DROPS_AT_DATA, MessageState.SCHEDULED, 0),
        (Fault.NEVER, MessageState.FAILED, 0),
        (Fault.DROPS_AFTER_THE_FINAL_DOT, MessageState.UNCONFIRMED, 0),
        (Fault.DROPS_AFTER_KEEPING_THE_MAIL, MessageState.UNCONFIRMED, 1),
        (Fault.SILENT_AFTER_THE_FINAL_DOT, MessageState.UNCONFIRMED, 0),
        (Fault.DROPS_AT_QUIT, MessageState.SENT, 1),
        (Fault.REFUSES_TO_QUIT, MessageState.SENT, 1),
    ],
)
def test_after_each_fault_no_mail_goes_twice(
    app: Flask, server: MailServer, fault: Fault, state: MessageState, copies: int
) -> None:
    """CHECKLIST F3."""
    plan_mail(app)
    clock = Clock()
    server.fault = fault

    drain_once(app, mailer_for(server), clock)
    assert states(app) == {"a-mail": state}
    assert len(server.received) == copies
    server.fault = Fault.NONE
    for _ in range(3):
        clock.pass_by(minutes=30)
        drain_once(app, mailer_for(server), clock)

    goes_later = 1 if state is MessageState.SCHEDULED else 0
    assert len(server.received) == copies + goes_later


def test_one_bad_address_holds_up_nobody(app: Flask, server: MailServer) -> None:
    """CHECKLIST F3."""
    plan_mail(app, "gone", to_address="gone@example.org", due_at=NOON - timedelta(minutes=2))
    plan_mail(app, "broken", to_address="not an address", due_at=NOON - timedelta(minutes=1))
    plan_mail(app, "fine")
    server.replies["gone@example.org"] = "550 5.1.1 no such user"

    done = drain_once(app, mailer_for(server), Clock())

    assert done == Drained(sent=1, failed=2)
    assert the_message(app, "gone").note == "550 5.1.1 no such user"
    assert "not one mail address" in the_message(app, "broken").note


def test_a_letter_that_cannot_be_written_holds_up_nobody(app: Flask, server: MailServer) -> None:
    """CHECKLIST F16."""
    plan_mail(app, "broken", due_at=NOON - timedelta(minutes=1))
    plan_mail(app, "fine")

    def write(session: Session, message: Message) -> Letter:
        if message.key == "broken":
            message.to_name = "half changed"
            session.flush()
            raise KeyError("no such question")
        return compose(session, message)

    done = drain_once(app, mailer_for(server), Clock(), write)

    broken = the_message(app, "broken")
    assert done == Drained(sent=1, failed=1)
    assert broken.state is MessageState.FAILED
    assert (broken.note, broken.to_name) == ("It could not be written (KeyError).", "Ana Silva")


def test_a_database_that_is_busy_for_a_moment_loses_no_mail(app: Flask, server: MailServer) -> None:
    """CHECKLIST F3: a deadlock or time-out while a letter is written holds up nobody, either."""
    plan_mail(app, "waited for", due_at=NOON - timedelta(minutes=1))
    plan_mail(app, "fine")
    clock = Clock()
    busy = True

    def write(session: Session, message: Message) -> Letter:
        if busy and message.key == "waited for":
            raise OperationalError("SELECT", None, Exception("deadlock detected"))
        return compose(session, message)

    at_first = drain_once(app, mailer_for(server), clock, write)
    busy = False
    clock.pass_by(minutes=5)
    later = drain_once(app, mailer_for(server), clock, write)

    assert (at_first, later) == (Drained(sent=1, delayed=1), Drained(sent=1))
    assert states(app)["waited for"] is MessageState.SENT


def test_a_mail_that_nobody_needs_any_more_is_cancelled(app: Flask, server: MailServer) -> None:
    plan_mail(app)

    def write(session: Session, message: Message) -> Letter:
        raise NotNeeded("They have left.")

    done = drain_once(app, mailer_for(server), Clock(), write)

    message = the_message(app)
    assert done == Drained(not_needed=1)
    assert (message.state, message.note) == (MessageState.CANCELLED, "They have left.")


def test_the_mail_goes_with_no_transaction_open(app: Flask, server: MailServer) -> None:
    plan_mail(app)
    claimed_meanwhile: list[MessageState] = []

    def look() -> None:
        claimed_meanwhile.append(states(app)["a-mail"])

    drain_once(app, _Watched(mailer_for(server), look), Clock())

    assert claimed_meanwhile == [MessageState.SENDING]


def test_a_sent_mail_is_settled_once_the_database_is_back(app: Flask, server: MailServer) -> None:
    plan_mail(app)
    away = 2

    def go_away() -> None:
        @event.listens_for(db.engine, "begin")
        def refuse(connection: object) -> None:
            nonlocal away
            if away:
                away -= 1
                raise OperationalError("BEGIN", None, Exception("the database is away"))

    done = drain_once(app, _Watched(mailer_for(server), go_away), Clock())

    assert done == Drained(sent=1)
    assert away == 0
    assert states(app) == {"a-mail": MessageState.SENT}


def test_a_worker_that_slept_past_its_lease_sends_nothing(app: Flask, server: MailServer) -> None:
    """CHECKLIST F2."""
    plan_mail(app)
    clock = Clock()

    def oversleep(session: Session, message: Message) -> Letter:
        letter = compose(session, message)
        clock.pass_by(seconds=LEASE.total_seconds())
        return letter

    done = drain_once(app, mailer_for(server), clock, oversleep)

    assert server.received == []
    assert done.delayed == 1
    assert the_message(app).state is MessageState.SCHEDULED


def test_a_preview_leaves_no_trace(app: Flask) -> None:
    """CHECKLIST B2."""
    plan_mail(app)
    before = the_message(app)

    def write(session: Session, message: Message) -> Letter:
        message.to_name = "written while composing"
        session.flush()
        return compose(session, message)

    with app.app_context():
        seen = preview(write, before.id)

    assert seen.text == "Your page: [personal link]\n"
    assert the_message(app).to_name == "Ana Silva"


class _Watched:
    """A mailer that calls something just before it hands a letter over."""

    def __init__(self, mailer: SmtpMailer, call: Callable[[], None]) -> None:
        self.mailer = mailer
        self.call = call

    def connect(self) -> AbstractContextManager[Connection]:
        connection = self.mailer.connect()
        hand_over = connection.send

        def send(letter: Letter) -> str:
            self.call()
            return hand_over(letter)

        connection.send = send  # type: ignore[method-assign]
        return connection
