"""Two events that know nothing of each other, and every address that leads into them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from secrets import token_hex
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from asyncnet.audit.actions import SYSTEM
from asyncnet.clock import utc_now
from asyncnet.database import Base, db
from asyncnet.day.actions.exiting import say_exit
from asyncnet.day.model import ExitKind
from asyncnet.events.actions.importing import keep_import
from asyncnet.events.actions.linking import send_personal_link
from asyncnet.events.model import Event, Mention, Participant, Spelling
from asyncnet.events.roster import Entry
from asyncnet.events.rules import Attendance, MentionKind, WordKind
from asyncnet.followups.actions.answering import answer_match
from asyncnet.followups.actions.drafting import keep_draft
from asyncnet.intros.actions.consenting import CONSENT_VERSION
from asyncnet.intros.model import Intro, IntroState
from asyncnet.matches.model import Group, Match
from asyncnet.messages.model import Message
from asyncnet.messages.queue import hash_of
from asyncnet.people.model import Person
from asyncnet.storage.disk import DiskStorage
from asyncnet.storage.port import UploadRequest
from asyncnet.web.access import Role, policy_of
from asyncnet.wiring import links, storage
from tests import factories
from tests.pages import open_personal_link, personal_link, sign_in, token_for

NOWHERE = 2_000_000_000
"""An id that no row has."""
SEEING = ("GET", "HEAD")
CHANGING = ("POST", "PUT", "DELETE", "PATCH")


@dataclass(frozen=True)
class Side:
    """One event with everything that can be in it."""

    host: Person
    event: Event
    live: Participant
    away: Participant
    match: Match
    intro_id: int
    recording_id: int
    message_id: int
    question_id: int
    import_id: int
    names: tuple[int, int]
    """A name that the live one wrote, and one of the other: both may mean two people."""
    spelling_id: int
    exit_id: int

    def values(self, rule: str) -> dict[str, Any]:
        """Return what the placeholders of this event's routes stand for."""
        mine = self.live if "matches" in rule else self.away
        return {
            "event_id": self.event.id,
            "person_id": self.live.id,
            "match_id": self.match.id,
            "question_id": self.question_id,
            "import_id": self.import_id,
            "mention_id": self.names[rule.startswith("/me/")],
            "spelling_id": self.spelling_id,
            "message_id": self.message_id,
            "participant_id": mine.id,
            "intro_id": self.recording_id if "recordings" in rule else self.intro_id,
            "registration_key": self.event.registration_key,
            "act": "link" if "participants" in rule else "down",
            "wish": "hold" if "messages" in rule else "drop",
            "tab": "phone",
            "kind": "leaving" if "exits" in rule else "personal_link",
            "suffix": "csv",
            "told": "met",
            "step": "withdraw",
            "number": 1,
            "turn": "extend",
            "exit_id": self.exit_id,
        }


@dataclass(frozen=True)
class World:
    """Our event, and a foreign one."""

    ours: Side
    theirs: Side


@dataclass(frozen=True)
class Door:
    """One route with one method."""

    method: str
    rule: str
    endpoint: str
    policy: Role | None

    def __str__(self) -> str:
        return f"{self.method} {self.rule}"


def build(session: Session) -> World:
    """Return two events, each with two people, a match, and so on."""
    return World(_side(session, "host@ours.example"), _side(session, "host@theirs.example"))


