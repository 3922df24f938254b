"""The worker solves what organizers ask for, and keeps what it has when it is stopped."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session, undefer

from asyncnet.audit.actions import SYSTEM
from asyncnet.clock import utc_now
from asyncnet.database import db
from asyncnet.events.model import Event, Participant, Round
from asyncnet.events.rules import Attendance, EventMode
from asyncnet.leases import LEASE, MAX_ATTEMPTS
from asyncnet.matches.bench.actions.asking import ask, stop
from asyncnet.matches.bench.actions.working import GAVE_UP, claim_next
from asyncnet.matches.bench.draft import Draft
from asyncnet.matches.bench.model import Bench, Plan, PlanOrigin, PlanState
from asyncnet.matches.model import Forbid, Match
from asyncnet.matches.rules import PlanSettings
from asyncnet.people.model import Person
from asyncnet.tasks import solve_a_plan
from tests import factories
from tests.pages import filled, find_form, post_form, sign_in

Rows = Callable[..., list[Any]]


@pytest.fixture
def host(session: Session) -> Person:
    return factories.organizer(session)


@pytest.fixture
def event(session: Session, host: Person) -> Event:
    """An event of eleven live people and one who is asynchronous."""
    made = factories.event(session, host)
    for number in range(11):
        factories.participant(session, made, name=f"Live {number}")
    factories.participant(session, made, name="Mei", attendance=Attendance.ASYNC)
    return made


def asked(
    session: Session, event: Event, host: Person, origin: PlanOrigin = PlanOrigin.SUGGESTED
) -> Plan:
    plan = ask(
        session,
        event,
        origin,
        PlanSettings(),
        person_id=host.id,
        actor=SYSTEM,
        now=utc_now(),
    )
    session.commit()
    return plan


@pytest.mark.long
def test_a_suggestion_seats_everybody_and_lies_on_the_bench(
    app: Flask, session: Session, event: Event, host: Person, rows: Rows
) -> None:
    plan = asked(session, event, host)

    with app.app_context():
        solve_a_plan()

    [found] = rows(select(Plan).options(undefer(Plan.content)))
    draft = Draft.of_data(found.content)
    assert found.state is PlanState.READY
    assert found.bound >= found.value > 0.9 * found.bound
    live = {p.id for p in rows(select(Participant)) if p.attendance is Attendance.LIVE}
    assert [draft.sitting_out(number, live) for number in (1, 2, 3)] == [[], [], []]
    assert found.value == draft.value()
    assert [bench.plan_id for bench in rows(select(Bench))] == [plan.id]
    assert rows(select(Match)) == []


def test_asking_twice_asks_once(session: Session, event: Event, host: Person) -> None:
    """F8."""
    first = asked(session, event, host)

    assert asked(session, event, host).id == first.id


def test_an_impossible_wish_is_refused_by_name(
    app: Flask, session: Session, host: Person, rows: Rows
) -> None:
    small = factories.event(session, host)
    for name in ("Ana", "Bo"):
        factories.participant(session, small, name=name)
    asked(session, small, host)

    with app.app_context():
        solve_a_plan()

    [plan] = rows(select(Plan))
    assert plan.state is PlanState.FAILED
    assert "too few people for 3 rounds" in plan.reason


@pytest.mark.parametrize(("phase", "knows_a_bound"), [("scoring", False), ("closing groups", True)])
def test_a_stopped_solve_keeps_the_best_so_far(
    app: Flask,
    session: Session,
    event: Event,
    host: Person,
    rows: Rows,
    phase: str,
    knows_a_bound: bool,
) -> None:
    """Stopped at the first plan it is that one, and at the groups the better one with groups."""
    asked(session, event, host)

    def and_stop() -> datetime:
        """Say what time it is, the organizer pressing Stop in this phase, with a plan to keep."""
        worker = db.session()
        plan = worker.scalars(select(Plan)).one()
        if plan.value is not None and plan.phase == phase and plan.stop_asked_at is None:
            stop(worker, plan, actor=SYSTEM, now=utc_now())
        return utc_now()

    with app.app_context():
        solve_a_plan(and_stop)

    [found] = rows(select(Plan).options(undefer(Plan.content)))
    draft = Draft.of_data(found.content)
    assert (found.state, found.reason) == (PlanState.READY, "")
    assert (found.bound is not None) is knows_a_bound
    assert found.value == draft.value() > 0
    assert sum(map(len, draft.groups)) == 11


@pytest.mark.long
def test_the_solve_of_a_killed_worker_is_taken_up_again(
    app: Flask, session: Session, event: Event, host: Person, rows: Rows
) -> None:
    """F2: the lease ends, and somebody else begins anew."""
    asked(session, event, host)
    claim_next(session, now=utc_now())
    session.commit()

    with app.app_context():
        solve_a_plan()
        [untouched] = rows(select(Plan))
        solve_a_plan(lambda: utc_now() + LEASE + timedelta(seconds=1))

    [found] = rows(select(Plan))
    assert untouched.state is PlanState.SOLVING
    assert (found.state, found.attempts) == (PlanState.READY, 2)


def test_what_kills_its_workers_is_given_up(
    app: Flask, session: Session, event: Event, host: Person, rows: Rows
) -> None:
    """F16."""
    asked(session, event, host)
    session.execute(update(Plan).values(attempts=MAX_ATTEMPTS))
    session.commit()

    with app.app_context():
        solve_a_plan()

    [found] = rows(select(Plan))
    assert (found.state, found.reason) == (PlanState.FAILED, GAVE_UP)


def test_an_asynchronous_event_gives_everybody_one_partner_a_window(
    app: Flask, session: Session, host: Person, rows: Rows
) -> None:
    """Four people and three windows: everybody meets everybody, each time somebody else."""
    four = factories.event(session, host)
    people = {factories.participant(session, four).id for _ in range(4)}
    session.execute(update(Event).values(mode=EventMode.ASYNC))
    session.commit()
    asked(session, four, host)

    with app.app_context():
        solve_a_plan()

    [found] = rows(select(Plan).options(undefer(Plan.content)))
    draft = Draft.of_data(found.content)
    assert found.reason == ""
    assert [[len(meeting.who) for meeting in here] for here in draft.rounds] == [[2, 2]] * 3
    assert [{i for meeting in here for i in meeting.who} for here in draft.rounds] == [people] * 3
    assert len({meeting.who for _, meeting in draft.meetings()}) == 6


def test_closing_groups_that_cannot_be_say_why(
    app: Flask, session: Session, client: FlaskClient, rows: Rows
) -> None:
    host = factories.organizer(session)
    event = factories.event(session, host)
    four = [factories.participant(session, event, name=name) for name in ("Ana", "Bo", "Cy", "Di")]
    session.add(
        Forbid(event_id=event.id, first_id=four[0].id, second_id=four[2].id, created_at=utc_now())
    )
    session.commit()
    sign_in(client, host)
    plan = f"/events/{event.id}/plan"
    none = post_form(client, f"{plan}/suggest", {"closing_minutes": "0"})

    asked = post_form(client, f"{plan}/suggest", {"closing_minutes": "20"})
    with app.app_context():
        solve_a_plan()

    assert "Groups need a minute at least" in none.text
    assert "4 live people cannot be parted into groups of 4 to 6" in client.get(asked.location).text
    assert "must be kept apart: Ana and Cy." in client.get(asked.location).text
    [changed] = rows(select(Event))
    last = rows(select(Round))[-1]
    assert (changed.closing_minutes, changed.ends_at) == (20, last.ends_at + timedelta(minutes=20))


def test_the_closing_minutes_of_two_organizers_meet(
    session: Session, client: FlaskClient, event: Event, host: Person, rows: Rows
) -> None:
    sign_in(client, host)
    page = client.get(f"/events/{event.id}/plan/suggest")
    post_form(client, f"/events/{event.id}/show/prompts", {"closing_minutes": "30"})
    form = find_form(page)

    late = client.post(form.action, data=filled(form, {"closing_minutes": "20"}))
    again = find_form(late)
    client.post(again.action, data=filled(again, {}))

    assert late.status_code == 409
    assert "Somebody else changed this meanwhile, to 30" in late.text
    assert [row.closing_minutes for row in rows(select(Event))] == [20]
    assert len(rows(select(Plan))) == 1
