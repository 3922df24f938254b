"""Whatever is sent in, the answer is a sentence: never a trace, never what nobody typed."""

import io
import json
import re
import socket
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from asyncnet.clock import utc_now
from asyncnet.database import transaction
from asyncnet.events.model import Import, Participant
from asyncnet.events.rules import Attendance
from asyncnet.web.access import Role, requires
from tests.logs import told
from tests.pages import ShownForm, filled, find_form, forms_on, open_personal_link, sign_in
from tests.servers.web import serving
from tests.web.world import World, build, doors, path_of

ODD_WORDS = (
    "%00",
    "a%00b",
    "%ff%fe",
    "%ed%a0%80",
    "..%2f..%2fetc%2fpasswd",
    "%0d%0aX:%20y",
    "x" * 3000,
)
ODD_NUMBERS = ("0", "2147483648", "9223372036854775808", "9" * 40, "٣")
ODD_QUERIES = (
    "after=%00&after_id=1",
    "after=x&after_id=99999999999999999999999",
    "after=%ff&after_id=%ff",
    "attendance=%00&state=%00",
    "after=0001-01-01T00:00:00%2B14:00~1",
    "after=9999-12-31T23:59:59-14:00~99999999999999999999",
    "next=%00&next=%0a",
)
ODD_VALUES = (b"\xff\x00\xed\xa0\x80", b"9" * 40)
ODD_TIMES = (b"0001-01-01T00:00", b"9999-12-31T23:59")


@pytest.fixture
def world(session: Session) -> World:
    return build(session)


@pytest.fixture
def host(app: Flask, world: World) -> FlaskClient:
    browser = app.test_client()
    sign_in(browser, world.ours.host)
    return browser


@pytest.fixture
def away(app: Flask, world: World) -> FlaskClient:
    browser = app.test_client()
    open_personal_link(browser, world.ours.away)
    open_personal_link(browser, world.ours.live)
    return browser


@pytest.mark.long
def test_odd_addresses_never_break_a_page(
    app: Flask, world: World, host: FlaskClient, away: FlaskClient
) -> None:
    """P3: NUL bytes, broken UTF-8, line ends and endless numbers in paths and queries."""
    broken = []
    for door in doors(app):
        if door.method != "GET":
            continue
        browser = away if door.policy is Role.PARTICIPANT else host
        good = path_of(app, door, world.ours)
        words = re.sub(r"<(?:path:)?(?:token|name|registration_key|filename)>", "{}", door.rule)
        numbers = re.sub(r"<int:\w+>", "{}", door.rule)
        odd = [words.format(word) for word in ODD_WORDS if words != door.rule]
        if numbers != door.rule:
            odd += [numbers.replace("{}", number) for number in ODD_NUMBERS]
        odd += [f"{good}?{query}" for query in ODD_QUERIES]
        for path in odd:
            status = raw_get(browser, path)
            if status >= 500:
                broken.append((path[:80], status))

    assert broken == []


@pytest.mark.long
def test_odd_values_never_break_a_form(
    app: Flask, world: World, host: FlaskClient, away: FlaskClient
) -> None:
    """P3: each field of each form, one at a time, the others right."""
    broken, tried = [], 0
    for browser, page, form in all_forms(app, world, host, away):
        for name in form.values:
            if name == "csrf_token":
                continue
            for odd in (*ODD_VALUES, *(ODD_TIMES if name == "starts" else ())):
                tried += 1
                answer = browser.post(
                    form.action,
                    data=urlencode({**filled(form, VALID), name: odd}, doseq=True),
                    content_type="application/x-www-form-urlencoded",
                )
                if answer.status_code >= 500:
                    broken.append((page, name, odd, answer.status_code))

    assert tried > 100
    assert broken == []


VALID = {
    "name": "Ida",
    "email": "ida@reader.example",
    "zone": "Asia/Tokyo",
    "attendance": "live",
    "consent": "y",
    "title": "Tides",
    "starts": "2083-03-04T10:00",
    "send_hour": "09:00",
    "label": "What now?",
}


def all_forms(
    app: Flask, world: World, host: FlaskClient, away: FlaskClient
) -> Iterator[tuple[FlaskClient, str, ShownForm]]:
    """Yield every form that asks for something, or carries a version, once."""
    known = set()
    for door in doors(app):
        if door.method != "GET" or door.policy in {Role.SIGNED, Role.DEVELOPER}:
            continue
        browser = away if door.policy is Role.PARTICIPANT else host
        page = path_of(app, door, world.ours)
        answer = browser.get(page)
        if answer.status_code != 200:
            continue
        for form in forms_on(answer):
            if form.action not in known and set(form.values) - {"csrf_token"}:
                known.add(form.action)
                yield browser, page, form


@pytest.mark.sizeless
def test_ten_thousand_parts_are_too_many(client: FlaskClient) -> None:
    """P1."""
    body = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n1\r\n' % number
        for number in range(10_000)
    )

    answer, seconds = timed_post(
        client, "/sign-in", body + b"--x--\r\n", "multipart/form-data; boundary=x"
    )

    assert (answer.status_code, "too large" in answer.text) == (413, True)
    assert seconds < 1


@pytest.mark.sizeless
@pytest.mark.parametrize("size", [1_000_000, 30_000_000])
def test_a_name_that_never_ends_is_too_large(
    client: FlaskClient, session: Session, size: int
) -> None:
    """P1."""
    path = f"/join/{build(session).ours.event.registration_key}"
    body = b"name=" + b"n" * size

    answer, seconds = timed_post(client, path, body, "application/x-www-form-urlencoded")

    assert (answer.status_code, "too large" in answer.text) == (413, True)
    assert seconds < 1


