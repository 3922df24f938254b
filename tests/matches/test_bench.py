"""Organizers bend a plan to their judgement; people hear of what concerns them."""

import re
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session, selectinload, undefer
from werkzeug.test import TestResponse

from asyncnet.audit.actions import SYSTEM
from asyncnet.clock import utc_now
from asyncnet.day.actions.exiting import say_exit
from asyncnet.day.model import ExitKind
from asyncnet.events.model import Event, Mention, Participant, Round
from asyncnet.events.rules import Attendance, MentionKind
from asyncnet.matches.bench.comparing import compared
from asyncnet.matches.bench.draft import Draft, meeting_of
from asyncnet.matches.bench.edits import Edit
from asyncnet.matches.bench.model import Bench, Plan, PlanOrigin, PlanState
from asyncnet.matches.bench.worth import Worth
from asyncnet.matches.instance import instance_of
from asyncnet.matches.model import Forbid, Group, Match, MatchState
from asyncnet.matches.rules import PlanSettings
from asyncnet.messages.model import Message
from asyncnet.messages.rules import MessageKind, MessageState
from asyncnet.people.model import Person
from asyncnet.tasks import drain_mail, solve_a_plan
from tests import factories
from tests.pages import filled, find_form, post_form, sign_in
from tests.web.test_hostile_text import mails_of

Rows = Callable[..., list[Any]]
NAMES = ["Ana", "Bo", "Cy", "Dee", "Eve", "Flo", "Gus", "Hal"]
ROUNDS = (
    "Ana-Bo Cy-Dee Eve-Flo Gus-Hal",
    "Ana-Cy Bo-Dee Eve-Gus Flo-Hal",
    "Ana-Dee Bo-Cy Eve-Hal Flo-Mei",
)


@pytest.fixture
def host(session: Session) -> Person:
    return factories.organizer(session)


@pytest.fixture
def event(session: Session, host: Person, client: FlaskClient) -> Event:
    """Eight live people and one who is asynchronous, in three rounds; the organizer is there."""
    made = factories.event(session, host)
    for name in NAMES:
        factories.participant(session, made, name=name)
    factories.participant(session, made, name="Mei", attendance=Attendance.ASYNC)
    sign_in(client, host)
    return made


@pytest.fixture
def solved(session: Session, event: Event) -> str:
    """The address of the plan page, a whole plan on the bench."""
    worth = Worth(instance_of(session, event))
    ids = {person.name: person.id for person in worth.people.values()}
    draft = Draft(
        tuple(
            tuple(meeting_of([ids[name] for name in duo.split("-")], worth) for duo in duos.split())
            for duos in ROUNDS
        ),
        ideals={person: worth.ideal(person) for person in worth.people},
    )
    plan = Plan(
        event_id=event.id,
        origin=PlanOrigin.SUGGESTED,
        state=PlanState.READY,
        content=draft.as_data(),
        value=draft.value(),
        started_at=utc_now(),
        created_at=utc_now(),
    )
    session.add(plan)
    session.flush()
    session.add(Bench(event_id=event.id, plan_id=plan.id))
    session.commit()
    return f"/events/{event.id}/plan"


def on_bench(rows: Rows) -> Draft:
    [bench] = rows(select(Bench))
    [plan] = rows(select(Plan).where(Plan.id == bench.plan_id).options(undefer(Plan.content)))
    return Draft.of_data(plan.content)


def make(client: FlaskClient, page: str, act: str, number: int, one: int, other: int) -> Any:
    address = f"{page}/edit?act={act}&number={number}&one={one}&other={other}"
    return post_form(client, address, action="/plan/edit")


def test_a_swap_says_its_cost_and_can_be_undone(
    client: FlaskClient, solved: str, rows: Rows
) -> None:
    before = on_bench(rows)
    one, other = before.rounds[0][0].who[0], before.rounds[0][2].who[0]

    look = client.get(f"{solved}/edit?act=swap&number=1&one={one}&other={other}")
    still = on_bench(rows)
    make(client, solved, "swap", 1, one, other)
    after = on_bench(rows)
    post_form(client, solved, action="/plan/undo?round=1")
    undone = on_bench(rows)
    post_form(client, solved, action="/plan/redo?round=1")

    assert "What it means for whom" in look.text
    assert still == before == undone
    assert after == on_bench(rows)
    assert after.of(one)[0][1].others(one) == before.of(other)[0][1].others(other)


