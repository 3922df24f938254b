"""The organizers' board: every mail of their event, and what they decide about it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from asyncnet.audit.model import AuditEntry
from asyncnet.clock import utc_now
from asyncnet.database import db
from asyncnet.events.model import Event, Participant
from asyncnet.events.rules import Attendance
from asyncnet.messages.model import Message
from asyncnet.messages.queue import Planned, plan
from asyncnet.messages.rules import MessageState
from asyncnet.people.model import Person
from tests import factories
from tests.pages import filled, find_form, post_form, sign_in


@pytest.fixture
def host(session: Session) -> Person:
    return factories.organizer(session)


@pytest.fixture
def forum(session: Session, host: Person) -> Event:
    return factories.event(session, host, title="Tide pools")


@pytest.fixture
def mei(session: Session, host: Person, forum: Event, client: FlaskClient) -> Participant:
    """A participant in Sydney with one planned mail; the client is the organizer's."""
    mei = factories.participant(
        session, forum, name="Mei Tanaka", zone="Australia/Sydney", attendance=Attendance.ASYNC
    )
    plan_link(session, mei)
    sign_in(client, host)
    return mei


def plan_link(session: Session, to: Participant, **changes: Any) -> None:
    """Plan a mail with the participant's personal link, due in two hours."""
    usual: dict[str, Any] = {
        "key": f"personal-link:{to.id}",
        "kind": "personal_link",
        "subject_id": to.id,
        "event_id": to.event_id,
        "participant_id": to.id,
        "to_address": to.email,
        "to_name": to.name,
        "zone": to.zone,
        "due_at": utc_now() + timedelta(hours=2),
    }
    plan(session, [Planned(**(usual | changes))], now=utc_now())
    session.commit()


def the_message(session: Session) -> Message:
    session.rollback()  # ends the snapshot, so that the newest is read
    return session.scalars(select(Message).where(Message.kind == "personal_link")).one()


def page_of(message: Message) -> str:
    return f"/events/{message.event_id}/messages/{message.id}"


def text_of(client: FlaskClient, page: str) -> str:
    answer = client.get(page)
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]*>", " ", answer.get_data(as_text=True)).split())


def test_the_board_shows_each_mail_on_both_clocks(
    client: FlaskClient, mei: Participant, session: Session
) -> None:
    session.execute(update(Message).values(due_at=utc_now().replace(2026, 6, 27, 12, 0, second=0)))
    session.commit()

    words = text_of(client, f"/events/{mei.event_id}/messages")

    assert "Mei Tanaka" in words
    assert "Personal link" in words
    assert "Scheduled" in words
    assert "Sat 27 June, 22:00 Sydney" in words
    assert "Sat 27 June, 14:00 Berlin" in words


def test_the_board_filters_by_state_in_its_address(client: FlaskClient, mei: Participant) -> None:
    assert "Mei Tanaka" in text_of(client, f"/events/{mei.event_id}/messages?state=scheduled")
    assert "None of these" in text_of(client, f"/events/{mei.event_id}/messages?state=failed")
    assert "Mei Tanaka" in text_of(client, f"/events/{mei.event_id}/messages?state=rubbish")


@contextmanager
def counted_queries(app: Flask) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(*details: object) -> None:
        seen.append(str(details[2]))

    with app.app_context():
        engine = db.engine
    sqlalchemy_event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sqlalchemy_event.remove(engine, "before_cursor_execute", note)


def test_a_long_board_goes_page_by_page_with_as_many_queries(
    app: Flask, client: FlaskClient, mei: Participant, session: Session
) -> None:
    with counted_queries(app) as for_one:
        client.get(f"/events/{mei.event_id}/messages")
    same_moment = utc_now() + timedelta(hours=3)
    for number in range(120):
        plan_link(session, mei, key=f"more-{number}", due_at=same_moment)
    seen: list[str] = []
    page: str | None = f"/events/{mei.event_id}/messages"

    with counted_queries(app) as for_many:
        pages = 0
        while page:
            html = client.get(page).get_data(as_text=True)
            seen += re.findall(r'href="(/events/\d+/messages/\d+)"', html)
            following = re.search(r'href="([^"]*)" rel="next"', html)
            page = following[1].replace("&amp;", "&") if following else None
            pages += 1

    assert pages == 3
    assert len(seen) == len(set(seen)) == 121
    assert len(for_many) == pages * len(for_one)
    assert len(for_one) <= 12


