"""Two people go on writing, on a page that is theirs alone."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from asyncnet.audit.actions import SYSTEM
from asyncnet.audit.model import AuditEntry
from asyncnet.clock import utc_now
from asyncnet.database import transaction
from asyncnet.events.actions.replanning import follow_reader
from asyncnet.events.model import Participant
from asyncnet.followups.actions.replying import reply
from asyncnet.followups.model import Answer, Meeting, Reply, Step
from asyncnet.followups.rules import BETWEEN_MAILS, Stage, both_awake
from asyncnet.matches.model import Match
from asyncnet.messages.model import Message
from asyncnet.messages.queue import Planned, plan
from asyncnet.web.filters import local_time
from asyncnet.zones import zone_named, zone_names
from tests import factories
from tests.followups.scene import Evening, stages_in
from tests.pages import filled, find_form, post_form, sign_in

Rows = Callable[..., list[Any]]


def thread(scene: Evening, person: Participant, other: Participant | None = None) -> str:
    live = other or scene.ana
    return f"/me/{person.id}/matches/{scene.matches[live.id].id}/thread"


def writes(
    scene: Evening, person: Participant, words: str, at: datetime, *, contact: str | None = None
) -> None:
    """Have somebody write to the other one of Ana's match with Kenji at this moment."""
    with scene.app.app_context(), transaction() as session:
        reply(
            session, scene.matches[scene.ana.id].id, person.id, words=words, contact=contact,
            form_key=uuid4().hex, actor=SYSTEM, now=at,
        )  # fmt: skip


def test_a_reply_reaches_the_match_by_mail_and_both_see_it(
    scene: Evening, session: Session
) -> None:
    factories.own_words(session, scene.event)
    scene.answers(scene.ana, "Your tide pools!")
    scene.sends(scene.morning)
    at_nine_in_berlin = scene.morning + timedelta(hours=7)

    writes(scene, scene.kenji, "Come and\nsee them!", at_nine_in_berlin, contact=scene.kenji.email)
    scene.sends(at_nine_in_berlin)

    [mail] = scene.mails_to(scene.ana)
    assert mail.message["Subject"] == "Kenji wrote to you"
    assert mail.message["Reply-To"] == scene.kenji.email
    body = mail.message.get_body(("plain",))
    assert body is not None
    assert "  Come and\r\n  see them!" in body.get_content()
    assert "Yours Ana Tidal Commons Kenji Tokyo wrote to you" in body.get_content()
    for person in (scene.ana, scene.kenji):
        page = scene.browser_of(person).get(thread(scene, person)).text
        assert "Come and\nsee them!" in page
        assert "Your tide pools!" in page


def test_the_link_in_the_mail_leads_to_the_page_of_the_two(scene: Evening) -> None:
    scene.answers(scene.ana, "Your tide pools!")
    scene.sends(scene.morning)
    [mail] = scene.mails_to(scene.kenji)
    body = mail.message.get_body(("plain",))
    assert body is not None
    [link] = [word for word in body.get_content().split() if "?match=" in word]

    page = scene.app.test_client().get(link, follow_redirects=True)

    assert page.request.path == thread(scene, scene.kenji)
    assert "Your tide pools!" in page.text


def test_who_shares_no_address_is_answered_on_the_page(scene: Evening) -> None:
    scene.answers(scene.ana, "Your tide pools!")
    scene.sends(scene.morning)

    writes(scene, scene.kenji, "Thank you.", scene.morning)
    scene.sends(scene.morning + timedelta(hours=8))

    [mail] = scene.mails_to(scene.ana)
    assert mail.message["Reply-To"] is None
    assert scene.kenji.email not in mail.message.as_string()
    assert scene.kenji.email not in scene.browser_of(scene.ana).get(thread(scene, scene.ana)).text


def test_nobody_is_woken_and_what_waits_comes_together(scene: Evening, rows: Rows) -> None:
    """09:00 in Tokyo is two in the morning in Berlin."""
    scene.answers(scene.ana, "Your tide pools!")
    scene.sends(scene.morning)

    writes(scene, scene.kenji, "First.", scene.morning)
    writes(scene, scene.kenji, "Second.", scene.morning + timedelta(minutes=9))
    at_night = scene.sends(scene.morning + timedelta(minutes=10))
    scene.sends(scene.morning + timedelta(hours=6))

    assert at_night.sent == 0
    [message] = rows(select(Message).where(Message.kind == "reply"))
    assert message.due_local == "2027-06-19T08:00"
    [mail] = scene.mails_to(scene.ana)
    assert all(words in mail.message.as_string() for words in ("First.", "Second."))


