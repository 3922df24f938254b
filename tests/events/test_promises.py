"""What people were promised about their data is kept by the workers."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.audit.model import AuditEntry
from asyncnet.events.model import Consent, Event, Participant, Spelling
from asyncnet.events.rules import Attendance, WordKind
from asyncnet.intros.model import Intro, IntroState
from asyncnet.matches.model import Match
from asyncnet.tasks import keep_promises, sweep_storage
from asyncnet.wiring import storage
from tests import factories

Rows = Callable[..., list]  # type: ignore[type-arg]


def test_everybody_is_forgotten_on_the_promised_day_and_not_before(
    app: Flask, session: Session, rows: Rows, tmp_path: Path
) -> None:
    """D5: done at the due date, idempotent; the audit log keeps ids only."""
    host = factories.organizer(session)
    event = factories.event(session, host, retention_days=30)
    kept = factories.event(session, host, retention_days=60)
    live = factories.participant(session, event)
    mei = factories.participant(session, event, attendance=Attendance.ASYNC)
    other = factories.participant(session, kept)
    factories.match(session, live, mei)
    session.add(_ready_intro(mei))
    session.add(_consent(mei))
    session.add_all([_word(event), _word(kept)])
    session.commit()
    video = tmp_path / "video"
    video.write_bytes(b"a face and a voice")
    with app.app_context():
        storage().put("intros/mei/720p.mp4", video, content_type="video/mp4")
        _both(event.removed_at - timedelta(seconds=1))
        early = len(rows(select(Participant)))
        _both(event.removed_at)
        _both(event.removed_at + timedelta(days=1))
        left = [file.key for file in storage().files("intros/mei")]

    assert early == 3
    assert [person.id for person in rows(select(Participant))] == [other.id]
    assert [rows(select(table)) for table in (Intro, Match, Consent)] == [[], [], []]
    assert [word.event_id for word in rows(select(Spelling))] == [kept.id]
    assert left == []
    assert len(rows(select(Event))) == 2
    told = rows(select(AuditEntry).where(AuditEntry.action == "people.forgotten"))
    assert [(entry.object, entry.detail) for entry in told] == [(f"event:{event.id}", "2 people")]


def _word(event: Event) -> Spelling:
    return Spelling(
        event_id=event.id,
        kind=WordKind.TOPIC,
        folded="eelgrass in my bay",
        written="Eelgrass in my bay",
        word="Eelgrass in my bay",
    )


def _both(moment: datetime) -> None:
    keep_promises(clock=lambda: moment)
    sweep_storage(clock=lambda: moment)


def _ready_intro(person: Participant) -> Intro:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    return Intro(
        participant_id=person.id, state=IntroState.READY, upload_key="uploads/mei",
        bytes_announced=9, folder="intros/mei", files=["720p.mp4"], seconds=5.0, width=1280,
        height=720, created_at=now, ready_at=now,
    )  # fmt: skip


def _consent(person: Participant) -> Consent:
    return Consent(
        participant_id=person.id, purpose="intro", text_version="1",
        given_at=datetime(2026, 11, 1, tzinfo=UTC),
    )  # fmt: skip