def test_swaps_against_what_was_asked_for_come_last_and_say_so(
    client: FlaskClient, session: Session, event: Event, solved: str
) -> None:
    people = {p.name: p for p in session.scalars(select(Participant))}
    ana, flo = people["Ana"], people["Flo"]
    wanted = asdict(PlanSettings(most_viewings=0))
    session.execute(update(Plan).values(settings=wanted))
    for written, meant in (("Bo", people["Bo"].id), ("Zoe", None)):
        session.add(
            Mention(
                event_id=event.id,
                participant_id=ana.id,
                kind=MentionKind.MEET,
                written=written,
                folded=written.lower(),
                meant_id=meant,
            )
        )
    session.commit()

    page = client.get(f"{solved}/people/{ana.id}?round=3")
    cost = client.get(f"{solved}/edit?act=swap&number=3&one={ana.id}&other={flo.id}")
    alone = client.get(f"{solved}/edit?act=out&number=3&one={ana.id}&other={people['Dee'].id}")

    offered = re.findall(r">With (\w+)</a>: [^<]*(<span[^>]*>But [^<]*)?", page.text)
    assert {name for name, words in offered if words} == {"Flo", "Gus", "Mei"}
    assert [bool(words) for _, words in offered] == [False] * 2 + [True] * 3
    assert "Ana would meet nobody in round 3." in dict(offered)["Gus"]
    assert "Ana would watch 1 intro; this plan is to have 0 at most." in dict(offered)["Flo"]
    assert "Ana would watch 1 intro; this plan is to have 0 at most." in cost.text
    assert "Ana would meet nobody in round 3." in alone.text
    assert ">Bo</a>, Zoe" in page.text


def test_what_takes_somebody_below_the_floor_says_so(
    client: FlaskClient, session: Session, solved: str
) -> None:
    ana, dee, eve = (
        session.scalars(select(Participant.id).where(Participant.name == name)).one()
        for name in ("Ana", "Dee", "Eve")
    )
    session.execute(update(Plan).values(settings=asdict(PlanSettings(floor=0.9))))
    session.commit()

    kept = client.get(f"{solved}/edit?act=swap&number=2&one={ana}&other={eve}")
    cost = client.get(f"{solved}/edit?act=out&number=3&one={ana}&other={dee}")
    make(client, solved, "out", 3, ana, dee)

    assert "It goes against" not in kept.text
    words = "would get 57 % of their own ideal instead of 86 %; this plan is to give everybody 90"
    assert f"Ana {words}" in cost.text
    assert f"Dee {words}" in cost.text
    shown = client.get(solved).text
    assert "Ana</a> (57 %, below the floor)" in shown


def test_a_step_leads_back_to_where_it_was_made(
    client: FlaskClient, solved: str, rows: Rows
) -> None:
    """With the focus there: what an address leads to has it, with scripts and without."""
    one, other = on_bench(rows).rounds[1][1].who
    third = on_bench(rows).rounds[1][2].who[0]

    pinned = make(client, solved, "pin", 2, one, other).location
    unpinned = make(client, solved, "unpin", 2, one, other).location
    swapped = make(client, solved, "swap", 2, one, third).location
    undone = post_form(client, f"{solved}?round=2", action="/plan/undo?round=2").location

    assert {address.partition("#")[2] for address in (pinned, unpinned, swapped, undone)} == {
        "near"
    }
    assert re.findall(r'<(\w+) [^>]*id="near"', client.get(pinned).text) == ["button"]
    near = re.findall(r'<a [^>]*id="near"[^>]*>(\w+)<', client.get(swapped).text)
    assert len(near) == 1
    assert re.findall(r'id="near">(\w+)<', client.get(undone).text) == ["Undo"]


def test_only_who_has_room_is_offered_one_more_match(
    client: FlaskClient, session: Session, solved: str
) -> None:
    ana = session.scalars(select(Participant.id).where(Participant.name == "Ana")).one()

    full = client.get(f"{solved}/people/{ana}?round=1").text
    third = client.get(f"{solved}/people/{ana}?round=3").text

    offer = re.compile(r'value="add">.*?</select>', re.DOTALL)
    assert "There is nobody to add" in full
    assert not offer.search(full)
    [found] = offer.findall(third)
    assert re.findall(r"<option[^>]*>(\w+)<", found) == ["Gus"], "Ana talks with Dee; three may"


