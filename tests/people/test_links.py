"""A personal link opens one person's pages, and no kind of link opens another's door."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeSerializer
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from asyncnet.app import create_app
from asyncnet.audit.model import AuditEntry
from asyncnet.clock import utc_now
from asyncnet.events.model import Event, Participant
from asyncnet.people.links import PERSONAL, LinkInvalid, Links
from asyncnet.people.model import BrowserSession
from config import Settings
from tests import factories
from tests.conftest import SECRET
from tests.pages import open_personal_link, personal_link, post_form, sign_in, token_for
from tests.web.world import World, build, doors, path_of

Rows = Callable[..., list[Any]]


@pytest.fixture
def world(session: Session) -> World:
    return build(session)


def test_a_personal_link_leads_to_ones_own_page(
    app: Flask, client: FlaskClient, world: World, rows: Rows
) -> None:
    """S8, S9: the address that stays in the browser does not hold the token."""
    away = world.ours.away
    token = personal_link(app, away).rpartition("/")[2]

    page = open_personal_link(client, away)

    assert page.status_code == 200
    assert page.request.path == f"/me/{away.id}"
    assert token not in page.request.url
    assert token not in page.text
    [opened] = rows(select(BrowserSession))
    assert (opened.participant_id, opened.person_id) == (away.id, None)


def test_it_opens_nobody_elses_page_and_no_organizers(client: FlaskClient, world: World) -> None:
    """S9."""
    open_personal_link(client, world.ours.away)

    assert client.get(f"/me/{world.ours.live.id}").status_code == 404
    assert client.get(f"/me/{world.theirs.away.id}").status_code == 404
    assert client.get("/events").status_code == 302
    assert client.get(f"/events/{world.ours.event.id}").status_code == 302


def test_opening_it_again_leaves_no_second_trace(
    client: FlaskClient, world: World, rows: Rows
) -> None:
    """B2, P5."""
    for _ in range(3):
        open_personal_link(client, world.ours.away)

    opened = select(AuditEntry).where(AuditEntry.action == "personal_link.opened")
    assert len(rows(opened)) == 1
    assert len(rows(select(BrowserSession))) == 1


@pytest.mark.parametrize("act", ["withdraw", "remove"])
def test_withdrawn_it_ends_at_once_also_for_open_pages(
    app: Flask, client: FlaskClient, world: World, act: str
) -> None:
    """S9: 410 for the link, for pages that are open, and for what they would send."""
    away = world.ours.away
    path = personal_link(app, away)
    open_personal_link(client, away)
    host = app.test_client()
    sign_in(host, world.ours.host)

    event = world.ours.event.id
    post_form(host, f"/events/{event}/participants/{away.id}", action=f"/{away.id}/{act}")

    assert client.get(path).status_code == 410
    assert app.test_client().get(path).status_code == 410
    for door in doors(app):
        if door.policy == "participant" and door.method == "GET" and "match" not in door.rule:
            page = client.get(path_of(app, door, world.ours))
            assert page.status_code == 410, str(door)
    assert "Mail me a link" in client.get(f"/me/{away.id}").text


def test_a_new_link_works_after_the_old_one_was_withdrawn(
    app: Flask, client: FlaskClient, world: World, session: Session
) -> None:
    """S9: re-issued, it opens the pages in the same browser that was shut out."""
    away = world.ours.away
    open_personal_link(client, away)
    session.execute(update(Participant).where(Participant.id == away.id).values(link_version=2))
    session.commit()
    assert client.get(f"/me/{away.id}").status_code == 410

    session.refresh(away)
    page = open_personal_link(client, away)

    assert page.status_code == 200


def test_it_ends_on_the_day_on_which_the_data_leave(
    app: Flask, client: FlaskClient, world: World, session: Session
) -> None:
    """S9."""
    away = world.ours.away
    path = personal_link(app, away)
    open_personal_link(client, away)
    over = utc_now() - timedelta(days=world.ours.event.retention_days, seconds=1)
    session.execute(update(Event).values(ends_at=over))
    session.commit()

    assert client.get(path).status_code == 410
    assert client.get(f"/me/{away.id}").status_code == 410


def test_closing_ones_pages_makes_a_copied_cookie_worthless(
    app: Flask, client: FlaskClient, world: World
) -> None:
    """S11, by analogy: a shared computer."""
    away = world.ours.away
    open_personal_link(client, away)
    copied = client.get_cookie("asyncnet", "127.0.0.1")
    assert copied is not None

    closed = post_form(client, f"/me/{away.id}", action="/close")

    thief = app.test_client()
    thief.set_cookie("asyncnet", copied.value, domain="127.0.0.1")
    assert thief.get(f"/me/{away.id}").status_code == 410
    assert closed.headers["Clear-Site-Data"] == '"storage"'  # B9: what was typed or recorded
    assert client.get(f"/me/{away.id}").status_code == 404


def test_each_token_opens_its_own_door_only(app: Flask, world: World) -> None:
    """S9: every kind of token at every route that takes one."""
    takers = [door for door in doors(app) if "<token>" in door.rule and door.method != "HEAD"]
    tokens = {
        door.rule: path_of(app, door, world.ours).rpartition("/")[2]
        for door in takers
        if door.endpoint != "people.open_sign_in"
    }
    tokens["sign-in"] = token_for(app, world.ours.host.email)

    opened = []
    for door in takers:
        for kind, token in tokens.items():
            if kind == door.rule or door.endpoint == "people.open_sign_in":
                continue
            path = door.rule.replace("<token>", token)
            status = app.test_client().open(path, method=door.method).status_code
            if status not in {403, 404, 410}:
                opened.append((str(door), kind, status))

    assert opened == []


def test_no_other_token_signs_anybody_in(app: Flask, world: World) -> None:
    """S9: a personal link offered where a sign-in link belongs."""
    client = app.test_client()
    token = personal_link(app, world.ours.away).rpartition("/")[2]
    client.get(f"/sign-in/{token}")

    pressed = post_form(client, "/sign-in/confirm")

    assert pressed.location == "/sign-in"
    assert client.get("/events").status_code == 302


@pytest.mark.sizeless
@pytest.mark.parametrize(
    "token",
    [
        "",
        "garbage",
        URLSafeSerializer(SECRET, salt="another-kind").dumps([1, 1]),
        URLSafeSerializer("another secret of somebody else", salt=PERSONAL).dumps([1, 1]),
        URLSafeSerializer(SECRET, salt=PERSONAL).dumps([1, 1]),
        "WzEsMV0.forged",
    ],
)
def test_what_we_did_not_sign_is_not_read(token: str) -> None:
    """S9: another salt, another key, another digest, or nothing at all."""
    with pytest.raises(LinkInvalid):
        Links("https://forum.example", (SECRET,)).read_personal(token)


@pytest.mark.sizeless
def test_links_signed_with_the_former_secret_are_still_read() -> None:
    """P4: and new ones are signed with the newest."""
    old = Links("https://forum.example", ("the former secret",))
    both = Links("https://forum.example", ("the newest secret", "the former secret"))
    new = Links("https://forum.example", ("the newest secret",))

    assert both.read_personal(old.personal(7, 2).rpartition("/")[2]) == (7, 2)
    assert new.read_personal(both.personal(7, 2).rpartition("/")[2]) == (7, 2)


def test_a_person_of_two_events_keeps_them_apart(
    client: FlaskClient, world: World, session: Session
) -> None:
    """A2: one browser, two links; each opens its own pages."""
    one = world.ours.away
    other = factories.participant(session, world.theirs.event, email=one.email)

    open_personal_link(client, one)
    open_personal_link(client, other)

    assert client.get(f"/me/{one.id}").status_code == 200
    assert client.get(f"/me/{other.id}").status_code == 200


def test_signing_out_ends_the_personal_pages_of_this_browser_too(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    """S11: also for a copy of the cookie."""
    host = factories.organizer(session)
    mei = factories.participant(session, factories.event(session, host))
    sign_in(client, host)
    open_personal_link(client, mei)
    kept = client.get_cookie("asyncnet", domain="127.0.0.1")
    assert kept is not None

    post_form(client, "/events", action="/sign-out")

    copy = app.test_client()
    copy.set_cookie("asyncnet", kept.value, domain="127.0.0.1")
    assert copy.get(f"/me/{mei.id}").status_code in {404, 410}
    assert copy.get("/events").status_code == 302


def test_whoever_may_no_longer_organize_is_signed_out(
    settings: Settings, session: Session, app: Flask
) -> None:
    """S11, A2: a former organizer."""
    host = factories.organizer(session, "host@forum.example")
    browser = app.test_client()
    sign_in(browser, host)
    cookie = browser.get_cookie("asyncnet", domain="127.0.0.1")
    assert cookie is not None

    stricter = create_app(replace(settings, organizers=("other@forum.example",)))
    later = stricter.test_client()
    later.set_cookie("asyncnet", cookie.value, domain="127.0.0.1")

    assert later.get("/events", base_url=settings.base_url).status_code == 302