@pytest.mark.sizeless
def test_a_body_that_does_not_say_its_length_is_cut_off(app: Flask) -> None:
    """P1: chunk after chunk to a real server, which must not wait for the end."""
    with serving(app) as address:
        place = urlsplit(address)
        with socket.create_connection((place.hostname, place.port or 80), timeout=20) as line:
            line.sendall(
                b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                b"Content-Type: application/x-www-form-urlencoded\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n"
            )
            try:
                for _ in range(200):
                    line.sendall(b"10000\r\n" + b"n" * 0x10000 + b"\r\n")
                line.sendall(b"0\r\n\r\n")
                status = line.recv(1000).split(b" ", 2)[1]
            except (BrokenPipeError, ConnectionResetError):
                status = b"hung up"  # while we were still sending

    assert status in {b"413", b"hung up"}


def test_a_long_list_is_not_too_large(
    host: FlaskClient, world: World, rows: Callable[..., list[Import]]
) -> None:
    """P1: the limit leaves room for the largest event that may be."""
    page = f"/events/{world.ours.event.id}/import"
    lines = ["name,email,time zone,wishes"]
    lines += [f"P{n},p{n}@reader.example,Asia/Tokyo,{'x' * 150}" for n in range(9_000)]
    token = find_form(host.get(page)).values

    answer = host.post(page, data={**token, "file": _file("\n".join(lines))})

    assert answer.status_code == 200
    assert "9,000 people would be added" in answer.text


@pytest.mark.parametrize(
    ("page", "field", "length"),
    [
        ("/sign-in", "email", 255),
        ("/lost-link", "email", 255),
        ("/events/new", "title", 121),
        ("/events/new", "purpose", 1001),
        ("{event}/participants/new", "name", 101),
        ("{event}/participants/new", "greeting", 301),
        ("{event}/participants/new", "wishes", 2001),
        ("{event}/questions", "label", 201),
        ("{join}", "name", 101),
        ("{join}", "greeting", 301),
    ],
)
@pytest.mark.sizeless
def test_what_is_too_long_gets_a_sentence_and_stays(
    host: FlaskClient, world: World, page: str, field: str, length: int
) -> None:
    """P1, W4."""
    event = world.ours.event
    path = page.format(event=f"/events/{event.id}", join=f"/join/{event.registration_key}")
    typed = "k" * length
    form = find_form(host.get(path))

    answer = host.post(path, data=filled(form, {**VALID, field: typed}))

    assert answer.status_code == 200
    [again] = [f for f in forms_on(answer) if f.action == form.action]
    assert again.values[field] == [typed]
    assert 'class="field__error"' in answer.text
    others = {name: value for name, value in VALID.items() if name in again.values}
    assert {name: again.values[name][0] for name in others if name != field} == {
        name: value for name, value in others.items() if name != field
    }


@pytest.mark.sizeless
def test_a_fault_of_ours_shows_a_number_and_no_trace(app: Flask, client: FlaskClient) -> None:
    """P3."""

    @app.get("/breaks")
    @requires(Role.PUBLIC)
    def breaks() -> str:
        raise RuntimeError("the secret plan")

    with told() as log:
        page = client.get("/breaks")
        answer = client.get("/breaks", headers={"Accept": "application/json"})

    [number] = re.findall(r"<code>([0-9a-f]{12})</code>", page.text)
    assert (page.status_code, answer.status_code) == (500, 500)
    assert page.mimetype == "text/html"
    assert answer.mimetype == "application/json"
    assert set(answer.json or {}) == {"error", "request_id"}
    for shown in (page.text, answer.text):
        assert "secret plan" not in shown
        assert "Traceback" not in shown
        assert "RuntimeError" not in shown
    entries = [json.loads(line) for line in log.getvalue().splitlines()]
    [entry] = [e for e in entries if e.get("id") == number and e["event"] == "unexpected error"]
    assert "the secret plan" in entry["exception"]


@pytest.mark.sizeless
def test_there_is_no_trace_method_and_no_listing(client: FlaskClient) -> None:
    """P3."""
    assert client.open("/", method="TRACE").status_code == 405
    assert client.get("/static/").status_code == 404
    assert client.get("/static/css/").status_code == 404
    assert client.get("/static/../config.py").status_code == 404
    assert client.get("/static/%2e%2e/config.py").status_code == 404


def test_an_error_of_the_database_keeps_addresses_out_of_the_log(
    app: Flask, client: FlaskClient
) -> None:
    """P3, S8: the statement is told, the values are not."""

    @app.get("/orphan")
    @requires(Role.PUBLIC)
    def orphan() -> str:
        with transaction() as session:
            session.add(
                Participant(
                    event_id=4711,
                    name="Ida",
                    email="ida@reader.example",
                    zone="UTC",
                    attendance=Attendance.LIVE,
                    registered_at=utc_now(),
                )
            )
        return ""

    with told() as log:
        assert client.get("/orphan").status_code == 500

    assert "INSERT INTO participant" in log.getvalue()
    assert "ida@reader.example" not in log.getvalue()


def raw_get(browser: FlaskClient, path: str) -> int:
    """Return the status of a GET whose path goes over the line as written."""
    return browser.get(path).status_code


def timed_post(client: FlaskClient, path: str, body: bytes, kind: str) -> tuple[Any, float]:
    """Return the answer to a body, and how many seconds it took."""
    begun = monotonic()
    answer = client.post(path, data=body, content_type=kind)
    return answer, monotonic() - begun


def _file(content: str) -> tuple[Any, str]:
    return io.BytesIO(content.encode()), "list.csv"
