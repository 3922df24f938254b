"""An organizer makes an event, shapes its match form and fills it with people."""

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.events.model import Consent, Event, Participant, Question, Round
from asyncnet.events.rules import CONSENT_VERSION
from asyncnet.messages.model import Message
from tests import factories
from tests.inbox import mails_sent, text_of
from tests.pages import find_form, open_personal_link, personal_link, post_form, sign_in

Rows = Callable[..., list]  # type: ignore[type-arg]
NEW = {
    "title": "Tidal Commons",
    "purpose": "Meet each other.",
    "zone": "America/New_York",
    "starts": "2083-03-13T22:00",
    "rounds": "3",
    "minutes": "10",
    "pause": "5",
    "send_hour": "08:30",
    "retention_days": "60",
}
MEI = {
    "name": "Mei Tanaka",
    "email": "Mei@Example.org",
    "zone": "Australia/Sydney",
    "attendance": "async",
    "greeting": "Reef maps.",
    "wishes": "Coast watchers.",
}


@pytest.fixture
def host(client: FlaskClient, session: Session) -> FlaskClient:
    """A browser in which an organizer is signed in."""
    sign_in(client, factories.organizer(session, "host@forum.example"))
    return client


@pytest.fixture
def event(host: FlaskClient, session: Session) -> Event:
    post_form(host, "/events/new", NEW)
    return session.scalars(select(Event)).one()


def test_a_new_event_has_its_rounds_on_the_hosts_clock(host: FlaskClient, rows: Rows) -> None:
    answer = post_form(host, "/events/new", NEW)

    [event] = rows(select(Event))
    assert answer.location == f"/events/{event.id}"
    assert event.starts_at == datetime(2083, 3, 14, 3, 0, tzinfo=UTC)
    assert [
        (r.number, f"{r.starts_at:%H:%M}", f"{r.ends_at:%H:%M}") for r in rows(select(Round))
    ] == [
        (1, "03:00", "03:10"),
        (2, "03:15", "03:25"),
        (3, "03:30", "03:40"),
    ]
    assert event.ends_at == datetime(2083, 3, 14, 3, 40, tzinfo=UTC)


@pytest.mark.sizeless
@pytest.mark.parametrize(
    "said", [{"mode": "async", "minutes": "0", "pause": ""}, {"mode": "mixed", "hours": "900"}]
)
def test_what_the_other_way_of_taking_part_asks_is_never_in_the_way(
    host: FlaskClient, rows: Rows, said: dict[str, str]
) -> None:
    """It is hidden, so nobody could mend it."""
    answer = post_form(host, "/events/new", NEW | said)

    assert answer.status_code == 302
    assert [event.mode for event in rows(select(Event))] == [said["mode"]]


def test_sending_the_same_form_twice_makes_one_event(host: FlaskClient, rows: Rows) -> None:
    """F8: a double click."""
    form = find_form(host.get("/events/new"))
    data = form.values | NEW

    first, second = host.post("/events/new", data=data), host.post("/events/new", data=data)

    assert first.location == second.location
    assert len(rows(select(Event))) == 1


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"title": " "}, "Give the event a title"),
        ({"title": "x" * 121}, "under 120 characters"),
        ({"title": "Two\nlines"}, "one line"),
        ({"zone": "Mars/Base"}, "no time zone called"),
        ({"starts": "soon"}, "Not a valid datetime"),
        ({"starts": "2001-06-18T20:00"}, "This start has passed"),
        (
            {"starts": "2083-03-28T02:30", "zone": "Europe/Berlin"},
            "go forward and skip 02:30. Choose 01:59 or 03:00,",
        ),
        (
            {"starts": "2083-04-30T00:15", "zone": "Africa/Cairo"},
            "Choose 23:59 the day before or 01:00,",
        ),
        ({"rounds": "0"}, "Between 1 and 20 rounds"),
        ({"rounds": "many"}, "Not a valid integer"),
        ({"send_hour": "25:00"}, "Not a valid time"),
        ({"retention_days": "1"}, "Between 7 and 730 days"),
        ({"live_link": "http://meet.example/1"}, "Paste the address alone"),
        ({"live_link": "javascript:alert(1)//https://"}, "Paste the address alone"),
        ({"live_link": "https://zoom.us@evil.example/1"}, "Paste the address alone"),
        ({"live_link": "https://[meet"}, "Paste the address alone"),
        ({"live_link": "Join here: https://meet.example/1"}, "Paste the address alone"),
    ],
)
def test_a_wrong_value_gets_a_sentence_and_keeps_what_was_typed(
    host: FlaskClient, rows: Rows, wrong: dict[str, str], sentence: str
) -> None:
    page = post_form(host, "/events/new", NEW | wrong)

    assert sentence in page.text
    assert find_form(page).values["purpose"] == ["Meet each other."]
    assert rows(select(Event)) == []