def test_who_writes_much_causes_one_mail_an_hour(scene: Evening, rows: Rows) -> None:
    """None is lost, none comes twice, and the page says when the next ones go."""
    scene.answers(scene.ana, "Your tide pools!")
    scene.sends(scene.morning)
    noon = scene.morning + timedelta(hours=10)
    said = [f"Thought number {number}." for number in range(31)]

    for minute, words in enumerate(said):
        writes(scene, scene.kenji, words, noon + timedelta(minutes=minute))
        scene.sends(noon + timedelta(minutes=minute))
    scene.sends(noon + timedelta(minutes=59))
    within_the_hour = len(scene.mails_to(scene.ana))
    scene.sends(noon + timedelta(minutes=60))
    scene.sends(noon + timedelta(hours=5))

    assert within_the_hour == 1
    bodies = [mail.message.get_body(("plain",)) for mail in scene.mails_to(scene.ana)]
    read = [
        [words for words in said if words in str(body.get_content())] for body in bodies if body
    ]
    assert read == [said[:1], said[1:]]


def test_what_waits_for_the_next_mail_says_when_that_goes(
    scene: Evening, session: Session, rows: Rows
) -> None:
    """Kenji is where it is day right now."""
    scene.answers(scene.ana, "Your tide pools!")
    session.get_one(Participant, scene.kenji.id).zone = next(
        name for name in zone_names() if 9 <= utc_now().astimezone(zone_named(name)).hour < 18
    )
    session.commit()
    ana, page = scene.browser_of(scene.ana), thread(scene, scene.ana)

    promises = []
    for words in ("First.", "Second."):
        post_form(ana, page, {"words": words}, action="/thread")
        promises.append(ana.get(page).text)
        scene.sends(utc_now())

    assert "Kenji gets a mail within minutes" in promises[0]
    [first, second] = rows(select(Message).where(Message.kind == "reply"))
    assert first.sent_at
    assert second.due_at == first.sent_at + BETWEEN_MAILS
    assert f"this one follows at {local_time(second.due_at, 'Europe/Berlin')}" in promises[1]


def test_what_joins_a_mail_that_is_held_back_is_promised_no_hour(
    scene: Evening, session: Session
) -> None:
    scene.answers(scene.ana, "Your tide pools!")
    scene.sends(scene.morning)
    ana, page = scene.browser_of(scene.ana), thread(scene, scene.ana)
    post_form(ana, page, {"words": "First."}, action="/thread")
    session.execute(
        update(Message).where(Message.kind == "reply").values(state="held", wake_at=None)
    )
    session.commit()

    post_form(ana, page, {"words": "Second."}, action="/thread")

    told = ana.get(page).text
    assert "Kept: it goes with a mail of yours that the organizers hold back." in told
    assert "within minutes" not in told


def test_a_double_click_sends_once(scene: Evening, rows: Rows) -> None:
    """F8."""
    scene.answers(scene.ana, "Your tide pools!")
    scene.sends(scene.morning)
    browser = scene.browser_of(scene.kenji)
    form = find_form(browser.get(thread(scene, scene.kenji)), "/thread")

    said = filled(form, {"words": "Once.", "by_mail": "y"})
    statuses = {browser.post(form.action, data=said).status_code for _ in range(3)}

    assert statuses == {302}
    [written] = rows(select(Reply))
    assert (written.words, written.contact) == ("Once.", scene.kenji.email)
    assert len(rows(select(Message).where(Message.kind == "reply"))) == 1


def test_other_words_from_a_page_that_was_sent_are_kept_to_be_sent(
    scene: Evening, rows: Rows
) -> None:
    scene.answers(scene.ana, "Your tide pools!")
    scene.sends(scene.morning)
    browser = scene.browser_of(scene.kenji)
    form = find_form(browser.get(thread(scene, scene.kenji)), "/thread")
    browser.post(form.action, data=filled(form, {"words": "First."}))

    again = browser.post(form.action, data=filled(form, {"words": "Second."}))
    kept = find_form(again, "/thread")
    browser.post(kept.action, data=kept.values)

    assert again.status_code == 409
    assert "not sent yet" in again.text
    assert [written.words for written in rows(select(Reply))] == ["First.", "Second."]


def test_an_empty_reply_is_not_sent(scene: Evening, rows: Rows) -> None:
    scene.answers(scene.ana, "Your tide pools!")
    scene.sends(scene.morning)

    page = post_form(
        scene.browser_of(scene.kenji), thread(scene, scene.kenji), {"words": "  "}, action="/thread"
    )

    assert "two sentences are plenty" in page.text
    assert rows(select(Reply)) == []