def test_who_joins_two_is_met_as_well_and_instead_of_nobody(
    client: FlaskClient, session: Session, solved: str, rows: Rows
) -> None:
    """Ana and Dee talk in the third round, and Gus is free there."""
    ids = {person.name: person.id for person in rows(select(Participant))}
    look = f"{solved}/edit?act=add&number=3&one={ids['Ana']}&other={ids['Gus']}"

    asked = client.get(look)
    make(client, solved, "add", 3, ids["Ana"], ids["Gus"])
    plans = rows(select(Plan.id).order_by(Plan.id))
    joined = client.get(f"{solved}/compare?one={plans[0]}&other={plans[1]}")
    left = client.get(f"{solved}/compare?one={plans[1]}&other={plans[0]}")

    assert said_to(asked, "What changes") == [
        "also meets Gus", "also meets Gus", "meets Ana, Dee, and was free",
    ]  # fmt: skip
    assert said_to(joined, "What changes") == [
        "Round 3: also meets Gus", "Round 3: also meets Gus",
        "Round 3: meets Ana, Dee, and was free",
    ]  # fmt: skip
    assert said_to(left, "What changes") == [
        "Round 3: no longer meets Gus", "Round 3: no longer meets Gus",
        "Round 3: no longer meets Ana, Dee, and is free",
    ]  # fmt: skip


def said_to(page: TestResponse, column: str) -> list[str]:
    """Return what stands in a column of a page's table, without its tags."""
    cells = re.findall(rf">{column}</span><div>(.*?)</div>", page.text, re.DOTALL)
    return [" ".join(re.sub("<[^>]*>", "", cell).split()) for cell in cells]


def test_the_same_people_in_another_round_are_not_others(solved: str, rows: Rows) -> None:
    draft = on_bench(rows)
    first, second, third = draft.rounds
    after = replace(draft, rounds=(second, first, third[:-1]))

    found = compared(draft, after)

    flo_and_mei = set(third[-1].who)
    assert found.meet_others == flo_and_mei
    assert found.meet_the_same == {i for m in first for i in m.who} - flo_and_mei
    assert [person for person, _ in found.by_person] == sorted({c.person for c in found.changes})
    assert next([c.number for c in theirs] for _, theirs in found.by_person) == [1, 2]
    change = found.changes[0]
    assert found.then(change) == dict.fromkeys(change.lost, 2)
    assert found.so_far(change) == dict.fromkeys(change.gained, 2)


def test_a_second_event_says_who_met_before_and_lets_them_meet_again(
    client: FlaskClient, session: Session, host: Person, event: Event
) -> None:
    before = factories.event(session, host, starts_at=utc_now() - timedelta(days=9))
    same = [
        factories.participant(session, before, name=p.name, email=p.email)
        for p in session.scalars(select(Participant).where(Participant.event_id == event.id))
    ]
    factories.match(session, same[0], same[1])
    factories.match(session, same[2], same[3])

    page = client.get(f"/events/{event.id}/plan")
    form = find_form(client.get(f"/events/{event.id}/plan/suggest?repeat=yes"))

    assert "2 pairs met at an earlier event of yours" in page.text
    assert f"/events/{event.id}/plan/suggest?repeat=yes" in page.text
    assert form.values["repeat"] == ["y"]


def test_two_organizers_never_overwrite_each_other_unseen(
    app: Flask, client: FlaskClient, session: Session, event: Event, solved: str, rows: Rows
) -> None:
    """F9: 409, with what the other did and what mine would do now."""
    ben = app.test_client()
    sign_in(ben, factories.organizer(session, of=event))
    meeting = on_bench(rows).rounds[0][0]
    one, other = meeting.who[:2]
    look = f"{solved}/edit?act=out&number=1&one={one}&other={other}"
    mine = find_form(ben.get(look), "/plan/edit")
    make(client, solved, "pin", 2, *on_bench(rows).rounds[1][0].who[:2])

    refused = ben.post(mine.action, data=mine.values)

    assert refused.status_code == 409
    assert "stay together in round 2" in refused.text
    assert "no longer meet in round 1?" in refused.text
    assert meeting in on_bench(rows).rounds[0]


