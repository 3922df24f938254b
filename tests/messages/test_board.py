"""The organizers' board: every mail of their event, and what they decide about it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

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
from asyncnet.messages.model import Message
from asyncnet.messages.rules import MessageState
from tests.messages.boards import make_event, make_participant, plan_link, press, sign_in


@pytest.fixture
def forum(session: Session) -> Event:
    return make_event(session)


@pytest.fixture
def mei(app: Flask, session: Session, forum: Event, client: FlaskClient) -> Participant:
    """A participant in Sydney with one planned mail; the client is the organizer's."""
    mei = make_participant(session, forum)
    plan_link(app, session, mei)
    sign_in(client, session, forum)
    return mei


def the_message(session: Session) -> Message:
    session.rollback()  # ends the snapshot, so that the newest is read
    return session.scalars(select(Message)).one()


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
    assert "Saturday 27 June 2026, 22:00 Sydney time" in words
    assert "Saturday 27 June 2026, 14:00 Berlin time" in words


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
        plan_link(app, session, mei, key=f"more-{number}", due_at=same_moment)
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
    ("buttons", "state"),
    [
        (["Hold back"], MessageState.HELD),
        (["Cancel"], MessageState.CANCELLED),
        (["Hold back", "Let it go"], MessageState.SCHEDULED),
        (["Send now"], MessageState.SCHEDULED),
    ],
)
def test_each_button_does_what_it_says_and_is_remembered(
    client: FlaskClient,
    mei: Participant,
    session: Session,
    buttons: list[str],
    state: MessageState,
) -> None:
    """CHECKLIST P5."""
    page = page_of(the_message(session))

    answers = [press(client, page, button) for button in buttons]

    assert [answer.location for answer in answers] == [page] * len(buttons)
    assert the_message(session).state is state
    audited = session.scalars(select(AuditEntry.action).where(AuditEntry.actor.like("person:%")))
    assert len(audited.all()) == len(buttons)
    assert "by you" in text_of(client, page)


def test_a_mail_that_was_maybe_sent_waits_for_a_person(
    client: FlaskClient, mei: Participant, session: Session
) -> None:
    session.execute(update(Message).values(state=MessageState.UNCONFIRMED, wake_at=None))
    session.commit()
    page = page_of(the_message(session))

    assert "Maybe sent" in text_of(client, page)
    press(client, page, "It arrived")

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
    form = client.get(page_of(message)).get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([^"]*)"', form)
    assert token
    session.execute(update(Message).values(state=meanwhile, version=2))
    session.commit()

    answer = client.post(
        f"{page_of(message)}/cancel", data={"csrf_token": token[1], "version": "1"}
    )

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
    other = make_event(session, title="Kelp")
    stranger = app.test_client()
    sign_in(stranger, session, other)

    theirs = stranger.get(f"{page_of(message)}{place}")
    through_own_event = stranger.get(f"/events/{other.id}/messages/{message.id}{place}")

    assert (theirs.status_code, through_own_event.status_code) == (404, 404)


def test_an_event_without_mails_says_what_comes(client: FlaskClient, session: Session) -> None:
    event = make_event(session)
    sign_in(client, session, event)

    assert "No mails yet" in text_of(client, f"/events/{event.id}/messages")
