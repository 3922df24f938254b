"""No other site makes a browser change anything, and looking at a page changes nothing."""

from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from asyncnet.web.access import Role
from tests.pages import find_form, open_personal_link, sign_in
from tests.web.world import (
    CHANGING,
    CONSENTED,
    SEEING,
    World,
    build,
    count,
    digest,
    doors,
    path_of,
)

ATTACKS: Mapping[str, Mapping[str, Any]] = {
    "no token": {"data": {}},
    "wrong token": {"data": {"csrf_token": "IjAxMjM0NTY3ODki.ZzzzzA.forged"}},
    "foreign origin": {"token": True, "headers": {"Origin": "https://evil.example"}},
    "foreign page": {"token": True, "headers": {"Sec-Fetch-Site": "cross-site"}},
    "sister site": {"token": True, "headers": {"Sec-Fetch-Site": "same-site"}},
    "plain text": {"data": b"csrf_token=x&agreed=y", "content_type": "text/plain"},
    "JSON": {"json": {"csrf_token": "x", "agreed": "y"}},
    "JSON as text": {"data": b'{"agreed": "y"}', "content_type": "text/plain"},
}
LOOKING = ("browser_session", "audit_entry", "presence")
"""What opening a personal link leaves behind: which browser, an entry that it happened, and
that the page is open, while it is."""


@pytest.fixture
def world(session: Session) -> World:
    return build(session)


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_changes_without_a_token_from_our_own_page(
    app: Flask, world: World, attack: str
) -> None:
    """B1: every route that changes something, upload signing and JSON included."""
    browsers = everybody(app, world)
    changing = [door for door in doors(app) if door.method in CHANGING]
    forged = [door for door in changing if door.policy is not Role.SIGNED]
    paths = {door: path_of(app, door, world.ours) for door in forged}
    before = digest(app)

    let_in = []
    for door in forged:
        browser = browsers[door.policy or Role.PUBLIC]
        answer = browser.open(paths[door], method=door.method, **request_of(browser, attack))
        if answer.status_code not in {400, 403}:
            let_in.append((str(door), answer.status_code))

    assert len(forged) > 20
    assert let_in == []
    assert digest(app) == before


def test_our_own_pages_are_let_through(app: Flask, world: World) -> None:
    """B1: what the attacks above are refused for is the only thing that is wrong with them."""
    browser = everybody(app, world)[Role.PARTICIPANT]
    token = token_of(browser)

    for site in ("same-origin", "none"):
        answer = browser.post(
            f"/me/{world.ours.away.id}/intro/consent",
            data={"csrf_token": token, **CONSENTED},
            headers={"Sec-Fetch-Site": site, "Origin": "http://127.0.0.1:8000"},
        )
        assert answer.status_code == 302


def test_signed_addresses_of_others_are_refused(app: Flask) -> None:
    """B1: uploading takes no cookie, so its address must have been signed for this very method."""
    client = app.test_client()

    for door in doors(app):
        if door.policy is Role.SIGNED:
            path = door.rule.replace("<token>", "WyJQVVQiXQ.forged")
            assert client.open(path, method=door.method).status_code in {403, 404}, str(door)


def test_looking_changes_nothing(app: Flask, world: World) -> None:
    """B2: all GETs and HEADs, as everybody; only a personal link may leave its two rows."""
    browsers = everybody(app, world)
    seeing = [door for door in doors(app) if door.method in SEEING]
    paths = {door: path_of(app, door, world.ours) for door in seeing}
    before, audited = digest(app, without=LOOKING), count(app, "audit_entry")

    broken = []
    for door in seeing:
        for browser in [*browsers.values(), app.test_client()]:
            status = browser.open(paths[door], method=door.method).status_code
            if status >= 500:
                broken.append((str(door), status))

    assert len(seeing) > 50
    assert broken == []
    assert digest(app, without=LOOKING) == before
    strangers = 3  # who have not opened this personal link before: public, organizer, nobody
    assert count(app, "audit_entry") - audited == strangers


def test_a_mail_scanner_that_asks_for_heads_leaves_no_trace(app: Flask, world: World) -> None:
    """B2, S6: HEAD on a personal link makes neither a session nor an entry."""
    links = [door for door in doors(app) if door.endpoint == "events.hello"]
    path = path_of(app, links[0], world.ours)
    before = digest(app)

    for _ in range(3):
        assert app.test_client().head(path).status_code == 302

    assert digest(app) == before


def everybody(app: Flask, world: World) -> dict[Role, FlaskClient]:
    """Return browsers that may open the routes of each policy."""
    browsers: dict[Role, FlaskClient] = {
        role: app.test_client() for role in Role if role is not Role.SIGNED
    }
    sign_in(browsers[Role.ORGANIZER], world.ours.host)
    open_personal_link(browsers[Role.PARTICIPANT], world.ours.away)
    open_personal_link(browsers[Role.PARTICIPANT], world.ours.live)
    return {**browsers, Role.DEVELOPER: browsers[Role.PUBLIC]}


def request_of(browser: FlaskClient, attack: str) -> dict[str, Any]:
    """Return what a request of this attack carries, a good token where that is its point."""
    given = dict(ATTACKS[attack])
    if given.pop("token", False):
        given["data"] = {"csrf_token": token_of(browser)}
    return given


def token_of(browser: FlaskClient) -> str:
    return find_form(browser.get("/lost-link")).values["csrf_token"][0]
