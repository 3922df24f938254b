"""A live participant watches, answers, and the words arrive on the reader's next morning."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from asyncnet.clock import utc_now
from asyncnet.events.model import Participant, Question
from asyncnet.events.rules import Attendance, QuestionKind
from asyncnet.followups.model import Answer
from asyncnet.matches.model import Match
from asyncnet.messages.model import Message
from asyncnet.messages.rules import next_morning
from tests import factories
from tests.followups.one_viewing import Scene, make_scene
from tests.inbox import mails_sent, text_of
from tests.pages import find_form, open_personal_link, post_form, sign_in

Rows = Callable[..., list]  # type: ignore[type-arg]
TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.fixture
def scene(session: Session) -> Scene:
    return make_scene(session)


@pytest.fixture
def viewer(client: FlaskClient, scene: Scene) -> FlaskClient:
    open_personal_link(client, scene.ana)
    return client


def test_an_answer_plans_one_mail_for_the_readers_next_morning(
    viewer: FlaskClient, scene: Scene, rows: Rows
) -> None:
    answer = post_form(viewer, scene.page, scene.words())

    assert answer.location == f"{scene.page}/thanks"
    thanks = viewer.get(answer.location).text
    assert "Sat 19 June" in thanks
    [message] = rows(select(Message))
    assert (message.kind, message.state) == ("follow_up", "scheduled")
    assert message.due_at == next_morning(scene.event.ends_at, TOKYO)
    assert (message.zone, message.due_local) == ("Asia/Tokyo", "2027-06-19T09:00")


def test_answering_twice_changes_the_words_and_plans_one_mail(
    viewer: FlaskClient, scene: Scene, rows: Rows
) -> None:
    post_form(viewer, scene.page, scene.words("First."))

    again = viewer.get(scene.page)
    post_form(viewer, scene.page, scene.words("Second."))

    assert find_form(again).values[f"q{scene.questions[0].id}"] == ["First."]
    [answer] = rows(select(Answer))
    assert answer.items[0]["value"] == "Second."
    assert len(rows(select(Message))) == 1


def test_twenty_clicks_at_once_make_one_answer_and_one_mail(
    viewer: FlaskClient, scene: Scene, rows: Rows, app: Flask
) -> None:
    """F8: an anti-forgery token alone does not do this."""
    form = find_form(viewer.get(scene.page))
    cookie = viewer.get_cookie("asyncnet", domain="127.0.0.1")
    assert cookie is not None

    def click(_: int) -> int:
        browser = app.test_client()
        browser.set_cookie("asyncnet", cookie.value, domain="127.0.0.1")
        return browser.post(form.action, data=form.values | scene.words()).status_code

    with ThreadPoolExecutor(20) as fingers:
        statuses = set(fingers.map(click, range(20)))

    assert statuses == {302}
    assert (len(rows(select(Answer))), len(rows(select(Message)))) == (1, 1)


def test_the_mail_brings_the_words_and_replying_reaches_the_viewer(
    viewer: FlaskClient, scene: Scene, app: Flask, rows: Rows
) -> None:
    contact = scene.questions[2].id
    post_form(
        viewer,
        scene.page,
        scene.words("Your tide pools\nmade my day {{config}} <b>.", **{f"q{contact}": "y"}),
    )
    due_at = next_morning(scene.event.ends_at, TOKYO)

    early = mails_sent(app, at=due_at - timedelta(minutes=1))
    mails = mails_sent(app, at=due_at)

    assert early == []
    [mail] = mails
    assert mail["To"] == "Kenji <kenji@reader.example>"
    assert mail["Subject"] == "Ana watched your intro"
    assert mail["Reply-To"] == "ana@reader.example"
    assert "Your tide pools made my day {{config}} <b>." in text_of(mail)
    html = mail.get_body(("html",))
    assert html is not None
    assert "{{config}} &lt;b&gt;." in html.get_content()
    [message] = rows(select(Message))
    assert (message.state, message.sent_at) == ("sent", due_at)
    assert "/hello/W" not in (message.sent_text or "")


def test_who_does_not_want_to_be_written_to_is_not_reachable(
    viewer: FlaskClient, scene: Scene, app: Flask
) -> None:
    post_form(viewer, scene.page, scene.words())

    [mail] = mails_sent(app, at=next_morning(scene.event.ends_at, TOKYO))

    assert mail["Reply-To"] is None
    assert "ana@reader.example" not in mail.as_string()
    assert "keeps their address to themselves" in text_of(mail)


def test_after_the_mail_went_out_the_words_stay(
    viewer: FlaskClient, scene: Scene, app: Flask, rows: Rows
) -> None:
    post_form(viewer, scene.page, scene.words("First."))
    form = find_form(viewer.get(scene.page))
    mails_sent(app, at=next_morning(scene.event.ends_at, TOKYO))

    late = viewer.post(
        form.action, data=form.values | scene.words("Too late."), follow_redirects=True
    )

    assert "have gone out already" in late.text
    assert [answer.items[0]["value"] for answer in rows(select(Answer))] == ["First."]
    page = viewer.get(scene.page).text
    assert "First." in page
    assert 'name="q' not in page


def test_words_that_the_organizers_took_back_are_not_promised_again(
    viewer: FlaskClient, scene: Scene, session: Session, rows: Rows
) -> None:
    post_form(viewer, scene.page, scene.words("First."))
    form = find_form(viewer.get(scene.page))
    session.execute(update(Message).values(state="cancelled", wake_at=None))
    session.commit()

    late = viewer.post(
        form.action, data=form.values | scene.words("Second."), follow_redirects=True
    )

    assert [answer.items[0]["value"] for answer in rows(select(Answer))] == ["First."]
    assert "stay as they were" in late.text
    assert "is with the organizers" in viewer.get(scene.page).text


def test_the_mail_is_for_whom_it_was_planned_whatever_changed_since(
    viewer: FlaskClient, scene: Scene, app: Flask, session: Session
) -> None:
    """S9: nobody is ever mailed somebody else's link."""
    post_form(viewer, scene.page, scene.words())
    session.get_one(Participant, scene.ana.id).attendance = Attendance.ASYNC
    session.get_one(Participant, scene.kenji.id).attendance = Attendance.LIVE
    session.commit()

    [mail] = mails_sent(app, at=next_morning(scene.event.ends_at, TOKYO))

    [link] = re.findall(r"http://127.0.0.1:8000(/hello/\S+)", text_of(mail))
    page = app.test_client().get(link, follow_redirects=True)
    assert mail["To"] == "Kenji <kenji@reader.example>"
    assert (
        page.request.path
        == f"{scene.page.replace(str(scene.ana.id), str(scene.kenji.id), 1)}/thread"
    )