def test_changing_an_event_moves_its_rounds(host: FlaskClient, event: Event, rows: Rows) -> None:
    post_form(
        host,
        f"/events/{event.id}/settings",
        {"starts": "2083-03-14T22:00", "rounds": "2", "title": "Tidal Commons II"},
    )

    assert [f"{r.starts_at:%d %H:%M}" for r in rows(select(Round))] == ["15 02:00", "15 02:15"]
    [changed] = rows(select(Event))
    assert (changed.title, changed.ends_at) == (
        "Tidal Commons II",
        datetime(2083, 3, 15, 2, 25, tzinfo=UTC),
    )


def test_an_event_may_be_changed_long_after_it_began_but_not_its_way(
    host: FlaskClient, event: Event, rows: Rows, session: Session
) -> None:
    settings = f"/events/{event.id}/settings"
    factories.publish(session, event)

    moved = post_form(host, settings, {"starts": "2001-06-18T20:00"})
    refused = post_form(host, settings, {"mode": "async"})

    assert moved.status_code == 302
    assert refused.status_code == 409
    fields = re.findall(r'href="#(\w+)-0">[^<]*: The matches are published', refused.text)
    assert fields == ["mode"]


def test_a_zone_that_is_not_offered_stays_where_somebody_has_it(
    host: FlaskClient, event: Event, rows: Rows, session: Session
) -> None:
    event.zone = "US/Eastern"
    session.commit()

    answer = post_form(host, f"/events/{event.id}/settings", {"title": "Tidal Common"})

    assert answer.status_code == 302
    assert [(found.title, found.zone) for found in rows(select(Event))] == [
        ("Tidal Common", "US/Eastern")
    ]


def test_the_match_form_is_built_from_questions(
    host: FlaskClient, event: Event, rows: Rows
) -> None:
    page = f"/events/{event.id}/questions"
    first = rows(select(Question).order_by(Question.position))[0]

    post_form(host, page, {"label": "Which harbour?", "kind": "one", "choices": "Kiel\n\nOban\n"})
    post_form(host, page, action=f"/questions/{first.id}/remove")
    last = rows(select(Question).order_by(Question.position))[-1]
    post_form(host, page, action=f"/questions/{last.id}/up")

    questions = rows(select(Question).order_by(Question.position))
    assert [(q.label, q.choices) for q in questions] == [
        ("What would you like to talk about together?", []),
        ("Which harbour?", ["Kiel", "Oban"]),
        ("May they write back to you?", []),
    ]


def test_a_question_with_choices_needs_some(host: FlaskClient, event: Event) -> None:
    page = post_form(
        host, f"/events/{event.id}/questions", {"label": "Which?", "kind": "one", "choices": "A"}
    )

    assert "between 2 and 20 choices" in page.text
    assert find_form(page).values["label"] == ["Which?"]


def test_somebody_added_by_hand_gets_their_personal_link(
    host: FlaskClient, app: Flask, event: Event
) -> None:
    post_form(host, f"/events/{event.id}/participants/new", MEI)

    [mail] = mails_sent(app)
    assert mail["To"] == "Mei Tanaka <mei@example.org>"
    assert "Sunday 14 March 2083, 14:00 (Sydney time)" in text_of(mail)
    [link] = re.findall(r"http://127.0.0.1:8000(/hello/\S+)", text_of(mail))
    page = app.test_client().get(link, follow_redirects=True)
    assert "Hello Mei Tanaka" in page.text
    assert page.request.path == "/me/1"


def test_the_same_address_twice_is_refused_in_the_field(host: FlaskClient, event: Event) -> None:
    post_form(host, f"/events/{event.id}/participants/new", MEI)

    page = post_form(host, f"/events/{event.id}/participants/new", MEI | {"name": "Again"})

    assert page.status_code == 409
    assert "takes part already" in page.text
    assert find_form(page).values["name"] == ["Again"]


