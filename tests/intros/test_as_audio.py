"""Sound that somebody chose as a video is taken over as an audio intro, while it is still there."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from asyncnet import tasks
from asyncnet.audit.model import AuditEntry
from asyncnet.clock import utc_now
from asyncnet.events.model import Participant
from asyncnet.intros import work
from asyncnet.intros.actions.processing import SOUND_KEPT_FOR
from asyncnet.intros.model import Intro, IntroKind, IntroState
from asyncnet.storage.port import Storage
from tests.intros.films import TONE, film
from tests.intros.people import Phone, agree, make_participant, phone, upload

Rows = Callable[[Any], Any]
OFFER = "Use it as my audio intro"


@pytest.fixture
def ana(session: Session) -> Participant:
    return make_participant(session, starts_at=utc_now() + timedelta(days=7))


@pytest.fixture
def browser(app: Flask, ana: Participant) -> Phone:
    opened = phone(app, ana)
    agree(opened, ana.id)
    return opened


@pytest.fixture
def storage(app: Flask) -> Storage:
    found: Storage = app.extensions["asyncnet"].storage
    return found


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return film(tmp_path_factory.mktemp("sound") / "a.mp3", *TONE).read_bytes()


def process(app: Flask) -> None:
    with app.app_context():
        tasks.process_a_video()


def stored(storage: Storage, intro: Intro) -> list[str]:
    """Return the names of what storage holds of an intro."""
    name = intro.upload_key.removeprefix("uploads/")
    prefixes = (f"uploads/{name}", f"intros/{name}")
    return [file.key.split("/")[-1] for prefix in prefixes for file in storage.files(prefix)]


def test_one_click_makes_an_audio_intro_of_a_video_without_pictures(
    app: Flask, browser: Phone, ana: Participant, storage: Storage, rows: Rows, sound: bytes
) -> None:
    """Clicking twice is clicking once (CHECKLIST F8)."""
    intro_id = upload(browser, ana.id, sound)
    process(app)
    offered = browser.get(f"/me/{ana.id}/intro").text

    clicks = [browser.press(f"/me/{ana.id}/intro/{intro_id}/as-audio") for _ in range(2)]
    process(app)

    assert OFFER in offered
    assert [click.status_code for click in clicks] == [302, 302]
    [intro] = rows(select(Intro))
    assert (intro.kind, intro.state, intro.files) == (
        IntroKind.AUDIO,
        IntroState.READY,
        ["sound.m4a"],
    )
    assert intro.seconds == pytest.approx(2, abs=0.1)
    assert stored(storage, intro) == ["sound.m4a"]
    page = browser.get(f"/me/{ana.id}/intro").text
    assert "sound.m4a" in page or "/media/" in page
    assert OFFER not in page
    left = [entry.action for entry in rows(select(AuditEntry).order_by(AuditEntry.id))]
    assert left[-4:] == ["intro.arrived", "intro.rejected", "intro.taken_as_audio", "intro.ready"]


def test_the_bytes_wait_a_day_and_are_gone_then(
    app: Flask, browser: Phone, ana: Participant, storage: Storage, rows: Rows, sound: bytes
) -> None:
    """CHECKLIST D4, F4: neither the sweep nor clearing takes them earlier."""
    intro_id = upload(browser, ana.id, sound)
    process(app)
    [refused] = rows(select(Intro))

    with app.app_context():
        work.sweep(storage, now=utc_now() + SOUND_KEPT_FOR / 2)
        work.clear_settled(storage, now=utc_now() + SOUND_KEPT_FOR / 2)
    kept = stored(storage, refused)
    with app.app_context():
        work.clear_settled(storage, now=utc_now() + SOUND_KEPT_FOR)
    clicked = browser.press(f"/me/{ana.id}/intro/{intro_id}/as-audio")

    assert kept == [refused.upload_key.removeprefix("uploads/")]
    assert stored(storage, refused) == []
    assert clicked.status_code == 302
    page = browser.get(f"/me/{ana.id}/intro").text
    assert "not stored any more" in page
    assert OFFER not in page


def test_withdrawing_removes_the_waiting_bytes_at_once(
    app: Flask, browser: Phone, ana: Participant, storage: Storage, rows: Rows, sound: bytes
) -> None:
    """CHECKLIST D1."""
    upload(browser, ana.id, sound)
    process(app)

    browser.press(f"/me/{ana.id}/intro/withdraw")
    process(app)

    [intro] = rows(select(Intro))
    assert intro.state is IntroState.WITHDRAWN
    assert stored(storage, intro) == []


def test_another_persons_sound_is_not_there(
    app: Flask, browser: Phone, session: Session, ana: Participant, rows: Rows, sound: bytes
) -> None:
    """CHECKLIST A2."""
    intro_id = upload(browser, ana.id, sound)
    process(app)
    other = make_participant(session, starts_at=utc_now() + timedelta(days=7))

    answer = phone(app, other).press(f"/me/{other.id}/intro/{intro_id}/as-audio")

    assert answer.status_code == 404
    [intro] = rows(select(Intro))
    assert intro.kind is IntroKind.VIDEO


def test_a_video_chosen_as_audio_is_prepared_as_sound(
    app: Flask, session: Session, browser: Phone, ana: Participant, rows: Rows, tmp_path: Path
) -> None:
    upload(browser, ana.id, film(tmp_path / "a.mp4").read_bytes())
    session.execute(update(Intro).values(kind=IntroKind.AUDIO))
    session.commit()

    process(app)

    [intro] = rows(select(Intro))
    assert (intro.state, intro.files, intro.width) == (IntroState.READY, ["sound.m4a"], None)