def test_a_plan_that_changed_meanwhile_is_not_published_unseen(
    client: FlaskClient, solved: str, rows: Rows
) -> None:
    ana, bo = (p.id for p in rows(select(Participant).where(Participant.name.in_(("Ana", "Bo")))))
    publish = find_form(client.get(solved), "/plan/publish")
    make(client, solved, "pin", 1, ana, bo)

    stale = client.post(publish.action, data=filled(publish, {}))
    unpublished = rows(select(Match))
    now = find_form(stale, "/plan/publish")
    client.post(now.action, data=filled(now, {}))
    twice = client.post(now.action, data=filled(now, {}), follow_redirects=True)

    assert stale.status_code == 409
    assert "Nothing was published" in stale.text
    assert "Ana and Bo stay together in round 1" in stale.text
    assert unpublished == []
    assert len(rows(select(Match))) == 12
    assert "everybody sees this already" in twice.text


def test_only_rounds_to_come_are_offered_and_filled(
    client: FlaskClient, session: Session, event: Event
) -> None:
    event.rounds[0].starts_at = utc_now() - timedelta(minutes=1)
    session.commit()

    page = client.get(f"/events/{event.id}/plan")

    rounds = re.search(r'<select[^>]*name="slot".*?</select>', page.text, re.DOTALL)
    assert rounds is not None
    assert re.findall(r"Round \d", rounds[0]) == ["Round 2", "Round 3"]
    assert find_form(page, "/plan/repair").button == "Fill the coming rounds"


def test_pins_stay_and_those_kept_apart_never_meet_when_solved_again(
    app: Flask, client: FlaskClient, solved: str, rows: Rows
) -> None:
    draft = on_bench(rows)
    pinned, banned = draft.rounds[1][0], draft.rounds[2][0]
    make(client, solved, "pin", 2, *pinned.who[:2])
    make(client, solved, "forbid", 3, *banned.who[:2])

    post_form(client, f"{solved}/suggest")
    with app.app_context():
        solve_a_plan()

    again = on_bench(rows)
    assert [(n, m.who) for n, m in again.meetings() if m.pinned] == [(2, pinned.who)]
    assert again.find(*banned.who[:2]) is None


def test_an_organizer_who_takes_part_does_not_learn_who_avoids_them_by_planning(
    app: Flask, client: FlaskClient, session: Session, host: Person, solved: str, rows: Rows
) -> None:
    """Neither from a refusal of the solver nor from who may change places with them."""
    ana, bo, eve, hal = (
        session.scalars(select(Participant).where(Participant.name == name)).one()
        for name in ("Ana", "Bo", "Eve", "Hal")
    )
    ana.email = host.email
    other = app.test_client()
    sign_in(other, factories.organizer(session, of=ana.event))
    make(client, solved, "pin", 1, ana.id, bo.id)
    places = f"{solved}/people/{ana.id}?round=3"
    before = swaps_on(client.get(places))
    for one in (bo, eve):
        session.add(
            Forbid(
                event_id=ana.event_id,
                first_id=ana.id,
                second_id=one.id,
                uneasy_id=one.id,
                created_at=utc_now(),
            )
        )
    session.commit()

    post_form(client, f"{solved}/suggest")
    with app.app_context():
        solve_a_plan()

    hers, theirs = (
        [browser.get(at).text for at in (solved, f"{solved}/progress")]
        for browser in (client, other)
    )
    told = "The pin of Ana and Bo cannot be kept: these two must be kept apart."
    assert [told in page for page in theirs] == [True, True]
    assert [told in page for page in hers] == [False, False]
    assert all("Another organizer can see what, and why." in page for page in hers)
    assert swaps_on(client.get(places)) == before
    assert swaps_on(other.get(places)) == before - {hal.id}, "who talks with Eve"


def swaps_on(page: Any) -> set[int]:
    """Return whom a person's page offers to change places with."""
    return {int(number) for number in re.findall(r"act=swap[^\"]*other=(\d+)", page.text)}


@pytest.mark.parametrize("is_old", [False, True])
def test_undoing_lets_people_meet_again(
    is_old: bool, client: FlaskClient, session: Session, solved: str, rows: Rows
) -> None:
    """Also where the edit is from before it kept what it changed in fact."""
    make(client, solved, "forbid", 1, *on_bench(rows).rounds[0][0].who[:2])
    assert len(rows(select(Forbid))) == 1
    if is_old:
        edits = {plan.id: plan.edit for plan in rows(select(Plan)) if plan.edit}
        for plan_id, edit in edits.items():
            bare = Edit.of_data(edit).as_data()
            session.execute(update(Plan).where(Plan.id == plan_id).values(edit=bare))
        session.commit()

    post_form(client, solved, action="/plan/undo?round=1")

    assert rows(select(Forbid)) == []


