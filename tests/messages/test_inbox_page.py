"""The inbox of a development installation."""

from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from asyncnet.app import create_app
from asyncnet.mail.inbox import InboxMailer
from config import Settings, SmtpSettings
from tests.mail.letters import letter
from tests.pages import Browser


@pytest.fixture
def inbox(settings: Settings) -> InboxMailer:
    mailer = InboxMailer(settings.instance / "inbox", mail_from=settings.mail_from)
    with mailer.connect() as connection:
        return connection


def test_the_newest_mail_comes_first_and_shows_all_of_itself(
    client: FlaskClient, inbox: InboxMailer
) -> None:
    link = "https://forum.example/hello/abc"
    inbox.send(letter(subject="First"))
    inbox.send(letter(subject="Second", text=f"Open {link}\n", html=f'<a href="{link}">x</a>'))
    name = inbox.mails()[0].name

    listed = client.get("/dev/inbox").get_data(as_text=True)
    shown = client.get(f"/dev/inbox/{name}").get_data(as_text=True)
    html = client.get(f"/dev/inbox/{name}/html")

    assert 0 < listed.index("Second") < listed.index("First")
    assert f'<a href="{link}">' in shown
    assert "Message-ID" in shown
    assert f'<a href="{link}" target="_blank"' in html.get_data(as_text=True)
    assert "sandbox" in html.headers["Content-Security-Policy"]
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in shown


@pytest.mark.parametrize("name", ["no-such-mail", "..%2Fsecret", "../secret", "x" * 300])
def test_other_names_lead_nowhere(client: FlaskClient, inbox: InboxMailer, name: str) -> None:
    """CHECKLIST U8."""
    inbox.send(letter())

    assert client.get(f"/dev/inbox/{name}").status_code == 404


def test_an_empty_inbox_says_what_lands_here(client: FlaskClient) -> None:
    assert "No mail yet" in client.get("/dev/inbox").get_data(as_text=True)


def test_a_public_installation_has_no_inbox(settings: Settings) -> None:
    public = replace(
        settings,
        base_url="https://forum.example",
        smtp=SmtpSettings("mail.example", 587, "", "", "starttls"),
    )
    app = create_app(public)
    app.test_client_class = Browser

    answer = app.test_client().get("/dev/inbox")

    assert answer.status_code == 404
