"""Sent twice is done once, and two people never overwrite each other without knowing."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.events.model import Event, Participant
from asyncnet.followups.model import Answer
from asyncnet.intros.model import Intro, IntroState
from asyncnet.messages.model import Message
from tests import factories
from tests.pages import filled, find_form, open_personal_link, post_form, sign_in
from tests.web.world import CONSENTED, World, build

CLICKS = 20
Rows = Callable[..., list[Any]]
IDA = {
    "name": "Ida",
    "email": "ida@reader.example",
    "zone": "Asia/Tokyo",
    "attendance": "live",
    "consent": "y",
}


@pytest.fixture
def world(session: Session) -> World:
    return build(session)


def test_registering_twenty_times_at_once(app: Flask, world: World, rows: Rows) -> None:
    """F8: one rendered form, sent by an impatient finger."""
    path = f"/join/{world.ours.event.registration_key}"

    answers = click_many(app.test_client(), path, IDA)

    assert answers == {(302, f"{path}/thanks")}
    [ida] = rows(select(Participant).where(Participant.email == IDA["email"]))
    assert len(rows(select(Message).where(Message.participant_id == ida.id))) == 1


def test_making_an_event_twenty_times_at_once(app: Flask, world: World, rows: Rows) -> None:
    """F8."""
    host = app.test_client()
    sign_in(host, world.ours.host)

    answers = click_many(
        host,
        "/events/new",
        {
            "title": "Once",
            "zone": "Asia/Tokyo",
            "starts": "2083-03-04T10:00",
            "send_hour": "09:00",
        },
    )

    [made] = rows(select(Event).where(Event.title == "Once"))
    assert answers == {(302, f"/events/{made.id}")}


def test_answering_twenty_times_at_once(
    app: Flask, world: World, session: Session, rows: Rows
) -> None:
    """F8."""
    away = world.ours.away
    other = factories.participant(session, world.ours.event)
    match = factories.match(session, other, away, round_number=3)
    browser = app.test_client()
    open_personal_link(browser, other)
    path = f"/me/{other.id}/matches/{match.id}"
    form = find_form(browser.get(path))
    question = next(name for name in form.values if name.startswith("q"))

    answers = click_many(browser, path, {question: "The tide pools."})

    assert answers == {(302, f"{path}/thanks")}
    assert len(rows(select(Answer).where(Answer.match_id == match.id))) == 1
    [message] = rows(select(Message).where(Message.key.like(f"follow-up:{away.id}:%")))
    assert message.state == "scheduled"


def test_writing_an_intro_twenty_times_at_once(app: Flask, world: World, rows: Rows) -> None:
    """F8."""
    browser = app.test_client()
    open_personal_link(browser, world.ours.away)
    studio = f"/me/{world.ours.away.id}/intro"
    post_form(browser, studio, CONSENTED, action="/consent")
    form = find_form(browser.get(studio), "/words")
    words = "I count eelgrass in the bay, and would like to meet people who map it."

    answers = at_once(browser, f"{studio}/words", filled(form, {"words": words}))

    assert answers == {(302, studio)}
    assert len(rows(select(Intro).where(Intro.state == IntroState.READY))) == 1


def test_adding_a_list_twenty_times_at_once(app: Flask, world: World, rows: Rows) -> None:
    """F8, A6."""
    host = app.test_client()
    sign_in(host, world.ours.host)
    event = world.ours.event.id
    page = f"/events/{event}/import/{world.ours.import_id}"
    token = filled(find_form(host.get("/lost-link")), {})

    answers = at_once(host, page, token)

    assert answers == {(302, f"/events/{event}/participants")}
    [ida] = rows(select(Participant).where(Participant.name == "Ida"))
    assert len(rows(select(Message).where(Message.participant_id == ida.id))) == 1


def test_a_second_form_makes_a_second_event(app: Flask, world: World, rows: Rows) -> None:
    """F8: the same words in a form opened anew are meant."""
    host = app.test_client()
    sign_in(host, world.ours.host)
    said = {"title": "Twice", "zone": "Asia/Tokyo", "starts": "2083-03-04T10:00"}

    for _ in range(2):
        post_form(host, "/events/new", {**said, "send_hour": "09:00"})

    assert len(rows(select(Event).where(Event.title == "Twice"))) == 2


def test_the_second_organizer_sees_both_texts(
    app: Flask, world: World, session: Session, rows: Rows
) -> None:
    """F9: 409, nothing overwritten, and their own words are still in the form."""
    page = f"/events/{world.ours.event.id}/settings"
    ana, ben = two_organizers(app, world, session)
    anas, bens = (find_form(browser.get(page)) for browser in (ana, ben))

    first = ana.post(page, data=filled(anas, {"title": "Ana's title"}))
    second = ben.post(page, data=filled(bens, {"title": "Ben's title", "purpose": "Why not"}))

    assert first.status_code == 302
    assert second.status_code == 409
    assert "Ana&#39;s title" in second.text
    shown = find_form(second).values
    assert (shown["title"], shown["purpose"]) == (["Ben's title"], ["Why not"])
    [event] = rows(select(Event).where(Event.id == world.ours.event.id))
    assert event.title == "Ana's title"


def test_having_seen_both_one_may_save(
    app: Flask, world: World, session: Session, rows: Rows
) -> None:
    """F9: the page that shows both texts is a good one to decide on."""
    page = f"/events/{world.ours.event.id}/settings"
    ana, ben = two_organizers(app, world, session)
    bens = find_form(ben.get(page))
    post_form(ana, page, {"title": "Ana's title"})
    refused = ben.post(page, data=filled(bens, {"title": "Ben's title"}))

    again = ben.post(page, data=filled(find_form(refused), {}))

    assert again.status_code == 302
    [event] = rows(select(Event).where(Event.id == world.ours.event.id))
    assert event.title == "Ben's title"


def test_no_save_is_overwritten_unseen(app: Flask, world: World, session: Session) -> None:
    """F9: each save that was accepted had been made on what the one before it left."""
    page = f"/events/{world.ours.event.id}/settings"
    browsers = two_organizers(app, world, session)
    forms = [find_form(browser.get(page)) for browser in browsers]
    luck = random.Random(9)
    saved, based_on = ["Tidal Commons"], []

    for turn in range(40):
        who = luck.randrange(2)
        if luck.random() < 0.4:
            forms[who] = find_form(browsers[who].get(page))
            continue
        before = forms[who].values["title"][0]
        answer = browsers[who].post(page, data=filled(forms[who], {"title": f"Turn {turn}"}))
        if answer.status_code == 302:
            based_on.append(before)
            saved.append(f"Turn {turn}")

    assert len(based_on) > 5
    assert based_on == saved[:-1]


def two_organizers(app: Flask, world: World, session: Session) -> tuple[FlaskClient, FlaskClient]:
    """Return two browsers of two people who run our event together."""
    other = factories.organizer(session, of=world.ours.event)
    browsers = app.test_client(), app.test_client()
    sign_in(browsers[0], world.ours.host)
    sign_in(browsers[1], other)
    return browsers


def click_many(browser: FlaskClient, path: str, said: dict[str, Any]) -> set[tuple[int, str]]:
    """Send one rendered form many times at once; return the different answers."""
    return at_once(browser, path, filled(find_form(browser.get(path)), said))


def at_once(browser: FlaskClient, path: str, data: dict[str, Any]) -> set[tuple[int, str]]:
    """Post the same data from many threads that hold the same cookie."""
    cookie = browser.get_cookie("asyncnet", "127.0.0.1")
    assert cookie is not None

    def click(_: int) -> tuple[int, str]:
        same = browser.application.test_client()
        same.set_cookie("asyncnet", cookie.value, domain="127.0.0.1")
        answer = same.post(path, data=data)
        return answer.status_code, answer.headers.get("Location", "")

    with ThreadPoolExecutor(CLICKS) as pool:
        return set(pool.map(click, range(CLICKS)))
