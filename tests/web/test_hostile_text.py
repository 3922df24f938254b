"""Whatever people write is shown as they wrote it, in pages and in mails, and never obeyed."""

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from asyncnet.clock import utc_now
from asyncnet.events.model import Consent, Event, Participant
from asyncnet.followups.model import Answer
from asyncnet.intros.actions.consenting import CONSENT_VERSION
from asyncnet.intros.model import Intro
from asyncnet.mail.inbox import InboxMailer
from asyncnet.messages.model import Message
from asyncnet.tasks import drain_mail
from asyncnet.web.access import Role
from asyncnet.wiring import mailer
from tests.pages import filled, find_form, open_personal_link, post_form, sign_in
from tests.web.world import CONSENTED, World, build, doors, path_of

Rows = Callable[..., list[Any]]
PROBES = (
    '"><probe onprobe=1>',
    "' onprobe='1",
    "</script></title></textarea><probe>",
    "<img src=x onprobe=1>",
    "javascript:probe(1)",  # an address only where it comes first
    "&lt;probe&gt; &amp;quot;",
    "<!--<probe>-->]]><probe>",
)
ORDERS = (
    "{{config}}",
    "{% for x in y %}",
    "{name}",
    "{event.__init__.__globals__}",
    "${7*7}",
    "%s",
)
HOSTILE = " ".join(ORDERS), "".join(PROBES[:4]), "".join(PROBES[4:])
NOT_ONE_LINE = (
    "a\r\nBcc: b@evil.example",
    "a\nb",
    "a\x85b",
    "a\u2028b",
    "a\u2029b",
    "a\x1b[2J",
    "a\x7f",
)
NOT_ONE_MAILBOX = (
    "a@b.example, c@d.example",
    "a@b.example;c@d.example",
    "a@b.example>\r\nBcc: c@d.example",
    "a@b.example\nBcc: c@d.example",
    "<a@b.example>",
    "Ida <a@b.example>",
    '"a b"@c.example',
    '"a@b"@c.example',
    "a(b)@c.example",
    "a\u2028@b.example",
    "a@b@c.example",
    "@b.example",
    "a@",
    "a@[127.0.0.1]",
    "a b@c.example",
)


@pytest.fixture
def world(session: Session) -> World:
    return build(session)


@pytest.fixture
def host(app: Flask, world: World) -> FlaskClient:
    browser = app.test_client()
    sign_in(browser, world.ours.host)
    return browser


@pytest.fixture
def guests(app: Flask, world: World) -> FlaskClient:
    browser = app.test_client()
    open_personal_link(browser, world.ours.away)
    open_personal_link(browser, world.ours.live)
    return browser


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.sizeless
def test_pages_and_mails_show_what_was_typed(
    app: Flask, world: World, host: FlaskClient, guests: FlaskClient, session: Session, text: str
) -> None:
    """B5, M2: hostile texts in every field of every form, then every page and every mail."""
    write_everywhere(world, host, guests, text)
    session.execute(delete(Message).where(Message.event_id == world.theirs.event.id))
    session.execute(update(Message).values(due_at=utc_now(), wake_at=utc_now()))
    session.commit()
    with app.app_context():
        sent = drain_mail()

    shown = 0
    for door in doors(app):
        if door.method != "GET" or door.policy is Role.SIGNED:
            continue
        browser = guests if door.policy is Role.PARTICIPANT else host
        page = browser.get(path_of(app, door, world.ours))
        if page.mimetype == "text/html":
            shown += probes_in(page.text, text, str(door))
    mails = mails_of(app)
    for subject, html, plain in mails:
        shown += probes_in(html, text, subject)
        assert subject.count("\n") == 0
        assert text in " ".join(plain.split())

    assert sent.sent == len(mails) >= 3
    assert shown > 15


def write_everywhere(world: World, host: FlaskClient, guests: FlaskClient, text: str) -> None:
    """Put a text into every field that takes one."""
    event = f"/events/{world.ours.event.id}"
    described = {"name": text, "greeting": text, "wishes": text}
    label = {"kind": "several", "label": text, "help": text, "choices": f"{text}\nother"}
    forms: tuple[tuple[FlaskClient, str, dict[str, Any]], ...] = (
        (host, f"{event}/settings", {"title": text, "purpose": text}),
        (host, f"{event}/participants/{world.ours.live.id}", described),
        (host, f"{event}/participants/{world.ours.away.id}", described),
        (host, f"{event}/questions", label),
    )
    for browser, path, said in forms:
        answer = post_form(browser, path, said)
        assert answer.status_code == 302, (path, answer.text)
    for person in (world.ours.live, world.ours.away):
        post_form(host, f"{event}/participants/{person.id}", action="/link")
    studio = f"/me/{world.ours.away.id}/intro"
    post_form(guests, studio, CONSENTED, action="/consent")
    for action, said in (
        ("/words", {"words": text.ljust(40, ".")}),
        ("/question", {"own_question": text}),
    ):
        answer = post_form(guests, studio, said, action=action)
        assert answer.status_code == 302, (action, answer.text)
    viewing = f"/me/{world.ours.live.id}/matches/{world.ours.match.id}"
    fields = find_form(guests.get(viewing)).values
    words = {name: text for name in fields if name.startswith("q") and "_" not in name}
    answered = post_form(guests, viewing, words)
    assert answered.status_code == 302, answered.text


