"""The ways to introduce oneself without a video: words, and a face beside them."""

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import av
import pytest
from flask import Flask
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from asyncnet.audit.model import AuditEntry
from asyncnet.clock import utc_now
from asyncnet.events.model import Participant
from asyncnet.events.rules import Attendance
from asyncnet.intros import faces, work
from asyncnet.intros.model import Intro, IntroKind, IntroState, Photo
from asyncnet.storage.port import Storage
from config import CHECKOUT
from tests import factories
from tests.intros.people import Phone, agree, begin, make_participant, phone
from tests.pages import open_personal_link

Rows = Callable[[Any], Any]
PICTURES = CHECKOUT / "tests" / "data" / "pictures"
WORDS = "I look after a bay full of eelgrass.\n\nI would like to meet people who map it."


@pytest.fixture
def ana(session: Session) -> Participant:
    event = factories.event(session, factories.organizer(session))
    return factories.participant(session, event, attendance=Attendance.ASYNC)


@pytest.fixture
def browser(app: Flask, ana: Participant) -> Phone:
    found = phone(app, ana)
    agree(found, ana.id)
    return found


@pytest.fixture
def storage(app: Flask) -> Storage:
    found: Storage = app.extensions["asyncnet"].storage
    return found


def write(browser: Phone, person: Participant, words: str = WORDS) -> TestResponse:
    return browser.press(f"/me/{person.id}/intro/words", words=words)


def send_picture(browser: Phone, person: Participant, picture: bytes | str) -> TestResponse:
    data = (PICTURES / picture).read_bytes() if isinstance(picture, str) else picture
    return browser.press(f"/me/{person.id}/photo", picture=(io.BytesIO(data), "me.jpg"))


def is_stored(storage: Storage, key: str) -> bool:
    return any(file.key == key for file in storage.files(key))


def pixels(jpeg: bytes) -> Any:
    """Return the colours of a picture as rows of red, green and blue."""
    with av.open(io.BytesIO(jpeg), "r", format="jpeg_pipe") as file:
        return next(file.decode(video=0)).to_ndarray(format="rgb24")


def test_words_are_ready_at_once_and_look_like_a_letter(
    app: Flask, browser: Phone, ana: Participant, session: Session
) -> None:
    viewer = factories.participant(session, ana.event)
    match = factories.match(session, viewer, ana)

    write(browser, ana)
    other = app.test_client()
    open_personal_link(other, viewer)
    page = other.get(f"/me/{viewer.id}/matches/{match.id}").text

    assert f'<p class="letter__words" dir="auto">{WORDS}</p>' in page.replace("\r\n", "\n")
    assert "<video" not in page


def test_the_same_words_twice_are_one_intro(browser: Phone, ana: Participant, rows: Rows) -> None:
    """CHECKLIST F8, P5."""
    for _ in range(2):
        assert write(browser, ana).status_code == 302

    [intro] = rows(select(Intro))
    assert (intro.kind, intro.state) == (IntroKind.TEXT, IntroState.READY)
    assert len(rows(select(AuditEntry).where(AuditEntry.action == "intro.written"))) == 1


def test_words_take_the_place_of_an_upload_and_can_be_withdrawn(
    app: Flask, browser: Phone, ana: Participant, rows: Rows, storage: Storage
) -> None:
    begin(browser, ana.id, 1000)

    write(browser, ana)
    browser.press(f"/me/{ana.id}/intro/withdraw")
    with app.app_context():
        work.clear_settled(storage, now=utc_now())

    states = [intro.state for intro in rows(select(Intro).order_by(Intro.id))]
    assert states == [IntroState.REPLACED, IntroState.WITHDRAWN]
    assert all(intro.wake_at is None for intro in rows(select(Intro)))


def test_words_need_consent_and_a_few_sentences(app: Flask, session: Session, rows: Rows) -> None:
    """CHECKLIST D1, W4: what was written stays in the form."""
    ben = make_participant(session)
    stranger = phone(app, ben)

    refused = stranger.get(write(stranger, ben).location)
    agree(stranger, ben.id)
    short = write(stranger, ben, "Hello.")

    assert "Please tick the box above first" in refused.text
    assert short.status_code == 400
    assert "Write at least 40" in short.text
    assert ">\r\nHello.</textarea>" in short.text
    assert rows(select(Intro)) == []


def test_an_own_question_is_kept_and_shown_as_matches_will_see_it(
    browser: Phone, ana: Participant
) -> None:
    question = "Which coast would you show me first?"

    browser.press(f"/me/{ana.id}/intro/question", own_question=f"  {question} ")

    page = browser.get(f"/me/{ana.id}/intro").text
    assert f'<p class="field__label">{question}</p>' in page


@pytest.mark.parametrize("name", sorted(path.name for path in PICTURES.iterdir()))
def test_a_photo_becomes_small_upright_and_tells_nothing_else(
    app: Flask,
    browser: Phone,
    ana: Participant,
    rows: Rows,
    storage: Storage,
    tmp_path: Path,
    name: str,
) -> None:
    """CHECKLIST U9: no place, device or time is left, whatever the picture came with."""
    answer = send_picture(browser, ana, name)

    assert answer.status_code == 302, answer.text
    [photo] = rows(select(Photo))
    storage.fetch(photo.key, tmp_path / "photo.jpg")
    jpeg = (tmp_path / "photo.jpg").read_bytes()
    picture = pixels(jpeg)
    assert picture.shape == (512, 512, 3)
    assert picture[40, 256, 2] > 150 > picture[470, 256, 2]  # the sky is above
    assert not any(word in jpeg for word in (b"Exif", b"Secret", b"Pocket", b"Lavc"))