def test_the_words_of_a_match_form_show_once_they_were_mailed(scene: Evening) -> None:
    scene.answers(scene.ana, "Your tide pools!")
    kenji = scene.browser_of(scene.kenji)

    before = kenji.get(thread(scene, scene.kenji)).text
    hers = scene.browser_of(scene.ana).get(thread(scene, scene.ana)).text
    scene.sends(scene.morning)
    after = kenji.get(thread(scene, scene.kenji)).text

    assert ["Your tide pools!" in page for page in (before, hers, after)] == [False, True, True]


def test_a_third_person_and_the_organizer_read_nothing_of_it(
    scene: Evening, session: Session, rows: Rows
) -> None:
    """A2: the organizer sees that a mail goes, never a word of it."""
    scene.answers(scene.ana, "Your tide pools!")
    scene.sends(scene.morning)
    writes(scene, scene.kenji, "A secret of ours.", scene.morning)
    host = scene.app.test_client()
    sign_in(host, factories.organizer(session, "second@forum.example", of=scene.event))
    [message] = rows(select(Message).where(Message.kind == "reply"))
    board = f"/events/{scene.event.id}/messages"

    third = scene.browser_of(scene.ben).get(thread(scene, scene.ben))
    shown = [
        host.get(path).text
        for path in (board, f"{board}/{message.id}", f"{board}/{message.id}/html")
    ]
    shown.append(post_form(host, f"{board}/{message.id}/words", {"preview": "yes"}).text)

    assert third.status_code == 404
    assert "A reply between matches" in shown[0]
    assert "this came from Mei Tanaka in Tokyo:" in shown[-1]
    scene.sends(scene.morning + timedelta(hours=8))
    shown.append(host.get(f"{board}/{message.id}").text)
    assert not any("A secret of ours." in page for page in shown)


def test_who_closes_a_match_gets_no_more_mails_about_it(scene: Evening) -> None:
    """And can take it up again."""
    scene.answers(scene.ana, "Your tide pools!", contact=scene.ana.email)
    scene.answers(scene.ben, "And your volunteers?")
    scene.sends(scene.morning)
    writes(scene, scene.ana, "Are you there?", scene.morning + timedelta(hours=1))
    kenji = scene.browser_of(scene.kenji)
    post_form(kenji, thread(scene, scene.kenji), action="/closed")

    sent = scene.sends(scene.morning + timedelta(hours=2))
    hers = scene.browser_of(scene.ana).get(thread(scene, scene.ana)).text
    post_form(kenji, thread(scene, scene.kenji), action="/closed")
    writes(scene, scene.ana, "Hello again.", scene.morning + timedelta(hours=3))
    scene.sends(scene.morning + timedelta(hours=3))

    assert (sent.sent, sent.not_needed) == (0, 1)
    assert "This conversation rests" in hers
    assert "<textarea" not in hers
    newest = scene.mails_to(scene.kenji)[-1].message
    assert (newest["Subject"], len(scene.mails_to(scene.kenji))) == ("Ana wrote to you", 2)


def test_an_answer_about_a_closed_match_stays_out_of_the_mail(scene: Evening) -> None:
    scene.answers(scene.ana, "Your tide pools!")
    scene.answers(scene.ben, "And your volunteers?")
    post_form(scene.browser_of(scene.kenji), thread(scene, scene.kenji), action="/closed")

    scene.sends(scene.morning)

    assert [mail.message["Subject"] for mail in scene.mails_to(scene.kenji)] == [
        "Ben watched your intro"
    ]


def test_we_connected_is_told_by_either_and_taken_back_by_either(
    scene: Evening, session: Session
) -> None:
    scene.answers(scene.ana, "Your tide pools!")
    scene.sends(scene.morning)
    writes(scene, scene.kenji, "Thank you.", scene.morning)
    post_form(scene.browser_of(scene.kenji), thread(scene, scene.kenji), action="/met")
    ana = scene.browser_of(scene.ana)

    [told, *_] = stages_in(session, scene.event.id)
    page = ana.get(thread(scene, scene.ana)).text
    post_form(ana, thread(scene, scene.ana), action="/met")
    session.rollback()

    assert told[Stage.REPLIED] == scene.morning
    assert Stage.MET in told
    assert "Kenji said so" in page
    assert Stage.MET not in stages_in(session, scene.event.id)[0]