def probes_in(html: str, text: str, where: str) -> int:
    """Return how often a text is shown; fail where any of it became markup."""
    reader = _Shown()
    reader.feed(html)
    assert "probe" not in reader.tags, where
    assert not any("probe" in name for name in reader.attributes), where
    assert not any(address.startswith("javascript:") for address in reader.addresses), where
    return sum(text in words for words in (*reader.texts, *reader.values))


class _Shown(HTMLParser):
    """What a page shows, and what it is built of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.values: list[str] = []
        self.addresses: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            self.values.append(value or "")
            if name in {"href", "src", "action", "formaction"}:
                self.addresses.append(value or "")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def mails_of(app: Flask) -> list[tuple[str, str, str]]:
    """Return subject, HTML and text of every mail that went out."""
    with app.app_context():
        inbox = mailer()
        assert isinstance(inbox, InboxMailer)
        mails = [inbox.mail(mail.name) for mail in inbox.mails()]
    return [(str(mail.message["Subject"]), mail.html, mail.text) for mail in mails]


@pytest.mark.sizeless
@pytest.mark.parametrize("field", ["name", "title"])
def test_what_stands_in_a_header_is_one_line(
    world: World, host: FlaskClient, rows: Rows, field: str
) -> None:
    """M1: refused with a sentence, and nothing is kept."""
    event = f"/events/{world.ours.event.id}"
    path = f"{event}/settings" if field == "title" else f"{event}/participants/{world.ours.live.id}"
    form = find_form(host.get(path))

    for text in NOT_ONE_LINE:
        answer = host.post(path, data=filled(form, {field: text}))
        assert answer.status_code == 200, repr(text)
        assert "keep this to one line" in answer.text, repr(text)

    names = rows(select(Participant.name)) + rows(select(Event.title))
    assert all(name.isprintable() for name in names)


@pytest.mark.sizeless
def test_an_address_is_exactly_one_mailbox(client: FlaskClient, world: World, rows: Rows) -> None:
    """M1: nobody is written to twice, and nobody else."""
    before = len(rows(select(Message)))
    said = {"name": "Ida", "zone": "Asia/Tokyo", "attendance": "live", "consent": "y"}
    join = f"/join/{world.ours.event.registration_key}"
    for path, more in ((join, said), ("/sign-in", {}), ("/lost-link", {})):
        form = find_form(client.get(path))
        for number, typed in enumerate(NOT_ONE_MAILBOX):
            somewhere = {"REMOTE_ADDR": f"192.0.2.{number}"}
            data = filled(form, {**more, "email": typed})
            answer = client.post(path, data=data, environ_overrides=somewhere)

            assert answer.status_code == 200, (path, typed)
            assert 'class="field__error"' in answer.text, (path, typed)

    assert len(rows(select(Message))) == before


def test_nothing_is_uploaded_without_consent(guests: FlaskClient, world: World, rows: Rows) -> None:
    """D1: the box is unticked, its words have a version, and no permission is given without."""
    studio = f"/me/{world.ours.away.id}/intro"
    page = guests.get(studio)
    form = find_form(page, "/consent")
    token = form.values["csrf_token"]
    wish = {"csrf_token": token, "size": "1000", "content_type": "video/mp4"}

    assert "agreed" not in form.values
    assert form.values["text_version"] == [CONSENT_VERSION]
    before = len(rows(select(Intro)))
    assert guests.post(f"{studio}/uploads", data=wish).status_code == 409
    for said in ({}, {"agreed": "y", "text_version": "2001-01"}, {"text_version": CONSENT_VERSION}):
        refused = guests.post(f"{studio}/consent", data={"csrf_token": token, **said})
        assert refused.status_code == 400
    assert rows(select(Consent)) == []
    assert len(rows(select(Intro))) == before

    guests.post(f"{studio}/consent", data={"csrf_token": token, **CONSENTED})
    begun = guests.post(f"{studio}/uploads", data=wish)

    [given] = rows(select(Consent))
    assert begun.status_code == 201
    assert (given.purpose, given.text_version) == ("intro", CONSENT_VERSION)
    assert (utc_now() - given.given_at).total_seconds() < 60
    assert given.withdrawn_at is None


def test_taking_consent_back_is_one_press(guests: FlaskClient, world: World, rows: Rows) -> None:
    """D1: and no permission is given afterwards."""
    studio = f"/me/{world.ours.away.id}/intro"
    token = {"csrf_token": find_form(guests.get(studio), "/consent").values["csrf_token"]}
    guests.post(f"{studio}/consent", data={**token, **CONSENTED})

    guests.post(f"{studio}/withdraw", data=token)

    [given] = rows(select(Consent))
    assert given.withdrawn_at is not None
    wish = {**token, "size": "1000", "content_type": "video/mp4"}
    assert guests.post(f"{studio}/uploads", data=wish).status_code == 409


def test_an_answer_is_kept_as_it_was_typed(world: World, guests: FlaskClient, rows: Rows) -> None:
    """B5: escaping belongs to the page; what is stored is what was written."""
    viewing = f"/me/{world.ours.live.id}/matches/{world.ours.match.id}"
    typed = f"{PROBES[0]} {ORDERS[0]} ünïcødé 🌊"

    post_form(guests, viewing, {f"q{world.ours.question_id}": typed})

    [answer] = rows(select(Answer).where(Answer.match_id == world.ours.match.id))
    assert typed in [item["value"] for item in answer.items]