def test_registering_keeps_the_consent_and_its_version(
    app: Flask, event: Event, rows: Rows
) -> None:
    """D1: not bundled, unticked, versioned."""
    visitor = app.test_client()
    page = f"/join/{event.registration_key}"
    assert "consent" not in find_form(visitor.get(page)).values

    refused = post_form(visitor, page, MEI)
    answer = post_form(visitor, page, MEI | {"consent": "y"})

    assert "Please tick this if you agree" in refused.text
    assert find_form(refused).values["name"] == ["Mei Tanaka"]
    assert answer.location == f"{page}/thanks"
    assert "Look in your mail" in visitor.get(answer.location).text
    [mei] = rows(select(Participant))
    assert (mei.email, mei.zone, mei.attendance) == ("mei@example.org", "Australia/Sydney", "async")
    [consent] = rows(select(Consent))
    assert (consent.purpose, consent.text_version) == ("registration", CONSENT_VERSION)


def test_registering_a_known_address_tells_nobody_but_mails_the_link_again(
    app: Flask, event: Event, rows: Rows
) -> None:
    """S3: the page is the same for known and unknown addresses."""
    visitor, page = app.test_client(), f"/join/{event.registration_key}"
    first = post_form(visitor, page, MEI | {"consent": "y"})

    second = post_form(visitor, page, MEI | {"consent": "y", "name": "Somebody else"})

    assert second.location == first.location
    [mei] = rows(select(Participant))
    assert mei.name == "Mei Tanaka"


def test_registration_closes_when_the_event_has_ended(
    app: Flask, session: Session, host: FlaskClient
) -> None:
    person = factories.organizer(session)
    past = factories.event(session, person, starts_at=datetime(2026, 1, 1, tzinfo=UTC))

    page = app.test_client().get(f"/join/{past.registration_key}")

    assert page.status_code == 410
    assert "Registration has closed" in page.text


def test_an_import_shows_what_it_would_do_and_then_adds_everybody(
    host: FlaskClient, app: Flask, event: Event, rows: Rows
) -> None:
    shown = _choose(host, event, "name,email,time zone,attendance\n"
                    "Ana,ana@example.org,Europe/Berlin,live\n"
                    "Mei,mei@example.org,Australia/Sydney,async\n")  # fmt: skip
    assert "2 people would be added" in shown.text
    assert rows(select(Participant)) == []
    add = find_form(shown, "/import/1")

    host.post(add.action, data=add.values)
    again = host.post(add.action, data=add.values, follow_redirects=True)

    assert "added already" in again.text
    assert [p.name for p in rows(select(Participant))] == ["Ana", "Mei"]
    assert sorted(mail["To"] for mail in mails_sent(app)) == [
        "Ana <ana@example.org>",
        "Mei <mei@example.org>",
    ]


def test_an_import_with_one_bad_line_adds_nobody(
    host: FlaskClient, event: Event, rows: Rows
) -> None:
    shown = _choose(host, event, "name,email,time zone\nAna,ana@example.org,Europe/Berlin\n"
                    "Bo,bo@example.org,Atlantis/Centre\n")  # fmt: skip

    assert "Nobody was added" in shown.text
    assert "no time zone called &#39;Atlantis/Centre&#39;" in shown.text
    assert "/import/" not in " ".join(re.findall(r'action="([^"]+)"', shown.text))
    assert rows(select(Participant)) == []


def test_an_import_of_somebody_elses_event_is_not_there(
    host: FlaskClient, session: Session, event: Event, app: Flask
) -> None:
    """A2."""
    other = app.test_client()
    sign_in(other, factories.organizer(session))

    assert other.get(f"/events/{event.id}/import").status_code == 404


def test_whoever_is_taken_out_is_out_at_once(
    host: FlaskClient, app: Flask, event: Event, session: Session
) -> None:
    """S9: the link and the open page both end."""
    mei = factories.participant(session, event)
    phone = app.test_client()
    assert open_personal_link(phone, mei).status_code == 200

    post_form(host, f"/events/{event.id}/participants/{mei.id}", action=f"/{mei.id}/remove")

    assert phone.get(f"/me/{mei.id}").status_code == 410
    assert app.test_client().get(personal_link(app, mei)).status_code == 410


