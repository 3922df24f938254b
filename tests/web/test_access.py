"""Nobody opens what is not theirs, and what is not theirs looks as if it did not exist."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.events.model import Event, Participant
from asyncnet.web.access import Role
from tests.pages import find_form, post_form
from tests.web.world import (
    CHANGING,
    NOWHERE,
    Door,
    Side,
    World,
    build,
    doors,
    path_of,
    visitors,
)

OWN = {
    Role.ORGANIZER: {"host"},
    Role.PARTICIPANT: {"away"},
}


@pytest.fixture
def world(session: Session) -> World:
    return build(session)


@pytest.mark.sizeless
def test_every_route_says_who_may_use_it(app: Flask) -> None:
    """A1."""
    silent = [str(door) for door in doors(app) if door.policy is None]

    assert silent == []


@pytest.mark.sizeless
def test_a_route_that_says_nothing_is_not_there(app: Flask) -> None:
    """A1."""
    app.add_url_rule("/forgotten", view_func=lambda: "secret")

    answer = app.test_client().get("/forgotten")

    assert answer.status_code == 404


def test_strangers_open_nothing_that_is_not_public(app: Flask, world: World) -> None:
    """A1: no route but the public ones ever answers 2xx to a browser that nobody knows."""
    closed = [
        door for door in doors(app) if door.policy not in {Role.PUBLIC, Role.DEVELOPER, Role.SIGNED}
    ]

    opened = []
    for door in closed:
        answer = ask(app.test_client(), app, door, world.ours)
        if answer < 300 or answer >= 500:
            opened.append((str(door), answer))

    assert len(closed) > 40
    assert opened == []


def test_each_visitor_opens_their_own_and_nothing_else(app: Flask, world: World) -> None:
    """A2: every role at every route with every verb."""
    browsers = visitors(app, world)
    closed = [door for door in doors(app) if door.policy in OWN]
    closed.sort(key=lambda door: door.endpoint == "people.close_pages")

    wrong = []
    for door in closed:
        for who, browser in browsers.items():
            status = ask(browser, app, door, world.ours)
            expected = expected_of(door, who)
            if status not in expected:
                wrong.append((str(door), who, status))

    assert wrong == []


def expected_of(door: Door, who: str) -> set[int]:
    """Return the statuses that a visitor may get at our side's address of a route.

    Redirects after a change are 302; forms that miss their fields come back with 200 or 400;
    an upload that has ended or not arrived is 409 or 410.
    """
    owner = {"live"} if "matches" in door.rule and "<int:participant_id>" in door.rule else None
    done = {200, 201, 302, 400, 409, 410}
    if door.policy is Role.ORGANIZER:
        if who == "host" or (who == "stranger" and "event_id" not in door.rule):
            return done
        return {404} if who == "stranger" else {302}
    return done if who in (owner or {"away"}) else {404}


def test_foreign_things_answer_like_missing_ones(app: Flask, world: World) -> None:
    """A2: an organizer, and a participant, who put somebody else's ids into their own addresses."""
    browsers = visitors(app, world)
    told = []

    for door in doors(app):
        who = "host" if door.policy is Role.ORGANIZER else "away"
        names = set(re.findall(r"<(?:int:)?(\w+_id)>", door.rule))
        if door.policy not in OWN or not names or door.method == "HEAD":
            continue
        foreign = world.theirs.values(door.rule)
        if "event_id" in names:
            attacks = [names - {"event_id"}, {"event_id"}, names]
        else:
            attacks = [names - {"participant_id"}, {"participant_id"}, names]
        for swapped in filter(None, attacks):
            pages = [
                seen(browsers[who], app, door, world.ours, {name: value[name] for name in swapped})
                for value in (foreign, dict.fromkeys(names, NOWHERE))
            ]
            if pages[0] != pages[1] or pages[0][0] != 404:
                told.append((str(door), sorted(swapped), pages[0][0], pages[1][0]))

    assert told == []


def test_lists_and_counts_hold_only_ones_own(app: Flask, world: World) -> None:
    """A2."""
    browser = visitors(app, world)["host"]
    theirs = [world.theirs.host.email, world.theirs.live.name, world.theirs.away.email]

    for door in doors(app):
        if door.policy is Role.ORGANIZER and door.method == "GET":
            page = browser.get(path_of(app, door, world.ours)).text
            assert [words for words in theirs if words in page] == [], str(door)

    assert browser.get("/events").text.count(world.ours.event.title) == 1


def test_fields_that_no_form_has_are_not_looked_at(
    app: Flask, world: World, rows: Callable[..., list[Any]]
) -> None:
    """A3: whatever a form is sent beside its own fields changes nothing."""
    host = visitors(app, world)["host"]
    event = world.ours.event
    extra = {
        "event_id": str(world.theirs.event.id),
        "person_id": str(world.theirs.host.id),
        "registration_key": "known-to-me",
        "link_version": "77",
        "left_at": "2020-01-01",
        "registered_at": "2020-01-01",
        "created_at": "2020-01-01",
        "published_at": "2020-01-01",
        "id": "4711",
        "role": "admin",
        "is_admin": "1",
        "state": "ready",
        "status": "ready",
        "verified": "1",
        "storage_key": "intros/one",
    }

    post_form(host, f"/events/{event.id}/settings", {"title": "Renamed", **extra})
    person = f"/events/{event.id}/participants/{world.ours.live.id}"
    post_form(host, person, {"name": "Renamed", **extra})

    [changed] = rows(select(Event).where(Event.title == "Renamed"))
    assert (changed.id, changed.registration_key) == (event.id, event.registration_key)
    assert changed.published_at is None
    assert changed.created_at == event.created_at
    [renamed] = rows(select(Participant).where(Participant.name == "Renamed"))
    assert (renamed.id, renamed.event_id) == (world.ours.live.id, event.id)
    assert (renamed.link_version, renamed.left_at) == (1, None)
    assert renamed.registered_at == world.ours.live.registered_at


def seen(
    client: FlaskClient, app: Flask, door: Door, side: Side, instead: dict[str, int]
) -> tuple[int, str]:
    """Return status and body of a request, without what differs between any two requests."""
    answer = client.open(
        path_of(app, door, side, **instead),
        method=door.method,
        data=tokened(client) if door.method in CHANGING else None,
    )
    body = re.sub(r'nonce="[^"]+"|<code>[0-9a-f]{12}</code>|value="[^"]{60,}"', "", answer.text)
    body = re.sub(r"/me/\d+(/matches/\d+)?/way-back", "", body)  # the address that was asked for
    return answer.status_code, re.sub(r"\d{5,}", "N", body)


def ask(client: FlaskClient, app: Flask, door: Door, side: Side) -> int:
    """Return the status of a request with a good anti-forgery token."""
    return client.open(
        path_of(app, door, side),
        method=door.method,
        data=tokened(client) if door.method in CHANGING else None,
    ).status_code


@lru_cache(maxsize=16)
def tokened(client: FlaskClient) -> dict[str, list[str]]:
    """Return what every form carries, and the fields without which an upload cannot go on."""
    token = find_form(client.get("/lost-link")).values["csrf_token"]
    return {"csrf_token": token, "method": ["GET"], "upload_id": ["one"]}
