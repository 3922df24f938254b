"""The contract of every mailer: what is inside the mail, and what never gets out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

import pytest

from asyncnet.mail.inbox import InboxMailer
from asyncnet.mail.port import Letter, Mailer, Refused
from asyncnet.mail.smtp import SmtpMailer
from tests.mail.letters import letter
from tests.servers.smtp import mail_server

FROM = "Lisbon, Sydney & friends <hello@forum.example>"
UNSUBSCRIBE = f"<https://forum.example/mail/stop/{'x' * 120}>"
Post = Callable[[Letter], EmailMessage]


@contextmanager
def smtp(folder: Path) -> Iterator[tuple[Mailer, Callable[[], list[bytes]]]]:
    with mail_server() as server:
        mailer = SmtpMailer(server.settings(), mail_from=FROM)
        yield mailer, lambda: [mail.content for mail in server.received]


@contextmanager
def inbox(folder: Path) -> Iterator[tuple[Mailer, Callable[[], list[bytes]]]]:
    mailer = InboxMailer(folder, mail_from=FROM)
    yield mailer, lambda: [path.read_bytes() for path in folder.glob("*")]


@pytest.fixture(params=[smtp, inbox])
def place(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Mailer, Callable[[], list[bytes]]]]:
    with request.param(tmp_path) as made:
        yield made


@pytest.fixture
def post(place: tuple[Mailer, Callable[[], list[bytes]]]) -> Post:
    mailer, arrived = place

    def send(one: Letter) -> EmailMessage:
        with mailer.connect() as connection:
            connection.send(one)
        [content] = arrived()
        return BytesParser(EmailMessage, policy=default).parsebytes(content)

    return send


def test_a_letter_has_text_html_and_its_own_id(post: Post) -> None:
    mail = post(letter(reply_to="ben@example.org", headers={"Auto-Submitted": "auto-generated"}))

    assert {name: mail[name] for name in mail if name not in {"Date", "MIME-Version"}} == {
        "From": '"Lisbon, Sydney & friends" <hello@forum.example>',
        "To": "Ana Silva <ana@example.org>",
        "Reply-To": "ben@example.org",
        "Subject": "Two people watched your intro",
        "Message-ID": "<0123456789abcdef@forum.example>",
        "Auto-Submitted": "auto-generated",
        "Content-Type": mail["Content-Type"],
    }
    assert [
        (part.get_content_type(), part.get_content().splitlines()) for part in mail.iter_parts()
    ] == [
        ("text/plain", ["Good morning, Ana."]),
        ("text/html", ["<p>Good morning, Ana.</p>"]),
    ]


@pytest.mark.parametrize(
    "name", ["Silva, Ana", "Müller, Jörg", 'The "Best" (ever)', "名前 " * 15, "a@b.org", ""]
)
def test_any_name_is_shown_as_written(post: Post, name: str) -> None:
    mail = post(letter(to_name=name))

    [address] = mail["To"].addresses
    assert address.addr_spec == "ana@example.org"
    assert address.display_name.replace(" ", "") == name.replace(" ", "")


@pytest.mark.parametrize("subject", ["Grüße aus Zürich 🎉 " * 8, "Plain " * 40])
def test_any_subject_is_shown_as_written(post: Post, subject: str) -> None:
    mail = post(letter(subject=subject.strip()))

    assert str(make_header(decode_header(mail["Subject"]))) == subject.strip()


def test_a_long_header_stays_one_plain_line(
    place: tuple[Mailer, Callable[[], list[bytes]]],
) -> None:
    mailer, arrived = place

    with mailer.connect() as connection:
        connection.send(letter(headers={"List-Unsubscribe": UNSUBSCRIBE}))

    [content] = arrived()
    assert f"List-Unsubscribe: {UNSUBSCRIBE}".encode() in content.splitlines()


def test_lines_over_998_characters_are_broken_and_read_whole(post: Post) -> None:
    html = "<p>" + "é long walk " * 400 + "</p>\n"

    mail = post(letter(html=html))

    body = mail.get_body(("html",))
    assert body is not None
    assert body.get_content().strip() == html.strip()


def test_a_domain_with_other_letters_is_spelled_in_ascii(post: Post) -> None:
    mail = post(letter(to_address="ana@müller.example"))

    assert mail["To"].addresses[0].addr_spec == "ana@xn--mller-kva.example"


@pytest.mark.parametrize("address", ["jörg@example.org", "用户@例子.example"])
def test_an_address_with_other_letters_before_the_at_arrives(post: Post, address: str) -> None:
    mail = post(letter(to_address=address))

    written = mail["To"].addresses[0].addr_spec.encode("utf-8", "surrogateescape")
    assert written.decode() == address


BREAKS = ["\r\nBcc: evil@example.org", "\nX: y", "\r", "\0", "\x85", "\u2028", "\u2029", "\ud800"]


@pytest.mark.parametrize("hostile", BREAKS)
@pytest.mark.parametrize("field", ["to_name", "subject", "to_address", "reply_to", "message_id"])
def test_a_line_break_in_a_header_is_refused(
    place: tuple[Mailer, Callable[[], list[bytes]]], field: str, hostile: str
) -> None:
    """CHECKLIST M1."""
    mailer, arrived = place

    with mailer.connect() as connection, pytest.raises(Refused):
        connection.send(letter(**{field: f"ana@example.org{hostile}"}))

    assert arrived() == []


@pytest.mark.parametrize("hostile", BREAKS)
@pytest.mark.parametrize("where", ["name", "value"])
def test_a_line_break_in_a_further_header_is_refused(
    place: tuple[Mailer, Callable[[], list[bytes]]], where: str, hostile: str
) -> None:
    """CHECKLIST M1."""
    mailer, arrived = place
    headers = {"X-Kind" + hostile: "a"} if where == "name" else {"X-Kind": "a" + hostile}

    with mailer.connect() as connection, pytest.raises(Refused):
        connection.send(letter(headers=headers))

    assert arrived() == []


@pytest.mark.parametrize(
    "address",
    [
        "ana@example.org, evil@example.org",
        "ana@example.org;evil@example.org",
        "ana@example.org evil@example.org",
        "Ana <ana@example.org>",
        "ana@example.org>",
        "ana@example.org>,<evil@example.org",
        '"a b"@example.org',
        "(x)ana@example.org",
        "ana",
        "@example.org",
        "",
    ],
)
@pytest.mark.parametrize("field", ["to_address", "reply_to"])
def test_only_one_bare_mailbox_is_an_address(
    place: tuple[Mailer, Callable[[], list[bytes]]], field: str, address: str
) -> None:
    """CHECKLIST M1."""
    mailer, arrived = place

    with mailer.connect() as connection, pytest.raises(Refused):
        connection.send(letter(**{field: address}))

    assert arrived() == []


@pytest.mark.parametrize("name", ["Subject", "To", "Message-ID"])
def test_a_header_that_is_there_already_is_refused(
    place: tuple[Mailer, Callable[[], list[bytes]]], name: str
) -> None:
    """CHECKLIST M1."""
    mailer, arrived = place

    with mailer.connect() as connection, pytest.raises(Refused):
        connection.send(letter(headers={name: "x@y.org"}))

    assert arrived() == []
