"""The organizer pairs people by hand and publishes; everybody sees what is theirs."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from asyncnet.clock import utc_now
from asyncnet.events.model import Event, Participant, Round
from asyncnet.events.rules import Attendance
from asyncnet.matches.bench.draft import Draft, Meeting
from asyncnet.matches.bench.model import Bench, Plan
from asyncnet.matches.model import Match, MatchState
from asyncnet.messages.model import Message
from asyncnet.messages.rules import MessageKind
from tests import factories
from tests.pages import find_form, open_personal_link, post_form, sign_in

Pair = Callable[..., TestResponse]
Rows = Callable[..., list]  # type: ignore[type-arg]


@pytest.fixture
def event(session: Session, client: FlaskClient) -> Event:
    """An event whose organizer is signed in."""
    host = factories.organizer(session)
    made = factories.event(session, host)
    sign_in(client, host)
    return made


@pytest.fixture
def people(session: Session, event: Event) -> dict[str, Participant]:
    return {
        name: factories.participant(session, event, name=name, attendance=attendance)
        for name, attendance in (
            ("Ana", Attendance.LIVE),
            ("Bo", Attendance.LIVE),
            ("Cy", Attendance.LIVE),
            ("Mei", Attendance.ASYNC),
            ("Kiri", Attendance.ASYNC),
        )
    }


@pytest.fixture
def pair(client: FlaskClient, event: Event, rows: Rows, people: dict[str, Participant]) -> Pair:
    slots = {slot.number: slot.id for slot in rows(select(Round))}

    def press(one: str, other: str, number: int = 1) -> TestResponse:
        return post_form(
            client,
            f"/events/{event.id}/plan",
            {"slot": slots[number], "one": people[one].id, "other": people[other].id},
        )

    return press


def on_bench(rows: Rows) -> list[Meeting]:
    """Return the meetings of the plan on the bench, none when no plan lies there."""
    contents = rows(select(Plan.content).join(Bench, Bench.plan_id == Plan.id))
    return [meeting for data in contents for _, meeting in Draft.of_data(data).meetings()]


def test_a_pair_is_a_draft_until_it_is_published(
    client: FlaskClient,
    event: Event,
    people: dict[str, Participant],
    pair: Pair,
    app: Flask,
    rows: Rows,
) -> None:
    phone = app.test_client()
    open_personal_link(phone, people["Ana"])
    pair("Mei", "Ana")
    assert not rows(select(Match))
    before = phone.get(f"/me/{people['Ana'].id}").text

    post_form(client, f"/events/{event.id}/plan", action="/plan/publish")
    after = phone.get(f"/me/{people['Ana'].id}").text

    assert "not published yet" in before
    assert "Mei" not in before
    assert "Write to Mei" in after
    assert [match.state for match in rows(select(Match))] == ["published"]


@pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [
        (("Ana", "Bo", 1), ("Bo", "Ana", 2), "Bo and Ana meet in round 1 already"),
        (("Ana", "Mei", 1), ("Cy", "Ana", 1), "Ana has a match in round 1 already"),
        (None, ("Mei", "Kiri", 1), "both take part asynchronously"),
        (None, ("Ana", "Ana", 1), "cannot meet themselves"),
    ],
)
def test_what_cannot_be_paired_says_why(
    pair: Pair,
    rows: Rows,
    first: tuple[str, str, int] | None,
    second: tuple[str, str, int],
    sentence: str,
) -> None:
    if first:
        pair(*first)

    page = pair(*second)

    assert sentence in page.text
    assert len(on_bench(rows)) == (1 if first else 0)


def test_who_had_to_leave_is_named_and_not_paired(
    pair: Pair, session: Session, people: dict[str, Participant], rows: Rows
) -> None:
    people["Bo"].away_from_at = utc_now()
    session.commit()

    page = pair("Ana", "Bo")

    assert "Bo had to leave, and meets nobody new." in page.text
    assert not on_bench(rows)


def test_one_asynchronous_person_is_watched_by_several_in_one_round(pair: Pair, rows: Rows) -> None:
    pair("Ana", "Mei")
    pair("Bo", "Mei")

    assert len(on_bench(rows)) == 2


def test_who_is_free_is_paired_while_a_round_lasts(
    client: FlaskClient,
    session: Session,
    event: Event,
    people: dict[str, Participant],
    pair: Pair,
    rows: Rows,
) -> None:
    """What people already do in it stays as it is, whatever the bench says."""
    factories.match(session, people["Ana"], people["Bo"])
    factories.publish(session, event)
    pair("Cy", "Mei")
    page = f"/events/{event.id}/plan/edit"
    ana, bo = people["Ana"].id, people["Bo"].id
    post_form(client, f"{page}?act=out&number=1&one={ana}&other={bo}", action="/plan/edit")
    pair("Bo", "Kiri")
    slot = session.scalars(select(Round).where(Round.number == 1)).one()
    slot.starts_at = utc_now() - timedelta(minutes=1)
    slot.ends_at = utc_now() + timedelta(minutes=4)
    session.commit()

    post_form(client, f"/events/{event.id}/plan", action="/plan/publish")

    found = rows(select(Match).where(Match.state == MatchState.PUBLISHED))
    met = {(match.first_id, match.second_id) for match in found}
    assert met == {(ana, bo), (people["Cy"].id, people["Mei"].id)}


def test_twenty_hands_on_one_seat_make_one_edit(
    client: FlaskClient, event: Event, people: dict[str, Participant], rows: Rows, app: Flask
) -> None:
    """A6: the check and the change are one step."""
    page = f"/events/{event.id}/plan"
    form = find_form(client.get(page))
    cookie = client.get_cookie("asyncnet", domain="127.0.0.1")
    assert cookie is not None
    slot = rows(select(Round))[0].id
    others = [people[name].id for name in ("Bo", "Cy", "Mei", "Kiri")] * 5

    def press(other: int) -> int:
        browser = app.test_client()
        browser.set_cookie("asyncnet", cookie.value, domain="127.0.0.1")
        wanted = {"slot": slot, "one": people["Ana"].id, "other": other}
        return browser.post(page, data=form.values | wanted).status_code

    with ThreadPoolExecutor(20) as hands:
        statuses = list(hands.map(press, others))

    assert sorted(set(statuses)) == [302, 409]
    assert len(rows(select(Plan))) == len(on_bench(rows)) == 1


def test_who_is_paired_by_hand_reads_why(
    client: FlaskClient,
    session: Session,
    event: Event,
    people: dict[str, Participant],
    pair: Pair,
    rows: Rows,
) -> None:
    people["Ana"].topics = people["Bo"].topics = ["tide pools"]
    session.commit()
    pair("Ana", "Bo")

    post_form(client, f"/events/{event.id}/plan", action="/plan/publish")

    [match] = rows(select(Match))
    assert "tide pools" in " ".join(match.reasons_for(people["Ana"].id))
    assert "tide pools" in " ".join(match.reasons_for(people["Bo"].id))


def test_a_match_taken_out_is_gone_from_both_pages(
    client: FlaskClient,
    event: Event,
    people: dict[str, Participant],
    pair: Pair,
    app: Flask,
    rows: Rows,
) -> None:
    pair("Ana", "Mei")
    post_form(client, f"/events/{event.id}/plan", {"tell": None}, action="/plan/publish")
    [match] = rows(select(Match))
    phone = app.test_client()
    open_personal_link(phone, people["Ana"])
    viewing = f"/me/{people['Ana'].id}/matches/{match.id}"
    assert phone.get(viewing).status_code == 200

    ana, mei = people["Ana"].id, people["Mei"].id
    post_form(
        client,
        f"/events/{event.id}/plan/edit?act=out&number=1&one={ana}&other={mei}",
        action="/plan/edit",
    )
    still = phone.get(viewing).status_code
    post_form(client, f"/events/{event.id}/plan", action="/plan/publish")

    assert still == 200
    mails = rows(select(Message).where(Message.kind == MessageKind.PLAN_CHANGE))
    assert {mail.participant_id for mail in mails} == {ana, mei}
    assert phone.get(viewing).status_code == 404
    assert "Mei" not in phone.get(f"/me/{people['Ana'].id}").text


def test_people_of_another_event_cannot_be_paired_here(
    client: FlaskClient, session: Session, event: Event, people: dict[str, Participant], rows: Rows
) -> None:
    """A2, A3."""
    elsewhere = factories.event(session, factories.organizer(session))
    stranger = factories.participant(session, elsewhere)

    page = post_form(
        client,
        f"/events/{event.id}/plan",
        {"slot": 1, "one": people["Ana"].id, "other": stranger.id},
    )

    assert "Not a valid choice" in page.text
    assert rows(select(Plan)) == []
