"""Organizers write what mails say: for a kind of mail of an event, or for one mail alone."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from asyncnet.clock import utc_now
from asyncnet.events.actions.linking import send_personal_link
from asyncnet.events.model import Event, Participant
from asyncnet.messages.model import MailText, Message
from asyncnet.messages.rules import MessageState
from asyncnet.messages.wording import WORDABLE, Wording
from asyncnet.tasks import drain_mail
from asyncnet.wiring import mailer
from tests import factories
from tests.pages import filled, find_form, post_form, sign_in

Rows = Callable[..., list[Any]]
WORDS = {
    "subject": "{name}, come to {event}",
    "opening": "Dear {name},\n\nwe are glad.\nTruly.",
    "closing": "Yours, the hosts",
}


@pytest.fixture
def mei(session: Session, client: FlaskClient) -> Participant:
    """Somebody whose mail with a personal link is due; the client is the organizer's."""
    host = factories.organizer(session)
    forum: Event = factories.event(session, host, title="Tide pools")
    mei = factories.participant(session, forum, name="Mei {event} Tanaka", zone="Asia/Tokyo")
    send_personal_link(session, mei, now=utc_now())
    session.commit()
    sign_in(client, host)
    return mei


def text_page(mei: Participant) -> str:
    return f"/events/{mei.event_id}/texts/personal_link"


def words_page(mei: Participant, rows: Rows) -> str:
    return f"/events/{mei.event_id}/messages/{rows(select(Message.id))[0]}/words"


def sent(app: Flask) -> Any:
    with app.app_context():
        drain_mail()
        return mailer().mails()[0]  # type: ignore[attr-defined]  # the inbox of a test


def test_an_events_words_are_in_its_mails_filled_once(
    app: Flask, client: FlaskClient, mei: Participant
) -> None:
    """CHECKLIST M2: a person called {event} is called so in the mail."""
    answer = post_form(client, text_page(mei), WORDS)

    mail = sent(app)
    assert answer.status_code == 302
    assert mail.message["Subject"] == "Mei {event} Tanaka, come to Tide pools"
    assert mail.text.replace("\r\n", "\n").startswith(
        "Dear Mei {event} Tanaka,\n\nwe are glad.\nTruly.\n"
    )
    assert mail.text.index("/hello/") < mail.text.index("Yours, the hosts")
    assert "we are glad.<br" in mail.html


@pytest.mark.parametrize(
    ("field", "words", "name"),
    [
        ("subject", "Dear {nmae}", "{nmae}"),
        ("opening", "{event.__init__.__globals__}", "{event.__init__.__globals__}"),
        ("closing", "{{config}}", "{config}"),
        ("closing", "{% for x in y %}", "{% for x in y %}"),
    ],
)
def test_a_place_that_nothing_fills_is_refused_by_its_name(
    client: FlaskClient, mei: Participant, rows: Rows, field: str, words: str, name: str
) -> None:
    answer = post_form(client, text_page(mei), {**WORDS, field: words})

    told = unescape(answer.text)
    assert f"There is nothing to put in for {name}. You can use {{name}}, {{event}}" in told
    assert rows(select(MailText)) == []


def test_a_subject_that_is_too_long_when_filled_is_refused(
    client: FlaskClient, session: Session, mei: Participant, rows: Rows
) -> None:
    """Under 200 characters as it is typed, and far more with what is put in."""
    mei.event.title, mei.event.purpose = "Tides and pools", "Meet the people of our coasts. " * 9
    session.commit()
    places = {"title": "{event}" * 28, "purpose": "{purpose} " * 3, "name": "{name}" * 20}

    told = {
        name: post_form(client, text_page(mei), {**WORDS, "subject": subject}).text
        for name, subject in places.items()
    }
    alone = post_form(client, words_page(mei, rows), {"subject": places["title"]}).text

    assert "this subject has 420 characters. Please keep it under 300." in told["title"]
    assert "this subject has 836 characters." in told["purpose"]
    assert "this subject has 360 characters." in told["name"]
    assert "this subject has 420 characters." in alone
    assert rows(select(MailText)) == []


