"""The mails about intros: to the one who waits at once, to who has not begun at a humane hour."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event as listen
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from asyncnet import tasks
from asyncnet.audit.actions import SYSTEM
from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.events.model import Event, Participant
from asyncnet.events.rules import Attendance
from asyncnet.intros import queries
from asyncnet.intros.actions import processing, telling
from asyncnet.intros.actions.processing import Claim, Prepared
from asyncnet.intros.model import Intro, IntroState
from asyncnet.intros.rules import SOUND_ONLY, nudge_at
from asyncnet.messages.model import Message
from asyncnet.messages.rules import MessageKind, MessageState
from asyncnet.people.model import Person
from asyncnet.zones import zone_named
from tests import factories
from tests.intros.films import TONE, film
from tests.intros.people import agree, make_participant, make_video, phone, upload
from tests.pages import post_form, sign_in

Rows = Callable[[Any], Sequence[Any]]
NIGHT_IN_SYDNEY = datetime(2030, 6, 1, 16, tzinfo=UTC)
MORNING_IN_SYDNEY = datetime(2030, 6, 1, 23, tzinfo=UTC)


@pytest.mark.sizeless
@pytest.mark.parametrize(
    ("now", "due", "day"),
    [
        ("2030-06-01T16:00", "2030-06-01T23:00", "2030-06-02"),
        ("2030-06-01T22:59", "2030-06-01T23:00", "2030-06-02"),
        ("2030-06-01T23:00", "2030-06-01T23:00", "2030-06-02"),
        ("2030-06-02T09:59", "2030-06-02T09:59", "2030-06-02"),
        ("2030-06-02T10:00", "2030-06-02T23:00", "2030-06-03"),
        ("2030-10-05T11:00", "2030-10-05T22:00", "2030-10-06"),
    ],
    ids=["night", "early", "nine", "evening", "eight in the evening", "clocks go forward"],
)
def test_a_reminder_goes_out_between_nine_and_eight_in_sydney(now: str, due: str, day: str) -> None:
    asked = datetime.fromisoformat(now).replace(tzinfo=UTC)

    at, there = nudge_at(zone_named("Australia/Sydney"), asked)

    assert (f"{at:%Y-%m-%dT%H:%M}", str(there)) == (due, day)


def mails(app: Flask, rows: Rows, kind: MessageKind) -> list[str]:
    """Return the texts of this kind as they would go out now."""
    found = rows(select(Message).where(Message.kind == kind).order_by(Message.id))
    compose = tasks.compose_by(utc_now)
    with app.test_request_context():
        return [compose(db.session(), db.session().get_one(Message, m.id)).text for m in found]


def test_who_waits_is_told_at_once_what_became_of_their_file(
    app: Flask, session: Session, rows: Rows, tmp_path: Path
) -> None:
    """Refused with the reason and the way on; ready with what to do next. At any hour."""
    ana = make_participant(session, starts_at=utc_now() + timedelta(days=7))
    browser = phone(app, ana)
    agree(browser, ana.id)

    upload(browser, ana.id, film(tmp_path / "a.mp3", *TONE).read_bytes())
    with app.app_context():
        tasks.process_a_video()
    [refused] = mails(app, rows, MessageKind.INTRO_REFUSED)
    upload(browser, ana.id, make_video(tmp_path / "a.mp4").read_bytes())
    with app.app_context():
        tasks.process_a_video()
    [ready] = mails(app, rows, MessageKind.INTRO_READY)

    assert SOUND_ONLY in " ".join(refused.split())
    assert "One click on your page takes it as an audio intro" in refused
    assert "?to=intro" in refused
    assert "captions" in ready
    assert "replace or withdraw" in " ".join(ready.split())
    for message in rows(select(Message).where(Message.kind.startswith("intro_"))):
        assert message.state is MessageState.SCHEDULED
        assert message.due_at <= utc_now()
    link = next(word for word in ready.split() if "?to=intro" in word)
    there = app.test_client().get(link.partition("8000")[2] or link, follow_redirects=True)
    assert there.request.path == f"/me/{ana.id}/intro"


def test_a_mail_about_what_is_no_more_is_not_sent(app: Flask, session: Session, rows: Rows) -> None:
    """Replaced before the mail went: one mail, about the one that stands."""
    owner = make_participant(session)
    with app.app_context():
        for _ in range(2):
            make_ready(session, owner)
        tasks.drain_mail(lambda: NIGHT_IN_SYDNEY)

    states = [m.state for m in rows(select(Message).order_by(Message.id))]
    assert states == [MessageState.CANCELLED, MessageState.SENT]


def make_ready(session: Session, owner: Participant) -> None:
    key = f"uploads/{owner.id}-{len(session.scalars(select(Intro)).all())}"
    intro = Intro(
        participant_id=owner.id,
        state=IntroState.PROCESSING,
        upload_key=key,
        bytes_announced=1,
        created_at=NIGHT_IN_SYDNEY,
        folder=f"intros/{key}",
        attempts=1,
    )
    session.add(intro)
    session.commit()
    claim = Claim(intro.id, 1, intro.kind, key, 1, f"intros/{key}")
    with transaction() as writing:
        made = Prepared(["a.mp4", "b.mp4", "c.jpg"], 3, 640, 360, [])
        processing.mark_ready(writing, claim, made, now=NIGHT_IN_SYDNEY)


@pytest.fixture
def host(session: Session) -> Person:
    return factories.organizer(session)


@pytest.fixture
def forum(session: Session, host: Person) -> Event:
    return factories.event(session, host)


def invited(session: Session, event: Event, name: str, **said: Any) -> Participant:
    return factories.participant(
        session,
        event,
        **{"name": name, "attendance": Attendance.ASYNC, "zone": "Australia/Sydney", **said},
    )


def test_everybody_who_has_not_begun_is_reminded_once_a_day(
    app: Flask, session: Session, forum: Event, rows: Rows
) -> None:
    """CHECKLIST F8: however often it is clicked, and by however many organizers."""
    away = invited(session, forum, "Ana")
    invited(session, forum, "Ben", attendance=Attendance.LIVE)
    begun = invited(session, forum, "Cleo")
    factories.intro(session, begun)
    days = [NIGHT_IN_SYDNEY, MORNING_IN_SYDNEY, MORNING_IN_SYDNEY + timedelta(days=1)]
    session.execute(update(Event).values(ends_at=days[-1] + timedelta(days=1)))
    session.commit()

    with app.app_context():
        for now in (*days, *days):
            with transaction() as writing:
                event = writing.get_one(Event, forum.id)
                people = queries.not_begun(writing, forum.id)
                telling.nudge(writing, event, people, actor=SYSTEM, now=now)

    planned = rows(select(Message).where(Message.kind == MessageKind.INTRO_NUDGE))
    assert {message.participant_id for message in planned} == {away.id}
    assert [message.due_at for message in planned] == days[1:]


def test_who_begins_meanwhile_is_not_reminded(
    app: Flask, session: Session, forum: Event, rows: Rows
) -> None:
    away = invited(session, forum, "Ana")
    now = utc_now()
    with app.app_context():
        with transaction() as writing:
            event = writing.get_one(Event, forum.id)
            people = queries.not_begun(writing, forum.id)
            telling.nudge(writing, event, people, actor=SYSTEM, now=now)
        factories.intro(session, away)
        due_at = nudge_at(zone_named(away.zone), now)[0]
        tasks.drain_mail(lambda: due_at)

    [message] = rows(select(Message).where(Message.kind == MessageKind.INTRO_NUDGE))
    assert (message.state, message.note) == (
        MessageState.CANCELLED,
        "They have begun their intro.",
    )


def test_an_organizer_sees_where_everybody_stands_and_reminds_with_one_click(
    app: Flask, client: FlaskClient, session: Session, host: Person, forum: Event, rows: Rows
) -> None:
    ana, ben = invited(session, forum, "Ana"), invited(session, forum, "Ben")
    ready = invited(session, forum, "Cleo")
    factories.intro(session, ready)
    path = f"/events/{forum.id}/intros"
    sign_in(client, host)

    before = client.get(path).text
    post_form(client, path, {"person_id": str(ben.id)}, action="/nudge")
    one = rows(select(Message).where(Message.kind == MessageKind.INTRO_NUDGE))
    client.post(f"{path}/nudge", data={"csrf_token": token(client, path)})
    everybody = rows(select(Message).where(Message.kind == MessageKind.INTRO_NUDGE))
    after = client.get(path).text
    only_ready = client.get(f"{path}?state=ready").text

    assert "Remind 2 people who have not begun" in before
    assert [message.participant_id for message in one] == [ben.id]
    assert sorted(message.participant_id for message in everybody) == [ana.id, ben.id]
    assert after.count("Scheduled") == 2
    assert "Cleo" in only_ready
    assert "Ana" not in only_ready


def token(client: FlaskClient, path: str) -> str:
    return client.get(path).text.partition('name="csrf_token" value="')[2].partition('"')[0]


def test_nobody_is_reminded_after_the_event(
    app: Flask, client: FlaskClient, session: Session, host: Person, forum: Event, rows: Rows
) -> None:
    invited(session, forum, "Ana")
    path = f"/events/{forum.id}/intros"
    sign_in(client, host)
    csrf = token(client, path)
    session.execute(update(Event).values(ends_at=utc_now() - timedelta(hours=1)))
    session.commit()

    answer = client.post(f"{path}/nudge", data={"csrf_token": csrf}, follow_redirects=True)

    assert "The event is over" in answer.text
    assert rows(select(Message).where(Message.kind == MessageKind.INTRO_NUDGE)) == []


def test_the_board_takes_as_many_queries_for_many_as_for_few(
    app: Flask, client: FlaskClient, session: Session, host: Person, forum: Event
) -> None:
    path = f"/events/{forum.id}/intros"
    sign_in(client, host)
    counts = []
    for size in (2, 60):
        for number in range(size):
            person = invited(session, forum, f"{size}-{number:02}")
            if number % 2:
                factories.intro(session, person)
        counts.append(queries_of(app, client, path))

    page = client.get(path).text

    assert counts[0] == counts[1]
    assert page.count("<tr") == queries.PAGE + 1
    assert "More" in page


def queries_of(app: Flask, client: FlaskClient, path: str) -> int:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    with app.app_context():
        engine = db.engine
    listen.listen(engine, "before_cursor_execute", note)
    client.get(path)
    listen.remove(engine, "before_cursor_execute", note)
    return len(seen)