def test_what_was_just_changed_can_be_undone_where_one_looks(
    client: FlaskClient, solved: str, rows: Rows
) -> None:
    who = on_bench(rows).rounds[0][0].who[:2]

    out = client.get(make(client, solved, "out", 1, *who).location).text
    undone = post_form(client, solved, action="/plan/undo?round=1", follow_redirects=True).text

    section = out.partition('id="rounds"')[2].partition("</section>")[0]
    assert "/plan/undo?round=1" in section
    assert "Done: " in out
    assert "Taken back." in undone
    assert "/plan/undo" not in undone.partition('id="rounds"')[2].partition("</section>")[0]


def test_undoing_changes_nothing_that_the_edit_did_not(
    client: FlaskClient, solved: str, rows: Rows
) -> None:
    first, other = on_bench(rows).rounds[0][0].who[:2]
    make(client, solved, "allow", 1, first, other)
    post_form(client, solved, action="/plan/undo?round=1")
    allowed = rows(select(Forbid))

    make(client, solved, "forbid", 1, first, other)
    make(client, solved, "forbid", 2, first, other)
    post_form(client, solved, action="/plan/undo?round=1")
    once_of_twice = len(rows(select(Forbid)))
    make(client, solved, "allow", 1, first, other)
    lifted = rows(select(Forbid))
    post_form(client, solved, action="/plan/undo?round=1")

    assert (allowed, once_of_twice, lifted) == ([], 1, [])
    assert len(rows(select(Forbid))) == 1


@pytest.mark.parametrize("seen", [None, "abc", ""])
def test_nobody_publishes_a_plan_without_saying_which(
    seen: str | None, client: FlaskClient, solved: str, rows: Rows
) -> None:
    publish = find_form(client.get(solved), "/plan/publish")

    refused = client.post(publish.action, data=filled(publish, {"seen": seen}))

    assert refused.status_code == 400
    assert rows(select(Match)) == []


def test_the_first_publication_fills_pages_and_mails_nobody_unless_wanted(
    client: FlaskClient, solved: str, rows: Rows
) -> None:
    draft = on_bench(rows)

    post_form(client, solved, {"tell": None}, action="/plan/publish")

    found = rows(select(Match))
    assert {m.state for m in found} == {MatchState.PUBLISHED}
    assert len(found) == sum(len(list(m.pairs())) for _, m in draft.meetings())
    live = {p.id for p in rows(select(Participant)) if p.attendance is Attendance.LIVE}
    chats = [m for m in found if {m.first_id, m.second_id} <= live]
    assert all(m.room for m in chats)
    kinds = (MessageKind.PLAN_CHANGE, MessageKind.ROUNDS_READY)
    assert rows(select(Message).where(Message.kind.in_(kinds))) == []


def test_publishing_first_says_what_it_does_and_tells_who_is_live(
    app: Flask, client: FlaskClient, session: Session, event: Event, solved: str, rows: Rows
) -> None:
    """Once each, with whom they meet in every round, around it the words of the organizers."""
    factories.own_words(session, event)
    summary = client.get(solved).text
    published = post_form(client, solved, action="/plan/publish")
    session.execute(update(Message).values(due_at=utc_now(), wake_at=utc_now()))
    session.commit()
    with app.app_context():
        drain_mail()

    assert "Publishing shows 9 people whom they meet in 3 rounds." in summary
    assert "1 intro is missing</strong> that others are to watch: Mei." in summary
    assert "8 people get a mail about their rounds" in client.get(published.location).text
    told = rows(select(Message).where(Message.kind == MessageKind.ROUNDS_READY))
    live = rows(select(Participant).where(Participant.attendance == Attendance.LIVE))
    assert sorted(m.participant_id for m in told) == sorted(p.id for p in live)
    written = [text for subject, _, text in mails_of(app) if "are ready" in subject]
    [flo] = [text for text in written if "Hello Flo," in text]
    assert len(written) == len(NAMES)
    assert f"Yours Flo {event.title}" in flo
    assert re.findall(r"^  (.*?)\r?$", flo, re.MULTILINE) == [
        "Eve",
        "Hal",
        "you watch the intro of Mei",
    ]


