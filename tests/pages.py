"""What people do with pages: open them, fill in their forms, sign in, follow a personal link."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from asyncnet.clock import utc_now
from asyncnet.database import transaction
from asyncnet.events.model import Participant
from asyncnet.people.actions import new_token
from asyncnet.people.model import Person, SignInLink
from asyncnet.people.rules import SIGN_IN_LINK_LIVES
from asyncnet.wiring import links, settings

Values = dict[str, list[str]]


class Browser(FlaskClient):
    """A client that visits an installation at its own address, over TLS where that says so."""

    def open(self, *args: Any, **options: Any) -> TestResponse:
        if args and isinstance(args[0], str) and not urlsplit(args[0]).netloc:
            options.setdefault("base_url", _base_url(self.application))
        return super().open(*args, **options)

    def session_transaction(self, *args: Any, **options: Any) -> Any:
        options.setdefault("base_url", _base_url(self.application))
        return super().session_transaction(*args, **options)


@dataclass
class ShownForm:
    """A form as a page shows it, with everything a browser would send unchanged."""

    action: str
    values: Values = field(default_factory=dict)
    button: str = ""


def sign_in(client: FlaskClient, person: Person) -> TestResponse:
    """Sign an organizer in by a link that was just mailed; return the page they land on."""
    with client.application.app_context():
        address = links().sign_in(token_for(client.application, person.email))
    client.get(urlsplit(address).path)
    pressed = post_form(client, "/sign-in/confirm")
    assert pressed.status_code == 302, pressed.text
    return client.get(pressed.location)


def token_for(app: Flask, email: str) -> str:
    """Return the token of a sign-in link as it would stand in the mail."""
    now = utc_now()
    with app.app_context(), transaction() as session:
        link = SignInLink(email=email, requested_at=now, expires_at=now + SIGN_IN_LINK_LIVES)
        session.add(link)
        return new_token(link, now=now)


def personal_link(app: Flask, participant: Participant) -> str:
    """Return the path of a participant's personal link as it stands in their mail."""
    with app.app_context():
        address = links().personal(participant.id, participant.link_version)
    return urlsplit(address).path


def open_personal_link(client: FlaskClient, participant: Participant) -> TestResponse:
    """Follow a participant's personal link to their own page; return it."""
    return client.get(personal_link(client.application, participant), follow_redirects=True)


def forms_on(page: TestResponse) -> list[ShownForm]:
    """Return every form of a page that posts, in the order of the page."""
    reader = _Forms(urlsplit(page.request.url).path)
    reader.feed(page.text)
    return reader.forms


def post_form(
    client: FlaskClient,
    path: str,
    changes: Mapping[str, Any] | None = None,
    *,
    action: str | None = None,
    **options: Any,
) -> TestResponse:
    """Open a page, change some fields of its form and press the button; return the answer.

    Everything else that the form shows is sent along, hidden fields included, as a browser
    does. A change of None leaves a field out. `action` chooses another form of the page by
    the path it posts to, whole or its end. Redirects are not followed.
    """
    form = find_form(client.get(path), action)
    return client.post(form.action, data=filled(form, changes or {}), **options)


def find_form(page: TestResponse, action: str | None = None) -> ShownForm:
    """Return the form of a page that posts to `action`, else to the page's own address."""
    assert page.status_code in {200, 400, 409}, f"{page.status_code} at {page.request.path}"
    wanted = action or page.request.path
    found = [form for form in forms_on(page) if form.action.endswith(wanted)]
    assert found, f"no form posts to {wanted} at {page.request.path}"
    return found[0]


def filled(form: ShownForm, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a browser sends after somebody changed some fields."""
    data: dict[str, Any] = {**form.values, **changes}
    return {name: value for name, value in data.items() if value is not None}


def _base_url(app: Flask) -> str:
    with app.app_context():
        return settings().base_url


class _Forms(HTMLParser):
    """Collects the forms of a page with the values that their fields hold."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.forms: list[ShownForm] = []
        self._form: ShownForm | None = None
        self._name = ""
        self._options: list[tuple[str, bool]] = []
        self._text: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and given.get("method", "").lower() == "post":
            self._form = ShownForm(urljoin(self.path, given.get("action", "")))
        if self._form is None:
            return
        if tag == "input":
            self._input(given)
        elif tag == "select":
            self._name, self._options = given["name"], []
        elif tag == "option":
            self._options.append((given.get("value", ""), "selected" in given))
        elif tag == "textarea":
            self._name, self._text = given["name"], []
        elif tag == "button":
            self._text = []

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if self._form is None:
            return
        if tag == "form":
            self.forms.append(self._form)
            self._form = None
        elif tag == "select":
            chosen = [value for value, selected in self._options if selected]
            self._add(self._name, (chosen or [value for value, _ in self._options[:1]] or [""])[0])
        elif tag == "textarea":
            # a browser drops the first line break and sends the others as CR LF
            written = "".join(self._text or []).replace("\r\n", "\n").removeprefix("\n")
            self._add(self._name, written.replace("\n", "\r\n"))
            self._text = None
        elif tag == "button":
            self._form.button = " ".join("".join(self._text or []).split())
            self._text = None

    def _input(self, given: dict[str, str]) -> None:
        kind = given.get("type", "text")
        if kind in {"file", "submit"} or "name" not in given:
            return
        if kind in {"checkbox", "radio"} and "checked" not in given:
            return
        self._add(given["name"], given.get("value", "on" if kind == "checkbox" else ""))

    def _add(self, name: str, value: str) -> None:
        if self._form is not None:
            self._form.values.setdefault(name, []).append(value)
