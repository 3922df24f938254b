"""The way of an intro from consent to playback, over the pages' own requests."""

import re
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet import tasks
from asyncnet.audit.model import AuditEntry
from asyncnet.events.model import Consent, Participant
from asyncnet.intros.actions.consenting import CONSENT_VERSION
from asyncnet.intros.actions.uploading import PART_BYTES, UPLOADS_A_DAY
from asyncnet.intros.model import Intro, IntroState
from asyncnet.storage.port import FileMissing, Storage
from tests.intros.people import (
    Phone,
    agree,
    arrive,
    begin,
    make_participant,
    make_video,
    phone,
    send_file,
    send_signed,
    sign,
    upload,
)
from tests.storage.places import send

Rows = Callable[[Any], Any]


@pytest.fixture
def ana(session: Session) -> Participant:
    return make_participant(session)


@pytest.fixture
def browser(app: Flask, ana: Participant) -> Phone:
    """Ana's browser; she has not agreed to anything yet."""
    return phone(app, ana)


@pytest.fixture
def agreed(browser: Phone, ana: Participant) -> Phone:
    """Ana's browser, after she has agreed to show her video."""
    agree(browser, ana.id)
    return browser


@pytest.fixture
def storage(app: Flask) -> Storage:
    found: Storage = app.extensions["asyncnet"].storage
    return found


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_video(tmp_path_factory.mktemp("video") / "intro.mp4").read_bytes()


def work(app: Flask) -> None:
    with app.app_context():
        tasks.process_a_video()


def states(rows: Rows) -> list[IntroState]:
    return [intro.state for intro in rows(select(Intro).order_by(Intro.id))]


def stored(storage: Storage) -> list[str]:
    """Return the keys of everything that is stored for intros of this test."""
    return [file.key for prefix in ("uploads/", "intros/") for file in storage.files(prefix)]


def played(browser: Phone, participant_id: int) -> list[str]:
    """Return the addresses in the studio's player: small, large."""
    page = browser.get(f"/me/{participant_id}/intro").text
    return [found.replace("&amp;", "&") for found in re.findall(r'<source src="([^"]+)"', page)]


def open_address(browser: Phone, address: str, **headers: str) -> tuple[int, bytes]:
    own = browser.application.extensions["asyncnet"].settings.base_url
    if not address.startswith(own):
        answer = send(address, "GET", headers=headers)
        return answer.status, answer.body
    response = browser.get(address.removeprefix(own), headers=headers)
    return response.status_code, response.data


def test_no_upload_begins_without_consent(browser: Phone, ana: Participant, rows: Rows) -> None:
    """CHECKLIST D1."""
    answer = browser.press(f"/me/{ana.id}/intro/uploads", size=1000, content_type="video/mp4")

    assert answer.status_code == 409
    assert "tick the box" in answer.get_json()["error"]
    assert rows(select(Intro)) == []


def test_the_box_is_not_ticked_beforehand(browser: Phone, ana: Participant) -> None:
    """CHECKLIST D1: what happens to the video and until when is said beside the box."""
    page = browser.get(f"/me/{ana.id}/intro").text
    [box] = re.findall(r'<input[^>]*type="checkbox"[^>]*>', page)

    assert "checked" not in box
    assert "7 September 2030" in page
    assert "Sydney time" in page


def test_not_ticking_the_box_asks_again_and_keeps_nothing(
    browser: Phone, ana: Participant, rows: Rows
) -> None:
    answer = browser.press(f"/me/{ana.id}/intro/consent", text_version=CONSENT_VERSION)

    assert answer.status_code == 400
    assert "Tick the box if you agree" in answer.text
    assert rows(select(Consent)) == []


def test_consent_is_kept_once_with_its_words_and_time(
    browser: Phone, ana: Participant, rows: Rows
) -> None:
    path = f"/me/{ana.id}/intro/consent"
    fields = {"agreed": "y", "text_version": CONSENT_VERSION, "given_at": "2001-01-01"}

    answers = [browser.press(path, **fields).status_code for _ in range(2)]

    [consent] = rows(select(Consent))
    assert answers == [302, 302]
    assert (consent.purpose, consent.text_version) == ("intro", CONSENT_VERSION)
    assert consent.given_at.year > 2020
    assert consent.withdrawn_at is None


