"""Deciding about many mails at once, as far as they are as the organizer saw them."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from asyncnet.audit.model import AuditEntry
from asyncnet.clock import utc_now
from asyncnet.events.model import Event
from asyncnet.messages.model import Message, MessageChange
from asyncnet.messages.queue import Planned, plan
from asyncnet.messages.rules import MessageState
from tests import factories
from tests.pages import filled, find_form, sign_in

Rows = Callable[..., list[Any]]
MAILS = 120


@pytest.fixture
def forum(session: Session, client: FlaskClient) -> Event:
    """An event with more planned mails than a page shows; the client is its organizer's."""
    host = factories.organizer(session)
    forum = factories.event(session, host)
    mei = factories.participant(session, forum, name="Mei Tanaka", zone="Asia/Tokyo")
    now = utc_now()
    plan(
        session,
        [
            Planned(
                key=f"mail:{number}",
                kind="personal_link",
                subject_id=mei.id,
                event_id=forum.id,
                participant_id=mei.id,
                to_address=f"reader{number}@reader.example",
                to_name=f"Reader {number}",
                zone=mei.zone,
                due_at=now + timedelta(hours=2, seconds=number),
            )
            for number in range(MAILS)
        ],
        now=now - timedelta(minutes=1),
    )
    session.commit()
    sign_in(client, host)
    return forum


def states(rows: Rows) -> list[MessageState]:
    return rows(select(Message.state).order_by(Message.id))


def board(forum: Event, filters: str = "") -> str:
    return f"/events/{forum.id}/messages{filters}"


def test_ticked_mails_are_held_and_no_other(
    client: FlaskClient, forum: Event, session: Session, rows: Rows
) -> None:
    first, second = rows(select(Message).order_by(Message.id).limit(2))
    form = find_form(client.get(board(forum)))
    session.execute(update(Message).where(Message.id == second.id).values(version=2))
    session.commit()

    picked = [f"{first.id}:1", f"{second.id}:1"]
    answer = client.post(board(forum), data=filled(form, {"wish": "hold", "pick": picked}))
    told = answer.text

    assert answer.status_code == 409
    assert states(rows)[:3] == [MessageState.HELD, MessageState.SCHEDULED, MessageState.SCHEDULED]
    assert "1 mail held back." in told
    assert "1 mail had changed since you looked" in told
    assert f'/messages/{second.id}">Reader 1</a>' in told
    [step] = rows(select(MessageChange).where(MessageChange.to_state == MessageState.HELD))
    assert (step.message_id, step.actor[:7], step.note) == (first.id, "person:", "Held back.")
    [entry] = rows(select(AuditEntry).where(AuditEntry.action == "messages.hold"))
    assert entry.detail == "1 of 2"


def test_all_that_match_are_cancelled_but_what_changed_meanwhile(
    client: FlaskClient, forum: Event, session: Session, rows: Rows
) -> None:
    """CHECKLIST F9: nobody decides about what they have not seen."""
    where = board(forum, "?who=reader1")
    form = find_form(client.get(where), where)
    other = rows(select(Message).where(Message.to_name == "Reader 11"))[0]
    path = f"/events/{forum.id}/messages/{other.id}"
    client.post(f"{path}/hold", data={**filled(form, {}), "version": "1"})

    answer = client.post(where, data=filled(form, {"wish": "cancel", "everything": "yes"}))
    told = answer.text

    ones = sum("reader1" in f"reader{number}" for number in range(MAILS))
    assert states(rows).count(MessageState.CANCELLED) == ones - 1
    assert states(rows).count(MessageState.SCHEDULED) == MAILS - ones
    assert rows(select(Message.state).where(Message.id == other.id)) == [MessageState.HELD]
    assert (answer.status_code, find_form(answer, where).action) == (409, where)
    assert f"{ones - 1} mails cancelled." in told


def test_sending_now_makes_mails_due_on_their_readers_clock(
    client: FlaskClient, forum: Event, rows: Rows
) -> None:
    form = find_form(client.get(board(forum)))

    client.post(board(forum), data=filled(form, {"wish": "send_now", "everything": "yes"}))

    now = utc_now()
    for message in rows(select(Message)):
        assert now - timedelta(minutes=2) < message.due_at <= now
        assert message.wake_at <= message.due_at
        assert message.due_local == f"{message.due_at + timedelta(hours=9):%Y-%m-%dT%H:%M}"


def test_nothing_ticked_is_said(client: FlaskClient, forum: Event, rows: Rows) -> None:
    form = find_form(client.get(board(forum)))

    answer = client.post(board(forum), data=filled(form, {"wish": "cancel"}))

    assert "Tick the mails that you mean" in client.get(answer.location).text
    assert set(states(rows)) == {MessageState.SCHEDULED}


def test_mails_of_another_event_are_out_of_reach(
    client: FlaskClient, forum: Event, session: Session, rows: Rows
) -> None:
    """CHECKLIST A2."""
    mine = factories.event(session, factories.organizer(session, of=forum))
    elsewhere = client.application.test_client()
    sign_in(elsewhere, factories.organizer(session, of=mine))
    form = find_form(elsewhere.get("/lost-link"))
    picked = f"{rows(select(Message.id).limit(1))[0]}:1"

    elsewhere.post(board(mine), data=filled(form, {"wish": "cancel", "pick": picked}))
    foreign = elsewhere.post(board(forum), data=filled(form, {"wish": "cancel", "pick": picked}))

    assert foreign.status_code == 404
    assert set(states(rows)) == {MessageState.SCHEDULED}


@pytest.mark.parametrize("pick", ["x", "1", "1:", ":1", "1:99999999999999", "-1:1", "²:1"])
def test_rubbish_is_no_mail(client: FlaskClient, forum: Event, rows: Rows, pick: str) -> None:
    form = find_form(client.get(board(forum)))

    answer = client.post(board(forum), data=filled(form, {"wish": "cancel", "pick": pick}))

    assert answer.status_code == 302
    assert set(states(rows)) == {MessageState.SCHEDULED}


def test_the_table_for_spreadsheets_holds_what_the_filters_let_through(
    client: FlaskClient, forum: Event, session: Session
) -> None:
    """CHECKLIST B6."""
    session.execute(update(Message).where(Message.key == "mail:7").values(to_name="=HYPERLINK(1)"))
    session.commit()

    answer = client.get(f"/events/{forum.id}/messages.csv?who=reader7%40&state=scheduled")

    [head, row] = csv.reader(io.StringIO(answer.text))
    assert answer.mimetype == "text/csv"
    assert row[:2] == ["'=HYPERLINK(1)", "reader7@reader.example"]
    assert dict(zip(head, row, strict=True))["Their time zone"] == "Asia/Tokyo"


@pytest.mark.sizeless
def test_a_number_that_no_row_has_is_left_out(client: FlaskClient, forum: Event) -> None:
    form = find_form(client.get(board(forum)))
    huge = f"{'0' * 12}{'9' * 25}:1"

    answer = client.post(board(forum), data=filled(form, {"wish": "hold", "pick": [huge]}))

    assert answer.status_code in {200, 302}
