"""A participant's own page shows the right thing for this moment, and asks cheaply for news."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event as engine_event
from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.audit.actions import SYSTEM
from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.events.actions.refreshing import refresh_pages_of
from asyncnet.events.actions.registering import remove_participant
from asyncnet.events.model import Event, Participant
from asyncnet.events.rules import Attendance
from asyncnet.matches.model import Group, GroupMember, Match, MatchState
from asyncnet.people.model import Person
from tests import factories
from tests.pages import open_personal_link, post_form, sign_in

Rows = Callable[..., list[Any]]


@pytest.fixture
def begin(session: Session) -> Callable[[float], Event]:
    """Makes an event of three rounds of five minutes that began so many minutes ago."""

    def make(minutes_ago: float) -> Event:
        host = factories.organizer(session, "host@forum.example")
        made = factories.event(
            session, host, starts_at=utc_now() - timedelta(minutes=minutes_ago), rounds=3
        )
        made.published_at = utc_now()
        session.commit()
        return made

    return make


@pytest.fixture
def ana_meets(session: Session) -> Callable[[Event], Participant]:
    """Lets Ana meet Ben in round 1, watch Mei in round 2, and be free in round 3."""

    def plan(event: Event) -> Participant:
        ana, ben = (factories.participant(session, event, name=name) for name in ("Ana", "Ben"))
        mei = factories.participant(session, event, name="Mei", attendance=Attendance.ASYNC)
        chat = factories.match(session, ana, ben)
        ben.experience = "Reef maps"
        chat.room, chat.first_reasons = 12, ["You both count whales."]
        factories.match(session, ana, mei, round_number=2)
        group = Group(event_id=event.id, number=3, created_at=utc_now())
        session.add(group)
        session.flush()
        session.add_all(GroupMember(group_id=group.id, participant_id=p.id) for p in (ana, ben))
        event.closing_minutes = 10
        event.ends_at += timedelta(minutes=10)
        session.commit()
        return ana

    return plan


@pytest.mark.parametrize(
    ("minutes_ago", "here", "not_here"),
    [
        (-60, ["Round 1 comes first", "Your rounds", "Ben"], ["You meet"]),
        (
            1,
            ["Round 1 of 3", "You meet Ben", "Room 12", "You both count whales.", "Reef maps"],
            ["You meet Mei"],
        ),
        (6, ["Break, then round 2", "Next, in round 2", "Mei"], ["You meet"]),
        (8, ["Round 2 of 3", "You meet Mei", "Write to Mei"], ["You meet Ben"]),
        (15, ["Round 3 of 3", "You are free in this round"], ["You meet"]),
        (
            20,
            ["Closing groups", "Breakout room", "Group 3", "Ben", "Everybody in turn"],
            ["You meet"],
        ),
        (40, ["The event is over", "Everyone you met", "Mei", "What comes next"], ["Your rounds"]),
    ],
)
def test_the_page_shows_what_is_right_now(
    client: FlaskClient,
    begin: Callable[[float], Event],
    ana_meets: Callable[[Event], Participant],
    minutes_ago: float,
    here: list[str],
    not_here: list[str],
) -> None:
    ana = ana_meets(begin(minutes_ago))

    page = open_personal_link(client, ana)

    assert [words for words in here if words not in page.text] == []
    assert [words for words in not_here if words in page.text] == []


def test_a_page_that_shows_this_already_is_told_so_by_one_small_query(
    app: Flask,
    client: FlaskClient,
    begin: Callable[[float], Event],
    ana_meets: Callable[[Event], Participant],
) -> None:
    ana = ana_meets(begin(1))
    tag = open_personal_link(client, ana).headers["ETag"]
    client.get(f"/me/{ana.id}/now", headers={"If-None-Match": tag})
    asked: list[str] = []
    with app.app_context():
        engine_event.listen(db.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))

    same = client.get(f"/me/{ana.id}/now", headers={"If-None-Match": tag})
    elsewhere = client.get(
        f"/me/{ana.id}/now", headers={"If-None-Match": tag, "Host": "evil.example"}
    )

    assert elsewhere.status_code == 400
    assert (same.status_code, same.data) == (304, b"")
    assert int(same.headers["X-Server-Time"]) > 0
    assert "Set-Cookie" not in same.headers
    assert len([sql for sql in asked if sql.startswith("SELECT")]) == 1


def test_the_first_view_asks_few_questions(
    app: Flask,
    client: FlaskClient,
    begin: Callable[[float], Event],
    ana_meets: Callable[[Event], Participant],
) -> None:
    ana = ana_meets(begin(20))
    open_personal_link(client, ana)
    asked: list[str] = []
    with app.app_context():
        engine_event.listen(db.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))

    page = client.get(f"/me/{ana.id}")

    assert "Group 3" in page.text
    assert len([sql for sql in asked if sql.startswith("SELECT")]) < 8


def test_a_round_that_begins_is_news_without_anybody_pressing_a_button(
    session: Session,
    client: FlaskClient,
    begin: Callable[[float], Event],
    ana_meets: Callable[[Event], Participant],
) -> None:
    event = begin(-0.02)
    ana = ana_meets(event)
    tag = open_personal_link(client, ana).headers["ETag"]

    fresh = until_changed(client, f"/me/{ana.id}/now", tag)

    assert "You meet Ben" in fresh


def test_a_match_taken_out_is_news_once_the_plan_is_published(
    app: Flask,
    client: FlaskClient,
    begin: Callable[[float], Event],
    ana_meets: Callable[[Event], Participant],
    rows: Rows,
) -> None:
    event = begin(1)
    ana = ana_meets(event)
    [_, match] = rows(select(Match).order_by(Match.id))
    phone = app.test_client()
    tag = open_personal_link(phone, ana).headers["ETag"]
    sign_in(client, rows(select(Person))[0])
    plan, who = f"/events/{event.id}/plan", f"one={match.first_id}&other={match.second_id}"

    post_form(client, f"{plan}/edit?act=out&number=2&{who}", action="/plan/edit")
    drafted = phone.get(f"/me/{ana.id}/now", headers={"If-None-Match": tag})
    post_form(client, plan, action="/plan/publish")
    published = phone.get(f"/me/{ana.id}/now", headers={"If-None-Match": tag})

    assert (drafted.status_code, published.status_code) == (304, 200)
    assert "Mei" not in published.text


def test_neighbours_whose_pages_are_read_together_see_only_their_own(
    app: Flask,
    session: Session,
    begin: Callable[[float], Event],
    ana_meets: Callable[[Event], Participant],
    rows: Rows,
) -> None:
    event = begin(1)
    ana_meets(event)
    for name in ("Zoe", "Yan"):
        factories.participant(session, event, name=name, greeting=f"{name} counts moss.")
    zoe, yan = rows(select(Participant).order_by(Participant.id))[3:]
    factories.match(session, zoe, yan)
    session.commit()
    people = rows(select(Participant).order_by(Participant.id))
    browsers = [app.test_client() for _ in people]
    for browser, person in zip(browsers, people, strict=True):
        open_personal_link(browser, person)
    asked: list[str] = []
    with app.app_context():
        engine_event.listen(db.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))

    anas, bens, meis, zoes, yans = (
        browser.get(f"/me/{person.id}/now").text
        for browser, person in zip(browsers, people, strict=True)
    )

    names = ("Ana", "Ben", "Mei", "Zoe", "Yan")
    assert [[name for name in names if name in words] for words in (anas, bens, zoes, yans)] == [
        ["Ben", "Mei"], ["Ana"], ["Yan"], ["Zoe"]
    ]  # fmt: skip
    assert [name for name in names if name in meis] == []
    assert "Yan counts moss." in zoes
    assert len([sql for sql in asked if sql.startswith("SELECT")]) < 2 * len(people) + 8
    assert browsers[0].get(f"/me/{zoe.id}/now").status_code == 404


def test_what_was_read_for_neighbours_is_read_anew_once_it_is_not_so_any_more(
    app: Flask,
    session: Session,
    begin: Callable[[float], Event],
    ana_meets: Callable[[Event], Participant],
    rows: Rows,
) -> None:
    event = begin(1)
    ana_meets(event)
    ana, ben = rows(select(Participant).order_by(Participant.id))[:2]
    anas, bens = app.test_client(), app.test_client()
    for browser, person in ((anas, ana), (bens, ben)):
        open_personal_link(browser, person)
        assert "You meet" in browser.get(f"/me/{person.id}/now").text

    with app.app_context(), transaction() as writing:
        match = writing.scalars(select(Match).order_by(Match.id)).first()
        assert match is not None
        match.state = MatchState.WITHDRAWN
        refresh_pages_of(writing, (ana.id, ben.id))
    alone = anas.get(f"/me/{ana.id}/now").text
    with app.app_context(), transaction() as writing:
        who = writing.get_one(Participant, ben.id)
        remove_participant(writing, who, actor=SYSTEM, now=utc_now())
    gone = bens.get(f"/me/{ben.id}/now")

    assert "You are free in this round" in alone
    assert "You meet" not in alone
    assert gone.status_code == 410


def until_changed(client: FlaskClient, path: str, tag: str) -> str:
    """Ask as an open page does until there is news; return it."""
    while True:
        answer = client.get(path, headers={"If-None-Match": tag})
        if answer.status_code != 304:
            return answer.text