@pytest.mark.parametrize(
    ("zone", "due_at"),
    [
        ("Asia/Tokyo", datetime(2083, 3, 14, 23, 30, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2083, 3, 14, 15, 30, tzinfo=UTC)),
        ("Pacific/Kiritimati", datetime(2083, 3, 14, 18, 30, tzinfo=UTC)),
    ],
)
def test_moving_to_another_zone_moves_the_mail_that_waits(
    host: FlaskClient, session: Session, event: Event, rows: Rows, zone: str, due_at: datetime
) -> None:
    """By the rule of the next morning, so never to a moment before the event has ended."""
    mei = factories.participant(session, event, zone="Australia/Sydney", name="Mei")
    session.add(_waiting_mail(event, mei))
    session.commit()

    post_form(
        host,
        f"/events/{event.id}/participants/{mei.id}",
        {"zone": zone},
    )

    [message] = rows(select(Message))
    assert message.due_at == due_at > event.ends_at
    assert message.zone == zone


def test_another_address_ends_the_links_that_the_former_one_was_sent(
    host: FlaskClient, app: Flask, session: Session, event: Event, rows: Rows
) -> None:
    """S9: a mistyped address must not keep somebody's page."""
    mei = factories.participant(session, event, name="Mei")
    session.add(_waiting_mail(event, mei))
    session.commit()
    stranger = app.test_client()
    open_personal_link(stranger, mei)

    post_form(host, f"/events/{event.id}/participants/{mei.id}", {"email": "right@example.org"})

    assert stranger.get(f"/me/{mei.id}").status_code == 410
    assert app.test_client().get(personal_link(app, mei)).status_code == 410
    assert {message.to_address for message in rows(select(Message))} == {"right@example.org"}
    assert sorted(m.kind for m in rows(select(Message))) == ["follow_up", "personal_link"]


def test_whoever_was_taken_out_cannot_come_back_by_registering(
    host: FlaskClient, app: Flask, session: Session, event: Event, rows: Rows
) -> None:
    """A2: nor can a stranger who knows their address."""
    ana = factories.participant(session, event, name="Ana", email="ana@example.org")
    post_form(host, f"/events/{event.id}/participants/{ana.id}", action=f"/{ana.id}/remove")
    wanted = MEI | {"email": "ana@example.org", "name": "Mallory", "consent": "y"}

    answer = post_form(app.test_client(), f"/join/{event.registration_key}", wanted)

    assert answer.location == f"/join/{event.registration_key}/thanks"
    [person] = rows(select(Participant))
    assert (person.name, person.left_at is None) == ("Ana", False)
    assert rows(select(Message)) == []


def test_asking_for_a_link_twice_in_a_minute_says_that_it_was_sent(
    host: FlaskClient, session: Session, event: Event, rows: Rows
) -> None:
    """F8: and nothing is promised that does not happen."""
    page = f"/events/{event.id}/participants/{factories.participant(session, event).id}"

    post_form(host, page, action="/link")
    post_form(host, page, action="/link")

    assert "Nothing more was sent" in host.get(f"/events/{event.id}/participants").text
    assert len(rows(select(Message))) == 1


def test_whoever_left_is_taken_back_in_by_a_list_and_gets_a_living_link(
    host: FlaskClient, app: Flask, session: Session, event: Event
) -> None:
    ana = factories.participant(session, event, name="Ana", email="ana@example.org")
    post_form(host, f"/events/{event.id}/participants/{ana.id}", action=f"/{ana.id}/remove")

    shown = _choose(host, event, "name,email,time zone\nAna B,ana@example.org,Europe/Rome\n")
    assert "Ana B</strong> had been taken out" in shown.text
    add = find_form(shown, "/import/1")
    host.post(add.action, data=add.values)

    [mail] = mails_sent(app)
    [link] = re.findall(r"http://127.0.0.1:8000(/hello/\S+)", text_of(mail))
    page = app.test_client().get(link, follow_redirects=True)
    assert "Hello Ana B" in page.text


def _waiting_mail(event: Event, reader: Participant) -> Message:
    due_at = datetime(2083, 3, 14, 21, 30, tzinfo=UTC)
    return Message(
        key="follow-up:1", reference="r", kind="follow_up", subject_id=1, event_id=event.id,
        participant_id=reader.id, to_address=reader.email, to_name=reader.name, zone=reader.zone,
        due_local="2083-03-15T08:30", due_at=due_at, wake_at=due_at,
        created_at=datetime(2083, 3, 14, 3, 20, tzinfo=UTC),
    )  # fmt: skip


def _choose(host: FlaskClient, event: Event, text: str):  # type: ignore[no-untyped-def]
    return post_form(
        host,
        f"/events/{event.id}/import",
        {"file": (io.BytesIO(text.encode()), "people.csv")},
        content_type="multipart/form-data",
    )
