"""Every change leaves exactly one entry in the audit log, and nothing else does."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.audit.model import AuditEntry
from asyncnet.clock import utc_now
from asyncnet.events.rules import Attendance
from asyncnet.followups.rules import both_awake
from asyncnet.matches.bench.model import Plan, PlanState
from asyncnet.web.access import Role
from asyncnet.zones import zone_named
from config import CHECKOUT
from tests import factories
from tests.logs import told
from tests.pages import filled, find_form, open_personal_link, post_form, sign_in, token_for
from tests.web.world import CHANGING, CONSENTED, World, build, doors, path_of

Rows = Callable[..., list[Any]]
IDA = {
    "name": "Ida",
    "email": "ida@reader.example",
    "zone": "Asia/Tokyo",
    "attendance": "live",
    "consent": "y",
}
EVENT = {
    "title": "Tides",
    "zone": "Asia/Tokyo",
    "starts": "2083-03-04T10:00",
    "send_hour": "09:00",
}
TURN = {"version": "1", "form_key": "one", "minutes": "5"}
LIST = b"name,email,time zone\nOle,ole@reader.example,Europe/Oslo\n"
WORDS = "I count eelgrass in the bay, and I would like to meet people who map it."
PICTURE = (CHECKOUT / "tests/data/pictures/upright.png").read_bytes()
CHANGES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("people.ask_sign_in", "sign_in.requested", {"email": "host@forum.example"}),
    ("people.confirm", "signed_in", {}),
    ("events.new", "event.made", EVENT),
    ("show.turn", "clock.extend", TURN),
    ("show.tell", "notice.shown", TURN | {"version": "2", "notice": "Welcome back"}),
    ("show.settle", "exit.settled", {}),
    ("groups.index", "group.moved", {}),
    ("show.prompts", "prompts.changed", {"round_1": "What is your coast?"}),
    ("events.change", "event.changed", {}),
    ("questions.index", "question.added", {"label": "What now?"}),
    ("questions.treat", "question.moved", {}),
    ("questions.change", "question.changed", {"label": "What stays?"}),
    ("questions.order", "questions.ordered", {"order": "3,1"}),
    ("events.add_participant", "participant.registered", IDA),
    ("profiles.change_participant", "participant.changed", {"greeting": "Hello"}),
    ("profiles.change_mine", "participant.changed", {"greeting": "Good day"}),
    ("profiles.settle_name", "mention.settled", {}),
    ("asking.asks", "registration.changed", {}),
    ("asking.word", "spelling.joined", {}),
    ("events.treat_participant", "personal_link.mailed", {}),
    ("events.apply_import", "participants.imported", {}),
    ("events.import_list", "import.checked", {"file": LIST}),
    ("events.join", "participant.registered", IDA | {"email": "eve@reader.example"}),
    ("returning.ask", "personal_link.asked", {}),
    ("events.lost_link", "personal_link.asked", {"email": "nobody@reader.example"}),
    ("messages.decide", "message.hold", {"version": "1"}),
    ("messages.decide_all", "messages.release", {}),
    ("desk.help_them", "waiting.remind", {"wish": "remind", "pick": "intro:2000000000:0"}),
    ("messages.reword", "message.reworded", {}),
    ("messages.change_text", "mail_text.changed", {"opening": "Hello {name}"}),
    ("messages.usual_text", "mail_text.changed", {"version": "1"}),
    ("matches.plan", "plan.add", {}),
    ("bench.suggest", "plan.asked", {}),
    ("bench.stop", "plan.stopped", {}),
    ("bench.edit", "plan.out", {}),
    ("bench.undo", "plan.undone", {"seen": 3}),
    ("bench.redo", "plan.redone", {"seen": 1}),
    ("bench.lay", "plan.chosen", {"seen": 3, "plan": 3}),
    ("bench.repair", "plan.asked", {}),
    ("exits.say", "exit.leaving", {"form_key": "one"}),
    ("exits.undo", "exit.undone", {}),
    ("followups.choose_draft", "match.draft_chosen", {}),
    ("followups.viewing", "match.answered", {}),
    ("threads.thread", "match.replied", {"words": "Hello again."}),
    ("threads.note", "match.met", {}),
    ("threads.propose", "meeting.proposed", {}),
    ("threads.arrange", "meeting.withdrawn", {"version": "1"}),
    ("recordings.withdraw", "recording.withdrawn", {}),
    ("recordings.begin", "intro.begun", {"size": "1000", "content_type": "video/mp4"}),
    ("intros.consent", "intro.consented", CONSENTED),
    ("intros.begin", "intro.begun", {"size": "1000", "content_type": "video/mp4"}),
    ("intros.write", "intro.written", {"words": WORDS}),
    ("intros.ask_matches", "question.own", {"own_question": "Which coast is yours?"}),
    ("faces.photo", "photo.kept", {"picture": PICTURE}),
    ("faces.remove", "photo.removed", {}),
    ("intros.withdraw", "intro.withdrawn", {}),
    ("intro_board.nudge", "intro.nudged", {}),
    ("matches.publish", "plan.published", {"seen": 3}),
    ("questions.start", "questions.started", {"start": "work"}),
    ("unsubscribe.mine", "mail.stopped", {"wish": "stop:event"}),
    ("people.close_pages", "signed_out", {}),
    ("people.sign_out", "signed_out", {}),
)
"""Every changing route in an order that works, the entry it leaves, and what is filled in."""
ELSEWHERE = {
    "intros.sign": "it signs an address and changes no row",
    "followups.keep_draft": "it leaves an entry when a draft begins only; tried with the drafts",
    "recordings.sign": "it signs an address and changes no row",
    "recordings.take_as_audio": "it needs a refused file; tried with the recorded replies",
    "recordings.caption": "it needs a ready recording; tried with the recorded replies",
    "recordings.uncaption": "it needs captions; tried with the recorded replies",
    "leftovers.forget": "it needs a match that was taken out; tried with the page of two",
    "recordings.arrived": "it needs a stored file; tried with the recorded replies",
    "intros.arrived": "it needs a stored file; tried with the studio",
    "captions.edit": "it needs a ready intro; tried with the captions",
    "captions.remove": "it needs captions; tried with them",
    "intros.take_as_audio": "it needs a refused video; tried with the worker",
}


@pytest.fixture
def world(session: Session) -> World:
    return build(session)


@pytest.mark.sizeless
def test_the_list_of_changes_is_whole(app: Flask) -> None:
    """P5: a new route that changes something must say what it leaves behind."""
    changing = {
        door.endpoint
        for door in doors(app)
        if door.method in CHANGING and door.policy is not Role.SIGNED
    }

    assert changing - set(ELSEWHERE) == {endpoint for endpoint, _, _ in CHANGES}


def test_each_change_leaves_one_entry(
    app: Flask, world: World, session: Session, rows: Rows
) -> None:
    """P5: who, what, when and from where, for every route that changes something."""
    host, guest, visitor = app.test_client(), app.test_client(), app.test_client()
    sign_in(host, world.ours.host)
    open_personal_link(guest, world.ours.away)
    open_personal_link(guest, world.ours.live)
    visitor.get(f"/sign-in/{token_for(app, 'second@forum.example')}")
    third = factories.participant(session, world.ours.event)
    fourth = factories.participant(session, world.ours.event, attendance=Attendance.ASYNC)
    ours, theirs = (zone_named(who.zone) for who in (world.ours.live, world.ours.away))
    free = both_awake(ours, theirs, after=utc_now() + timedelta(days=1), days=7)
    filled_in: dict[str, dict[str, Any]] = {
        "threads.propose": {"first": next(free).isoformat()},
        "messages.decide_all": {"wish": "release", "pick": f"{world.ours.message_id}:2"},
        "matches.plan": {"one": third.id, "other": fourth.id},
        "groups.index": {"who": third.id, "group": 2},
        "profiles.settle_name": {"person": world.ours.away.id},
        "followups.viewing": {f"q{world.ours.question_id}": "The tide pools."},
        "bench.edit": {
            "act": "out",
            "number": 1,
            "one": world.ours.live.id,
            "other": world.ours.away.id,
            "seen": 1,
        },
    }
    policies = {door.endpoint: door for door in doors(app) if door.method == "POST"}

    left = []
    for endpoint, _, said in CHANGES:
        door = policies[endpoint]
        known = {Role.ORGANIZER: host, Role.PARTICIPANT: guest}
        browser = known.get(door.policy or Role.PUBLIC, visitor)
        browser = host if endpoint == "people.sign_out" else browser
        path = path_of(app, door, world.ours)
        if endpoint == "bench.repair":  # by other wishes than the plan that is being solved
            solved = update(Plan).where(Plan.state == PlanState.SOLVING)
            session.execute(solved.values(state=PlanState.FAILED, finished_at=utc_now()))
            session.commit()
        before = {entry.id for entry in rows(select(AuditEntry))}
        answer = send(browser, path, filled_in.get(endpoint, said))
        added = [entry for entry in rows(select(AuditEntry)) if entry.id not in before]
        left.append((endpoint, [entry.action for entry in added]))
        assert answer.status_code < 400, (endpoint, answer.status_code)
        assert {entry.address for entry in added} == {"127.0.0.1"}, endpoint
        assert {entry.actor for entry in added} == {actor_of(world, door, endpoint)}, endpoint
        assert all("@" not in entry.detail + entry.object for entry in added), endpoint

    assert left == [(endpoint, [action]) for endpoint, action, _ in CHANGES]


@pytest.mark.parametrize("act", ["link", "withdraw", "remove"])
def test_each_way_to_treat_somebody_has_its_own_entry(
    app: Flask, world: World, rows: Rows, act: str
) -> None:
    """P5."""
    host = app.test_client()
    sign_in(host, world.ours.host)
    path = f"/events/{world.ours.event.id}/participants/{world.ours.live.id}"
    before = len(rows(select(AuditEntry)))

    post_form(host, path, action=f"/{act}")

    action = {
        "link": "personal_link.mailed",
        "withdraw": "personal_link.withdrawn",
        "remove": "participant.removed",
    }
    entries = rows(select(AuditEntry).order_by(AuditEntry.id))[before:]
    assert [entry.action for entry in entries] == [action[act]]


def test_refusals_are_noted_too(app: Flask, client: FlaskClient, rows: Rows) -> None:
    """P5: somebody who tries with a link that has ended."""
    client.get("/sign-in/guessed")
    post_form(client, "/sign-in/confirm")

    [entry] = rows(select(AuditEntry))
    assert (entry.action, entry.actor) == ("sign_in.refused", "visitor")


def test_what_was_not_done_leaves_no_entry(app: Flask, world: World, rows: Rows) -> None:
    """P5: an address that is taken, and a form made on an older version."""
    host = app.test_client()
    sign_in(host, world.ours.host)
    event = f"/events/{world.ours.event.id}"
    before = len(rows(select(AuditEntry)))

    taken = post_form(host, f"{event}/participants/new", {**IDA, "email": world.ours.live.email})
    stale = post_form(host, f"{event}/settings", {"title": "Late", "version": "99"})

    assert (taken.status_code, stale.status_code) == (409, 409)
    assert len(rows(select(AuditEntry))) == before


@pytest.mark.sizeless
def test_an_entry_stays_one_line(app: Flask, session: Session, rows: Rows) -> None:
    """P5: line ends and terminal codes cannot forge a second entry."""
    forged = "Ida\r\n2027-01-01 host signed in\x1b[2J\x00\x85\u2028\u202eend"

    record(session, Actor("visitor"), "tried", "thing:1", now=utc_now(), detail=forged)
    session.commit()

    [entry] = rows(select(AuditEntry))
    assert entry.detail.isprintable()
    assert len(entry.detail.splitlines()) == 1


@pytest.mark.sizeless
@pytest.mark.parametrize(
    "path", ["/a%0ab", "/a%0d%0a{%22event%22:%22forged%22}", "/%1b[2J", "/\u2028"]
)
def test_a_line_of_the_log_stays_one_line(client: FlaskClient, path: str) -> None:
    """P5, S8: and the path, which may hold a token, is not in it."""
    with told() as log:
        client.get(path, headers={"User-Agent": "a\x1b[2J"})

    [line] = log.getvalue().splitlines()
    entry = json.loads(line)
    assert set(entry) == {"id", "endpoint", "method", "status", "event", "level", "timestamp"}
    assert (entry["event"], entry["status"]) == ("request", 404)


def actor_of(world: World, door: Any, endpoint: str) -> str:
    """Return the name under which the right visitor of a route acts."""
    if door.policy is Role.ORGANIZER or endpoint == "people.sign_out":
        return f"person:{world.ours.host.id}"
    if door.policy is Role.PARTICIPANT:
        return f"participant:{world.ours.values(door.rule)['participant_id']}"
    return "person:3" if endpoint == "people.confirm" else "visitor"


def send(browser: FlaskClient, path: str, said: dict[str, Any]) -> Any:
    """Fill in the form of a page, or press a button that stands on another one."""
    page = browser.get(path)
    if page.status_code == 200:
        form = filled(find_form(page), said)
    else:
        form = {"csrf_token": find_form(browser.get("/lost-link")).values["csrf_token"], **said}
    for name, value in form.items():
        if isinstance(value, bytes):
            form[name] = (io.BytesIO(value), "file")
    return browser.post(path, data=form)
