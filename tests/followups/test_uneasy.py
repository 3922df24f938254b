"""Whoever is uneasy about somebody reads nothing more of them by mail; the other cannot tell."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.audit.actions import SYSTEM
from asyncnet.database import transaction
from asyncnet.day.actions.exiting import say_exit
from asyncnet.day.model import ExitKind
from asyncnet.events.model import Event, Participant
from asyncnet.followups.actions.arranging import propose
from asyncnet.followups.actions.reminding import plan_reminders
from asyncnet.followups.actions.replying import reply
from asyncnet.followups.model import Reply
from asyncnet.followups.rules import HUSHED, both_awake
from asyncnet.followups.threads.queries import standings_of
from asyncnet.messages.model import Message
from asyncnet.people.model import Person
from asyncnet.zones import zone_named
from tests import factories
from tests.followups.scene import STARTS_AT, Evening
from tests.pages import post_form, sign_in

Rows = Callable[..., list[Any]]


def test_the_uneasy_one_is_mailed_nothing_and_the_other_sees_what_everybody_sees(
    scene: Evening, session: Session, rows: Rows
) -> None:
    """Ana and Ben do the same; it is Ana who made Kenji uneasy."""
    session.get_one(Event, scene.event.id).digest = False
    session.commit()
    is_uneasy(scene, scene.kenji, about=scene.ana)
    noon = scene.morning + timedelta(hours=3)

    for author in (scene.ana, scene.ben):
        scene.answers(author, "Your tide pools!")
    scene.sends(scene.morning)
    for author in (scene.ana, scene.ben):
        writes_twice_and_suggests_a_time(scene, author, scene.morning + timedelta(hours=1))
    scene.sends(noon)

    subjects = [mail.message["Subject"] for mail in scene.mails_to(scene.kenji)]
    assert len(subjects) == 4
    assert [subject for subject in subjects if "Ben" not in subject] == []
    hushed = rows(select(Message).where(Message.note == HUSHED))
    assert {message.kind for message in hushed} == {"follow_up", "reply", "meeting"}
    due = {
        author.id: [
            message.due_at
            for message in rows(
                select(Message)
                .join(Reply, Reply.message_id == Message.id)
                .where(Reply.author_id == author.id)
                .order_by(Reply.id)
            )
        ]
        for author in (scene.ana, scene.ben)
    }
    assert due[scene.ana.id] == due[scene.ben.id]
    for page in ("", "/thread", "/thanks"):
        assert shown(scene, scene.ana, page) == shown(scene, scene.ben, page)


def test_the_uneasy_one_finds_nothing_new_of_the_other_on_their_own_pages(
    scene: Evening, session: Session
) -> None:
    session.get_one(Event, scene.event.id).digest = False
    session.commit()
    is_uneasy(scene, scene.kenji, about=scene.ana)
    for author in (scene.ana, scene.ben):
        scene.answers(author, f"Tides by {author.name}.")
    scene.sends(scene.morning)
    for author in (scene.ana, scene.ben):
        writes_twice_and_suggests_a_time(scene, author, scene.morning + timedelta(hours=1))
    scene.sends(scene.morning + timedelta(hours=3))

    of_ana, of_ben = (thread_of_kenji(scene, author) for author in (scene.ana, scene.ben))

    assert ("Tides by Ana." in of_ana, "Word 1." in of_ana) == (False, False)
    assert ("Tides by Ben." in of_ben, "Word 1." in of_ben) == (True, True)
    with scene.app.app_context(), transaction() as reading:
        standings = standings_of(
            reading, scene.kenji.id, [match.id for match in scene.matches.values()]
        )
    assert not standings[scene.matches[scene.ana.id].id].is_my_turn
    assert standings[scene.matches[scene.ben.id].id].is_my_turn


def test_one_mail_of_several_leaves_their_words_out(scene: Evening) -> None:
    is_uneasy(scene, scene.kenji, about=scene.ana)
    scene.answers(scene.ana, "Your tide pools!")
    scene.answers(scene.ben, "And your volunteers?")

    scene.sends(scene.morning)

    [mail] = scene.mails_to(scene.kenji)
    assert mail.message["Subject"] == "Ben watched your intro"
    assert "tide pools" not in mail.message.as_string()
    assert "went out to Kenji" in shown(scene, scene.ana, "")


def test_nobody_is_reminded_to_answer_somebody_they_are_uneasy_about(
    scene: Evening, rows: Rows
) -> None:
    scene.answers(scene.ana, "Your tide pools!")
    scene.sends(scene.morning)
    is_uneasy(scene, scene.kenji, about=scene.ana)

    with scene.app.app_context(), transaction() as session:
        planned = plan_reminders(session, now=scene.morning + timedelta(days=4))

    assert (planned, rows(select(Message).where(Message.kind == "reminder"))) == (0, [])


def test_an_organizer_who_takes_part_does_not_see_what_became_of_their_own_words(
    scene: Evening, session: Session, rows: Rows
) -> None:
    """Ana helps to run the event: the board, its numbers, its table and pages tell her nothing."""
    session.get_one(Event, scene.event.id).digest = False
    session.commit()
    host, ana = (
        signed_in(scene, factories.organizer(session, email, of=scene.event))
        for email in ("another@forum.example", scene.ana.email)
    )
    is_uneasy(scene, scene.kenji, about=scene.ana)
    for author in (scene.ana, scene.ben):
        scene.answers(author, "Your tide pools!")
    scene.sends(scene.morning)
    for author in (scene.ana, scene.ben):
        writes_twice_and_suggests_a_time(scene, author, scene.morning + timedelta(hours=1))
    scene.sends(scene.morning + timedelta(hours=3))
    hushed = [message.id for message in rows(select(Message).where(Message.note == HUSHED))]
    board = f"/events/{scene.event.id}/messages"
    places = [
        board, f"{board}?state=cancelled", f"{board}?kind=reply", f"{board}.csv",
        *(f"{board}/{number}" for number in hushed), f"/events/{scene.event.id}",
    ]  # fmt: skip

    theirs, hers = ([browser.get(at).text for at in places] for browser in (host, ana))
    acted = post_form(
        ana, board,
        {"pick": [f"{number}:{version_of(rows, number)}" for number in hushed], "wish": "release"},
    )  # fmt: skip

    assert len(hushed) == 4
    assert ["Cancelled" in page for page in theirs] == [True, True, True, False, *[True] * 4, False]
    hers[1] = hers[1].replace("Cancelled (0)", "")
    assert [page for page in hers if "Cancelled" in page or HUSHED in page] == []
    assert "Cancelled (4)" in theirs[0]
    assert (theirs[3].count(HUSHED), theirs[3].count("cancelled")) == (4, 4)
    assert (theirs[3].count("\n"), hers[3].count("\n")) == (9, 5)
    assert "Another organizer looks after them." in hers[0]
    assert all("another organizer looks after it" in page for page in hers[4:8])
    assert ana.get(f"{places[4]}/html").status_code == 404
    assert acted.status_code == 302
    assert {message.note for message in rows(select(Message).where(Message.id.in_(hushed)))} == {
        HUSHED
    }
    assert "1 follow-up has arrived" in theirs[8]
    assert "1 follow-up has arrived" in hers[8]


def test_an_organizer_who_takes_part_finds_none_of_their_matches_among_those_who_wait(
    scene: Evening, session: Session
) -> None:
    """As the one in which somebody is uneasy about them is in nobody's list."""
    host, ana = (
        signed_in(scene, factories.organizer(session, email, of=scene.event))
        for email in ("another@forum.example", scene.ana.email)
    )
    page = f"/events/{scene.event.id}/waiting.csv"

    before = [("Ana,Kenji" in browser.get(page).text) for browser in (host, ana)]
    hers = ana.get(page).text
    is_uneasy(scene, scene.kenji, about=scene.ana)
    after = [("Ana,Kenji" in browser.get(page).text) for browser in (host, ana)]

    assert (before, after) == ([True, False], [False, False])
    assert who_waits(ana.get(page).text) == who_waits(hers)