def test_a_face_is_shown_wherever_the_person_is(
    app: Flask, browser: Phone, ana: Participant, session: Session
) -> None:
    viewer = factories.participant(session, ana.event)
    match = factories.match(session, viewer, ana)
    send_picture(browser, ana, "upright.png")
    other = app.test_client()
    open_personal_link(other, viewer)

    pages = [f"/me/{viewer.id}", f"/me/{viewer.id}/matches/{match.id}"]

    for page in pages:
        assert '<img class="person__face"' in other.get(page).text, page


def test_another_photo_takes_its_place_and_removing_leaves_nothing(
    browser: Phone, ana: Participant, rows: Rows, storage: Storage
) -> None:
    """CHECKLIST D4."""
    keys = []
    for name in ("upright.png", "phone.heic"):
        send_picture(browser, ana, name)
        [photo] = rows(select(Photo))
        keys.append(photo.key)
    replaced = [is_stored(storage, key) for key in keys]

    browser.press(f"/me/{ana.id}/photo/remove")

    assert replaced == [False, True]
    assert rows(select(Photo)) == []
    assert not is_stored(storage, keys[1])


def test_photos_of_those_who_left_or_are_forgotten_leave_storage(
    app: Flask,
    browser: Phone,
    ana: Participant,
    session: Session,
    storage: Storage,
    rows: Rows,
) -> None:
    """CHECKLIST D4, D5."""
    ben = make_participant(session)
    bens = phone(app, ben)
    send_picture(browser, ana, "upright.png")
    send_picture(bens, ben, "upright.png")
    keys = [photo.key for photo in rows(select(Photo))]
    ana.left_at = utc_now()
    session.execute(delete(Participant).where(Participant.id == ben.id))
    session.commit()

    with app.app_context():
        work.clear_settled(storage, now=utc_now())
        work.sweep(storage, now=utc_now() + timedelta(hours=3))

    assert [is_stored(storage, key) for key in keys] == [False, False]


def test_withdrawing_takes_the_photo_along(
    browser: Phone, ana: Participant, rows: Rows, storage: Storage
) -> None:
    send_picture(browser, ana, "upright.png")
    [photo] = rows(select(Photo))

    browser.press(f"/me/{ana.id}/intro/withdraw")

    assert rows(select(Photo)) == []
    assert not is_stored(storage, photo.key)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "This file is empty."),
        (b"<html>", "This is not a picture that we can read."),
        (b"\xff\xd8\xff" + bytes(2000), "We cannot read this picture"),
        (b"#EXTM3U\nhttp://127.0.0.1:9/", "This is not a picture that we can read."),
        (bytes(10_000_001), "This picture is larger than 10 MB."),
    ],
    ids=["nothing", "page", "broken", "playlist", "huge"],
)
def test_what_is_no_picture_is_refused_in_a_sentence(
    browser: Phone, ana: Participant, rows: Rows, storage: Storage, data: bytes, words: str
) -> None:
    answer = send_picture(browser, ana, data)

    assert answer.status_code == 400
    assert words in answer.text
    assert rows(select(Photo)) == []


@pytest.mark.sizeless
@pytest.mark.parametrize(("width", "height", "fits"), [(5712, 4284, True), (8000, 6000, False)])
def test_a_photo_of_a_phone_fits_and_a_giant_does_not(
    browser: Phone, ana: Participant, tmp_path: Path, width: int, height: int, fits: bool
) -> None:
    picture = tmp_path / "grey.jpg"
    with av.open(str(picture), "w", format="image2") as file:
        stream = file.add_stream("mjpeg")
        stream.width, stream.height, stream.pix_fmt = width, height, "yuvj420p"
        file.mux(stream.encode(av.VideoFrame(width, height, "yuvj420p")))
        file.mux(stream.encode(None))

    answer = send_picture(browser, ana, picture.read_bytes())

    assert answer.status_code == (302 if fits else 400)


def test_with_two_pictures_in_hand_the_third_comes_back_in_a_moment(
    browser: Phone, ana: Participant, rows: Rows
) -> None:
    with faces.AT_ONCE, faces.AT_ONCE:
        busy = send_picture(browser, ana, "upright.png")

    assert busy.status_code == 503
    assert busy.headers["Retry-After"] == "5"
    assert rows(select(Photo)) == []
    assert send_picture(browser, ana, "upright.png").status_code == 302


@pytest.mark.parametrize("signs", ["\u200b" * 60, "\u202e" * 60])
def test_signs_that_nobody_sees_are_no_intro(
    app: Flask, session: Session, rows: Rows, signs: str
) -> None:
    ana = make_participant(session, starts_at=utc_now() + timedelta(days=7))
    browser = phone(app, ana)
    agree(browser, ana.id)

    answer = write(browser, ana, signs)

    assert "letters that people can see" in answer.text
    assert rows(select(Intro)) == []
