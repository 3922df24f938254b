"""A mail provider posts what became of our mails (CHECKLIST M4)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from asyncnet.audit.model import AuditEntry
from asyncnet.database import transaction
from asyncnet.messages.bounces import ReturnPaths
from asyncnet.messages.model import BouncingAddress, Message
from asyncnet.messages.rules import MessageState
from config import Settings
from tests.mail.letters import letter
from tests.messages.mails import plan_mail, the_message
from tests.messages.test_bounces import REPORT

Rows = Callable[..., list[Any]]
TOKEN = "a token of the tests: 0123456789abcdef"
ALLOWED = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, bounce_token=TOKEN)


@pytest.fixture
def message_id(app: Flask) -> str:
    """The Message-ID of a mail that was sent."""
    plan_mail(app)
    become(app, MessageState.SENT)
    return f"<{the_message(app).reference}@forum.example>"


def become(app: Flask, state: MessageState) -> None:
    with app.app_context(), transaction() as session:
        session.execute(update(Message).values(state=state, wake_at=None))


def test_a_mail_that_came_back_is_noted_once(
    app: Flask, client: FlaskClient, message_id: str, rows: Rows
) -> None:
    said = {
        "message_id": message_id,
        "fate": "failed",
        "status": "4.2.2",
        "words": "mailbox\r\nfull",
    }

    answers = [client.post("/hooks/mail", json=said, headers=ALLOWED) for _ in range(6)]

    assert [answer.json for answer in answers] == [{"noted": "failed"}] * 6
    assert the_message(app).state is MessageState.BOUNCED
    assert the_message(app).note == "4.2.2 mailbox full"
    assert [known.soft_bounces for known in rows(select(BouncingAddress))] == [1]
    assert {entry.action for entry in rows(select(AuditEntry))} == {"mail.failed"}


def test_word_of_delivery_settles_what_was_maybe_sent(
    app: Flask, client: FlaskClient, message_id: str
) -> None:
    become(app, MessageState.UNCONFIRMED)

    client.post(
        "/hooks/mail", json={"message_id": message_id, "fate": "delivered"}, headers=ALLOWED
    )

    assert the_message(app).state is MessageState.SENT


def test_a_whole_delivery_report_is_taken_too(
    app: Flask, client: FlaskClient, settings: Settings, message_id: str
) -> None:
    paths = ReturnPaths("bounces@forum.example", settings.secret_keys)
    report = REPORT.format(
        to=paths.of(letter(message_id=message_id)), action="failed", status="5.1.1"
    )

    answer = client.post("/hooks/mail", data=report, content_type="message/rfc822", headers=ALLOWED)

    assert answer.json == {"noted": "failed"}
    assert the_message(app).state is MessageState.BOUNCED


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}, {"Authorization": "Bearer"}],
)
def test_nobody_else_is_believed(
    app: Flask, client: FlaskClient, message_id: str, headers: dict[str, str]
) -> None:
    said = {"message_id": message_id, "fate": "failed", "status": "5.1.1"}

    answer = client.post("/hooks/mail", json=said, headers=headers)

    assert answer.status_code == 403
    assert the_message(app).state is MessageState.SENT


@pytest.mark.parametrize(
    "body",
    [
        {"json": {"message_id": "<gone@forum.example>", "fate": "failed"}},
        {"json": {"fate": "failed"}},
        {"json": {"message_id": "MINE", "fate": "opened"}},
        {"json": ["failed"]},
        {"data": b"{", "content_type": "application/json"},
        {"data": b"Subject: hello\r\n\r\nhello", "content_type": "message/rfc822"},
        {"data": b"\xff\xfe\x00", "content_type": "message/rfc822"},
    ],
)
def test_what_is_no_report_of_a_mail_of_ours_says_so(
    app: Flask, client: FlaskClient, message_id: str, body: dict[str, Any]
) -> None:
    answer = client.post("/hooks/mail", headers=ALLOWED, **body)

    assert answer.status_code == 422
    assert the_message(app).state is MessageState.SENT


def test_without_a_token_in_the_settings_there_is_no_such_place(app: Flask) -> None:
    """CHECKLIST P3."""
    app.extensions["asyncnet"] = replace(
        app.extensions["asyncnet"],
        settings=replace(app.extensions["asyncnet"].settings, bounce_token=""),
    )

    assert app.test_client().post("/hooks/mail", json={}, headers=ALLOWED).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b'{"fate": []}',
        b'{"fate": {}, "message_id": "a@b"}',
        b'{"fate": "failed", "message_id": "\\ud800"}',
        b'{"fate": "failed", "message_id": "\\u0000"}',
        b'{"fate": "delayed", "message_id": "a\\nb"}',
        b'{"fate": "delayed", "message_id": "' + b"a" * 32 + b'"}',
        b'{"fate": "failed", "message_id": "' + b"a" * 100_000 + b'"}',
        b'{"fate": "failed", "message_id": ["a"]}',
        b"[" * 100_000,
    ],
)
def test_odd_json_is_refused_in_a_sentence_and_leaves_no_trace(
    client: FlaskClient, body: bytes, rows: Rows
) -> None:
    answer = client.post(
        "/hooks/mail", data=body, headers=ALLOWED | {"Content-Type": "application/json"}
    )

    assert answer.status_code == 422
    assert answer.json
    assert answer.json["error"].endswith(".")
    assert rows(select(AuditEntry)) == []


@pytest.mark.parametrize("fate", ["failed", "delayed"])
def test_of_odd_words_only_what_can_be_printed_is_kept(
    app: Flask, client: FlaskClient, message_id: str, fate: str
) -> None:
    said = {
        "message_id": message_id,
        "fate": fate,
        "status": "4.2.2",
        "words": "full\x00\ud800\x1b[31m" + "x" * 100_000,
    }

    answer = client.post("/hooks/mail", json=said, headers=ALLOWED)

    assert answer.json == {"noted": fate}
    assert the_message(app).note == ("4.2.2 full[31m" + "x" * 286 if fate == "failed" else "")


@pytest.mark.sizeless
def test_a_report_with_broken_headers_is_refused_in_a_sentence(client: FlaskClient) -> None:
    broken = REPORT.replace("To: {to}", 'To: a:b:;<"', 1)

    answer = client.post(
        "/hooks/mail", data=broken.encode(), headers=ALLOWED | {"Content-Type": "message/rfc822"}
    )

    assert answer.status_code == 422