def test_consent_to_older_words_is_not_taken(browser: Phone, ana: Participant, rows: Rows) -> None:
    answer = browser.press(f"/me/{ana.id}/intro/consent", agreed="y", text_version="1999-01")

    assert answer.status_code == 400
    assert rows(select(Consent)) == []


@pytest.mark.parametrize(
    ("size", "content_type", "status"),
    [
        (300_000_000, "video/mp4", 201),
        (299_999_999, "", 201),
        (300_000_001, "video/mp4", 409),
        (0, "video/mp4", 409),
        (-5, "video/mp4", 400),
        ("many", "video/mp4", 400),
        (1000, "application/pdf", 409),
    ],
)
def test_limits_hold_before_anything_is_signed(
    agreed: Phone, ana: Participant, rows: Rows, size: object, content_type: str, status: int
) -> None:
    """CHECKLIST U1, at the first of its three places."""
    answer = agreed.press(f"/me/{ana.id}/intro/uploads", size=size, content_type=content_type)

    assert answer.status_code == status
    assert len(rows(select(Intro))) == (status == 201)
    if status != 201:
        assert answer.get_json()["error"].endswith(".")


def test_only_so_many_uploads_begin_in_a_day(
    agreed: Phone, ana: Participant, session: Session, rows: Rows
) -> None:
    """CHECKLIST U1."""
    intro_id = begin(agreed, ana.id, 1000)
    first = session.get_one(Intro, intro_id)
    for number in range(UPLOADS_A_DAY - 1):
        session.add(
            Intro(
                participant_id=ana.id,
                upload_key=f"uploads/{number}",
                bytes_announced=1,
                state=IntroState.REJECTED,
                created_at=first.created_at,
            )
        )
    session.commit()

    answer = agreed.press(f"/me/{ana.id}/intro/uploads", size=1000)

    assert answer.status_code == 409
    assert len(rows(select(Intro))) == UPLOADS_A_DAY


def test_the_server_chooses_the_key(agreed: Phone, ana: Participant, rows: Rows) -> None:
    """CHECKLIST U2, U8, A3: nothing that the browser adds is looked at."""
    agreed.press(
        f"/me/{ana.id}/intro/uploads",
        size=1000,
        key="../../etc/passwd",
        upload_key="uploads/mine",
        state="ready",
        participant_id=999,
        folder="intros/mine",
    )

    [intro] = rows(select(Intro))
    assert re.fullmatch(r"uploads/[0-9a-f]{32}", intro.upload_key)
    assert (intro.participant_id, intro.state) == (ana.id, IntroState.AWAITING_UPLOAD)
    assert intro.folder is None


def test_every_part_is_signed_for_its_exact_length(agreed: Phone, ana: Participant) -> None:
    """CHECKLIST U1, U2: the second of three places."""
    intro_id = begin(agreed, ana.id, PART_BYTES + 7)
    created = send_signed(agreed, sign(agreed, ana.id, intro_id, "POST"), "POST")
    step = {"upload_id": created.upload_id, "method": "PUT"}

    def put(number: int, length: int) -> int:
        signed = sign(agreed, ana.id, intro_id, part_number=number, **step)
        return send_signed(agreed, signed, "PUT", bytes(length)).status

    assert [put(2, 6), put(2, 8), put(1, 7), put(2, 7)] == [403, 403, 403, 200]
    assert sign(agreed, ana.id, intro_id, part_number=3, **step).status_code == 409
    assert sign(agreed, ana.id, intro_id, part_number=0, **step).status_code == 400
    assert sign(agreed, ana.id, intro_id, **step).status_code == 409


def test_an_upload_takes_in_one_file_however_often_it_is_begun(
    agreed: Phone, ana: Participant, rows: Rows
) -> None:
    """CHECKLIST U1, U2: one address to begin may be used again and again while it is good."""
    intro_id = begin(agreed, ana.id, 1000)
    beginning = sign(agreed, ana.id, intro_id, "POST")
    first, *others = [send_signed(agreed, beginning, "POST").upload_id for _ in range(3)]
    step = {"part_number": 1}

    kept = sign(agreed, ana.id, intro_id, "PUT", upload_id=first, **step)
    strange = [
        sign(agreed, ana.id, intro_id, method, upload_id=upload_id, **step)
        for upload_id in {*others, "f" * 32} - {first}
        for method in ("PUT", "POST", "GET", "DELETE")
    ]

    assert [answer.status_code for answer in strange] == [409] * len(strange)
    assert "begun anew elsewhere" in strange[0].get_json()["error"]
    assert send_signed(agreed, kept, "PUT", bytes(1000)).status == 200
    assert [intro.upload_id for intro in rows(select(Intro))] == [first]