def test_whoever_left_is_neither_watched_nor_written_to(
    viewer: FlaskClient, scene: Scene, session: Session, rows: Rows
) -> None:
    """U7, M4: at once, whatever the workers are doing."""
    form = find_form(viewer.get(scene.page))
    session.get_one(Participant, scene.kenji.id).left_at = utc_now()
    session.commit()

    assert viewer.get(scene.page).status_code == 404
    assert viewer.post(form.action, data=form.values | scene.words()).status_code == 404
    assert "Kenji" not in viewer.get(f"/me/{scene.ana.id}").text
    assert rows(select(Message)) == []


def test_a_match_taken_out_while_the_form_was_open_takes_no_answer(
    viewer: FlaskClient, scene: Scene, session: Session, rows: Rows
) -> None:
    form = find_form(viewer.get(scene.page))
    session.execute(update(Match).values(state="withdrawn"))
    session.commit()

    late = viewer.post(form.action, data=form.values | scene.words())

    assert late.status_code == 404
    assert (rows(select(Answer)), rows(select(Message))) == ([], [])


def test_the_reader_finds_the_words_on_their_page_once_they_were_mailed(
    viewer: FlaskClient, scene: Scene, app: Flask
) -> None:
    reader = app.test_client()
    open_personal_link(reader, scene.kenji)
    post_form(viewer, scene.page, scene.words())
    letters = f"/me/{scene.kenji.id}/letters"

    before = reader.get(letters).text
    mails_sent(app, at=next_morning(scene.event.ends_at, TOKYO))
    after = reader.get(letters).text

    assert "Nothing has arrived yet" in before
    assert "Your tide pools!" in after


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"text": "  "}, "a few words are enough"),
        ({"text": "x" * 4001}, "under 4,000 characters"),
        ({"text": "Fine", "contact": "no mailbox"}, "is not an e-mail address"),
        ({"text": "Fine", "contact": "a@b.org, c@d.org"}, "is not an e-mail address"),
    ],
)
def test_a_form_that_is_not_right_keeps_every_word(
    viewer: FlaskClient, scene: Scene, rows: Rows, typed: dict[str, str], sentence: str
) -> None:
    ask, contact = scene.questions[1].id, scene.questions[2].id
    changes = scene.words(typed["text"], **{f"q{ask}": "Tides."})
    if "contact" in typed:
        changes |= {f"q{contact}": "y", f"q{contact}_address": typed["contact"]}

    page = post_form(viewer, scene.page, changes)

    assert sentence in page.text
    assert find_form(page).values[f"q{ask}"] == ["Tides."]
    assert (rows(select(Answer)), rows(select(Message))) == ([], [])


