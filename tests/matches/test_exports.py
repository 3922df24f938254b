"""The plan outside of asyncnet: spreadsheets, programs, Zoom, calendars."""

import csv
import io
import json

import pytest
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy.orm import Session

from asyncnet.events.model import Event
from asyncnet.events.rules import Attendance
from asyncnet.matches.model import MatchState
from asyncnet.matches.queries import plan_of
from tests import factories
from tests.calendars import strictly_read
from tests.pages import sign_in


@pytest.fixture
def event(session: Session, client: FlaskClient) -> Event:
    """A published round: two chats and a viewing, and a name that looks like a formula."""
    host = factories.organizer(session)
    made = factories.event(session, host)
    names = ("=HYPERLINK(0)", "Bo", "Cy", "Dee", "Eve")
    people = [factories.participant(session, made, name=name) for name in names]
    mei = factories.participant(session, made, name="Mei", attendance=Attendance.ASYNC)
    for one, other in ((people[0], people[1]), (people[2], people[3]), (people[4], mei)):
        factories.match(session, one, other)
    factories.publish(session, made)
    sign_in(client, host)
    return made


def test_a_spreadsheet_reads_names_and_no_formula(client: FlaskClient, event: Event) -> None:
    """B6."""
    answer = client.get(f"/events/{event.id}/plan.csv")

    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.mimetype == "text/csv"
    assert [(row["person"], row["meets"], row["how"], row["room"]) for row in rows] == [
        ("'=HYPERLINK(0)", "Bo", "chat", "Room 1"),
        ("Cy", "Dee", "chat", "Room 2"),
        ("Eve", "Mei", "viewing", ""),
    ]


def test_a_program_reads_the_same_plan(client: FlaskClient, event: Event) -> None:
    plan = json.loads(client.get(f"/events/{event.id}/plan.json").text)

    met = [[p["name"] for p in match["people"]] for match in plan["rounds"][0]["matches"]]
    assert met == [["=HYPERLINK(0)", "Bo"], ["Cy", "Dee"], ["Eve", "Mei"]]
    assert [len(slot["matches"]) for slot in plan["rounds"]] == [3, 0, 0]


def test_zoom_reads_rooms_of_those_who_talk(client: FlaskClient, event: Event) -> None:
    rows = list(csv.reader(io.StringIO(client.get(f"/events/{event.id}/plan/rooms/1.csv").text)))

    assert rows[0] == ["Pre-assign Room Name", "Email Address"]
    assert [room for room, _ in rows[1:]] == ["Room 1", "Room 1", "Room 2", "Room 2"]
    assert len({address for _, address in rows[1:]}) == 4


def test_a_chat_keeps_its_room_when_others_come_and_go(
    client: FlaskClient, session: Session, event: Event
) -> None:
    from_before = {m.first_id: m.room for m in plan_of(session, event.id) if m.room}
    first = min(plan_of(session, event.id), key=lambda match: match.room or 99)
    first.state = MatchState.WITHDRAWN
    extra = [factories.participant(session, event, name=name) for name in ("Flo", "Gus")]
    factories.match(session, *extra)
    factories.publish(session, event)

    after = {m.first_id: m.room for m in plan_of(session, event.id) if m.room}

    assert after == {extra[0].id: 1} | {i: room for i, room in from_before.items() if room == 2}


def test_a_calendar_reads_the_rounds_and_replaces_them_later(
    client: FlaskClient, session: Session, event: Event
) -> None:
    bo = next(m.second for m in plan_of(session, event.id) if m.second.name == "Bo")

    first, again = (client.get(f"/events/{event.id}/plan/people/{bo.id}.ics").data for _ in "12")

    [entry], [later] = (Calendar.from_ical(data).walk("VEVENT") for data in (first, again))
    assert entry["UID"] == later["UID"]
    assert entry.decoded("dtstart") == event.rounds[0].starts_at
    assert str(entry["LOCATION"]) == "Room 1"
    assert "round 1: talk with =HYPERLINK(0)" in str(entry["SUMMARY"])


def test_the_strictest_calendar_takes_the_rounds_whatever_people_are_called(
    client: FlaskClient, session: Session, event: Event
) -> None:
    """RFC 5545 and 5546; the title is folded, quoted and escaped."""
    event.title = 'Tides; "coasts", back\\slash and Ünï🎉: ' + "海" * 60
    event.live_link = "https://meet.example/" + "long-room-name/" * 9
    session.commit()
    bo = next(m.second for m in plan_of(session, event.id) if m.second.name == "Bo")

    written = client.get(f"/events/{event.id}/plan/people/{bo.id}.ics").data

    method, [entry] = strictly_read(written)
    assert method == "PUBLISH"
    assert entry["SUMMARY"][0].startswith('Tides\\; "coasts"\\, back\\\\slash and Ünï🎉: 海海')
