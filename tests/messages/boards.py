"""An event with its organizer, signed in, for tests of the board."""

import re
from datetime import timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from asyncnet.clock import utc_now
from asyncnet.events.model import Event, EventOrganizer, Participant
from asyncnet.events.rules import Attendance
from asyncnet.messages.queue import plan
from asyncnet.people.actions import hash_of
from asyncnet.people.model import BrowserSession, Person


def make_event(
    session: Session, *, title: str = "Tide pools", zone: str = "Europe/Berlin"
) -> Event:
    """Keep an event of tomorrow with its one organizer."""
    now = utc_now()
    event = Event(
        title=title,
        zone=zone,
        starts_at=now + timedelta(days=1),
        ends_at=now + timedelta(days=1, hours=2),
        registration_key=title,
        form_key=title,
        created_at=now,
    )
    person = Person(email=f"{title}@example.org".replace(" ", ""), created_at=now)
    session.add_all([event, person])
    session.flush()
    session.add(EventOrganizer(event_id=event.id, person_id=person.id))
    session.commit()
    return event


def sign_in(client: FlaskClient, session: Session, event: Event) -> None:
    """Let the client act as the event's organizer."""
    link = session.query(EventOrganizer).filter_by(event_id=event.id).one()
    key = f"key of {event.id}"
    session.add(
        BrowserSession(
            key_hash=hash_of(key),
            person_id=link.person_id,
            created_at=utc_now(),
            seen_at=utc_now(),
        )
    )
    session.commit()
    with client.session_transaction() as cookie:
        cookie["organizer"] = key


def make_participant(session: Session, event: Event, *, name: str = "Mei Tanaka") -> Participant:
    participant = Participant(
        event_id=event.id,
        name=name,
        email=f"{name.split()[0].lower()}@example.org",
        zone="Australia/Sydney",
        attendance=Attendance.ASYNC,
        registered_at=utc_now(),
    )
    session.add(participant)
    session.commit()
    return participant


def plan_link(app: Flask, session: Session, participant: Participant, **changes: Any) -> None:
    """Plan a mail with the participant's personal link, due in two hours."""
    usual: dict[str, Any] = {
        "key": f"personal-link:{participant.id}",
        "kind": "personal_link",
        "subject_id": participant.id,
        "event_id": participant.event_id,
        "participant_id": participant.id,
        "to_address": participant.email,
        "to_name": participant.name,
        "zone": participant.zone,
        "due_at": utc_now() + timedelta(hours=2),
        "now": utc_now(),
    }
    with app.app_context():
        plan(session, **(usual | changes))
        session.commit()


def press(client: FlaskClient, page: str, button: str) -> TestResponse:
    """Open a page and press the button with these words on it."""
    html = client.get(page).get_data(as_text=True)
    for form in re.findall(r"<form.*?</form>", html, re.DOTALL):
        words = re.search(r"<button[^>]*>([^<]*)", form)
        if words and words[1].strip() == button:
            action = re.search(r'action="([^"]*)"', form)
            fields = dict(re.findall(r'name="([^"]*)" value="([^"]*)"', form))
            return client.post(action[1] if action else page, data=fields)
    raise AssertionError(f"There is no button {button!r} on {page}")
