"""Every answer tells the browser what it may do with it, errors and files included."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask, abort
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from asyncnet.app import create_app
from asyncnet.storage.disk import DiskStorage
from asyncnet.web.access import Role, requires
from asyncnet.wiring import storage
from config import Settings
from tests import factories
from tests.pages import Browser, open_personal_link, sign_in
from tests.web.world import build

STRICT = {
    "default-src": "'none'",
    "base-uri": "'none'",
    "object-src": "'none'",
    "frame-ancestors": "'none'",
    "form-action": "'self'",
    "style-src": "'self'",
}
CLOSED = ("camera", "microphone", "geolocation", "payment", "usb")


@pytest.fixture
def broken(app: Flask) -> Flask:
    """The app with one more route, which breaks in whatever way it is told."""

    @app.get("/broken/<int:code>")
    @requires(Role.PUBLIC)
    def break_down(code: int) -> str:
        if code == 500:
            raise RuntimeError("the secret plan")
        abort(code)

    return app


@pytest.fixture
def answers(broken: Flask, session: Session) -> dict[str, TestResponse]:
    """One answer of each kind that there is."""
    host = factories.organizer(session)
    event = factories.event(session, host)
    person = factories.participant(session, event)
    browser = broken.test_client()
    sign_in(browser, host)
    mine = open_personal_link(browser, person)
    broken_ones = {f"{code}": browser.get(f"/broken/{code}") for code in (400, 403, 410, 413, 429)}
    return {
        "200": browser.get("/"),
        "personal page": mine,
        "organizer's page": browser.get(f"/events/{event.id}"),
        "302": browser.get("/sign-in/token"),
        "404": browser.get("/nowhere"),
        "405": browser.get("/sign-out"),
        "forged": browser.post("/sign-out"),
        "500": browser.get("/broken/500"),
        "JSON": browser.get("/healthz"),
        "JSON error": browser.get("/nowhere", headers={"Accept": "application/json"}),
        "missing file": browser.get("/static/nowhere.css"),
        "static": browser.get("/static/favicon.svg"),
        **broken_ones,
    }


@pytest.mark.sizeless
def test_the_policy_lets_in_nothing_that_was_not_named(answers: dict[str, TestResponse]) -> None:
    """B3."""
    for kind, answer in answers.items():
        policy = answer.headers["Content-Security-Policy"]
        rules = {rule.split()[0]: " ".join(rule.split()[1:]) for rule in policy.split(";")}

        assert STRICT.items() <= rules.items(), kind
        assert "unsafe" not in policy, kind
        assert "*" not in policy, kind
        assert re.fullmatch(r"'self' 'nonce-[\w-]{22}'", rules["script-src"]), kind


@pytest.mark.sizeless
def test_every_page_gets_a_nonce_of_its_own(answers: dict[str, TestResponse]) -> None:
    """B3."""
    nonces = [answer.headers["Content-Security-Policy"] for answer in answers.values()]

    assert len(set(nonces)) == len(nonces)


@pytest.mark.sizeless
def test_every_answer_carries_the_other_headers(answers: dict[str, TestResponse]) -> None:
    """B4."""
    for kind, answer in answers.items():
        headers = answer.headers
        assert headers["X-Content-Type-Options"] == "nosniff", kind
        assert headers["Referrer-Policy"] == "no-referrer", kind
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", kind
        closed = headers["Permissions-Policy"]
        assert [name for name in CLOSED if f"{name}=()" not in closed] == [], kind
        assert "Strict-Transport-Security" not in headers, kind


@pytest.mark.sizeless
def test_only_the_studio_may_record(app: Flask, session: Session) -> None:
    """B4: camera and microphone, and only for a page of ours."""
    ours = build(session).ours
    browser = app.test_client()
    open_personal_link(browser, ours.away)

    studio, page = (browser.get(f"/me/{ours.away.id}{path}") for path in ("/intro", ""))

    for device in ("camera", "microphone"):
        assert f"{device}=(self)" in studio.headers["Permissions-Policy"]
        assert f"{device}=()" in page.headers["Permissions-Policy"]


@pytest.mark.sizeless
def test_only_static_files_may_be_kept(answers: dict[str, TestResponse]) -> None:
    """B8."""
    static = answers.pop("static")

    assert static.status_code == 200
    assert "max-age=31536000" in static.headers["Cache-Control"]
    assert "Set-Cookie" not in static.headers
    assert "Cookie" not in static.headers.get("Vary", "")
    for kind, answer in answers.items():
        assert answer.headers["Cache-Control"] == "no-store", kind
        assert "Cookie" in answer.headers["Vary"], kind


@pytest.mark.sizeless
def test_the_kinds_of_answers_are_what_they_are_called(answers: dict[str, TestResponse]) -> None:
    """Otherwise the tests above would look at the wrong pages."""
    told = {kind: answer.status_code for kind, answer in answers.items() if kind.isdecimal()}

    assert told == {kind: int(kind) for kind in told}
    assert answers["forged"].status_code == 400
    assert answers["personal page"].status_code == 200
    assert answers["organizer's page"].status_code == 200


@pytest.mark.sizeless
def test_over_tls_browsers_are_told_to_stay_there(secure: Flask) -> None:
    """B4, S12."""
    answer = secure.test_client().get("/sign-in")

    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    cookies = answer.headers.getlist("Set-Cookie")
    assert cookies
    for cookie in cookies:
        name, *flags = [part.strip() for part in cookie.split(";")]
        assert name.startswith("__Host-asyncnet=")
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(flags)
        assert not any(flag.startswith("Domain") for flag in flags)


@pytest.mark.sizeless
def test_a_played_file_is_inert(settings: Settings, tmp_path: Path) -> None:
    """B3, B8, U5: a signed address answers with a file that cannot act and is not kept."""
    small = replace(settings, s3=None)
    app = create_app(small)
    app.test_client_class = Browser
    page = tmp_path / "page.mp4"
    page.write_text("<script>alert(1)</script>")
    with app.app_context():
        assert isinstance(storage(), DiskStorage)
        storage().put("intros/large.mp4", page, content_type="video/mp4")
        address = storage().link(
            "intros/large.mp4", content_type="video/mp4", valid_for=timedelta(minutes=5)
        )

    answer = app.test_client().get(address)

    assert answer.status_code == 200
    assert answer.mimetype == "video/mp4"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"].startswith("inline; filename=")


@pytest.fixture
def secure(settings: Settings) -> Flask:
    """The same installation behind TLS, at a name that others can reach."""
    app = create_app(replace(settings, base_url="https://forum.example"))
    app.test_client_class = Browser
    return app