def who_waits(table: str) -> list[str]:
    return [line.rpartition(",")[0] for line in table.splitlines()]


def signed_in(scene: Evening, person: Person) -> FlaskClient:
    browser = scene.app.test_client()
    sign_in(browser, person)
    return browser


def version_of(rows: Rows, message_id: int) -> int:
    [version] = rows(select(Message.version).where(Message.id == message_id))
    return int(version)


def is_uneasy(scene: Evening, who: Participant, *, about: Participant) -> None:
    match = scene.matches[about.id]
    with scene.app.app_context(), transaction() as session:
        say_exit(
            session, session.get_one(Participant, who.id), ExitKind.UNEASY, match=match, words="",
            actor=SYSTEM, now=STARTS_AT,
        )  # fmt: skip


def writes_twice_and_suggests_a_time(scene: Evening, author: Participant, at: Any) -> None:
    match = scene.matches[author.id].id
    zones = (zone_named(scene.kenji.zone), zone_named(author.zone))
    [first, *_] = both_awake(*zones, after=at + timedelta(days=1), days=3)
    for number in range(2):
        later = at + timedelta(minutes=20 * number)
        with scene.app.app_context(), transaction() as session:
            reply(
                session, match, author.id, words=f"Word {number}.", contact=None,
                form_key=f"{author.id}-{number}", actor=SYSTEM, now=later,
            )  # fmt: skip
        scene.sends(later)
    with scene.app.app_context(), transaction() as session:
        propose(session, match, author.id, [first], version=0, actor=SYSTEM, now=at)


def thread_of_kenji(scene: Evening, other: Participant) -> str:
    match = scene.matches[other.id].id
    page = scene.browser_of(scene.kenji).get(f"/me/{scene.kenji.id}/matches/{match}/thread")
    assert page.status_code == 200
    return page.text


def shown(scene: Evening, author: Participant, page: str) -> str:
    """Return what an author's page about their match says, without what names the two apart."""
    match = scene.matches[author.id]
    answer = scene.browser_of(author).get(f"/me/{author.id}/matches/{match.id}{page}")
    assert answer.status_code == 200
    main = answer.text.partition("<main")[2].partition("</main>")[0]
    words = re.sub(r"<[^>]+>", " ", main).replace("Ana", "One").replace("Ben", "One")
    words = re.sub(r"Round \d", "Round", words)
    return " ".join(words.replace("ana@", "one@").replace("ben@", "one@").split())
