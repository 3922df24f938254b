"""Organizers help those who wait, one or many, as far as they wait as the organizer saw it."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from asyncnet.audit.model import AuditEntry
from asyncnet.clock import utc_now
from asyncnet.events.model import Event
from asyncnet.events.rules import Attendance
from asyncnet.intros.model import Intro, IntroState
from asyncnet.messages.model import Message
from asyncnet.messages.rules import MessageState
from asyncnet.tasks import drain_mail
from asyncnet.wiring import mailer
from tests import factories
from tests.followups.test_waiting import pair, reply, watch, write
from tests.pages import ShownForm, filled, forms_on, sign_in

Rows = Callable[..., list[Any]]


@pytest.fixture
def forum(session: Session, client: FlaskClient) -> Event:
    """An event whose rounds were this morning; the client is its organizer's."""
    host = factories.organizer(session)
    forum = factories.event(session, host, starts_at=utc_now() - timedelta(hours=2))
    sign_in(client, host)
    return forum


def page_of(forum: Event, what: str = "") -> str:
    return f"/events/{forum.id}/waiting" + (f"?what={what}" if what else "")


def picks_on(client: FlaskClient, forum: Event) -> dict[str, str]:
    """Return what the button of each row posts, by the words on it."""
    page = client.get(page_of(forum)).text
    found = re.findall(r'name="pick" value="([^"]*)">\s*<button[^>]*>(.*?)</button>', page)
    return {re.sub("<[^>]*>", "", words): pick for pick, words in found}


def presses(
    client: FlaskClient,
    forum: Event,
    wish: str,
    picks: list[str],
    *,
    shown: TestResponse | None = None,
) -> TestResponse:
    """Tick rows on the page as it was shown, and press a button below them."""
    form = bulk_form(shown or client.get(page_of(forum)))
    return client.post(form.action, data=filled(form, {"wish": wish, "pick": picks}))


def bulk_form(page: TestResponse) -> ShownForm:
    return next(form for form in forms_on(page) if "seen_at" in form.values)


def test_each_of_those_who_wait_is_helped_in_its_own_way(
    client: FlaskClient, session: Session, forum: Event, rows: Rows
) -> None:
    unseen, seen, written, mailed, replied = (
        pair(session, forum, name) for name in ("Una", "Sia", "Wim", "Mei", "Rey")
    )
    for match in (seen, written, mailed, replied):
        watch(session, match)
    for match in (written, mailed, replied):
        write(session, match, sent=match is not written)
    reply(session, replied)
    waits = update(Message).where(Message.state == MessageState.SCHEDULED)
    session.execute(waits.values(due_at=utc_now() + timedelta(hours=9)))
    session.commit()

    picks = picks_on(client, forum)
    answers = [
        presses(client, forum, "send" if pick.startswith("mail") else "remind", [pick])
        for pick in picks.values()
    ]

    mail = session.scalars(select(Message).where(Message.state == MessageState.SCHEDULED)).all()
    assert picks == {
        "Remind Live Una so that Live Una and Una can go on": f"watching:{unseen.id}:0",
        "Remind Live Sia so that Live Sia and Sia can go on": f"answer:{seen.id}:0",
        "Send the mail now for Live Wim and Wim": f"mail:{written.id}:1",
        "Remind Mei so that Live Mei and Mei can go on": f"reply:{mailed.id}:0",
    }
    assert [answer.status_code for answer in answers] == [302] * 4
    assert {(each.kind, each.participant_id) for each in mail} == {
        ("viewing_nudge", unseen.first_id),
        ("viewing_nudge", seen.first_id),
        ("follow_up", written.second_id),
        ("reminder", mailed.second_id),
    }
    [now] = [each for each in mail if each.kind == "follow_up"]
    assert now.due_at <= utc_now()
    assert not [pick for pick in picks_on(client, forum).values() if not pick.startswith("reply")]


def test_who_has_not_recorded_is_nudged_once_a_day(
    client: FlaskClient, session: Session, rows: Rows
) -> None:
    host = factories.organizer(session)
    coming = factories.event(session, host)
    lou = factories.participant(session, coming, name="Lou", attendance=Attendance.ASYNC)
    sign_in(client, host)
    shown = client.get(page_of(coming))

    first = presses(client, coming, "remind", [f"intro:{lou.id}:0"])
    again = presses(client, coming, "remind", [f"intro:{lou.id}:0"], shown=shown)

    assert (first.status_code, again.status_code) == (302, 409)
    assert "Lou: Their own intro, and a reminder is on its way" in again.text
    assert rows(select(Message.kind)) == ["intro_nudge"]


