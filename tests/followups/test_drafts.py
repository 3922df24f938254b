"""What somebody types is kept until it is sent in, wherever and however often they type it."""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.audit.model import AuditEntry
from asyncnet.events.model import Question
from asyncnet.followups.model import Answer, AnswerDraft
from asyncnet.messages.model import Message
from asyncnet.messages.rules import next_morning
from tests.followups.one_viewing import Scene, make_scene
from tests.inbox import mails_sent, text_of
from tests.pages import filled, find_form, open_personal_link, post_form

Rows = Callable[..., list[Any]]
TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.fixture
def scene(session: Session) -> Scene:
    return make_scene(session, own_question="Which of your coasts would you show me?")


@pytest.fixture
def viewer(client: FlaskClient, scene: Scene) -> FlaskClient:
    open_personal_link(client, scene.ana)
    return client


def test_typed_words_come_back_on_another_device(
    viewer: FlaskClient, scene: Scene, app: Flask, rows: Rows
) -> None:
    """F11: and the audit log is told once, not of every letter."""
    version = 0
    for text in ("Your", "Your tide", "Your tide pools"):
        version = typed(viewer, scene, text, tab="laptop", seen=version)

    phone = app.test_client()
    open_personal_link(phone, scene.ana)
    form = find_form(phone.get(scene.page))

    assert form.values[first_of(scene)] == ["Your tide pools"]
    assert rows(select(Answer)) == []
    begun = select(AuditEntry).where(AuditEntry.action == "match.draft_begun")
    assert len(rows(begun)) == 1


def test_two_devices_lose_nothing_of_each_other(
    viewer: FlaskClient, scene: Scene, rows: Rows
) -> None:
    """F9: the newest wins, the other stands beside it, and either can be taken."""
    typed(viewer, scene, "On my laptop.", tab="laptop", seen=0)
    typed(viewer, scene, "On my phone.", tab="phone", seen=0)

    page = viewer.get(scene.page)
    post_form(viewer, scene.page, action="/draft/laptop/take")
    swapped = viewer.get(scene.page)
    post_form(viewer, scene.page, action="/draft/phone/drop")
    alone = viewer.get(scene.page)

    assert find_form(page).values[first_of(scene)] == ["On my phone."]
    assert "On my laptop." in page.text
    assert find_form(swapped).values[first_of(scene)] == ["On my laptop."]
    assert "On my phone." in swapped.text
    assert "On my phone." not in alone.text


def test_whoever_goes_on_where_another_tab_stopped_is_alone(
    viewer: FlaskClient, scene: Scene, rows: Rows
) -> None:
    version = typed(viewer, scene, "Your tide", tab="laptop", seen=0)
    typed(viewer, scene, "My tide pools", tab="phone", seen=version)

    [draft] = rows(select(AnswerDraft))
    assert (draft.typed[first_of(scene)], draft.others) == (["My tide pools"], {})


def test_words_sent_in_leave_no_draft(viewer: FlaskClient, scene: Scene, rows: Rows) -> None:
    typed(viewer, scene, "Your tide", tab="laptop", seen=0)
    post_form(viewer, scene.page, scene.words("Your tide pools."))

    [draft] = rows(select(AnswerDraft))
    assert (draft.typed, draft.others) == ({}, {})
    page = viewer.get(scene.page)
    assert find_form(page).values[first_of(scene)] == ["Your tide pools."]
    assert "not sent" not in page.text


def test_a_change_that_was_not_sent_is_shown_as_such(viewer: FlaskClient, scene: Scene) -> None:
    post_form(viewer, scene.page, scene.words("First."))
    typed(viewer, scene, "Second.", tab="laptop", seen=0)

    page = viewer.get(scene.page)

    assert find_form(page).values[first_of(scene)] == ["Second."]
    assert "not sent the change yet" in page.text


