"""The match form as organizers make it, and as the people who fill it in meet it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.audit.actions import SYSTEM
from asyncnet.clock import utc_now
from asyncnet.events.model import Question
from asyncnet.events.questions.rules import QUESTION_SETS
from asyncnet.events.rules import QuestionKind
from asyncnet.followups.model import Answer
from asyncnet.followups.waiting.queries import For, waiting_counts
from asyncnet.intros.actions.withdrawing import withdraw
from asyncnet.messages.rules import next_morning
from tests import factories
from tests.followups.one_viewing import Scene, make_scene
from tests.inbox import mails_sent, text_of
from tests.pages import filled, find_form, open_personal_link, post_form, sign_in

Rows = Callable[..., list[Any]]
TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.fixture
def scene(session: Session) -> Scene:
    return make_scene(session)


@pytest.fixture
def host(app: Flask, scene: Scene, session: Session) -> FlaskClient:
    browser = app.test_client()
    sign_in(browser, factories.organizer(session, "second@forum.example", of=scene.event))
    return browser


@pytest.fixture
def viewer(client: FlaskClient, scene: Scene) -> FlaskClient:
    open_personal_link(client, scene.ana)
    return client


def test_a_question_can_be_changed_and_answers_keep_its_old_words(
    host: FlaskClient, viewer: FlaskClient, scene: Scene, app: Flask, rows: Rows
) -> None:
    post_form(viewer, scene.page, scene.words("Your tide pools!"))

    post_form(
        host, f"{questions_of(scene)}/{scene.questions[0].id}", {"label": "What will you keep?"}
    )

    page = viewer.get(scene.page)
    [mail] = mails_sent(app, at=next_morning(scene.event.ends_at, TOKYO))
    assert "What will you keep?" in page.text
    assert find_form(page).values[f"q{scene.questions[0].id}"] == ["Your tide pools!"]
    assert "What stayed with you from this intro? Your tide pools!" in text_of(mail)


def test_two_organizers_who_change_one_question_see_both_texts(
    host: FlaskClient, scene: Scene, rows: Rows
) -> None:
    """F9."""
    page = f"{questions_of(scene)}/{scene.questions[0].id}"
    form = find_form(host.get(page))
    host.post(page, data=filled(form, {"label": "Ana's words"}))

    refused = host.post(page, data=filled(form, {"label": "Ben's words"}))

    assert refused.status_code == 409
    assert "Ana&#39;s words" in refused.text
    assert find_form(refused).values["label"] == ["Ben's words"]
    assert "Ana's words" in {question.label for question in rows(select(Question))}


def test_questions_come_in_the_order_in_which_they_were_dragged(
    host: FlaskClient, scene: Scene, rows: Rows
) -> None:
    first, second, third = (question.id for question in scene.questions)
    token = find_form(host.get(questions_of(scene)), "/questions").values["csrf_token"]

    host.post(
        f"{questions_of(scene)}/order",
        data={"csrf_token": token, "order": f"{third},999999,{first},{third}"},
    )

    found = rows(select(Question).order_by(Question.position))
    assert [question.id for question in found] == [third, first, second]


@pytest.mark.parametrize("name", QUESTION_SETS)
def test_each_ready_form_can_be_taken_and_is_shown_as_participants_see_it(
    host: FlaskClient, viewer: FlaskClient, scene: Scene, name: str
) -> None:
    post_form(host, questions_of(scene), {"start": name}, action="/questions/start")

    preview = host.get(f"{questions_of(scene)}/preview").text
    page = viewer.get(scene.page).text
    for asked in QUESTION_SETS[name].questions:
        for words in (asked.label, asked.help, *asked.choices):
            assert words in preview
            assert words in page


def test_a_scale_says_what_its_ends_mean(
    host: FlaskClient, viewer: FlaskClient, scene: Scene, app: Flask, rows: Rows
) -> None:
    scale = {"label": "How soon?", "kind": "scale"}
    silent = post_form(host, questions_of(scene), scale)
    post_form(host, questions_of(scene), scale | {"choices": "some day\nthis week"})
    [added] = rows(select(Question).where(Question.kind == QuestionKind.SCALE))

    page = viewer.get(scene.page).text
    post_form(viewer, scene.page, scene.words(**{f"q{added.id}": "4"}))

    [mail] = mails_sent(app, at=next_morning(scene.event.ends_at, TOKYO))
    assert "what 1 means, and what 5 means" in silent.text
    assert "1 – some day" in page
    assert "5 – this week" in page
    assert "How soon? 4, where 1 is some day and 5 is this week" in text_of(mail)


def test_who_prefers_the_phone_is_reached_by_phone(
    viewer: FlaskClient, scene: Scene, app: Flask, rows: Rows
) -> None:
    contact = f"q{scene.questions[2].id}"
    said = {contact: "y", f"{contact}_how": "phone", f"{contact}_address": "+49 30 123456"}
    post_form(viewer, scene.page, scene.words(**said))

    again = find_form(viewer.get(scene.page))
    [mail] = mails_sent(app, at=next_morning(scene.event.ends_at, TOKYO))

    assert (again.values[f"{contact}_how"], again.values[f"{contact}_address"]) == (
        ["phone"],
        ["+49 30 123456"],
    )
    assert mail["Reply-To"] is None
    assert "By phone +49 30 123456" in text_of(mail)
    assert "ana@reader.example" not in mail.as_string()


def test_whoever_takes_their_number_back_has_taken_it_back(
    viewer: FlaskClient, scene: Scene, rows: Rows
) -> None:
    contact = f"q{scene.questions[2].id}"
    said = {contact: "y", f"{contact}_how": "phone", f"{contact}_address": "+49 30 123456"}
    post_form(viewer, scene.page, scene.words(**said))

    post_form(viewer, scene.page, {contact: None})

    [answer] = rows(select(Answer))
    assert "+49" not in str(answer.items)
    assert answer.contact is None


def test_without_an_intro_a_few_words_anywhere_are_enough(
    viewer: FlaskClient, scene: Scene, session: Session, rows: Rows
) -> None:
    """Nobody must say what stayed with them of an intro that was taken back."""
    withdraw(session, scene.kenji, actor=SYSTEM, now=scene.event.starts_at)
    session.commit()
    page = viewer.get(scene.page).text
    first, second = (f"q{question.id}" for question in scene.questions[:2])

    nothing = post_form(viewer, scene.page, {first: "", second: " "})
    words = post_form(viewer, scene.page, {first: "", second: "See you in Kyoto!"})

    assert "There is no intro of Kenji." in page
    assert "come back later" not in page
    assert "Write a few words first" in nothing.text
    assert words.location == f"{scene.page}/thanks"
    [answer] = rows(select(Answer))
    assert [item["value"] for item in answer.items[:2]] == ["", "See you in Kyoto!"]


def test_nobody_waits_for_an_intro_that_was_taken_back(
    host: FlaskClient, viewer: FlaskClient, scene: Scene, session: Session, app: Flask
) -> None:
    scene.event.starts_at = scene.event.rounds[0].starts_at = utc_now() - timedelta(minutes=1)
    session.commit()
    kenjis = app.test_client()
    watched = open_personal_link(kenjis, scene.kenji).text
    withdraw(session, scene.kenji, actor=SYSTEM, now=utc_now())
    session.commit()

    his, hers = (
        browser.get(f"/me/{person.id}").text
        for browser, person in ((kenjis, scene.kenji), (viewer, scene.ana))
    )

    assert For.INTRO not in waiting_counts(session, scene.event.id)
    assert "what=intro" not in host.get(f"/events/{scene.event.id}").text
    assert "Your intro is being watched" in watched
    assert "Your intro is being watched" not in his
    assert "there is no intro of theirs" in hers
    assert "look again later" not in hers


def questions_of(scene: Scene) -> str:
    return f"/events/{scene.event.id}/questions"
