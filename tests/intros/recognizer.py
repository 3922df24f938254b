"""The optional recognizer, for real: `make test-captions` installs it in an environment of its own.

Only that collects this file, by its name, since the main suite has no recognizer to ask.

The recording in tests/data/speech.m4a was spoken by espeak-ng.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet import tasks
from asyncnet.clock import utc_now
from asyncnet.intros.model import Captions, CaptionsState
from asyncnet.intros.video import speech
from asyncnet.intros.video.isolate import ChildFailed
from tests.intros.people import agree, make_participant, phone, upload

Rows = Callable[[Any], Sequence[Any]]
SPEECH = Path(__file__).parent.parent / "data" / "speech.m4a"

pytestmark = pytest.mark.sizeless


def test_what_is_said_is_drafted_for_its_speaker_alone(
    app: Flask, session: Session, rows: Rows
) -> None:
    """Inside the jail: no network, and a model that came in a package."""
    ana = make_participant(session, starts_at=utc_now() + timedelta(days=7))
    browser = phone(app, ana)
    agree(browser, ana.id)
    intro_id = upload(browser, ana.id, SPEECH.read_bytes())
    process(app)
    browser.press(f"/me/{ana.id}/intro/{intro_id}/as-audio")

    process(app)
    waiting = browser.get(f"/me/{ana.id}/intro/captions").text
    process(app)

    [draft] = rows(select(Captions))
    said = " ".join(cue["text"] for cue in draft.cues).lower()
    assert "We are listening" in waiting
    assert draft.state is CaptionsState.DRAFT
    assert "hello, my name is" in said
    assert "what you are working on" in said
    assert "Nobody but you sees this yet" in browser.get(f"/me/{ana.id}/intro/captions").text
    assert "<track" not in browser.get(f"/me/{ana.id}/intro").text


def process(app: Flask) -> None:
    with app.app_context():
        tasks.process_a_video()


def test_a_file_that_cannot_be_heard_costs_one_try(tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    (tmp_path / "nothing").write_bytes(b"no sound at all")

    with pytest.raises(ChildFailed):
        speech.heard(tmp_path / "nothing", tmp_path / "job")
