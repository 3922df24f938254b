"""Captions: written by their speaker, checked, shown to those who may watch, and gone with it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from asyncnet.audit.model import AuditEntry
from asyncnet.database import transaction
from asyncnet.events.model import Participant
from asyncnet.events.rules import Attendance
from asyncnet.intros import cues
from asyncnet.intros.actions import captioning
from asyncnet.intros.cues import Cue, Word, as_webvtt, drafted, read_time, troubles, write_time
from asyncnet.intros.model import Captions, CaptionsState, Intro, IntroKind
from asyncnet.leases import NothingWaiting
from tests import factories
from tests.intros.people import NOW
from tests.pages import find_form, open_personal_link, post_form

Rows = Callable[[Any], Sequence[Any]]


@pytest.mark.sizeless
@pytest.mark.parametrize(
    ("words", "seconds"),
    [("7", 7), ("7.5", 7.5), ("0:07,5", 7.5), ("1:02.5", 62.5), ("00:01:02.500", 62.5), (" 3 ", 3)],
)
def test_times_are_read_as_people_write_them(words: str, seconds: float) -> None:
    assert read_time(words) == seconds
    assert read_time(write_time(seconds)) == seconds


@pytest.mark.sizeless
@pytest.mark.parametrize("words", ["", "soon", "-1", "1:2:3:4", "1e3", "nan", "٣", "7.5.5"])
def test_what_is_no_time_is_refused(words: str) -> None:
    with pytest.raises(cues.BadTime):
        read_time(words)


@pytest.mark.sizeless
def test_lines_stand_in_order_without_overlap_within_the_intro() -> None:
    right = [Cue(0, 2, "a"), Cue(2, 4, "b")]
    wrong = [Cue(1, 1, "a"), Cue(3, 6, "b"), Cue(5, 7, "c"), Cue(2, 3, "d"), Cue(90, 91, "e")]

    assert troubles(right, 5) == {}
    assert {place: words.split(".")[0] for place, words in troubles(wrong, 60).items()} == {
        0: "This line ends before it begins",
        2: "The line above stays until 0:06",
        3: "This line begins before the one above it",
        4: "The recording is over by then; it ends at 1:00",
    }


@pytest.mark.sizeless
def test_a_webvtt_file_says_what_was_written_and_nothing_else() -> None:
    hostile = "<b>\n\n00:01.000 --> 00:09.000\u2028& NOTE"

    written = as_webvtt([Cue(0.5, 62.25, "Hello"), Cue(3599.9999, 3601, hostile)])

    assert written == (
        "WEBVTT\n\n00:00:00.500 --> 00:01:02.250\nHello\n\n01:00:00.000 --> 01:00:01.000\n"
        "&lt;b&gt; 00:01.000 --&gt; 00:09.000 &amp; NOTE\n"
    )


@pytest.mark.sizeless
def test_heard_words_become_lines_that_can_be_read_in_time() -> None:
    said = "Hello, I am Ana. I build small telescopes and look for people who like tide pools"
    words = [Word(n * 0.4, n * 0.4 + 0.3, f" {word}") for n, word in enumerate(said.split())]

    lines = drafted(words, 30)

    assert " ".join(cue.text for cue in lines) == said
    assert lines[0] == Cue(0.0, 1.6, "Hello, I am Ana.")
    assert all(len(cue.text) <= cues.LINE_LENGTH for cue in lines)
    assert troubles(lines, 30) == {}


@pytest.fixture
def ana(session: Session) -> Participant:
    forum = factories.event(session, factories.organizer(session))
    return factories.participant(
        session, forum, name="Ana", attendance=Attendance.ASYNC, zone="Australia/Sydney"
    )


@pytest.fixture
def intro(session: Session, ana: Participant) -> Intro:
    return factories.intro(session, ana)


@pytest.fixture
def page(client: FlaskClient, ana: Participant, intro: Intro) -> str:
    """The path of Ana's captions page, which her browser may open."""
    open_personal_link(client, ana)
    return f"/me/{ana.id}/intro/captions"


def lines(*written: tuple[str, str, str]) -> dict[str, str]:
    return {
        f"cues-{place}-{name}": value
        for place, line in enumerate(written)
        for name, value in zip(("start", "end", "text"), line, strict=True)
    }


HELLO = lines(("0", "0:02.5", "Hello & <welcome>"), ("2.5", "4", "I am Ana."))


def tracks(page: TestResponse) -> list[str]:
    return re.findall(r'<track kind="captions" label="Captions" src="([^"]+)" default>', page.text)


def test_shown_captions_are_read_by_whoever_may_watch(
    client: FlaskClient, page: str, ana: Participant, rows: Rows
) -> None:
    before = client.get(f"/me/{ana.id}/intro")

    saved = post_form(client, page, {**HELLO, "act": "show"})
    [address] = tracks(client.get(f"/me/{ana.id}/intro"))
    sent = client.application.test_client().get(address)

    assert tracks(before) == []
    assert saved.status_code == 302
    assert (sent.status_code, sent.mimetype) == (200, "text/vtt")
    assert sent.text == as_webvtt([Cue(0, 2.5, "Hello & <welcome>"), Cue(2.5, 4, "I am Ana.")])
    assert sent.headers["Cache-Control"] == "no-store"
    [entry] = rows(select(AuditEntry).where(AuditEntry.action.startswith("captions.")))
    assert (entry.action, entry.detail) == ("captions.shown", "2 lines")
    assert 'value="0:02.5"' in client.get(page).text


