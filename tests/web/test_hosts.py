"""Links lead to the configured address, whatever name a request claims to be for."""

import socket
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from asyncnet.app import create_app
from asyncnet.mail.inbox import InboxMailer
from asyncnet.tasks import drain_mail
from asyncnet.web.access import Role, requires
from asyncnet.wiring import mailer
from config import Settings
from tests.pages import Browser, filled, find_form
from tests.servers.web import serving

EVIL = "evil.example"


@pytest.mark.sizeless
@pytest.mark.parametrize("path", ["/", "/sign-in", "/nowhere", "/static/favicon.svg"])
@pytest.mark.parametrize("host", [EVIL, "127.0.0.1.evil.example", "evil.example:8000", "a@b", ""])
def test_a_request_for_another_name_is_refused(client: FlaskClient, host: str, path: str) -> None:
    """S7."""
    answer = client.get(path, headers={"Host": host})

    assert answer.status_code == 400
    assert EVIL not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": EVIL},
        {"X-Forwarded-Proto": "http", "X-Forwarded-Port": "81"},
        {"Forwarded": f"host={EVIL};proto=http"},
        {"X-Forwarded-Server": EVIL, "X-Original-Host": EVIL, "X-Forwarded-Prefix": "/evil"},
    ],
)
def test_links_in_mail_stay_what_they_were(
    app: Flask, client: FlaskClient, headers: dict[str, str]
) -> None:
    """S7: what a proxy might say is not believed from anybody."""
    data = filled(find_form(client.get("/sign-in")), {"email": "host@forum.example"})

    answer = client.post("/sign-in", data=data, headers=headers)

    assert answer.status_code == 302
    assert answer.location == "/sign-in/mailed"
    with app.app_context():
        drain_mail()
        inbox = mailer()
        assert isinstance(inbox, InboxMailer)
        [mail] = inbox.mails()
        addresses = {urlsplit(link)[:2] for link in inbox.mail(mail.name).links}
    assert addresses == {("http", "127.0.0.1:8000")}


@pytest.mark.sizeless
@pytest.mark.parametrize(
    "lines",
    [
        b"GET /sign-in HTTP/1.1\r\nHost: evil.example",
        b"GET http://evil.example/sign-in HTTP/1.1\r\nHost: evil.example",
        b"GET http://127.0.0.1/sign-in HTTP/1.1\r\nHost: evil.example",
    ],
)
def test_a_real_server_refuses_it_as_well(app: Flask, lines: bytes) -> None:
    """S7: a request line in absolute form, over the wire."""
    with serving(app) as address:
        answer = over_the_wire(address, lines + b"\r\nConnection: close\r\n\r\n")

    assert answer.split(b" ", 2)[1] in {b"400", b"404"}
    assert b"evil" not in answer


@pytest.mark.sizeless
def test_proxies_are_believed_as_many_as_were_named(settings: Settings) -> None:
    """S4, S7: behind one proxy its own word counts, not what the caller put before it."""
    told = {}
    for proxies in (0, 1):
        app = create_app(replace(settings, proxies=proxies))
        app.test_client_class = Browser
        app.add_url_rule("/caller", view_func=requires(Role.PUBLIC)(_caller))
        spoofed = {"X-Forwarded-For": "198.51.100.9, 203.0.113.5"}
        told[proxies] = app.test_client().get("/caller", headers=spoofed).text

    assert told == {0: "127.0.0.1", 1: "203.0.113.5"}


@pytest.mark.sizeless
@pytest.mark.parametrize(
    "path", ["/sign-in?next=%2Fevents", "/a%0d%0ab", "/%2f%2fevil.example", "//evil.example"]
)
def test_localhost_leads_to_the_one_address(client: FlaskClient, path: str) -> None:
    """S7, B7: cookies and signed links are made of one address, and paths stay paths."""
    answer = client.get(f"http://localhost:8000{path}")

    assert answer.status_code == 302
    assert answer.location.startswith("http://127.0.0.1:8000/")
    assert urlsplit(answer.location).netloc == "127.0.0.1:8000"
    assert "\n" not in answer.location


def _caller() -> str:
    return request.remote_addr or ""


def over_the_wire(address: str, sent: bytes) -> bytes:
    """Return everything that a server answers to these bytes."""
    place: Any = urlsplit(address)
    received = b""
    with socket.create_connection((place.hostname, place.port), timeout=10) as line:
        line.sendall(sent)
        while chunk := line.recv(65536):
            received += chunk
    return received
