"""The organizers' list of everybody who waits, and the funnel of an event."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from asyncnet.events.model import Event, Participant
from asyncnet.events.rules import Attendance
from asyncnet.followups.funnel import Rung, funnel
from asyncnet.followups.model import Answer, Reply, Step
from asyncnet.followups.rules import Told
from asyncnet.followups.waiting.queries import PAGE, For, waiting_counts, waiting_page
from asyncnet.intros.model import Intro
from asyncnet.matches.bench.model import Bench, Plan, PlanOrigin, PlanState
from asyncnet.matches.model import Match
from asyncnet.messages.model import Message
from asyncnet.messages.rules import MessageState
from tests import factories
from tests.messages.test_board import counted_queries
from tests.pages import sign_in

START = datetime(2026, 6, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
MANY = 3_000


@pytest.fixture
def forum(session: Session, client: FlaskClient) -> Event:
    """An event whose organizer the client is."""
    host = factories.organizer(session)
    forum = factories.event(session, host)
    sign_in(client, host)
    return forum


def pair(session: Session, forum: Event, name: str) -> Match:
    """Return a viewing of an asynchronous person by a live one, registered at the START."""
    live = factories.participant(session, forum, name=f"Live {name}")
    away = factories.participant(session, forum, name=name, attendance=Attendance.ASYNC)
    intro = factories.intro(session, away)
    for person in (live, away):
        person.registered_at = START
    intro.ready_at = START + HOUR
    match = factories.match(session, live, away)
    match.created_at = START + 2 * HOUR
    session.commit()
    return match


def watch(session: Session, match: Match) -> None:
    session.add(
        Step(
            match_id=match.id,
            participant_id=match.first_id,
            told=Told.WATCHED,
            at=START + 4 * HOUR,
        )
    )
    session.commit()


def write(session: Session, match: Match, *, sent: bool) -> None:
    """Answer a match after five hours, its mail sent after twenty or still waiting."""
    mail = Message(
        key=f"mail:{match.id}",
        reference=f"{match.id:032}",
        kind="follow_up",
        subject_id=match.id,
        event_id=match.event_id,
        participant_id=match.second_id,
        to_address="away@reader.example",
        to_name=match.second.name,
        zone="Europe/Berlin",
        due_local="2026-06-02T09:00",
        due_at=START + 20 * HOUR,
        wake_at=None if sent else START + 20 * HOUR,
        state=MessageState.SENT if sent else MessageState.SCHEDULED,
        sent_at=START + 20 * HOUR if sent else None,
        created_at=START,
    )
    session.add(mail)
    session.flush()
    session.add(
        Answer(
            match_id=match.id,
            author_id=match.first_id,
            items=[],
            contact=None,
            message_id=mail.id,
            created_at=START + 5 * HOUR,
            changed_at=START + 5 * HOUR,
        )
    )
    session.commit()


def reply(session: Session, match: Match) -> None:
    session.add(
        Reply(
            match_id=match.id,
            author_id=match.second_id,
            words="Yes!",
            form_key=f"form {match.id}",
            created_at=START + 30 * HOUR,
        )
    )
    session.commit()


def rows_of_page(client: FlaskClient, forum: Event, what: str = "") -> list[str]:
    page = client.get(f"/events/{forum.id}/waiting?what={what}").text
    rows = re.findall(r'<tr class="table__row".*?</tr>', page, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in rows]


def test_everybody_waits_for_the_next_thing_and_the_longest_is_first(
    client: FlaskClient, session: Session, forum: Event
) -> None:
    unseen, seen, written, mailed, replied = (
        pair(session, forum, name) for name in ("Una", "Sia", "Wim", "Mei", "Rey")
    )
    for match in (seen, written, mailed, replied):
        watch(session, match)
    for match in (written, mailed, replied):
        write(session, match, sent=match is not written)
    reply(session, replied)
    late = factories.participant(session, forum, name="Lou", attendance=Attendance.ASYNC)
    late.registered_at = START + 40 * HOUR
    session.commit()

    found, following = waiting_page(session, forum.id, None, after=None, limit=PAGE)

    assert following is None
    assert [(each.what, each.who, each.since) for each in found] == [
        (For.WATCHING, "Live Una and Una", START + 2 * HOUR),
        (For.ANSWER, "Live Sia and Sia", START + 4 * HOUR),
        (For.MAIL, "Live Wim and Wim", START + 5 * HOUR),
        (For.REPLY, "Live Mei and Mei", START + 20 * HOUR),
        (For.MEETING, "Live Rey and Rey", START + 30 * HOUR),
        (For.INTRO, "Lou", START + 40 * HOUR),
        (For.MATCH, "Lou", START + 40 * HOUR),
    ]
    assert unseen.id == found[0].thing_id
    assert ["Live Mei and Mei" in row for row in rows_of_page(client, forum, "reply")] == [True]


def test_who_met_left_or_wants_no_more_waits_for_nothing(session: Session, forum: Event) -> None:
    met, left, closed = (pair(session, forum, name) for name in ("Met", "Left", "Closed"))
    for match, told in ((met, Told.MET), (closed, Told.CLOSED)):
        session.add(
            Step(match_id=match.id, participant_id=match.first_id, told=told, at=START + HOUR)
        )
    session.execute(
        update(Participant).where(Participant.id == left.second_id).values(left_at=START)
    )
    session.commit()

    assert waiting_counts(session, forum.id) == {}


def test_what_an_organizer_must_decide_is_listed_with_its_place(
    client: FlaskClient, session: Session, forum: Event
) -> None:
    match = pair(session, forum, "Mei")
    watch(session, match)
    write(session, match, sent=True)
    session.execute(update(Message).values(state=MessageState.FAILED))
    plan = Plan(
        event_id=forum.id, origin=PlanOrigin.EDITED, state=PlanState.READY, created_at=START
    )
    session.add(plan)
    session.flush()
    session.add(Bench(event_id=forum.id, plan_id=plan.id))
    session.commit()

    page = client.get(f"/events/{forum.id}/waiting").text

    message = session.scalars(select(Message.id)).one()
    assert f'href="/events/{forum.id}/messages/{message}"' in page
    assert waiting_counts(session, forum.id) == {For.DECISION: 1, For.PUBLISHING: 1, For.MAIL: 1}
    [row] = rows_of_page(client, forum, "publishing")
    assert "Everybody Waits for You to publish the plan" in row


def test_the_overview_counts_as_the_list_does_and_leads_into_it(
    client: FlaskClient, session: Session, forum: Event
) -> None:
    match = pair(session, forum, "Mei")
    watch(session, match)
    write(session, match, sent=False)
    factories.participant(session, forum)
    session.commit()

    board = client.get(f"/events/{forum.id}").text

    links = re.findall(r'waiting\?what=(\w+)">(\d+) ', board)
    assert {For(what): int(count) for what, count in links} == waiting_counts(session, forum.id)
    assert waiting_counts(session, forum.id) == {For.MATCH: 1, For.MAIL: 1}
    assert "1 follow-up waits" in board


def test_the_list_goes_page_by_page_and_out_whole(
    client: FlaskClient, session: Session, forum: Event
) -> None:
    """CHECKLIST B6."""
    crowd(session, forum, PAGE + 10)

    seen, address = [], f"/events/{forum.id}/waiting?what=match"
    while address:
        page = client.get(address).text
        seen += re.findall(r"Person \d+ of many", page)
        found = re.search(r'href="([^"]*)" rel="next"', page)
        address = found[1].replace("&amp;", "&") if found else ""
    table = client.get(f"/events/{forum.id}/waiting.csv?what=match").text

    everybody = [f"Person {number} of many" for number in range(PAGE + 10)]
    assert list(dict.fromkeys(seen)) == everybody
    assert [row[0] for row in csv.reader(io.StringIO(table))][1:] == everybody


def test_a_crowd_costs_no_more_queries(client: FlaskClient, session: Session, forum: Event) -> None:
    pages = [f"/events/{forum.id}", f"/events/{forum.id}/waiting"]
    few = [queries_for(client, page) for page in pages]
    crowd(session, forum, MANY)

    many = [queries_for(client, page) for page in pages]

    assert many == few
    assert max(many) <= 25


def queries_for(client: FlaskClient, page: str) -> int:
    with counted_queries(client.application) as seen:
        assert client.get(page).status_code == 200
    return len(seen)


def crowd(session: Session, forum: Event, people: int) -> None:
    session.execute(
        insert(Participant),
        [
            {
                "event_id": forum.id,
                "name": f"Person {number} of many",
                "email": f"person{number}@crowd.example",
                "zone": "Asia/Tokyo",
                "attendance": Attendance.LIVE,
                "registered_at": START + timedelta(seconds=number // 3),
            }
            for number in range(people)
        ],
    )
    session.commit()


def test_the_funnel_counts_people_and_how_long_each_stage_took(
    client: FlaskClient, session: Session, forum: Event
) -> None:
    far, near = pair(session, forum, "Far"), pair(session, forum, "Near")
    for match in (far, near):
        watch(session, match)
    write(session, far, sent=True)
    reply(session, far)
    lone = factories.participant(session, forum, attendance=Attendance.ASYNC)
    lone.registered_at = START
    session.execute(
        update(Intro)
        .where(Intro.participant_id == near.second_id)
        .values(ready_at=START + 2 * HOUR)
    )
    session.commit()

    rungs = funnel(session, forum.id)

    assert rungs == [
        Rung("invited", 3, 100, None),
        Rung("recorded", 2, 67, timedelta(minutes=90)),
        Rung("watched", 2, 67, timedelta(minutes=150)),
        Rung("answered", 1, 33, HOUR),
        Rung("mailed", 1, 33, 15 * HOUR),
        Rung("replied", 1, 33, 10 * HOUR),
        Rung("met", 0, 0, None),
    ]
    board = client.get(f"/events/{forum.id}").text
    assert re.search(r"Got the words by mail.*?15 hours", board, re.DOTALL)


@pytest.mark.parametrize("address", ["?after=x", "?after=2026-01-01~intro~0", "?what=gold"])
def test_an_address_that_makes_no_sense_shows_the_beginning(
    client: FlaskClient, session: Session, forum: Event, address: str
) -> None:
    crowd(session, forum, 1)

    assert "Person 0 of many" in client.get(f"/events/{forum.id}/waiting{address}").text


def test_the_list_says_who_should_act_and_who_no_longer_can(
    session: Session, client: FlaskClient, forum: Event
) -> None:
    ida, jo = pair(session, forum, "Ida"), pair(session, forum, "Jo")
    watch(session, jo)
    ida.first.away_from_at = START
    session.commit()

    page = client.get(f"/events/{forum.id}/waiting").text

    assert "Live Ida to watch Ida's intro; Live Ida had to leave" in page
    assert "Words from Live Jo" in page
    assert "Live Jo had to leave" not in page