def test_a_change_is_mailed_to_those_whom_it_concerns_and_to_nobody_else(
    app: Flask, client: FlaskClient, session: Session, event: Event, solved: str, rows: Rows
) -> None:
    factories.own_words(session, event)
    post_form(client, solved, {"tell": None}, action="/plan/publish")
    match = rows(select(Match).where(Match.room.is_not(None)))[0]
    rooms = {m.id: m.room for m in rows(select(Match)) if m.id != match.id}
    number = rows(select(Round).where(Round.id == match.round_id))[0].number
    make(client, solved, "out", number, match.first_id, match.second_id)
    session.execute(update(Event).values(live_link="https://meet.example/j/1?pwd=a&b=c"))
    session.commit()

    told = client.get(solved).text
    post_form(client, solved, action="/plan/publish")

    assert "changes something for 2 people" in told
    mails = rows(select(Message).where(Message.kind == MessageKind.PLAN_CHANGE))
    assert {m.participant_id for m in mails} == {match.first_id, match.second_id}
    assert {m.id: m.room for m in rows(select(Match)) if m.id != match.id} == rooms
    session.execute(update(Message).values(due_at=utc_now(), wake_at=utc_now()))
    session.commit()
    with app.app_context():
        drain_mail()
    written = [text for subject, _, text in mails_of(app) if "have changed" in subject]
    assert len(written) == 2
    assert all(f"Round {number} (changed)" in text for text in written)
    assert all(re.search(rf"Yours \w+ {event.title}", text) for text in written)
    assert all("https://meet.example/j/1?pwd=a&b=c" in text for text in written)


def test_who_has_not_read_of_their_rounds_is_told_of_no_change(
    client: FlaskClient, session: Session, solved: str, rows: Rows
) -> None:
    """The mail about their rounds still waits, and tells what is so when it goes out."""
    post_form(client, solved, action="/plan/publish")
    match = rows(select(Match).where(Match.room.is_not(None)))[0]
    number = rows(select(Round).where(Round.id == match.round_id))[0].number
    sent = update(Message).where(Message.participant_id == match.second_id)
    session.execute(sent.values(state=MessageState.SENT, wake_at=None, sent_at=utc_now()))
    session.commit()

    make(client, solved, "out", number, match.first_id, match.second_id)
    post_form(client, solved, action="/plan/publish")

    change = select(Message.participant_id).where(Message.kind == MessageKind.PLAN_CHANGE)
    assert rows(change) == [match.second_id]
    waits = select(Message.participant_id).where(Message.state == MessageState.SCHEDULED)
    assert sorted(rows(waits)).count(match.first_id) == 1


def test_a_cancellation_during_the_event_changes_coming_rounds_only(
    app: Flask, client: FlaskClient, session: Session, event: Event, solved: str, rows: Rows
) -> None:
    post_form(client, solved, action="/plan/publish")
    begun = update(Round).where(Round.event_id == event.id, Round.number == 1)
    session.execute(begun.values(starts_at=utc_now() - timedelta(minutes=1)))
    session.commit()
    before = {(m.first_id, m.second_id): m.round_id for m in rows(select(Match))}
    left = rows(select(Participant).where(Participant.name == "Ana"))[0]
    theirs = f"/events/{event.id}/participants/{left.id}"

    asked = client.get(theirs).text
    removed = post_form(client, theirs, action="/remove")
    warned = client.get(removed.location).text
    post_form(client, solved, action="/plan/repair")
    with app.app_context():
        solve_a_plan()
    shown = client.get(solved).text
    post_form(client, solved, action="/plan/publish")

    first, *coming = [slot.id for slot in event.rounds]
    after = {
        (m.first_id, m.second_id): m.round_id
        for m in rows(select(Match).where(Match.state == MatchState.PUBLISHED))
    }
    assert "2 matches</strong> of coming rounds will break" in asked
    assert "cannot take place" in warned
    assert "Mended after a change" in shown
    assert {d for d, r in after.items() if r == first} == {
        d for d, r in before.items() if r == first
    }
    assert not any(left.id in duo for duo, r in after.items() if r in coming)
    kept = [d for d, r in before.items() if r in coming and left.id not in d and after.get(d) == r]
    assert len(kept) >= 4
    mailed = rows(select(Message.participant_id).where(Message.kind == MessageKind.PLAN_CHANGE))
    assert 0 < len(mailed) < len(NAMES)
    assert left.id not in mailed


