"""Events without anybody live: everyone watches, everyone answers, in windows of their own days."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar
from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.audit.actions import SYSTEM
from asyncnet.clock import utc_now
from asyncnet.events.model import Event, Participant, Round
from asyncnet.events.rules import Attendance, EventMode, Slot, window_of
from asyncnet.followups.actions.answering import answer_match
from asyncnet.followups.model import Answer, StandIn
from asyncnet.followups.windows.actions import mind_windows
from asyncnet.followups.windows.rules import given_up_at, nudge_at
from asyncnet.matches.actions import keep_apart
from asyncnet.matches.announcing import announce
from asyncnet.matches.model import Forbid, Match, MatchState
from asyncnet.messages.model import Message
from asyncnet.messages.rules import MessageKind, next_daylight, next_morning
from asyncnet.web.filters import local
from asyncnet.zones import city_of, zone_names
from tests import factories
from tests.inbox import mails_sent, text_of
from tests.pages import filled, find_form, forms_on, open_personal_link, post_form, sign_in

Rows = Callable[..., list[Any]]
YEARS = (datetime(2026, 1, 1), datetime(2028, 1, 1))  # noqa: DTZ001 - hypothesis wants no zone
ZONES = ("Europe/Berlin", "America/Los_Angeles", "Asia/Tokyo", "Pacific/Auckland")
"""At every hour it is day in one of them and night in another."""
UNTIL_ITS_DAY = timedelta(hours=14)
"""After so long it has been day once for everybody."""


def begun(session: Session, ago: timedelta) -> Event:
    """Return an asynchronous event of three windows of two days each, the first begun by now."""
    starts_at = utc_now() - ago
    event = factories.event(session, factories.organizer(session), starts_at=starts_at)
    event.mode = EventMode.ASYNC
    for slot in event.rounds:
        slot.starts_at = starts_at + (slot.number - 1) * timedelta(hours=48)
        slot.ends_at = slot.starts_at + timedelta(hours=48)
    event.ends_at = event.rounds[-1].ends_at
    session.commit()
    return event


def matched(
    session: Session, event: Event, zones: tuple[str, str]
) -> tuple[Participant, Participant, Match]:
    """Return two people with intros who meet in the first window."""
    one, other = (
        factories.participant(session, event, zone=zone, attendance=Attendance.ASYNC)
        for zone in zones
    )
    for person in (one, other):
        factories.intro(session, person)
    match = factories.match(session, one, other)
    factories.publish(session, event)
    return one, other, match


@given(
    st.sampled_from(zone_names()),
    st.datetimes(*YEARS),
    st.integers(24, 48),
)
def test_a_window_opens_by_day_and_is_as_long_for_everybody(
    name: str, moment: datetime, hours: int
) -> None:
    starts_at = moment.replace(tzinfo=UTC)
    slot = Slot(1, starts_at, starts_at + timedelta(hours=hours))

    window = window_of(slot, ZoneInfo(name))

    local = window.starts_at.astimezone(ZoneInfo(name))
    assert 8 <= local.hour < 21
    assert timedelta(0) <= window.starts_at - starts_at < timedelta(hours=13)
    assert window.ends_at - window.starts_at == timedelta(hours=hours)


def test_mail_and_calendar_tell_when_a_window_opens_for_their_reader(
    session: Session, app: Flask, client: FlaskClient
) -> None:
    event = begun(session, -timedelta(days=2))
    slot = slot_of(event)
    zone = next(zone for zone in ZONES if window_of(slot, ZoneInfo(zone)) != slot)
    window = window_of(slot, ZoneInfo(zone))
    reader, _, match = matched(session, event, (zone, "UTC"))
    more = factories.participant(session, event, attendance=Attendance.ASYNC)
    factories.match(session, reader, more)
    match.state = MatchState.WITHDRAWN
    sign_in(client, factories.organizer(session, of=event))
    session.commit()

    announce(session, event, [reader], cause=f"match:{match.id}", now=utc_now())
    session.commit()
    calendar = client.get(f"/events/{event.id}/plan/people/{reader.id}.ics").data

    [mail] = [
        mail for mail in mails_sent(app, at=utc_now() + UNTIL_ITS_DAY) if reader.email in mail["To"]
    ]
    assert f"Window 1, {local(window.starts_at, zone)} ({city_of(zone)} time)" in text_of(mail)
    [entry] = Calendar.from_ical(calendar).walk("VEVENT")
    assert (entry.decoded("dtstart"), entry.decoded("dtend")) == (window.starts_at, window.ends_at)


def test_each_of_the_two_watches_and_answers_the_other(
    session: Session, app: Flask, rows: Rows
) -> None:
    """The mails go on the next morning, although the event goes on for days."""
    ana, kenji, match = matched(
        session, begun(session, timedelta(hours=20)), ("Europe/Berlin", "Asia/Tokyo")
    )

    for author, words in ((ana, "Your tide pools!"), (kenji, "Your harbour!")):
        browser = app.test_client()
        open_personal_link(browser, author)
        page = f"/me/{author.id}/matches/{match.id}"
        question = next(name for name in find_form(browser.get(page)).values if name[0] == "q")
        assert post_form(browser, page, {question: words}).status_code == 302

    found = {answer.author_id: answer.items[0]["value"] for answer in rows(select(Answer))}
    assert found == {ana.id: "Your tide pools!", kenji.id: "Your harbour!"}
    mails = rows(select(Message))
    assert {mail.participant_id for mail in mails} == {ana.id, kenji.id}
    for mail in mails:
        assert mail.due_at == next_morning(mail.created_at, ZoneInfo(mail.zone))


def test_nobody_is_let_in_before_a_humane_hour_of_theirs(session: Session, app: Flask) -> None:
    """Night in one place is day in another."""
    event = begun(session, timedelta(minutes=1))
    hours = {zone: event.starts_at.astimezone(ZoneInfo(zone)).hour for zone in ZONES}
    day = next(zone for zone, hour in hours.items() if 8 <= hour < 21)
    night = next(zone for zone, hour in hours.items() if not 7 <= hour < 22)
    awake, asleep, match = matched(session, event, (day, night))

    seen = []
    for person in (awake, asleep):
        browser = app.test_client()
        open_personal_link(browser, person)
        page = browser.get(f"/me/{person.id}/matches/{match.id}").text
        mine = browser.get(f"/me/{person.id}").text
        seen.append(("<textarea" in page, "Open now" in mine, ", 08:00" in page))
        assert "Window 1 " in mine
        assert "Round 1" not in mine + page, "windows are no rounds"

    assert seen == [(True, True, False), (False, False, True)]


def test_an_organizer_makes_an_event_in_peoples_own_time(
    app: Flask, client: FlaskClient, session: Session, rows: Rows
) -> None:
    sign_in(client, factories.organizer(session))
    said = {
        "title": "A slow week", "zone": "Europe/Berlin", "starts": "2083-06-18T14:00",
        "mode": "async", "rounds": "3", "hours": "36",
    }  # fmt: skip

    refused = post_form(client, "/events/new", said | {"hours": "12"})
    made = post_form(client, "/events/new", said)
    [event] = rows(select(Event).where(Event.title == "A slow week"))
    kept = find_form(client.get(f"/events/{event.id}/settings")).values
    join = f"/join/{event.registration_key}"
    ida = {"name": "Ida", "email": "ida@reader.example", "zone": "Asia/Tokyo", "consent": "y"}
    joined = post_form(app.test_client(), join, ida | {"attendance": "live"})

    assert "Between 24 and 48 hours" in refused.text
    assert (made.status_code, joined.status_code) == (302, 302)
    assert (kept["mode"], kept["hours"], kept["rounds"]) == (["async"], ["36"], ["3"])
    assert event.ends_at - event.starts_at == timedelta(hours=3 * 36)
    [participant] = rows(select(Participant))
    assert participant.attendance is Attendance.ASYNC


def test_the_link_and_the_page_tell_the_readers_own_first_window(
    session: Session, app: Flask, rows: Rows
) -> None:
    """Nobody is told that they talk live, nor when it starts for the host."""
    event = begun(session, timedelta(days=-3))
    hours = {zone: event.starts_at.astimezone(ZoneInfo(zone)).hour for zone in ZONES}
    night = next(zone for zone, hour in hours.items() if not 7 <= hour < 22)
    browser = app.test_client()
    ida = {"name": "Ida", "email": "ida@reader.example", "zone": night, "consent": "y"}
    asked = browser.get(f"/join/{event.registration_key}").text
    post_form(browser, f"/join/{event.registration_key}", ida)
    [participant] = rows(select(Participant))

    [mail] = mails_sent(app, at=next_daylight(ZoneInfo(night), utc_now()))
    page = open_personal_link(browser, participant).text

    opens_at = window_of(slot_of(event), ZoneInfo(night)).starts_at.astimezone(ZoneInfo(night))
    assert opens_at.strftime("%H:%M") == "08:00"
    text = " ".join(text_of(mail).split())
    assert "08:00" in text
    assert "In each window you have 48 hours to watch the intro of somebody else" in text
    assert "Everybody takes part in their own time" in " ".join(asked.split())
    assert "Asleep then?" not in asked
    assert "08:00" in page
    assert "Starts, for the host" not in page


def test_who_stays_silent_is_nudged_once_by_day(session: Session, app: Flask, rows: Rows) -> None:
    """A third of their window is left then; who has answered hears nothing."""
    event = begun(session, timedelta(0))
    factories.own_words(session, event)
    ana, kenji, match = matched(session, event, ("Europe/Berlin", "Asia/Tokyo"))
    answers(session, ana, match, at=event.starts_at)
    window = window_of(slot_of(event), ZoneInfo(kenji.zone))
    late = nudge_at(window, ZoneInfo(kenji.zone))

    for moment in (late - timedelta(minutes=1), late, late + timedelta(minutes=10)):
        mind_windows(session, now=moment)
        session.commit()

    [nudge] = rows(select(Message).where(Message.kind == MessageKind.VIEWING_NUDGE))
    assert (nudge.participant_id, nudge.due_at) == (kenji.id, late)
    assert 8 <= late.astimezone(ZoneInfo(kenji.zone)).hour < 21
    mails = {mail["To"]: mail for mail in mails_sent(app, at=late)}
    mail = mails[f"{kenji.name} <{kenji.email}>"]
    assert mail["Subject"] == f"{ana.name} would love to hear from you"
    assert f"Yours {kenji.name} {event.title} {ana.name}" in text_of(mail)


def test_nobody_is_nudged_to_write_to_somebody_they_are_uneasy_about(
    session: Session, rows: Rows
) -> None:
    event = begun(session, timedelta(0))
    ana, kenji, match = matched(session, event, ("Europe/Berlin", "Asia/Tokyo"))
    answers(session, ana, match, at=event.starts_at)
    keep_apart(session, event.id, (ana.id, kenji.id), uneasy_id=kenji.id, now=event.starts_at)
    zone = ZoneInfo(kenji.zone)

    mind_windows(session, now=nudge_at(window_of(slot_of(event), zone), zone))
    session.commit()

    assert rows(select(Message).where(Message.kind == MessageKind.VIEWING_NUDGE)) == []


def test_whoever_waited_in_vain_gets_another_partner_once(
    session: Session, app: Flask, rows: Rows
) -> None:
    """Not somebody who is silent too or had to leave, and nobody they are kept apart from."""
    event = begun(session, timedelta(0))
    factories.own_words(session, event)
    ana, kenji, match = matched(session, event, ("Europe/Berlin", "Asia/Tokyo"))
    off, lea, apart, mute = (
        factories.participant(session, event, name=name, attendance=Attendance.ASYNC)
        for name in ("Off", "Lea", "Apart", "Mute")
    )
    off.away_from_at = event.starts_at
    for person in (off, lea, apart, mute):
        factories.intro(session, person)
    factories.match(session, lea, apart)
    quiet = factories.match(session, mute, kenji)
    session.add(
        Forbid(event_id=event.id, first_id=ana.id, second_id=apart.id, created_at=utc_now())
    )
    for person, theirs in ((ana, match), (lea, met(session, lea, apart))):
        answers(session, person, theirs, at=event.starts_at)
    answers(session, apart, met(session, lea, apart), at=event.starts_at)
    over = event.rounds[0].ends_at + timedelta(hours=13)
    event.rounds[1].starts_at = over + timedelta(hours=1)
    session.commit()

    counts = []
    for _ in range(2):
        counts.append(mind_windows(session, now=over))
        session.commit()

    assert counts == [1, 0]
    [stand_in] = rows(select(StandIn))
    assert stand_in.match_id == match.id
    [made] = rows(select(Match).where(Match.id == stand_in.new_match_id))
    assert ({made.first_id, made.second_id}, made.state) == ({ana.id, lea.id}, "published")
    assert made.round_id == event.rounds[1].id
    assert quiet.id not in {row.match_id for row in rows(select(StandIn))}
    told = rows(select(Message).where(Message.kind == MessageKind.STAND_IN))
    assert {message.participant_id for message in told} == {ana.id, lea.id}
    due_at = max(message.due_at for message in told)
    mails = {mail["Subject"]: text_of(mail) for mail in mails_sent(app, at=due_at)}
    assert f"Yours Lea {event.title} {ana.name}" in mails[f"You also meet {ana.name}"]
    assert f"Yours {ana.name} {event.title} Lea" in mails["You also meet Lea"]


def test_in_the_last_window_somebody_else_stands_in_while_there_is_time(
    session: Session, app: Flask, rows: Rows
) -> None:
    """Hours before it ends for the silent one; whoever has no hours left is not asked."""
    event = in_last_window(session)
    ana, mute, match = matched(session, event, ("Europe/Berlin", "Europe/Berlin"))
    lea = factories.participant(
        session, event, name="Lea", zone="Europe/Berlin", attendance=Attendance.ASYNC
    )
    factories.intro(session, lea)
    answers(session, ana, match, at=event.starts_at)
    window = window_of(slot_of(event), ZoneInfo("Europe/Berlin"))
    given_up = given_up_at(window, ZoneInfo("Europe/Berlin"))

    counts = []
    for moment in (given_up - timedelta(minutes=1), given_up, given_up + timedelta(minutes=10)):
        counts.append(mind_windows(session, now=moment))
        session.commit()

    assert counts == [0, 1, 0]
    [stand_in] = rows(select(StandIn))
    [made] = rows(select(Match).where(Match.id == stand_in.new_match_id))
    assert {made.first_id, made.second_id} == {ana.id, lea.id}
    assert (made.round_id, window.ends_at - given_up >= timedelta(hours=2)) == (
        match.round_id,
        True,
    )
    told = rows(select(Message).where(Message.kind == MessageKind.STAND_IN))
    assert {message.expires_at for message in told} == {window.ends_at}
    assert mute.id not in {message.participant_id for message in told}


def test_who_waited_in_vain_to_the_end_is_told_and_so_is_the_organizer(
    session: Session, app: Flask, client: FlaskClient
) -> None:
    event = in_last_window(session, ago=timedelta(days=3))
    ana, mute, match = matched(session, event, ("Europe/Berlin", "Asia/Tokyo"))
    answers(session, ana, match, at=event.starts_at)
    sign_in(client, factories.organizer(session, of=event))
    anas, mutes = app.test_client(), app.test_client()

    assert mind_windows(session, now=utc_now()) == 0
    session.commit()

    assert f"{mute.name} did not find the time" in open_personal_link(anas, ana).text
    assert f"{ana.name} wrote to you and still waits" in open_personal_link(mutes, mute).text
    board = client.get(f"/events/{event.id}/show").text
    assert f"waited for {mute.name} in window 1" in " ".join(board.split())
    assert ana.email in board


def in_last_window(session: Session, *, ago: timedelta = timedelta(0)) -> Event:
    """Return an asynchronous event of one window, which began so long ago, at noon in Berlin."""
    noon = (utc_now() - ago).astimezone(ZoneInfo("Europe/Berlin")).replace(hour=12, minute=0)
    event = begun(session, utc_now() - noon)
    event.rounds = event.rounds[:1]
    event.ends_at = event.rounds[0].ends_at
    session.commit()
    return event


def answers(session: Session, author: Participant, match: Match, *, at: datetime) -> None:
    item = {"question": 1, "kind": "long", "label": "What stayed?", "value": "Your tide pools!"}
    answer_match(
        session, match.id, author.id, items=[item], contact=None, actor=SYSTEM, now=at
    )  # fmt: skip
    session.commit()


def met(session: Session, one: Participant, other: Participant) -> Match:
    first, second = sorted((one.id, other.id))
    return session.scalars(
        select(Match).where(Match.first_id == first, Match.second_id == second)
    ).one()


def slot_of(event: Event, number: int = 1) -> Slot:
    return event.rounds[number - 1].slot


def test_the_run_of_show_tells_of_windows_and_turns_no_clock(
    session: Session, client: FlaskClient, rows: Rows
) -> None:
    event = begun(session, UNTIL_ITS_DAY)
    one, _, match = matched(session, event, ("UTC", "Asia/Tokyo"))
    answer_match(session, match.id, one.id, items=[], contact=None, actor=SYSTEM, now=utc_now())
    session.commit()
    sign_in(client, factories.organizer(session, of=event))
    show = f"/events/{event.id}/show"
    before = rows(select(Round.starts_at))

    page = client.get(show)
    told = post_form(client, show, {"notice": "Take your time."}, action="/show/notice")
    client.post(
        f"{show}/clock/begin",
        data=filled(find_form(page, "/show/notice"), {"version": 2, "sure": "y"}),
    )

    assert "1 of 2 people" in page.text
    assert not any("/clock/" in form.action for form in forms_on(page))
    assert "Zoom" not in page.text
    assert told.status_code == 302
    assert rows(select(Round.starts_at)) == before
    assert client.get(f"{show}/rooms/1").status_code == 404
    assert "closing_minutes" not in client.get(f"/events/{event.id}/plan/suggest").text
