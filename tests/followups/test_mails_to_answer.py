"""What goes back to somebody with a reply opens nothing of the one who replies."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from asyncnet.audit.actions import SYSTEM
from asyncnet.clock import utc_now
from asyncnet.database import transaction
from asyncnet.events.model import Participant
from asyncnet.followups.actions.arranging import propose
from asyncnet.followups.rules import both_awake
from asyncnet.messages.model import Unsubscribed
from asyncnet.zones import zone_named
from tests.followups.scene import Evening
from tests.followups.test_thread import thread, writes
from tests.pages import forms_on, post_form
from tests.servers.smtp import Received

Rows = Callable[..., list[Any]]
TOKEN = re.compile(r"/hello/|/unsubscribe/|/sign-in/|[\w-]+\.[\w-]{43}")
"""A secret address, or anything that looks as what we sign."""


def test_a_mail_that_one_may_answer_holds_nothing_that_opens_a_page(scene: Evening) -> None:
    """S8, S9: mail programs quote what is answered, in text and in HTML."""
    scene.answers(scene.ana, "Your tide pools!", contact=scene.ana.email)
    scene.sends(scene.morning)
    writes(scene, scene.kenji, "Come and see them!", scene.morning, contact=scene.kenji.email)
    suggests_a_time(scene, scene.kenji)
    scene.sends(scene.morning + timedelta(hours=8))

    mails = [*scene.mails_to(scene.kenji), *scene.mails_to(scene.ana)]

    told = [(mail.message["Subject"], mail.message["Reply-To"]) for mail in mails]
    assert sorted(told) == [
        ("Ana watched your intro", scene.ana.email),
        ("Kenji suggests a time to talk", scene.kenji.email),
        ("Kenji wrote to you", scene.kenji.email),
    ]
    for mail in mails:
        for said in bodies(mail):
            assert TOKEN.findall(said) == []
            assert "/thread" in said
            assert re.search(r"/me/\d+/mails", said)
        assert TOKEN.search(mail.message["List-Unsubscribe"])


def test_whoever_has_no_link_at_hand_is_mailed_one_that_leads_back(scene: Evening) -> None:
    """The page tells a stranger nothing, not even whether it is anybody's."""
    scene.answers(scene.ana, "Your tide pools!", contact=scene.ana.email)
    scene.sends(scene.morning)
    elsewhere = scene.app.test_client()

    closed = elsewhere.get(thread(scene, scene.kenji))
    [button] = forms_on(closed)
    asked = elsewhere.post(button.action, data=button.values, follow_redirects=True)
    again = elsewhere.post(button.action, data=button.values, follow_redirects=True)
    nobodys = button.action.replace(f"/me/{scene.kenji.id}/", f"/me/{scene.ben.id}/")
    foreign = elsewhere.post(nobodys, data=button.values, follow_redirects=True)
    scene.sends(utc_now())

    assert (closed.status_code, button.button) == (404, "Mail me a link")
    assert [page.request.path for page in (asked, again, foreign)] == ["/way-back"] * 3
    for page in (closed, asked):
        assert scene.kenji.email not in page.text
        assert "Ana" not in page.text
    assert scene.mails_to(scene.ben) == []
    [_, mail] = scene.mails_to(scene.kenji)
    [link] = re.findall(r"http\S+/hello/\S+", bodies(mail)[0])
    opened = elsewhere.get(link, follow_redirects=True)
    assert opened.request.path == thread(scene, scene.kenji)
    assert "Your tide pools!" in opened.text


def test_mails_are_stopped_on_a_page_of_ones_own(scene: Evening, rows: Rows) -> None:
    kenji = scene.browser_of(scene.kenji)
    page = f"/me/{scene.kenji.id}/mails"

    post_form(kenji, page, {"wish": "stop:event"})

    assert "You get no more mails about it." in kenji.get(page).text
    assert [kept.scope for kept in rows(select(Unsubscribed))] == [f"event:{scene.event.id}"]


def test_an_address_that_was_only_typed_is_told_as_words(scene: Evening, rows: Rows) -> None:
    """Anybody can type the address of somebody who has nothing to do with it."""
    scene.answers(scene.ana, "Your tide pools!", contact="victim@elsewhere.example")
    scene.sends(scene.morning)

    [mail] = scene.mails_to(scene.kenji)
    text, html = bodies(mail)
    page = scene.browser_of(scene.kenji).get(thread(scene, scene.kenji)).text

    assert mail.message["Reply-To"] is None
    for said in (text, html, page):
        assert "How to reach Ana, in their own words: victim@elsewhere.example" in said
        assert "mailto:" not in said
        assert "straight to" not in said


def suggests_a_time(scene: Evening, who: Participant) -> None:
    zones = (zone_named(scene.kenji.zone), zone_named(scene.ana.zone))
    [at, *_] = both_awake(*zones, after=scene.morning + timedelta(days=1), days=3)
    with scene.app.app_context(), transaction() as session:
        propose(
            session, scene.matches[scene.ana.id].id, who.id, [at], version=0,
            actor=SYSTEM, now=scene.morning,
        )  # fmt: skip


def bodies(mail: Received) -> list[str]:
    """Return what a mail says, as text and as HTML."""
    found = [mail.message.get_body((kind,)) for kind in ("plain", "html")]
    return [" ".join(body.get_content().split()) for body in found if body]