def test_who_had_to_leave_meets_nobody_new_and_keeps_what_can_be_watched(
    app: Flask, client: FlaskClient, session: Session, event: Event, solved: str, rows: Rows
) -> None:
    post_form(client, solved, action="/plan/publish")
    begun = update(Round).where(Round.event_id == event.id, Round.number == 1)
    session.execute(begun.values(starts_at=utc_now() - timedelta(minutes=1)))
    session.commit()
    ids = {person.name: person.id for person in rows(select(Participant))}
    flo = session.get_one(Participant, ids["Flo"])
    say_exit(session, flo, ExitKind.LEAVING, match=None, words="", actor=SYSTEM, now=utc_now())
    session.commit()

    post_form(client, solved, action="/plan/repair")
    with app.app_context():
        solve_a_plan()
    look = f"{solved}/edit?act=add&number=2&one={flo.id}&other={ids['Gus']}"
    refused = client.get(look).text
    post_form(client, solved, action="/plan/publish")

    first, second, third = [slot.id for slot in event.rounds]
    after = rows(select(Match).where(Match.state == MatchState.PUBLISHED))
    theirs = {(m.round_id, m.first_id + m.second_id - flo.id) for m in after
              if flo.id in (m.first_id, m.second_id)}  # fmt: skip
    assert theirs == {(first, ids["Eve"]), (third, ids["Mei"])}
    in_second = {i for m in after if m.round_id == second for i in (m.first_id, m.second_id)}
    assert ids["Hal"] in in_second, "joins others, as Flo left"
    assert "Flo had to leave, and meets nobody new." in refused
    assert "cannot take place" not in client.get(solved).text


def test_closing_groups_part_who_is_kept_apart_whenever_that_was_said(
    app: Flask, client: FlaskClient, session: Session, event: Event, solved: str, rows: Rows
) -> None:
    """A newcomer avoids all of one group, somebody avoids another later, an organizer forbids."""
    ids = {person.name: person.id for person in rows(select(Participant))}
    first, second = ["Ana", "Bo", "Eve", "Flo"], ["Cy", "Dee", "Gus", "Hal"]
    groups = [sorted(ids[name] for name in names) for names in (first, second)]
    [plan] = session.scalars(select(Plan).options(undefer(Plan.content)))
    plan.content = plan.content | {"groups": groups}
    plan.settings = asdict(PlanSettings(group_size=(3, 5)))
    session.commit()
    post_form(client, solved, action="/plan/publish")
    ivy = factories.participant(session, event, name="Ivy")
    avoided = [(ivy.id, name) for name in first] + [(ids["Hal"], "Dee")]
    for who, name in avoided:
        session.add(
            Mention(
                event_id=event.id,
                participant_id=who,
                kind=MentionKind.AVOID,
                written=name,
                folded=name.lower(),
                meant_id=ids[name],
            )
        )
    session.commit()

    make(client, solved, "forbid", 1, ids["Cy"], ids["Gus"])
    warned = client.get(solved).text
    refused = post_form(client, solved, action="/plan/publish", follow_redirects=True)
    post_form(client, solved, action="/plan/repair")
    with app.app_context():
        solve_a_plan()
    mended = client.get(solved).text
    post_form(client, solved, action="/plan/publish")

    for page in (warned, refused.text):
        assert "Cy and Gus are kept apart, but sit in one closing group." in page
        assert "Dee and Hal are kept apart, but sit in one closing group." in page
        assert "In no closing group: Ivy." in page
    assert "Mend the plan, which parts them" in refused.text
    assert "sit in one closing group" not in mended
    assert "In no closing group" not in mended
    found = rows(select(Group).options(selectinload(Group.members)))
    by_name = [[person.name for person in group.members] for group in found]
    assert sorted(map(sorted, by_name)) == [
        ["Ana", "Bo", "Eve", "Flo", "Gus", "Hal"],
        ["Cy", "Dee", "Ivy"],
    ]
    asked = [PlanSettings.of_data(plan.settings) for plan in rows(select(Plan))]
    assert [wanted.group_size for wanted in asked] == [(3, 5)] * 3


def test_a_plan_without_the_groups_it_was_to_have_ends_with_its_last_round(
    client: FlaskClient, session: Session, event: Event, solved: str, rows: Rows
) -> None:
    form = find_form(client.get(f"{solved}/suggest"))
    client.post(form.action, data=filled(form, {"closing_minutes": "15"}))
    [asked] = rows(select(Event))
    [first, second] = session.scalars(select(Plan).options(undefer(Plan.content)))
    session.delete(second)
    first.settings = asdict(PlanSettings())
    session.commit()

    published = post_form(client, solved, action="/plan/publish", follow_redirects=True)

    [after] = rows(select(Event))
    assert (asked.closing_minutes, after.closing_minutes) == (15, 0)
    assert asked.ends_at - after.ends_at == timedelta(minutes=15)
    assert "the event ends with its last round" in published.text