def test_a_draft_is_seen_by_its_speaker_alone(
    client: FlaskClient, page: str, ana: Participant, rows: Rows
) -> None:
    """Also one that was shown before."""
    post_form(client, page, {**HELLO, "act": "show"})
    [address] = tracks(client.get(page))

    post_form(client, page, {"act": "keep"})

    [kept] = rows(select(Captions))
    assert (kept.state, kept.shown_at, len(kept.cues)) == (CaptionsState.DRAFT, None, 2)
    assert tracks(client.get(page)) == []
    assert client.get(address).status_code == 404
    assert "Nobody but you sees this yet" in client.get(page).text


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (lines(("3", "1", "a")), "ends before it begins"),
        (lines(("0", "2", "a"), ("1", "3", "b")), "The line above stays until 0:02.0"),
        (lines(("70", "75", "a")), "The recording is over by then"),
        (lines(("soon", "2", "a")), "Write it like 0:07.5"),
        (lines(("0", "2", "a" * 161)), "160"),
        ({}, "at least one line"),
    ],
)
def test_what_is_wrong_is_said_at_its_line_and_nothing_is_lost(
    client: FlaskClient, page: str, rows: Rows, written: dict[str, str], words: str
) -> None:
    """CHECKLIST W4."""
    answer = post_form(client, page, {**written, "act": "show"})

    assert answer.status_code == 400
    assert words in answer.text
    assert "Something needs another look" in answer.text
    for value in written.values():
        assert value in answer.text
    assert rows(select(Captions)) == []


def test_two_windows_never_overwrite_each_other_unseen(
    client: FlaskClient, page: str, rows: Rows
) -> None:
    """CHECKLIST F9: what was written in the second window is kept in its page."""
    second = find_form(client.get(page))
    post_form(client, page, {**HELLO, "act": "show"})

    late = client.post(page, data=second.values | lines(("0", "1", "Second")) | {"act": "show"})
    again = client.post(page, data=find_form(late, page).values | {"act": "show"})

    assert late.status_code == 409
    assert "Second" in late.text
    assert "have changed since" in late.text
    assert again.status_code == 302
    [kept] = rows(select(Captions))
    assert [cue["text"] for cue in kept.cues] == ["Second"]


def test_removing_and_withdrawing_take_the_captions_away(
    client: FlaskClient, page: str, ana: Participant, rows: Rows
) -> None:
    """CHECKLIST D1, D4: an address handed out before opens nothing either."""
    addresses = []
    for path in (f"{page}/remove", f"/me/{ana.id}/intro/withdraw"):
        post_form(client, page, {**HELLO, "act": "show"})
        addresses += tracks(client.get(page))
        for _ in range(2):
            csrf = find_form(client.get("/lost-link")).values["csrf_token"]
            client.post(path, data={"csrf_token": csrf})
        assert rows(select(Captions)) == []

    assert [client.get(address).status_code for address in addresses] == [404, 404]


def test_an_address_of_captions_ends(app: Flask, client: FlaskClient, page: str) -> None:
    """CHECKLIST U7."""
    post_form(client, page, {**HELLO, "act": "show"})
    [address] = tracks(client.get(page))
    changed = address[:-2] + ("AA" if address[-2:] != "AA" else "BB")
    parts = app.extensions["asyncnet"]

    forged = client.get(changed).status_code
    ended = replace(parts.settings, playback_valid_for=timedelta(seconds=-1))
    app.extensions["asyncnet"] = replace(parts, settings=ended)
    late = client.get(address).status_code

    assert (forged, late) == (403, 403)


def test_a_text_has_no_captions(
    client: FlaskClient, page: str, session: Session, ana: Participant
) -> None:
    session.execute(update(Intro).values(kind=IntroKind.TEXT))
    session.commit()

    answer = client.get(page)

    assert answer.location == f"/me/{ana.id}/intro"


def waiting(app: Flask, intro: Intro) -> captioning.Claim:
    with app.app_context():
        with transaction() as writing:
            captioning.ask(writing, intro.id, now=NOW)
        with transaction() as writing:
            return captioning.claim_next(writing, now=NOW)


def test_a_draft_never_replaces_what_its_speaker_wrote_meanwhile(
    app: Flask, client: FlaskClient, page: str, intro: Intro, rows: Rows
) -> None:
    claim = waiting(app, intro)
    post_form(client, page, {**HELLO, "act": "show"})

    with app.app_context(), transaction() as writing:
        captioning.keep_draft(writing, claim, [Cue(0, 1, "Heard")])

    [kept] = rows(select(Captions))
    assert (kept.state, kept.cues[1]["text"]) == (CaptionsState.SHOWN, "I am Ana.")


def test_what_kills_its_listeners_is_left_to_be_written_by_hand(
    app: Flask, client: FlaskClient, page: str, intro: Intro, rows: Rows
) -> None:
    """CHECKLIST F2, F16: tried again after the lease, three times in all."""
    waiting(app, intro)
    tries = [NOW + captioning.LEASE * n for n in (0, 1, 2, 3)]

    with app.app_context():
        for now in tries:
            with transaction() as writing:
                try:
                    captioning.claim_next(writing, now=now + timedelta(seconds=1))
                except NothingWaiting:
                    continue
    [kept] = rows(select(Captions))

    assert (kept.state, kept.attempts) == (CaptionsState.EMPTY, 3)
    assert "write them by hand" in client.get(page).text