def test_nobody_is_asked_to_watch_an_intro_that_is_not_there(
    app: Flask, client: FlaskClient, session: Session, forum: Event, rows: Rows
) -> None:
    """Una took hers back after the reminder was planned; Sia's was never there."""
    una, sia = pair(session, forum, "Una"), pair(session, forum, "Sia")
    gone = update(Intro).values(state=IntroState.REJECTED)
    session.execute(gone.where(Intro.participant_id == sia.second_id))
    session.commit()
    shown = client.get(page_of(forum))
    presses(client, forum, "remind", [f"watching:{una.id}:0"])
    session.execute(gone.where(Intro.participant_id == una.second_id))
    session.execute(update(Message).values(wake_at=utc_now(), due_at=utc_now()))
    session.commit()

    answer = presses(client, forum, "remind", [f"watching:{sia.id}:0"], shown=shown)
    told = client.get(answer.location).text
    with app.app_context():
        drain_mail()

    assert f"watching:{sia.id}" not in "".join(picks_on(client, forum).values())
    assert "Not possible now for Live Sia and Sia (no intro of Sia is there to watch yet)." in told
    [planned] = rows(select(Message))
    assert (planned.participant_id, planned.state) == (una.first_id, MessageState.CANCELLED)


def test_somebody_who_was_live_is_asked_by_mail_to_watch(
    app: Flask, client: FlaskClient, session: Session, forum: Event
) -> None:
    unseen = pair(session, forum, "Una")

    presses(client, forum, "remind", [f"watching:{unseen.id}:0"])
    session.execute(update(Message).values(wake_at=utc_now(), due_at=utc_now()))
    session.commit()

    with app.app_context():
        drain_mail()
        [mail] = mailer().mails()  # type: ignore[attr-defined]  # the inbox of a test
    assert mail.message["Subject"] == "Una would love to hear from you"
    assert "reaches them by mail on one of the next mornings" in mail.text
    assert "There is time until" not in mail.text


def test_who_comes_second_is_told_what_they_wait_for_now(
    client: FlaskClient, session: Session, forum: Event, rows: Rows
) -> None:
    """CHECKLIST F9: both organizers had the page open."""
    una, sia, ida = (pair(session, forum, name) for name in ("Una", "Sia", "Ida"))
    second = client.get(page_of(forum))
    presses(client, forum, "remind", [f"watching:{ida.id}:0"])
    watch(session, sia)

    picks = [f"watching:{match.id}:0" for match in (una, sia, ida)]
    late = presses(client, forum, "remind", picks, shown=second)

    told = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", late.text))
    assert late.status_code == 409
    assert "Done for 1 row: a reminder" in told
    assert "2 rows had changed since you looked" in told
    assert "Live Sia and Sia: Words from Live Sia" in told
    assert "Live Ida and Ida: Live Ida to watch Ida's intro, and a reminder is on its way" in told
    assert re.findall(r'value="(answer[^"]*)"[^>]* checked', late.text) == [f"answer:{sia.id}:0"]
    assert {m.participant_id for m in rows(select(Message))} == {una.first_id, ida.first_id}
    entries = rows(select(AuditEntry.detail).where(AuditEntry.action == "waiting.remind"))
    assert sorted(entries) == ["1 of 1", "1 of 3"]


def test_all_who_wait_for_one_thing_are_reminded_at_once_who_were_seen(
    client: FlaskClient, session: Session, forum: Event, rows: Rows
) -> None:
    for number in range(3):
        pair(session, forum, f"Una {number}")
    form = bulk_form(client.get(page_of(forum, "watching")))
    later = pair(session, forum, "Later")
    later.created_at = utc_now() + timedelta(seconds=1)
    session.commit()

    answer = client.post(form.action, data=filled(form, {"wish": "remind", "everything": "yes"}))

    assert answer.location == page_of(forum, "watching")
    assert len(rows(select(Message))) == 3
    assert later.first_id not in {message.participant_id for message in rows(select(Message))}


def test_what_belongs_to_another_event_is_left_alone(
    client: FlaskClient, session: Session, forum: Event, rows: Rows
) -> None:
    """CHECKLIST A2."""
    other = factories.event(
        session, factories.organizer(session), starts_at=utc_now() - timedelta(hours=2)
    )
    foreign = pair(session, other, "Una")
    pair(session, forum, "Ida")
    lou = factories.participant(session, other, name="Lou", attendance=Attendance.ASYNC)

    picks = [f"watching:{foreign.id}:0", f"intro:{lou.id}:0", "gold:1:1", "watching:x", ""]
    answer = presses(client, forum, "remind", picks)

    assert answer.status_code == 302
    assert rows(select(Message)) == []