def test_who_asks_for_another_plan_meanwhile_is_told_and_loses_nothing(
    client: FlaskClient, event: Event, solved: str, rows: Rows
) -> None:
    first = find_form(client.get(f"{solved}/suggest"))
    client.post(first.action, data=filled(first, {"floor": "0"}))
    form = find_form(client.get(f"{solved}/suggest"))

    refused = client.post(form.action, data=filled(form, {"floor": "0.6", "closing_minutes": "33"}))
    twice = client.post(form.action, data=filled(form, {"floor": "0"}))

    assert (refused.status_code, twice.status_code) == (409, 302)
    assert "being worked out already" in refused.text
    kept = find_form(refused).values
    assert (kept["floor"], kept["closing_minutes"]) == (["0.6"], ["33"])
    assert rows(select(Event))[0].closing_minutes != 33
    assert len(rows(select(Plan).where(Plan.state == PlanState.SOLVING))) == 1


def test_more_viewers_are_promised_than_anybody_may_have(client: FlaskClient, solved: str) -> None:
    form = find_form(client.get(f"{solved}/suggest"))

    refused = client.post(
        form.action, data=filled(form, {"promised_viewers": "9", "most_viewers": "4"})
    )

    assert "Promise fewer, or allow more." in refused.text


def test_mending_what_is_published_keeps_to_what_was_asked_of_it(
    client: FlaskClient, session: Session, event: Event, solved: str, rows: Rows
) -> None:
    """Another plan was asked for since, with other groups, and put aside."""
    session.execute(update(Plan).values(settings=asdict(PlanSettings(group_size=(3, 5)))))
    session.commit()
    post_form(client, solved, action="/plan/publish")
    session.add(
        Plan(
            event_id=event.id,
            origin=PlanOrigin.SUGGESTED,
            state=PlanState.READY,
            settings=asdict(PlanSettings(group_size=(5, 8))),
            started_at=utc_now(),
            created_at=utc_now(),
        )
    )
    session.execute(update(Participant).where(Participant.name == "Hal").values(left_at=utc_now()))
    session.commit()

    post_form(client, solved, action="/plan/repair")

    newest = rows(select(Plan).order_by(Plan.id.desc()))[0]
    assert newest.origin is PlanOrigin.REPAIRED
    assert PlanSettings.of_data(newest.settings).group_size == (3, 5)


def test_who_takes_part_in_another_way_keeps_what_can_still_be(
    client: FlaskClient, event: Event, solved: str, rows: Rows
) -> None:
    post_form(client, solved, {"tell": None}, action="/plan/publish")
    flo = rows(select(Participant).where(Participant.name == "Flo"))[0]

    saved = post_form(
        client, f"/events/{event.id}/participants/{flo.id}", {"attendance": Attendance.ASYNC}
    )

    theirs = [m for m in rows(select(Match)) if flo.id in (m.first_id, m.second_id)]
    names = {p.id: p.name for p in rows(select(Participant))}
    states = {names[m.first_id + m.second_id - flo.id]: m.state for m in theirs}
    assert saved.status_code == 302
    assert states == {"Eve": "published", "Hal": "published", "Mei": "withdrawn"}
    assert all(m.room is None for m in theirs)
    mailed = rows(select(Message.participant_id).where(Message.kind == MessageKind.PLAN_CHANGE))
    assert sorted(names[i] for i in mailed) == ["Eve", "Flo", "Hal", "Mei"]


def test_who_comes_in_person_after_all_meets_one_at_a_time(
    client: FlaskClient, session: Session, event: Event, solved: str, rows: Rows
) -> None:
    gus = rows(select(Participant).where(Participant.name == "Gus"))[0]
    mei = rows(select(Participant).where(Participant.name == "Mei"))[0]
    make(client, solved, "add", 3, gus.id, mei.id)
    post_form(client, solved, action="/plan/publish")
    before = [m.state for m in rows(select(Match)) if mei.id in (m.first_id, m.second_id)]

    post_form(client, f"/events/{event.id}/participants/{mei.id}", {"attendance": Attendance.LIVE})

    after = [m.state for m in rows(select(Match)) if mei.id in (m.first_id, m.second_id)]
    assert (before, sorted(after)) == (["published"] * 2, ["published", "withdrawn"])
    assert "Mend the coming rounds" in client.get(solved).text