def test_a_browser_goes_on_with_its_upload_or_starts_afresh(
    agreed: Phone, ana: Participant, rows: Rows
) -> None:
    """CHECKLIST F10: after a reload it names the same upload; one that lost its id begins anew."""
    intro_id = begin(agreed, ana.id, 1000)
    created = send_signed(agreed, sign(agreed, ana.id, intro_id, "POST"), "POST")
    step = {"upload_id": created.upload_id}
    part = sign(agreed, ana.id, intro_id, "PUT", part_number=1, **step)
    send_signed(agreed, part, "PUT", bytes(1000))

    listed = send_signed(agreed, sign(agreed, ana.id, intro_id, "GET", **step), "GET")
    afresh = begin(agreed, ana.id, 1000)
    send_file(agreed, ana.id, afresh, bytes(1000))

    assert listed.status == 200
    assert b"<PartNumber>1</PartNumber>" in listed.body
    assert arrive(agreed, ana.id, afresh).get_json() == {"state": "uploaded"}
    assert states(rows) == [IntroState.REPLACED, IntroState.UPLOADED]


def test_every_unfinished_upload_of_a_key_is_aborted(
    app: Flask, agreed: Phone, ana: Participant, storage: Storage, rows: Rows
) -> None:
    """CHECKLIST D4: also those that were begun and never signed for."""
    intro_id = begin(agreed, ana.id, 1000)
    beginning = sign(agreed, ana.id, intro_id, "POST")
    upload_ids = {send_signed(agreed, beginning, "POST").upload_id for _ in range(3)}
    [key] = [intro.upload_key for intro in rows(select(Intro))]

    agreed.press(f"/me/{ana.id}/intro/withdraw")
    work(app)

    for upload_id in upload_ids:
        with pytest.raises(FileMissing):
            storage.parts(key, upload_id)


@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
def test_a_step_without_its_upload_is_refused(agreed: Phone, ana: Participant, method: str) -> None:
    intro_id = begin(agreed, ana.id, 1000)

    answer = sign(agreed, ana.id, intro_id, method, part_number=1)

    assert answer.status_code == 409


def test_several_parts_are_signed_at_once_and_none_beyond_the_end(
    agreed: Phone, ana: Participant
) -> None:
    intro_id = begin(agreed, ana.id, 20 * PART_BYTES + 1)
    step = {"method": "PUT", "upload_id": "0" * 32}

    first = sign(agreed, ana.id, intro_id, part_number=1, **step).get_json()["parts"]
    last = sign(agreed, ana.id, intro_id, part_number=20, **step).get_json()["parts"]

    assert {int(number) for number in first} == set(range(1, 17))
    assert {int(number) for number in last} == {20, 21}
    assert len({part["url"] for part in (*first.values(), *last.values())}) == 18


def test_only_ones_own_upload_is_signed(
    app: Flask, agreed: Phone, ana: Participant, session: Session
) -> None:
    """CHECKLIST A2: a foreign upload answers as one that does not exist."""
    ben = make_participant(session)
    bens = phone(app, ben)
    agree(bens, ben.id)
    intro_id = begin(agreed, ana.id, 1000)

    foreign = sign(bens, ben.id, intro_id, "POST")
    missing = sign(bens, ben.id, intro_id + 1, "POST")
    at_anas = bens.post(f"/me/{ana.id}/intro/uploads/{intro_id}/sign", data={"method": "POST"})
    nobody = app.test_client().post(f"/me/{ana.id}/intro/uploads/{intro_id}/sign")

    assert [foreign.status_code, missing.status_code] == [404, 404]
    assert nobody.status_code in {400, 404}
    assert at_anas.status_code in {400, 404}


def test_a_request_without_token_changes_nothing(
    agreed: Phone, ana: Participant, rows: Rows
) -> None:
    """CHECKLIST B1."""
    intro_id = begin(agreed, ana.id, 1000)

    statuses = [
        agreed.post(f"/me/{ana.id}/intro/{path}", data={"size": 1000, "method": "POST"}).status_code
        for path in (
            "uploads",
            f"uploads/{intro_id}/sign",
            f"uploads/{intro_id}/arrived",
            "withdraw",
        )
    ]

    assert statuses == [400] * 4
    assert states(rows) == [IntroState.AWAITING_UPLOAD]