def test_every_kind_of_question_is_asked_and_read(
    client: FlaskClient, session: Session, scene: Scene, app: Flask, rows: Rows
) -> None:
    kinds = [
        (QuestionKind.SHORT, "Your harbour?", "Kiel"),
        (QuestionKind.ONE, "Sea or lake?", "Sea"),
        (QuestionKind.SEVERAL, "Which tides?", ["Ebb", "Flood"]),
        (QuestionKind.SCALE, "How well would you get on?", "4"),
        (QuestionKind.YES_NO, "Meet again?", "yes"),
    ]
    for place, (kind, label, _) in enumerate(kinds, start=10):
        choices = {QuestionKind.ONE: ["Sea", "Lake"], QuestionKind.SEVERAL: ["Ebb", "Flood"]}
        session.add(
            Question(
                event_id=scene.event.id, position=place, kind=kind, label=label,
                required=True, choices=choices.get(kind, []),
            )
        )  # fmt: skip
    session.commit()
    added = rows(select(Question).where(Question.position >= 10).order_by(Question.position))
    open_personal_link(client, scene.ana)
    typed = {f"q{q.id}": value for q, (_, _, value) in zip(added, kinds, strict=True)}

    refused = post_form(client, scene.page, scene.words())
    post_form(client, scene.page, scene.words() | typed)

    assert refused.text.count("problems__link") == 5
    [mail] = mails_sent(app, at=next_morning(scene.event.ends_at, TOKYO))
    for words in ("Kiel", "Sea", "Ebb, Flood", "4", "yes"):
        assert words in text_of(mail)


def test_answers_stay_readable_after_the_form_has_changed(
    viewer: FlaskClient, scene: Scene, app: Flask, session: Session
) -> None:
    post_form(viewer, scene.page, scene.words())
    session.delete(session.get_one(Question, scene.questions[0].id))
    session.commit()

    [mail] = mails_sent(app, at=next_morning(scene.event.ends_at, TOKYO))

    assert "What stayed with you from this intro? Your tide pools!" in text_of(mail)


def test_a_viewing_of_somebody_else_is_not_there(
    client: FlaskClient, scene: Scene, session: Session, app: Flask
) -> None:
    """A2: neither for a third person nor for the one who is watched."""
    third = factories.participant(session, scene.event)
    open_personal_link(client, third)
    reader = app.test_client()
    open_personal_link(reader, scene.kenji)

    assert client.get(f"/me/{third.id}/matches/{scene.match.id}").status_code == 404
    assert client.get(scene.page).status_code == 404
    assert reader.get(f"/me/{scene.kenji.id}/matches/{scene.match.id}").status_code == 404


def test_changing_the_send_hour_moves_the_mails_that_wait(
    viewer: FlaskClient, scene: Scene, app: Flask, rows: Rows, session: Session
) -> None:
    post_form(viewer, scene.page, scene.words())
    host = app.test_client()
    sign_in(host, factories.organizer(session, "second@forum.example", of=scene.event))
    settings = f"/events/{scene.event.id}/settings"

    post_form(host, settings, {"send_hour": "07:30"})
    moved = post_form(host, settings, {"starts": "2027-06-19T20:00"})
    fewer = post_form(host, settings, {"rounds": "1", "starts": "2027-06-18T20:00"})

    assert [m.due_local for m in rows(select(Message))] == ["2027-06-19T07:30"]
    assert "can no longer be moved" in moved.text
    assert fewer.status_code == 409
