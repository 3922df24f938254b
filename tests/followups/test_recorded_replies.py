"""A reply may be a short video, which only the two of a match can play."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from asyncnet import tasks
from asyncnet.audit.actions import SYSTEM
from asyncnet.database import db, transaction
from asyncnet.events.model import Consent, Participant
from asyncnet.followups.model import Reply
from asyncnet.intros import queries
from asyncnet.intros.actions import withdrawing
from asyncnet.intros.model import Intro, IntroState
from asyncnet.matches.model import Match
from asyncnet.messages.model import Message
from asyncnet.storage.port import Storage
from config import CHECKOUT, Settings
from tests.followups.scene import Evening, evening
from tests.intros.films import TONE, film
from tests.pages import post_form
from tests.servers.smtp import MailServer, mail_server

Rows = Callable[..., list[Any]]
FILM = CHECKOUT / "tests/data/samples/real_chromium_mp4.mp4"
STILL = CHECKOUT / "tests/data/samples/single_frame.mp4"


@pytest.fixture(scope="module")
def running() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def scene(settings: Settings, running: MailServer) -> Iterator[Evening]:
    running.received.clear()
    with evening(settings, running) as made:
        made.answers(made.ana, "Your tide pools!")
        made.sends(made.morning)
        yield made


def thread(scene: Evening, person: Participant) -> str:
    return f"/me/{person.id}/matches/{scene.matches[scene.ana.id].id}/thread"


def storage_of(scene: Evening) -> Storage:
    found: Storage = scene.app.extensions["asyncnet"].storage
    return found


def press(browser: FlaskClient, page: str, path: str, **fields: Any) -> Any:
    """Send what a script of the page would."""
    found = re.search(r'data-csrf="([^"]+)"', browser.get(page).text)
    assert found
    return browser.post(path, data={"csrf_token": found[1], **fields})


def records(scene: Evening, person: Participant, film: Path = FILM) -> int:
    """Have somebody send a recording, up to where it has arrived; return its id."""
    browser, page = scene.browser_of(person), thread(scene, person)
    size = film.stat().st_size
    begun = press(browser, page, f"{page}/recordings", size=size, content_type="video/mp4")
    assert begun.status_code == 201, begun.text
    recording_id = int(begun.get_json()["id"])
    with scene.app.app_context():
        key = db.session.get_one(Intro, recording_id).upload_key
        db.session.rollback()
        storage_of(scene).put(key, film, content_type="video/mp4")
    told = press(browser, page, f"{page}/recordings/{recording_id}/arrived")
    assert told.get_json() == {"state": "uploaded"}
    return recording_id


def works(scene: Evening) -> None:
    """Let the video worker do one task, which ends with clearing storage."""
    with scene.app.app_context():
        tasks.process_a_video()
        db.session.remove()


def stored(scene: Evening, recording_id: int) -> list[str]:
    """Return the keys of everything that storage has of a recording."""
    with scene.app.app_context():
        key = db.session.get_one(Intro, recording_id).upload_key
        db.session.rollback()
        prefixes = (key, key.replace("uploads/", "intros/"))
        return [file.key for prefix in prefixes for file in storage_of(scene).files(prefix)]


def test_a_recorded_reply_is_sent_once_it_can_be_played(scene: Evening, rows: Rows) -> None:
    records(scene, scene.kenji)
    waiting = scene.browser_of(scene.kenji).get(thread(scene, scene.kenji)).text
    before = rows(select(Reply))

    works(scene)
    works(scene)
    with scene.app.app_context():
        tasks.plan_forgotten()
    [message] = rows(select(Message).where(Message.kind == "reply"))
    scene.sends(message.due_at)

    assert "We check and prepare it" in waiting
    assert before == []
    [mail] = scene.mails_to(scene.ana)
    assert mail.message["Subject"] == "Kenji recorded something for you"
    body = mail.message.get_body(("plain",))
    assert body is not None
    assert "A short video of" in body.get_content()
    for person in (scene.ana, scene.kenji):
        page = scene.browser_of(person).get(thread(scene, person)).text
        assert 'aria-label="Recording of Kenji"' in page
    [consent] = rows(select(Consent).where(Consent.purpose == "recorded_reply"))
    assert consent.participant_id == scene.kenji.id


@pytest.mark.sizeless
def test_the_intro_of_who_replies_stays_as_it_is(scene: Evening, rows: Rows) -> None:
    [intro] = rows(select(Intro).where(Intro.participant_id == scene.kenji.id))

    records(scene, scene.kenji)
    works(scene)

    with scene.app.app_context():
        shown = queries.ready_of(db.session(), scene.kenji.id)
        newest = queries.newest_of(db.session(), scene.kenji.id)
        assert shown is not None
        assert newest is not None
        assert (shown.id, newest.id) == (intro.id, intro.id)
        states = queries.states_in(db.session(), scene.event.id)
        assert states == {scene.kenji.id: IntroState.READY}
    assert rows(select(Message).where(Message.kind == "intro_ready")) == []


@pytest.mark.sizeless
def test_a_reply_is_no_intro_of_who_has_none(scene: Evening) -> None:
    records(scene, scene.ana)
    works(scene)

    with scene.app.app_context():
        assert queries.ready_of(db.session(), scene.ana.id) is None
        assert not queries.has_begun(db.session(), scene.ana.id)
        assert queries.ready_among(db.session(), [scene.ana.id]) == set()


@pytest.mark.sizeless
def test_a_third_person_finds_nothing(scene: Evening) -> None:
    recording_id = records(scene, scene.kenji)
    works(scene)
    ben, own = scene.browser_of(scene.ben), f"/me/{scene.ben.id}/intro"
    match_id = scene.matches[scene.ana.id].id

    foreign = thread(scene, scene.kenji)
    as_own = f"/me/{scene.ben.id}/matches/{match_id}/thread"
    seen = {
        ben.get(f"{path}{end}").status_code
        for path in (foreign, as_own)
        for end in ("", "/recordings/state")
    }
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', ben.get(own).text)
    assert token
    sent = {
        ben.post(f"{path}/recordings{end}", data={"csrf_token": token[1], "size": 9}).status_code
        for path in (foreign, as_own)
        for end in (
            "",
            f"/{recording_id}/sign",
            f"/{recording_id}/arrived",
            f"/{recording_id}/withdraw",
        )
    }

    assert seen == sent == {404}


@pytest.mark.sizeless
def test_the_other_one_cannot_take_it_back(scene: Evening, rows: Rows) -> None:
    recording_id = records(scene, scene.kenji)
    works(scene)

    page = thread(scene, scene.ana)
    tried = press(scene.browser_of(scene.ana), page, f"{page}/recordings/{recording_id}/withdraw")

    assert tried.status_code == 404
    [recording] = rows(select(Intro).where(Intro.id == recording_id))
    assert recording.state is IntroState.READY


def test_a_video_without_pictures_is_sent_as_sound_by_one_click(
    scene: Evening, rows: Rows, tmp_path: Path
) -> None:
    recording_id = records(scene, scene.kenji, film(tmp_path / "a.mp3", *TONE))
    works(scene)
    browser, page = scene.browser_of(scene.kenji), thread(scene, scene.kenji)
    refused = browser.get(page).text

    for _ in range(2):
        press(browser, page, f"{page}/recordings/{recording_id}/as-audio")
    works(scene)

    assert "This file has sound but no picture." in refused
    assert "Send its sound" in refused
    [message] = rows(select(Message).where(Message.kind == "reply"))
    scene.sends(message.due_at)
    assert [mail.message["Subject"] for mail in scene.mails_to(scene.ana)] == [
        "Kenji recorded something for you"
    ]
    hers = scene.browser_of(scene.ana).get(thread(scene, scene.ana)).text
    assert 'aria-label="Recording of Kenji"' in hers
    assert "<audio" in hers


def test_the_captions_of_a_reply_are_its_speakers_to_write_and_the_others_to_read(
    scene: Evening,
) -> None:
    recording_id = records(scene, scene.kenji)
    works(scene)
    his, hers = scene.browser_of(scene.kenji), scene.browser_of(scene.ana)
    captions = f"{thread(scene, scene.kenji)}/recordings/{recording_id}/captions"
    line = {"cues-0-start": "0", "cues-0-end": "0:01", "cues-0-text": "Hello Ana"}

    post_form(his, captions, {**line, "act": "keep"})
    draft = hers.get(thread(scene, scene.ana)).text
    post_form(his, captions, {**line, "act": "show"})
    [track] = re.findall(r'<track [^>]*src="([^"]+)"', hers.get(thread(scene, scene.ana)).text)
    read = hers.get(track).text
    foreign = hers.get(f"{thread(scene, scene.ana)}/recordings/{recording_id}/captions")
    post_form(his, captions, action="/remove")

    assert "<track" not in draft
    assert "Hello Ana" in read
    assert foreign.status_code == 404
    assert "<track" not in hers.get(thread(scene, scene.ana)).text


def test_taken_back_its_bytes_go_and_nobody_is_mailed(scene: Evening, rows: Rows) -> None:
    recording_id = records(scene, scene.kenji)
    works(scene)
    [message] = rows(select(Message).where(Message.kind == "reply"))
    assert stored(scene, recording_id)

    page = thread(scene, scene.kenji)
    press(scene.browser_of(scene.kenji), page, f"{page}/recordings/{recording_id}/withdraw")
    works(scene)
    scene.sends(message.due_at)

    assert stored(scene, recording_id) == []
    assert scene.mails_to(scene.ana) == []
    assert (
        "Recording of Kenji" not in scene.browser_of(scene.ana).get(thread(scene, scene.ana)).text
    )
    [intro] = rows(
        select(Intro).where(Intro.participant_id == scene.kenji.id, Intro.match_id.is_(None))
    )
    assert intro.state is IntroState.READY


def test_what_was_recorded_for_a_match_that_is_gone_can_be_taken_back(
    scene: Evening, session: Session
) -> None:
    recording_id = records(scene, scene.kenji)
    works(scene)
    session.execute(update(Match).values(state="withdrawn"))
    session.commit()
    his, page = scene.browser_of(scene.kenji), thread(scene, scene.kenji)
    own = f"/me/{scene.kenji.id}"
    found = his.get(own).text

    shown = his.get(page)
    hers = scene.browser_of(scene.ana).get(thread(scene, scene.ana))
    taken = post_form(his, page, action=f"/recordings/{recording_id}/withdraw")
    works(scene)

    assert 'aria-label="Recording of Kenji"' in shown.text
    assert "Recording of Kenji" not in hers.text
    assert (shown.status_code, his.get(page).status_code) == (200, 404)
    assert f'<a href="{page}">With Ana</a>' in found
    assert taken.location == own
    assert "taken out" not in his.get(own).text
    assert stored(scene, recording_id) == []


@pytest.mark.sizeless
def test_who_withdraws_their_intro_keeps_their_replies(scene: Evening, rows: Rows) -> None:
    recording_id = records(scene, scene.kenji)
    works(scene)

    with scene.app.app_context(), transaction() as session:
        kenji = session.get_one(Participant, scene.kenji.id)
        withdrawing.withdraw(session, kenji, actor=SYSTEM, now=scene.morning)

    [recording] = rows(select(Intro).where(Intro.id == recording_id))
    assert recording.state is IntroState.READY


def test_who_leaves_takes_everything_recorded_along(scene: Evening, rows: Rows) -> None:
    recording_id = records(scene, scene.kenji)
    works(scene)
    assert stored(scene, recording_id)

    with scene.app.app_context(), transaction() as session:
        session.get_one(Participant, scene.kenji.id).left_at = scene.morning + timedelta(hours=1)
    works(scene)

    assert stored(scene, recording_id) == []
    [recording] = rows(select(Intro).where(Intro.id == recording_id))
    assert recording.state is IntroState.WITHDRAWN


@pytest.mark.sizeless
def test_what_cannot_be_used_is_refused_with_its_reason(scene: Evening, rows: Rows) -> None:
    records(scene, scene.kenji, STILL)

    works(scene)
    [refusal] = rows(select(Message).where(Message.kind == "intro_refused"))
    scene.sends(refusal.due_at)

    page = scene.browser_of(scene.kenji).get(thread(scene, scene.kenji)).text
    assert "still picture rather than a video" in page
    assert "Nothing was sent." in page
    assert rows(select(Reply)) == []
    mail = scene.mails_to(scene.kenji)[-1]
    body = mail.message.get_body(("plain",))
    assert body is not None
    assert "Nothing was sent" in body.get_content()