def test_completing_waits_for_every_part(agreed: Phone, ana: Participant, rows: Rows) -> None:
    """CHECKLIST U1, F10: the server lists the parts itself."""
    intro_id = begin(agreed, ana.id, PART_BYTES + 7)
    created = send_signed(agreed, sign(agreed, ana.id, intro_id, "POST"), "POST")
    step = {"upload_id": created.upload_id}
    second = sign(agreed, ana.id, intro_id, "PUT", part_number=2, **step)
    send_signed(agreed, second, "PUT", bytes(7))

    early = sign(agreed, ana.id, intro_id, "POST", **step)
    told = arrive(agreed, ana.id, intro_id)

    assert (early.status_code, told.status_code) == (409, 409)
    assert states(rows) == [IntroState.AWAITING_UPLOAD]


def test_completing_an_unknown_upload_says_that_it_is_gone(agreed: Phone, ana: Participant) -> None:
    intro_id = begin(agreed, ana.id, 1000)

    answer = sign(agreed, ana.id, intro_id, "POST", upload_id="0" * 32)

    assert answer.status_code == 410


def test_saying_it_arrived_twice_changes_nothing_more(
    agreed: Phone, ana: Participant, rows: Rows
) -> None:
    """CHECKLIST U4, F8: the size comes from storage, whatever the browser says."""
    intro_id = begin(agreed, ana.id, 1000)
    send_file(agreed, ana.id, intro_id, bytes(1000))

    answers = [
        arrive(agreed, ana.id, intro_id, size=5, state="ready", checked="true") for _ in range(2)
    ]

    assert [answer.get_json() for answer in answers] == [{"state": "uploaded"}] * 2
    [intro] = rows(select(Intro))
    assert (intro.state, intro.attempts) == (IntroState.UPLOADED, 0)
    arrivals = rows(select(AuditEntry).where(AuditEntry.action == "intro.arrived"))
    assert [entry.actor for entry in arrivals] == [f"participant:{ana.id}"]


def test_an_upload_that_has_ended_is_signed_no_more(agreed: Phone, ana: Participant) -> None:
    intro_id = begin(agreed, ana.id, 1000)
    send_file(agreed, ana.id, intro_id, bytes(1000))
    arrive(agreed, ana.id, intro_id)

    answers = [
        sign(agreed, ana.id, intro_id, method, upload_id="0" * 32, part_number=1).status_code
        for method in ("POST", "PUT", "GET", "DELETE")
    ]

    assert answers == [409] * 4


def test_a_new_upload_ends_an_unfinished_one(agreed: Phone, ana: Participant, rows: Rows) -> None:
    first = begin(agreed, ana.id, 1000)

    begin(agreed, ana.id, 2000)

    assert states(rows) == [IntroState.REPLACED, IntroState.AWAITING_UPLOAD]
    assert sign(agreed, ana.id, first, "POST").status_code == 409


def test_an_uploaded_video_is_prepared_and_plays(
    app: Flask, agreed: Phone, ana: Participant, storage: Storage, rows: Rows, video: bytes
) -> None:
    """CHECKLIST U6: what plays was made by us; what was sent is gone."""
    upload(agreed, ana.id, video)

    work(app)

    [intro] = rows(select(Intro))
    assert intro.state is IntroState.READY
    assert intro.seconds == pytest.approx(3, abs=0.2)
    keys = {f"{intro.folder}/{name}" for name in ("720p.mp4", "360p.mp4", "poster.jpg")}
    assert {key for key in stored(storage) if intro.folder in key} == keys
    assert intro.upload_key not in stored(storage)
    assert intro.checksums == storage.checksums(intro.folder)
    assert set(intro.checksums) == set(intro.files)
    small, large = played(agreed, ana.id)
    assert open_address(agreed, small)[0] == 200
    status, start = open_address(agreed, large, Range="bytes=0-11")
    assert (status, start[4:8]) == (206, b"ftyp")
    actions = [entry.action for entry in rows(select(AuditEntry).order_by(AuditEntry.id))]
    assert actions[-4:] == ["intro.consented", "intro.begun", "intro.arrived", "intro.ready"]