def test_a_waiting_mail_is_shown_as_it_would_go_out(
    client: FlaskClient, mei: Participant, session: Session
) -> None:
    page = page_of(the_message(session))

    words = text_of(client, page)
    html = client.get(f"{page}/html")

    assert "Your page for Tide pools" in words
    assert "Hello Mei Tanaka" in html.get_data(as_text=True)
    for shown in (words, html.get_data(as_text=True)):
        assert "/hello/" not in shown
        assert "[personal link]" in shown
    assert the_message(session).version == 1


def test_nothing_in_a_shown_mail_can_run(
    client: FlaskClient, mei: Participant, session: Session
) -> None:
    """CHECKLIST B3, M3."""
    session.execute(update(Participant).values(name='<script>alert(1)</script>"><b>'))
    session.commit()

    answer = client.get(f"{page_of(the_message(session))}/html")

    policy = answer.headers["Content-Security-Policy"]
    html = answer.get_data(as_text=True)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script" not in html
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "unsafe" not in policy
    assert 'style="' not in html


@pytest.mark.parametrize(
    ("wishes", "state"),
    [
        (["hold"], MessageState.HELD),
        (["cancel"], MessageState.CANCELLED),
        (["hold", "release"], MessageState.SCHEDULED),
        (["send_now"], MessageState.SCHEDULED),
    ],
)
def test_each_button_does_what_it_says_and_is_remembered(
    client: FlaskClient,
    mei: Participant,
    session: Session,
    wishes: list[str],
    state: MessageState,
) -> None:
    """CHECKLIST P5."""
    page = page_of(the_message(session))

    answers = [post_form(client, page, action=f"{page}/{wish}") for wish in wishes]

    assert [answer.location for answer in answers] == [page] * len(wishes)
    assert the_message(session).state is state
    audited = session.scalars(
        select(AuditEntry.action).where(AuditEntry.action.like("message.%")).order_by(AuditEntry.id)
    )
    assert audited.all() == [f"message.{wish}" for wish in wishes]
    assert "by you" in text_of(client, page)


def test_a_mail_that_was_maybe_sent_waits_for_a_person(
    client: FlaskClient, mei: Participant, session: Session
) -> None:
    session.execute(update(Message).values(state=MessageState.UNCONFIRMED, wake_at=None))
    session.commit()
    page = page_of(the_message(session))

    assert "Maybe sent" in text_of(client, page)
    post_form(client, page, action=f"{page}/arrived")

    assert the_message(session).state is MessageState.SENT


@pytest.mark.parametrize(
    ("meanwhile", "words"),
    [
        (MessageState.SENDING, "too late for that"),
        (MessageState.HELD, "has changed since"),
    ],
)
def test_a_decision_that_comes_too_late_says_so(
    client: FlaskClient,
    mei: Participant,
    session: Session,
    meanwhile: MessageState,
    words: str,
) -> None:
    """CHECKLIST F9."""
    message = the_message(session)
    page = page_of(message)
    form = find_form(client.get(page), f"{page}/cancel")
    session.execute(update(Message).values(state=meanwhile, version=2))
    session.commit()

    answer = client.post(form.action, data=filled(form, {}))

    assert answer.status_code == 409
    assert words in answer.get_data(as_text=True)
    assert the_message(session).state is meanwhile


def test_a_button_without_its_token_does_nothing(
    client: FlaskClient, mei: Participant, session: Session
) -> None:
    """CHECKLIST B1."""
    message = the_message(session)

    answer = client.post(f"{page_of(message)}/cancel", data={"version": "1"})

    assert answer.status_code == 400
    assert the_message(session).state is MessageState.SCHEDULED


@pytest.mark.parametrize("place", ["", "/html"])
def test_another_organizer_finds_nothing(
    app: Flask, client: FlaskClient, mei: Participant, session: Session, place: str
) -> None:
    """CHECKLIST A2."""
    message = the_message(session)
    colleague = factories.organizer(session)
    other = factories.event(session, colleague)
    stranger = app.test_client()
    sign_in(stranger, colleague)

    theirs = stranger.get(f"{page_of(message)}{place}")
    through_own_event = stranger.get(f"/events/{other.id}/messages/{message.id}{place}")

    assert (theirs.status_code, through_own_event.status_code) == (404, 404)


def test_an_event_without_mails_says_what_comes(
    client: FlaskClient, host: Person, forum: Event
) -> None:
    sign_in(client, host)

    assert "No mails yet" in text_of(client, f"/events/{forum.id}/messages")