def doors(app: Flask) -> Iterator[Door]:
    """Yield every route of the app with every method that it takes, OPTIONS apart."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            yield Door(method, rule.rule, rule.endpoint, policy_of(app, rule.endpoint))


def path_of(app: Flask, door: Door, side: Side, **instead: Any) -> str:
    """Return the address of a route for one side, the tokens in it valid."""
    values = side.values(door.rule) | instead
    values |= {
        "filename": "css/base.css",
        "name": "nothing",
        **({"token": token_of(app, door, side)} if "<token>" in door.rule else {}),
    }
    with app.test_request_context():
        adapter = app.create_url_adapter(None) or app.url_map.bind("127.0.0.1:8000")
        rule = next(r for r in app.url_map.iter_rules() if r.rule == door.rule)
        wanted = {name: values[name] for name in rule.arguments}
        return str(adapter.build(door.endpoint, wanted))


def token_of(app: Flask, door: Door, side: Side) -> str:
    """Return a living token of the kind that a route takes."""
    if door.endpoint == "events.hello":
        return personal_link(app, side.away).rpartition("/")[2]
    if door.endpoint == "unsubscribe.choose":
        with app.app_context():
            address = links().unsubscribe(hash_of(side.away.email), side.event.id)
        return address.rpartition("/")[2]
    if door.endpoint == "people.open_sign_in":
        return token_for(app, side.host.email)
    with app.app_context():
        if not isinstance(storage(), DiskStorage):
            return "these routes are not there"
        if door.endpoint == "files.media":
            address = storage().link(
                "intros/one/large.mp4", content_type="video/mp4", valid_for=timedelta(minutes=5)
            )
        else:
            wanted = UploadRequest(door.method, f"uploads/{'0' * 32}")
            address = storage().sign(wanted, valid_for=timedelta(minutes=5)).url
    return address.rpartition("/")[2]


def visitors(app: Flask, world: World) -> dict[str, FlaskClient]:
    """Return a browser for everybody who may come by."""
    browsers = {
        name: app.test_client() for name in ("anonymous", "live", "away", "host", "stranger")
    }
    open_personal_link(browsers["live"], world.ours.live)
    open_personal_link(browsers["away"], world.ours.away)
    sign_in(browsers["host"], world.ours.host)
    sign_in(browsers["stranger"], world.theirs.host)
    return browsers


def digest(app: Flask, *, without: tuple[str, ...] = ()) -> str:
    """Return a fingerprint of every row of every table but those named."""
    found = sha256()
    with app.app_context(), db.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            if table.name in without:
                continue
            rows = sorted(repr(tuple(row)) for row in connection.execute(select(table)))
            found.update(f"{table.name}: {rows}\n".encode())
    return found.hexdigest()


def count(app: Flask, table: str) -> int:
    """Return how many rows a table has at this moment."""
    with app.app_context(), db.engine.connect() as connection:
        return int(connection.execute(text(f'SELECT count(*) FROM "{table}"')).scalar_one())


def _side(session: Session, email: str) -> Side:
    host = factories.organizer(session, email)
    event = factories.event(session, host)
    live = factories.participant(session, event, name=f"Live of {email}")
    away = factories.participant(
        session, event, attendance=Attendance.ASYNC, zone="Australia/Sydney"
    )
    other = factories.participant(session, event)
    match = factories.match(session, live, away)
    send_personal_link(session, other, now=utc_now())
    answer_match(session, match.id, live.id, items=[], contact=None, actor=SYSTEM, now=utc_now())
    for tab in ("phone", "laptop"):
        keep_draft(
            session,
            match.id,
            live.id,
            typed={"note": [f"On my {tab}."]},
            tab=tab,
            seen=0,
            actor=SYSTEM,
            now=utc_now(),
        )
    kept = keep_import(
        session,
        event.id,
        host.id,
        [Entry("Ida", f"ida@{email[5:]}", "Asia/Tokyo", Attendance.LIVE, "", "")],
        actor=SYSTEM,
        now=utc_now(),
    )
    intro = Intro(
        participant_id=away.id,
        state=IntroState.AWAITING_UPLOAD,
        upload_key=f"uploads/{token_hex(16)}",
        bytes_announced=1000,
        created_at=utc_now(),
    )
    recording = Intro(
        participant_id=live.id,
        match_id=match.id,
        state=IntroState.AWAITING_UPLOAD,
        upload_key=f"uploads/{token_hex(16)}",
        bytes_announced=1000,
        created_at=utc_now(),
    )
    session.add_all([intro, recording])
    session.flush()
    waiting = session.scalars(
        select(Message.id).where(Message.event_id == event.id, Message.kind == "personal_link")
    ).one()
    names = [
        Mention(
            event_id=event.id,
            participant_id=writer.id,
            kind=MentionKind.AVOID,
            written="Somebody",
            folded="somebody",
            possible=[meant.id, other.id],
        )
        for writer, meant in ((live, away), (away, live))
    ]
    spelling = Spelling(
        event_id=event.id, kind=WordKind.TOPIC, folded="tides", written="Tides", word="Tides"
    )
    session.add_all([*names, spelling])
    session.flush()
    for number, person in enumerate((live, other), start=1):
        group = Group(event_id=event.id, number=number, created_at=utc_now())
        group.members = [person]
        session.add(group)
    said = say_exit(
        session, away, ExitKind.UNEASY, match=match, words="", actor=SYSTEM, now=utc_now()
    )
    side = Side(
        host=host,
        event=event,
        live=live,
        away=away,
        match=match,
        intro_id=intro.id,
        recording_id=recording.id,
        message_id=waiting,
        question_id=event.questions[0].id,
        import_id=kept.id,
        names=(names[0].id, names[1].id),
        spelling_id=spelling.id,
        exit_id=said.id,
    )
    session.commit()
    return side


CONSENTED = {"agreed": "y", "text_version": CONSENT_VERSION}