def test_a_file_that_is_no_video_is_refused_with_a_sentence(
    app: Flask, agreed: Phone, ana: Participant, storage: Storage, rows: Rows
) -> None:
    """CHECKLIST U3, U5: nothing that was sent can be opened at any address."""
    upload(agreed, ana.id, b"<html><script>alert(1)</script></html>")

    work(app)

    [intro] = rows(select(Intro))
    assert intro.state is IntroState.REJECTED
    assert intro.reason.endswith(".")
    assert intro.reason in agreed.get(f"/me/{ana.id}/intro").text.replace("&#39;", "'")
    assert intro.upload_key not in stored(storage)
    assert played(agreed, ana.id) == []


def test_the_old_video_stays_until_the_new_one_is_ready(
    app: Flask, agreed: Phone, ana: Participant, storage: Storage, rows: Rows, video: bytes
) -> None:
    upload(agreed, ana.id, video)
    work(app)
    before = played(agreed, ana.id)
    upload(agreed, ana.id, video)
    meanwhile = played(agreed, ana.id)

    work(app)

    old, new = rows(select(Intro).order_by(Intro.id))
    assert len(before) == len(meanwhile) == 2
    assert (old.state, new.state) == (IntroState.REPLACED, IntroState.READY)
    assert old.bytes_removed_at is not None
    assert not [key for key in stored(storage) if key.startswith(old.folder)]
    assert len([key for key in stored(storage) if key.startswith(new.folder)]) == 3
    assert open_address(agreed, before[1])[0] == 404


def test_a_refused_replacement_leaves_the_old_video(
    app: Flask, agreed: Phone, ana: Participant, rows: Rows, video: bytes
) -> None:
    upload(agreed, ana.id, video)
    work(app)
    upload(agreed, ana.id, b"not a video at all")

    work(app)

    assert states(rows) == [IntroState.READY, IntroState.REJECTED]
    assert len(played(agreed, ana.id)) == 2


def test_withdrawing_removes_the_video_and_ends_the_consent(
    app: Flask, agreed: Phone, ana: Participant, storage: Storage, rows: Rows, video: bytes
) -> None:
    """CHECKLIST D1: addresses handed out before open nothing either."""
    upload(agreed, ana.id, video)
    work(app)
    addresses = played(agreed, ana.id)
    [folder] = [intro.folder for intro in rows(select(Intro))]

    answer = agreed.press(f"/me/{ana.id}/intro/withdraw")
    work(app)

    assert answer.status_code == 302
    [intro], [consent] = rows(select(Intro)), rows(select(Consent))
    assert intro.state is IntroState.WITHDRAWN
    assert intro.bytes_removed_at is not None
    assert consent.withdrawn_at is not None
    assert not [key for key in stored(storage) if key.startswith(folder)]
    assert [open_address(agreed, address)[0] for address in addresses] == [404, 404]
    assert "Nothing of it is stored any more" in agreed.get(f"/me/{ana.id}/intro").text


def test_withdrawing_stops_an_upload_under_way(
    app: Flask, agreed: Phone, ana: Participant, storage: Storage, rows: Rows
) -> None:
    intro_id = begin(agreed, ana.id, 1000)
    created = send_signed(agreed, sign(agreed, ana.id, intro_id, "POST"), "POST")
    part = sign(agreed, ana.id, intro_id, "PUT", upload_id=created.upload_id, part_number=1)

    agreed.press(f"/me/{ana.id}/intro/withdraw")
    work(app)

    assert states(rows) == [IntroState.WITHDRAWN]
    assert send_signed(agreed, part, "PUT", secrets.token_bytes(1000)).status == 404


def test_the_state_is_told_in_words_and_asks_to_be_looked_at_again(
    app: Flask, agreed: Phone, ana: Participant, video: bytes
) -> None:
    upload(agreed, ana.id, video)

    waiting = agreed.get(f"/me/{ana.id}/intro/state").text
    work(app)
    ready = agreed.get(f"/me/{ana.id}/intro/state").text

    assert "We check it next; that usually takes less than a minute." in waiting
    assert "data-refresh-waiting" in waiting
    assert "This is what your matches in Tide pools and its organizers see" in ready
    assert "data-refresh-waiting" not in ready


def test_the_studio_is_its_owners_alone(app: Flask, ana: Participant, session: Session) -> None:
    """CHECKLIST A2."""
    ben = phone(app, make_participant(session))

    answers = [ben.get(f"/me/{ana.id}/intro{path}").status_code for path in ("", "/state")]

    assert answers == [404, 404]