def test_a_subject_that_has_become_too_long_since_is_cut_and_sent(
    app: Flask, client: FlaskClient, session: Session, mei: Participant
) -> None:
    """As when the event gets a longer title; of letters that take four bytes each."""
    post_form(client, text_page(mei), {**WORDS, "subject": "{event}" * 20})
    mei.event.title = "🌊" * 120
    session.commit()

    subject = sent(app).message["Subject"]

    assert subject == "🌊" * 299 + "…"


def test_a_preview_shows_the_words_and_saves_nothing(
    client: FlaskClient, mei: Participant, rows: Rows
) -> None:
    answer = post_form(client, text_page(mei), {**WORDS, "preview": "yes"})

    assert "Ana Silva, come to Tides and telescopes" in answer.text
    assert rows(select(MailText)) == []
    assert find_form(answer).values["closing"] == ["Yours, the hosts"]


def test_the_second_organizer_sees_what_the_first_one_saved(
    client: FlaskClient, mei: Participant, rows: Rows
) -> None:
    """CHECKLIST F9."""
    form = find_form(client.get(text_page(mei)))
    client.post(form.action, data=filled(form, WORDS))

    late = client.post(form.action, data=filled(form, {**WORDS, "closing": "Mine"}))
    again = client.post(form.action, data=filled(find_form(late), {}))

    assert late.status_code == 409
    assert "Yours, the hosts" in late.text
    assert again.status_code == 302
    assert rows(select(MailText.closing)) == ["Mine"]


def test_the_usual_words_come_back(client: FlaskClient, mei: Participant) -> None:
    post_form(client, text_page(mei), WORDS)
    post_form(client, text_page(mei), action="/usual")

    shown = find_form(client.get(text_page(mei))).values
    usual = WORDABLE["personal_link"].usual
    assert shown["subject"] == [usual.subject]
    assert shown["opening"] == [usual.opening.replace("\n", "\r\n")]


def test_one_mail_has_words_of_its_own(
    app: Flask, client: FlaskClient, mei: Participant, rows: Rows
) -> None:
    post_form(client, text_page(mei), WORDS)
    page = words_page(mei, rows)

    shown = post_form(client, page, {"closing": "See you, {name}", "preview": "yes"})
    saved = post_form(client, page, {"closing": "See you, {name}"})

    mail = sent(app)
    assert "See you, Mei {event} Tanaka" in shown.text
    assert saved.status_code == 302
    assert "See you, Mei {event} Tanaka" in mail.text
    assert "Yours, the hosts" not in mail.text


@pytest.mark.parametrize(
    ("meanwhile", "told"),
    [
        (MessageState.SENDING, "It is being sent at this very moment"),
        (MessageState.HELD, "It has changed since you opened this page"),
    ],
)
def test_words_that_come_too_late_are_not_lost_unsaid(
    client: FlaskClient,
    mei: Participant,
    session: Session,
    rows: Rows,
    meanwhile: MessageState,
    told: str,
) -> None:
    page = words_page(mei, rows)
    form = find_form(client.get(page))
    session.execute(update(Message).values(state=meanwhile, version=2))
    session.commit()

    answer = client.post(page, data=filled(form, {"closing": "Too late"}))

    assert answer.status_code == 409
    assert told in answer.text
    assert rows(select(Message.own_closing)) == [None]


@pytest.mark.sizeless
def test_every_kind_fills_its_own_usual_words() -> None:
    for wordable in WORDABLE.values():
        words = wordable.sample(wordable.usual)
        assert not re.search(r"\{[a-z]", f"{words.subject}{words.opening}{words.closing}")


@pytest.mark.sizeless
def test_values_are_never_read_again() -> None:
    words = Wording("{name}", "{name} {event}", "{unknown}")

    said = words.filled({"name": "{event}", "event": "{name}"})

    assert said == Wording("{event}", "{event} {name}", "{unknown}")
