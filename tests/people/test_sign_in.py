"""Organizers come in by a mailed link that works once, and nobody else does."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from asyncnet.app import create_app
from asyncnet.audit.actions import Actor
from asyncnet.clock import utc_now
from asyncnet.database import Base, db, transaction
from asyncnet.mail.inbox import InboxMailer
from asyncnet.people import actions
from asyncnet.people.actions import LinkUsedUp
from asyncnet.people.model import BrowserSession, SignInLink
from asyncnet.people.rules import SESSION_IDLE, SESSION_LIVES
from asyncnet.tasks import drain_mail
from asyncnet.web.limits import AttemptWindow
from asyncnet.wiring import mailer
from config import Settings
from tests import factories
from tests.logs import told
from tests.pages import Browser, filled, find_form, forms_on, post_form, sign_in, token_for

HOST = "host@forum.example"
Rows = Callable[..., list[Any]]


def test_only_the_hash_of_a_token_is_kept(app: Flask, client: FlaskClient, rows: Rows) -> None:
    """S5, S8: the token stands in the mail and nowhere else."""
    with told() as log:
        post_form(client, "/sign-in", {"email": HOST})
        token = mailed_token(app)
        client.get(f"/sign-in/{token}")
        landed = client.post("/sign-in/confirm", data=form_data(client, "/sign-in/confirm"))
        page = client.get(landed.location)

    assert len(token) >= 43  # 256 bits
    [link] = rows(select(SignInLink))
    assert link.token_hash == sha256(token.encode()).digest()
    assert token not in everything_in(app)
    assert token not in log.getvalue()
    assert page.status_code == 200
    assert token not in page.request.url


def test_pages_on_the_way_tell_nobody_the_token(app: Flask, client: FlaskClient) -> None:
    """S8: the address with the token leads on at once, and sends no referrer."""
    token = token_for(app, HOST)

    opened = client.get(f"/sign-in/{token}")
    page = client.get(opened.location)

    assert opened.status_code == 302
    assert opened.location == "/sign-in/confirm"
    assert opened.headers["Referrer-Policy"] == "no-referrer"
    assert token not in page.text
    assert all(host in {"", "127.0.0.1:8000"} for host in hosts_in(page.text))


def test_a_link_works_once(app: Flask, client: FlaskClient) -> None:
    """S5."""
    token = token_for(app, HOST)

    first = press(client, token)
    second = press(app.test_client(), token)

    assert first.location == "/events"
    assert second.location == "/sign-in"


@pytest.mark.parametrize(("age", "works"), [(-1, True), (0, False), (1, False)])
def test_a_link_lives_for_ten_minutes(app: Flask, age: int, works: bool) -> None:
    """S5: `age` in seconds past its tenth minute."""
    begun = utc_now()
    token = fresh_token(app, begun)

    with app.app_context():
        used = uses(token, at=begun + timedelta(minutes=10, seconds=age))

    assert used is works


def test_older_links_die_with_the_one_that_is_used(app: Flask) -> None:
    """S5."""
    older, newer, other = token_for(app, HOST), token_for(app, HOST), token_for(app, "b@c.example")

    with app.app_context():
        assert uses(newer, at=utc_now())
        assert not uses(older, at=utc_now())
        assert uses(other, at=utc_now())


def test_looking_does_not_use_a_link_up(app: Flask, client: FlaskClient) -> None:
    """S6: three HEADs, ten GETs and the page with its button; then a person comes."""
    token = token_for(app, HOST)

    scanner = app.test_client()
    for _ in range(3):
        scanner.head(f"/sign-in/{token}")
    for _ in range(10):
        page = scanner.get(f"/sign-in/{token}", follow_redirects=True)

    assert [form.button for form in forms_on(page)] == ["Sign in on this device"]
    assert "<script" not in page.text.replace('<script src="/static/dist/', "")
    assert press(client, token).location == "/events"


def test_twenty_presses_at_once_make_one_session(app: Flask, rows: Rows) -> None:
    """S5, A6: real threads, each with its own connection."""
    token = token_for(app, HOST)
    browsers = [ready_to_press(app, token) for _ in range(20)]

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda ready: ready(), browsers))

    assert sorted(answers) == ["/events"] + ["/sign-in"] * 19
    assert len(rows(select(BrowserSession))) == 1


def test_nobody_can_tell_who_may_sign_in(settings: Settings, session: Session) -> None:
    """S3: the same status, page, headers and work for an organizer, a stranger, and no account."""
    app = installation(replace(settings, organizers=(HOST, "@welcome.example")))
    factories.organizer(session, HOST)

    seen, work = [], []
    for address in (HOST, "new@welcome.example", "stranger@elsewhere.example"):
        client = app.test_client()
        data = form_data(client, "/sign-in") | {"email": address}
        with statements(app) as executed:
            answer = client.post("/sign-in", data=data)
        page = client.get(answer.location)
        names = [name for name, _ in answer.headers if name not in {"Date", "Set-Cookie"}]
        seen.append((answer.status_code, answer.location, names, without_nonces(page.text)))
        work.append(executed)

    assert seen[0] == seen[1] == seen[2]
    assert work[0] == work[1] == work[2]
    with app.app_context():
        assert drain_mail().sent == 2


def test_a_recipient_gets_three_mails_in_six_hours(app: Flask) -> None:
    """S4: whoever asks, from wherever; afterwards the next one goes again."""
    begun = utc_now()

    for minute in range(6):
        ask_for(app, HOST, begun + timedelta(minutes=minute))
    ask_for(app, HOST, begun + timedelta(hours=6, seconds=1))

    with app.app_context():
        assert drain_mail().sent == 4


def test_asking_twenty_times_at_once_is_asking_three_times(app: Flask, rows: Rows) -> None:
    """S4, A6."""

    def ask(number: int) -> None:
        ask_for(app, HOST, utc_now())

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(ask, range(20)))

    alive = [link for link in rows(select(SignInLink)) if link.used_at is None]
    assert len(alive) == 3


def test_tries_are_counted_by_all_processes_together(settings: Settings, session: Session) -> None:
    """S4: two apps on one database, another made-up address of the caller on each try."""
    apps = [installation(settings), installation(settings)]
    clients = [app.test_client() for app in apps]
    data = [form_data(client, "/sign-in") | {"email": HOST} for client in clients]

    answers = []
    for number in range(60):
        turn = number % 2
        headers = {"X-Forwarded-For": f"192.0.2.{number}", "X-Real-IP": f"192.0.2.{number}"}
        answers.append(clients[turn].post("/sign-in", data=data[turn], headers=headers))

    statuses = [answer.status_code for answer in answers]
    assert statuses == [302] * 10 + [429] * 50
    assert all(0 < int(answer.headers["Retry-After"]) <= 300 for answer in answers[10:])
    assert "Wait a few minutes" in answers[-1].text
    session.execute(update(AttemptWindow).values(ends_at=0))
    session.commit()
    assert clients[0].post("/sign-in", data=data[0]).status_code == 302


def test_guesses_at_tokens_are_limited_too(app: Flask) -> None:
    """S4."""
    client = app.test_client()
    statuses = []
    for number in range(12):
        with client.session_transaction() as cookie:
            cookie["sign_in"] = f"guess {number}"
        statuses.append(client.post("/sign-in/confirm", data=form_data(client, "/lost-link")))

    assert [answer.status_code for answer in statuses] == [302] * 10 + [429] * 2


def test_a_copied_cookie_is_dead_after_sign_out(app: Flask, client: FlaskClient) -> None:
    """S11, S12."""
    sign_in(client, person_of(app))
    copied = client.get_cookie("asyncnet", "127.0.0.1")
    assert copied is not None
    thief = app.test_client()
    thief.set_cookie("asyncnet", copied.value, domain="127.0.0.1")
    assert thief.get("/events").status_code == 200

    left = post_form(client, "/events", action="/sign-out")

    assert left.headers["Clear-Site-Data"] == '"cache", "cookies", "storage"'
    assert thief.get("/events").location == "/sign-in?next=/events"
    assert client.get("/events").status_code == 302


def test_signing_in_again_ends_the_sign_in_before(app: Flask, client: FlaskClient) -> None:
    """S11: a new id each time, and the former one opens nothing any more."""
    person = person_of(app)
    sign_in(client, person)
    before = client.get_cookie("asyncnet", "127.0.0.1")
    assert before is not None

    sign_in(client, person)

    after = client.get_cookie("asyncnet", "127.0.0.1")
    thief = app.test_client()
    thief.set_cookie("asyncnet", before.value, domain="127.0.0.1")
    assert after is not None
    assert after.value != before.value
    assert thief.get("/events").status_code == 302
    assert client.get("/events").status_code == 200


def test_a_new_secret_ends_nobodys_sign_in(settings: Settings, session: Session) -> None:
    """P4: the former secret is believed, the newest signs; without it everybody is out."""
    former, newest = settings.secret_keys[0], "another secret of the tests, long enough: 42"
    person = factories.organizer(session)
    client = installation(settings).test_client()
    sign_in(client, person)
    cookie = client.get_cookie("asyncnet", "127.0.0.1")
    assert cookie is not None

    seen = []
    for keys in ((newest, former), (newest,)):
        browser = installation(replace(settings, secret_keys=keys)).test_client()
        browser.set_cookie("asyncnet", cookie.value, domain="127.0.0.1")
        seen.append(browser.get("/events").status_code)

    assert seen == [200, 302]


@pytest.mark.parametrize(
    ("created", "seen", "lives"),
    [
        (SESSION_LIVES - timedelta(minutes=1), timedelta(0), True),
        (SESSION_LIVES + timedelta(minutes=1), timedelta(0), False),
        (SESSION_IDLE, SESSION_IDLE - timedelta(minutes=1), True),
        (SESSION_IDLE, SESSION_IDLE + timedelta(minutes=1), False),
    ],
)
def test_a_sign_in_ends_by_itself(
    app: Flask,
    client: FlaskClient,
    session: Session,
    created: timedelta,
    seen: timedelta,
    lives: bool,
) -> None:
    """S11: after so long without a visit, and after so long with visits."""
    sign_in(client, person_of(app))
    session.execute(
        update(BrowserSession).values(created_at=utc_now() - created, seen_at=utc_now() - seen)
    )
    session.commit()

    assert (client.get("/events").status_code == 200) is lives


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/a\r\nSet-Cookie: a=b",
        "https:evil.example",
        "https://evil.example",
        "https://127.0.0.1:8000@evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
    ],
)
@pytest.mark.sizeless
def test_after_signing_in_one_stays_on_this_site(
    app: Flask, client: FlaskClient, target: str
) -> None:
    """B7: whether it stood in the address or was put into the form."""
    page = client.get("/sign-in", query_string={"next": target})
    asked = filled(find_form(page), {"email": HOST, "next": target})
    client.post("/sign-in", data=asked)

    assert press(client, token_for(app, HOST)).location == "/events"


@pytest.mark.sizeless
def test_one_lands_where_one_wanted_to_go(app: Flask, client: FlaskClient) -> None:
    """B7: a path on this site is kept, so the test above does not pass by dropping everything."""
    sent = client.get("/events/7/messages?state=sent")
    post_form(client, sent.location, {"email": HOST})

    assert press(client, token_for(app, HOST)).location == "/events/7/messages?state=sent"


def press(client: FlaskClient, token: str) -> Any:
    """Open a link and press the button; return the answer."""
    client.get(f"/sign-in/{token}")
    return client.post("/sign-in/confirm", data=form_data(client, "/sign-in/confirm"))


def ready_to_press(app: Flask, token: str) -> Callable[[], str]:
    """Return what presses the button in a browser of its own, at an address of its own."""
    client = app.test_client()
    client.get(f"/sign-in/{token}")
    data = form_data(client, "/sign-in/confirm")
    number = id(client) % 65536
    caller = {"REMOTE_ADDR": f"10.0.{number // 256}.{number % 256}"}
    return lambda: client.post("/sign-in/confirm", data=data, environ_overrides=caller).location


def form_data(client: FlaskClient, path: str) -> dict[str, Any]:
    return filled(find_form(client.get(path)), {})


def fresh_token(app: Flask, at: datetime) -> str:
    """Return the token of a link whose mail was written at this moment."""
    with app.app_context(), transaction() as session:
        link = SignInLink(email=HOST, requested_at=at, expires_at=at)
        session.add(link)
        return actions.new_token(link, now=at)


def uses(token: str, *, at: datetime) -> bool:
    """Use a token up at a moment; return whether it opened anything."""
    try:
        with transaction() as session:
            actions.sign_in(session, token, address="", now=at)
    except LinkUsedUp:
        return False
    return True


def ask_for(app: Flask, email: str, at: datetime) -> None:
    with app.app_context(), transaction() as session:
        actions.request_sign_in(session, email, welcome=True, actor=Actor("visitor"), now=at)


def person_of(app: Flask) -> Any:
    with app.app_context():
        engine = db.engine
    with Session(engine, expire_on_commit=False) as session:
        return factories.organizer(session)


def mailed_token(app: Flask) -> str:
    """Return the token in the mail that is written now."""
    with app.app_context():
        drain_mail()
        inbox = mailer()
        assert isinstance(inbox, InboxMailer)
        [mail] = inbox.mails()
        links = [link for link in inbox.mail(mail.name).links if "/sign-in/" in link]
    return urlsplit(links[0]).path.rpartition("/")[2]


def everything_in(app: Flask) -> str:
    """Return every value of every row of the database, as one text."""
    with app.app_context(), db.engine.connect() as connection:
        tables = Base.metadata.sorted_tables
        return repr([connection.execute(select(table)).all() for table in tables])


def installation(settings: Settings) -> Flask:
    app = create_app(settings)
    app.testing = True
    app.test_client_class = Browser
    return app


def statements(app: Flask) -> Any:
    """Collect the statements that the database is sent, without their values."""
    return _Statements(app)


class _Statements:
    def __init__(self, app: Flask) -> None:
        with app.app_context():
            self._engine = db.engine
        self.executed: list[str] = []

    def __enter__(self) -> list[str]:
        event.listen(self._engine, "before_cursor_execute", self._note)
        return self.executed

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.executed.append(statement)


def without_nonces(page: str) -> str:
    return re.sub(r'nonce="[^"]+"', "", page)


def hosts_in(page: str) -> list[str]:
    return [
        urlsplit(address).netloc for address in re.findall(r'(?:href|src|action)="([^"]*)"', page)
    ]