def test_a_viewer_without_words_says_that_they_watched(scene: Evening, session: Session) -> None:
    viewing = thread(scene, scene.ana).removesuffix("/thread")

    answer = post_form(scene.browser_of(scene.ana), viewing, action="/watched")

    assert answer.location == viewing
    [told, *_] = stages_in(session, scene.event.id)
    assert list(told) == [Stage.WATCHED]


def test_before_their_round_begins_nobody_is_written_to(scene: Evening, rows: Rows) -> None:
    path, browser = thread(scene, scene.kenji), scene.browser_of(scene.kenji)
    page = browser.get(path).text

    form = find_form(browser.get(path), "/closed")
    early = [browser.post(f"{path}/met", data=form.values).status_code]
    free = both_awake(
        *(zone_named(person.zone) for person in (scene.kenji, scene.ana)),
        after=utc_now() + timedelta(days=1),
        days=7,
    )
    times = {"first": next(free).isoformat(), "version": 0} | form.values
    early.append(browser.post(f"{path}/times", data=times).status_code)

    assert early == [409, 409]
    assert rows(select(Step)) == rows(select(Meeting)) == []
    assert "From the moment your round begins" in page
    assert "<textarea" not in page


def test_that_one_watched_it_can_be_taken_back(scene: Evening) -> None:
    page = f"/me/{scene.ana.id}/matches/{scene.matches[scene.ana.id].id}"
    browser = scene.browser_of(scene.ana)
    post_form(browser, page, {}, action="/thread/watched")

    told = browser.get(page).text
    post_form(browser, page, {}, action="/thread/watched")
    after = browser.get(page).text

    assert "You said that you watched it" in told
    assert "I watched it" not in told
    assert "I watched it" in after
    assert "You said that you watched it" not in after


def test_what_waits_follows_its_reader_to_another_zone(
    scene: Evening, session: Session, rows: Rows
) -> None:
    """03:00 in Berlin is night; the reader turns out to be in Auckland, where it is 13:00."""
    scene.answers(scene.ana, "Your tide pools!")
    scene.sends(scene.morning)
    at_night = scene.morning + timedelta(hours=1)
    writes(scene, scene.kenji, "First.", at_night)
    ana = session.get_one(Participant, scene.ana.id)
    due_at = datetime(2027, 6, 23, 7, tzinfo=UTC)
    mail = Planned.to(ana, "reminder", key="reminder:1", subject_id=ana.id, due_at=due_at)
    plan(session, [mail], now=at_night)
    [before] = rows(select(Message).where(Message.kind == "reply"))

    ana.zone = "Pacific/Auckland"
    follow_reader(session, ana, now=at_night)
    session.commit()

    assert (before.due_local, before.zone) == ("2027-06-19T08:00", "Europe/Berlin")
    [reply_mail] = rows(select(Message).where(Message.kind == "reply"))
    assert (reply_mail.due_at, reply_mail.zone) == (at_night, "Pacific/Auckland")
    [reminder] = rows(select(Message).where(Message.kind == "reminder"))
    assert (reminder.due_local, reminder.due_at) == (
        "2027-06-23T09:00",
        datetime(2027, 6, 22, 21, tzinfo=UTC),
    )


def test_words_about_a_match_that_was_taken_out_are_their_authors_to_see_and_to_remove(
    scene: Evening, session: Session, rows: Rows
) -> None:
    scene.answers(scene.ana, "Your tide pools!")
    writes(scene, scene.ana, "And your octopus!", scene.morning)
    ana, page = scene.browser_of(scene.ana), thread(scene, scene.ana)
    token = filled(find_form(ana.get(page)), {})
    early = ana.post(page.replace("/thread", "/left/forget"), data=token)
    session.execute(
        update(Match).where(Match.id == scene.matches[scene.ana.id].id).values(state="withdrawn")
    )
    session.commit()

    own = ana.get(f"/me/{scene.ana.id}").text
    shown = ana.get(page)
    theirs = scene.browser_of(scene.kenji).get(thread(scene, scene.kenji))
    removed = post_form(ana, page, action="/left/forget")
    scene.sends(scene.morning)

    assert early.location == page
    entries = select(AuditEntry).where(AuditEntry.action == "words.forgotten")
    assert len(rows(entries)) == 1
    assert f'<a href="{page}">With Kenji</a>' in own
    assert all(words in shown.text for words in ("Your tide pools!", "And your octopus!"))
    assert theirs.status_code == 404
    assert removed.location == f"/me/{scene.ana.id}"
    assert rows(select(Answer)) + rows(select(Reply)) == []
    assert scene.mails_to(scene.kenji) == []