def test_two_tabs_that_send_different_words_overwrite_nothing_unseen(
    viewer: FlaskClient, scene: Scene, rows: Rows
) -> None:
    """F8, F9: the second tab is shown both, and may then decide."""
    form = find_form(viewer.get(scene.page))
    viewer.post(form.action, data=filled(form, scene.words("From tab one.")))

    refused = viewer.post(form.action, data=filled(form, scene.words("From tab two.")))
    kept = [answer.items[1]["value"] for answer in rows(select(Answer))]
    again = viewer.post(form.action, data=filled(find_form(refused), {}))

    assert refused.status_code == 409
    assert "From tab one." in refused.text
    assert find_form(refused).values[first_of(scene)] == ["From tab two."]
    assert kept == ["From tab one."]
    assert again.status_code == 302
    assert [answer.items[1]["value"] for answer in rows(select(Answer))] == ["From tab two."]
    assert len(rows(select(Message))) == 1


def test_their_own_question_is_asked_first_and_answered_in_the_mail(
    viewer: FlaskClient, scene: Scene, app: Flask
) -> None:
    page = viewer.get(scene.page)
    post_form(viewer, scene.page, scene.words(own="The one behind Kiel."))

    [mail] = mails_sent(app, at=next_morning(scene.event.ends_at, TOKYO))

    assert page.text.index("Which of your coasts") < page.text.index("What stayed with you")
    assert "Which of your coasts would you show me? The one behind Kiel." in text_of(mail)


def test_after_the_mail_a_note_goes_out_in_a_mail_of_its_own(
    viewer: FlaskClient, scene: Scene, app: Flask, rows: Rows
) -> None:
    post_form(viewer, scene.page, scene.words("First."))
    mails_sent(app, at=next_morning(scene.event.ends_at, TOKYO))

    note = post_form(viewer, scene.page, {"note": "And your maps!"})
    twice = post_form(viewer, scene.page, {"note": "And your maps, too!"})

    assert (note.status_code, twice.status_code) == (302, 302)
    first, second = rows(select(Answer).order_by(Answer.number))
    assert (first.items[1]["value"], second.items[0]["value"]) == ("First.", "And your maps, too!")
    waiting = rows(select(Message).where(Message.state == "scheduled"))
    assert [message.subject_id for message in waiting] == [second.id]


def test_what_was_typed_too_late_becomes_a_note(
    viewer: FlaskClient, scene: Scene, app: Flask
) -> None:
    """F11: the page was open while the mail went out; not a word is lost."""
    post_form(viewer, scene.page, scene.words("First."))
    form = find_form(viewer.get(scene.page))
    mails_sent(app, at=next_morning(scene.event.ends_at, TOKYO))

    late = viewer.post(
        form.action, data=filled(form, scene.words("First.", own="Kiel.")), follow_redirects=True
    )

    assert find_form(late).values["note"] == ["Kiel."]
    assert "kept below" in late.text


def test_words_on_a_question_that_was_taken_away_stay(
    viewer: FlaskClient, scene: Scene, session: Session, rows: Rows
) -> None:
    post_form(viewer, scene.page, scene.words("First."))
    typed(viewer, scene, "Changed.", tab="laptop", seen=0)
    session.delete(session.get_one(Question, scene.questions[0].id))
    session.commit()

    page = viewer.get(scene.page)
    post_form(viewer, scene.page, {"own": "Kiel."})

    assert "Changed." in page.text
    [answer] = rows(select(Answer))
    assert [item["value"] for item in answer.items if item["value"]] == ["Kiel.", "First."]


def first_of(scene: Scene) -> str:
    return f"q{scene.questions[0].id}"


def typed(browser: FlaskClient, scene: Scene, text: str, *, tab: str, seen: int) -> int:
    """Keep a draft as the page does while somebody types; return its version."""
    form = find_form(browser.get(scene.page))
    answer = browser.post(
        f"{scene.page}/draft",
        data=filled(form, scene.words(text)) | {"tab": tab, "draft": seen},
        headers={"Accept": "application/json"},
    )
    assert answer.status_code == 200, answer.text
    return int(answer.json["version"]) if answer.json else 0
