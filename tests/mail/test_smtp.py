"""What becomes of a letter at a mail server, good or bad (CHECKLIST F3)."""

import socket
import time
from collections.abc import Iterator

import pytest

from asyncnet.mail.port import Delayed, Letter, Refused, Unconfirmed, Unreachable
from asyncnet.mail.smtp import SmtpMailer
from config import SmtpSettings
from tests.mail.letters import letter
from tests.servers.smtp import (
    USER,
    Fault,
    MailServer,
    dripping_server,
    mail_server,
    mute_server,
    server_in_haste,
    trusting,
)

FROM = "asyncnet <hello@forum.example>"
PATIENCE = 0.5


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


def mailer_for(settings: SmtpSettings) -> SmtpMailer:
    return SmtpMailer(settings, mail_from=FROM, context=trusting(), reply_seconds=PATIENCE)


def send(server: MailServer, *letters: Letter) -> list[str]:
    with mailer_for(server.settings()).connect() as connection:
        return [connection.send(one) for one in letters or [letter()]]


def test_a_letter_arrives_in_its_envelope_with_the_servers_words(server: MailServer) -> None:
    words = send(server)

    [mail] = server.received
    assert words == ["kept"]
    assert (mail.sender, mail.recipients) == ("hello@forum.example", ["ana@example.org"])


def test_many_letters_share_one_connection(server: MailServer) -> None:
    send(server, *[letter() for _ in range(5)])

    assert len(server.received) == 5
    assert server.connections == 1


def test_a_server_that_has_had_enough_is_called_again(server: MailServer) -> None:
    server.fault = Fault.TIRED

    send(server, letter(), letter(), letter())

    assert len(server.received) == 3
    assert server.connections == 3


@pytest.mark.parametrize("fault", [Fault.DROPS_AT_QUIT, Fault.REFUSES_TO_QUIT])
def test_a_failed_goodbye_leaves_the_letter_accepted(server: MailServer, fault: Fault) -> None:
    server.fault = fault

    words = send(server)

    assert words == ["kept"]
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.TRY_LATER, Delayed),
        (Fault.BUSY, Delayed),
        (Fault.DROPS_AT_MAIL_FROM, Delayed),
        (Fault.DROPS_AT_DATA, Delayed),
        (Fault.NEVER, Refused),
        (Fault.DROPS_IN_THE_LETTER, Unconfirmed),
        (Fault.DROPS_AFTER_THE_FINAL_DOT, Unconfirmed),
        (Fault.DROPS_AFTER_KEEPING_THE_MAIL, Unconfirmed),
        (Fault.SILENT_AFTER_THE_FINAL_DOT, Unconfirmed),
        (Fault.GIBBERISH_AFTER_THE_FINAL_DOT, Unconfirmed),
    ],
)
def test_each_fault_says_what_became_of_the_letter(
    server: MailServer, fault: Fault, error: type[Exception]
) -> None:
    server.fault = fault

    with mailer_for(server.settings()).connect() as connection:
        with pytest.raises(error) as caught:
            connection.send(letter())
        server.fault = Fault.NONE
        words = connection.send(letter(message_id="<next@forum.example>"))

    assert not isinstance(caught.value, Unreachable)
    assert words == "kept"


@pytest.mark.parametrize(
    ("reply", "error"), [("550 5.1.1 no such user", Refused), ("450 mailbox busy", Delayed)]
)
def test_one_bad_recipient_holds_up_nobody(
    server: MailServer, reply: str, error: type[Exception]
) -> None:
    server.replies["gone@example.org"] = reply

    with mailer_for(server.settings()).connect() as connection:
        with pytest.raises(error, match=reply[4:]):
            connection.send(letter(to_address="gone@example.org"))
        connection.send(letter())

    assert [mail.recipients for mail in server.received] == [["ana@example.org"]]


@pytest.mark.parametrize("stays", [True, False])
@pytest.mark.parametrize(("code", "expected"), [(550, Refused), (451, Delayed)])
def test_an_answer_holds_even_when_the_server_hangs_up(
    code: int, expected: type[Exception], stays: bool
) -> None:
    with (
        server_in_haste(code=code, stays=stays) as server,
        pytest.raises(expected, match=f"{code} nobody here"),
    ):
        send(server)


def test_nobody_listening_is_unreachable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        settings = MailServer(port=unused.getsockname()[1]).settings()

        with pytest.raises(Unreachable), mailer_for(settings).connect():
            pass


@pytest.mark.parametrize("slow_server", [mute_server, dripping_server])
def test_a_silent_or_dripping_server_is_left_in_time(slow_server: type) -> None:
    with slow_server() as slow:
        started = time.monotonic()

        with pytest.raises(Unreachable), mailer_for(slow.settings()).connect():
            pass

        assert time.monotonic() - started < 4 * PATIENCE


def test_a_line_lost_between_two_letters_is_unreachable_when_nobody_answers_anew() -> None:
    with mail_server() as server:
        connection = mailer_for(server.settings()).connect()
        connection.__enter__()
        server.fault = Fault.DROPS_AT_MAIL_FROM

    with pytest.raises(Unreachable):
        connection.send(letter())


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_letters_travel_encrypted_after_signing_in(security: str) -> None:
    with mail_server(security=security, with_sign_in=True) as server:
        with mailer_for(server.settings(security=security, user=USER)).connect() as connection:
            connection.send(letter())

        assert len(server.received) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_is_refused(security: str) -> None:
    with mail_server(security=security) as server:
        mailer = SmtpMailer(
            server.settings(security=security), mail_from=FROM, reply_seconds=PATIENCE
        )

        with pytest.raises(Unreachable, match="certificate verify failed"), mailer.connect():
            pass


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_for_another_name_is_refused(security: str) -> None:
    with mail_server(security=security) as server:
        settings = SmtpSettings("127.0.0.1", server.port, "", "", security)

        with pytest.raises(Unreachable, match="not valid for"), mailer_for(settings).connect():
            pass


def test_a_server_that_cannot_encrypt_gets_nothing(server: MailServer) -> None:
    settings = server.settings(security="starttls")

    with pytest.raises(Unreachable, match="STARTTLS"), mailer_for(settings).connect():
        pass


def test_wrong_credentials_are_unreachable_and_name_no_password() -> None:
    with mail_server(security="starttls", with_sign_in=True) as server:
        settings = server.settings(security="starttls", user="somebody")

        with pytest.raises(Unreachable) as caught, mailer_for(settings).connect():
            pass

    assert settings.password not in str(caught.value)


def test_bounces_go_to_the_return_path_of_the_letter(server: MailServer) -> None:
    mailer = SmtpMailer(
        server.settings(), mail_from=FROM, return_path=lambda one: f"b+{one.to_name}@forum.example"
    )

    with mailer.connect() as connection:
        connection.send(letter(to_name="7"))

    [mail] = server.received
    assert mail.sender == "b+7@forum.example"
    assert mail.message["From"] == FROM


def test_a_line_that_starts_with_a_dot_arrives_as_written(server: MailServer) -> None:
    send(server, letter(text=".\n..\nx\n.", html="."))

    body = server.received[0].message.get_body(("plain",))
    assert body is not None
    assert body.get_content().splitlines() == [".", "..", "x", "."]
