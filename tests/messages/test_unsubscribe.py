"""Readers stop our mails with a button or one click, and change their mind (CHECKLIST M4)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.audit.actions import SYSTEM
from asyncnet.clock import utc_now
from asyncnet.events.actions.linking import mail_links, send_personal_link
from asyncnet.events.model import Event, Participant
from asyncnet.messages.model import Message, Unsubscribed
from asyncnet.messages.queue import Planned, hash_of, plan
from asyncnet.messages.rules import MessageState
from asyncnet.tasks import drain_mail
from asyncnet.wiring import links, mailer
from tests import factories

Rows = Callable[..., list[Any]]


@pytest.fixture
def mei(session: Session) -> Participant:
    forum: Event = factories.event(session, factories.organizer(session), title="Tide pools")
    return factories.participant(session, forum, name="Mei", email="mei@reader.example")


def wait_for(session: Session, mei: Participant, key: str, event_id: int | None = None) -> None:
    """Plan a mail that waits until tomorrow."""
    mail = Planned.to(
        mei, "personal_link", key=key, subject_id=mei.id, due_at=utc_now() + timedelta(days=1)
    )
    plan(session, [replace(mail, event_id=event_id or mei.event_id)], now=utc_now())
    session.commit()


def way_out(app: Flask, mei: Participant) -> str:
    with app.app_context():
        return urlsplit(links().unsubscribe(hash_of(mei.email), mei.event_id)).path


def states(rows: Rows) -> dict[str, MessageState]:
    return {message.key: message.state for message in rows(select(Message))}


def test_a_mail_names_its_way_out_in_a_header_that_any_program_reads(
    app: Flask, session: Session, mei: Participant, client: FlaskClient
) -> None:
    """RFC 8058: on one line, not encoded, and the same address as at the end of the mail."""
    send_personal_link(session, mei, now=utc_now())
    session.commit()
    with app.app_context():
        drain_mail()
        [path] = mailer().folder.glob("*.eml")  # type: ignore[attr-defined]  # a test's inbox
        written = path.read_bytes()

    [line] = [each for each in written.split(b"\r\n") if each.startswith(b"List-Unsubscribe:")]
    address = line.decode().partition(": ")[2].strip("<>")
    mail = BytesParser(EmailMessage, policy=default).parsebytes(written)
    body = mail.get_body(("plain",))
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert urlsplit(address).path == way_out(app, mei)
    assert body is not None
    assert f"Stop these mails: {address}" in body.get_content()
    assert "No more mails about this event" in client.get(urlsplit(address).path).text


def test_one_click_stops_the_mails_of_an_event_without_any_session(
    app: Flask, session: Session, mei: Participant, rows: Rows
) -> None:
    other = factories.event(session, factories.organizer(session))
    wait_for(session, mei, "waiting")
    wait_for(session, mei, "elsewhere", other.id)

    answer = app.test_client().post(
        way_out(app, mei),
        data={"List-Unsubscribe": "One-Click"},
        headers={"Origin": "https://mail.example"},
    )
    wait_for(session, mei, "later")

    assert answer.status_code == 200
    assert states(rows) == {
        "waiting": MessageState.CANCELLED,
        "elsewhere": MessageState.SCHEDULED,
        "later": MessageState.CANCELLED,
    }
    [kept] = rows(select(Unsubscribed))
    assert (kept.address_hash, kept.scope) == (hash_of(mei.email), f"event:{mei.event_id}")


def test_looking_stops_nothing(app: Flask, mei: Participant, rows: Rows) -> None:
    """CHECKLIST B2: scanners follow every link."""
    for ask in (app.test_client().get, app.test_client().head):
        assert ask(way_out(app, mei)).status_code == 200

    assert rows(select(Unsubscribed)) == []


def test_changing_ones_mind_brings_back_what_was_cancelled(
    app: Flask, client: FlaskClient, session: Session, mei: Participant, rows: Rows
) -> None:
    wait_for(session, mei, "waiting")
    path = way_out(app, mei)

    client.post(path, data={"wish": "stop:event"})
    stopped = client.get(path).text
    client.post(path, data={"wish": "again:event"})

    assert "You get no more mails about it." in stopped
    assert states(rows) == {"waiting": MessageState.SCHEDULED}
    assert rows(select(Unsubscribed)) == []


def test_stopping_everything_covers_every_event(
    app: Flask, client: FlaskClient, session: Session, mei: Participant, rows: Rows
) -> None:
    other = factories.event(session, factories.organizer(session))
    wait_for(session, mei, "elsewhere", other.id)

    client.post(way_out(app, mei), data={"wish": "stop:all"})
    client.post(way_out(app, mei), data={"wish": "again:event"})
    wait_for(session, mei, "later")

    assert states(rows) == dict.fromkeys(("elsewhere", "later"), MessageState.CANCELLED)


def test_a_link_that_somebody_asks_for_is_mailed_all_the_same(
    app: Flask, client: FlaskClient, session: Session, mei: Participant, rows: Rows
) -> None:
    client.post(way_out(app, mei), data={"wish": "stop:all"})

    mail_links(session, mei.email, actor=SYSTEM, now=utc_now())
    session.commit()

    assert list(states(rows).values()) == [MessageState.SCHEDULED]


@pytest.mark.parametrize("wish", ["", "stop", "stop:other", "burn:all"])
def test_a_wish_that_is_none_is_refused(
    app: Flask, client: FlaskClient, mei: Participant, rows: Rows, wish: str
) -> None:
    answer = client.post(way_out(app, mei), data={"wish": wish})

    assert answer.status_code == 400
    assert rows(select(Unsubscribed)) == []


def test_the_address_works_for_no_other_reader(
    app: Flask, client: FlaskClient, mei: Participant
) -> None:
    """CHECKLIST S9."""
    path = way_out(app, mei)
    cut, forged = path[:-3], path.replace("unsubscribe/", "unsubscribe/W")

    assert [client.post(each).status_code for each in (cut, forged)] == [404, 404]
