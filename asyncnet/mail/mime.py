"""Writes a letter as the bytes that travel."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import Address, HeaderRegistry
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from functools import lru_cache

from email_validator import EmailNotValidError, ValidatedEmail, validate_email

from asyncnet.mail.port import Invitation, Letter, Refused

_LINE_BREAKS = re.compile("[\r\n\0\x0b\x0c\x1c-\x1e\x85\u2028\u2029]|[\ud800-\udfff]")
_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_NAMED = re.compile(r"\s*\"?(?P<name>[^<>]*?)\"?\s*<(?P<address>[^<>]+)>\s*")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]+@[A-Za-z0-9.:\[\]-]+>")


LINE_LENGTH = 998


class _Wire(EmailPolicy):
    """Writes every plain header on one line, since a folded List-Unsubscribe comes out encoded.

    Headers with other letters become encoded words by the older `Header`: the newer folding
    loses spaces between them.
    """

    def fold_binary(self, name: str, value: str) -> bytes:
        words = str(value)
        if not words.isascii():
            people = getattr(value, "addresses", None)
            words = ", ".join(map(_mailbox, people)) if people else _encoded(words, name)
        if max(map(len, words.split("\r\n"))) + len(name) + 2 > LINE_LENGTH:
            raise ValueError(f"{name} is too long")
        return f"{name}: {words}\r\n".encode()


class _Headers(HeaderRegistry):
    """Makes the class of each kind of header once instead of for every header."""

    def __init__(self) -> None:
        super().__init__()
        self.made: dict[str, type] = {}

    def __getitem__(self, name: str) -> type:
        if name not in self.made:
            self.made[name] = super().__getitem__(name)
        return self.made[name]


_WIRE = _Wire(linesep="\r\n", max_line_length=LINE_LENGTH, header_factory=_Headers())
_BOUNDARY = "=_part"
"""Every part is quoted-printable, in which no line can hold an equals sign and then this."""
_OUTER_BOUNDARY = "=_whole"
"""Around those parts and an attachment, which is base64."""


@dataclass(frozen=True)
class Mail:
    """A letter ready for one envelope. `needs_utf8`: only a server with SMTPUTF8 can take it."""

    sender: str
    recipient: str
    content: bytes
    needs_utf8: bool


def write(letter: Letter, *, mail_from: str, at: datetime) -> Mail:
    """Return the letter as a mail of that moment, in text and HTML.

    `mail_from` is a mailbox with or without a name. Raises Refused when a value that goes
    into a header holds a line break, when the recipient is not exactly one mailbox, or when
    the letter cannot be written at all (CHECKLIST M1).
    """
    sender_name, sender = _name_and_address(mail_from)
    recipient = _one_mailbox(letter.to_address)
    headers = {
        "From": _addressed(sender_name, _one_mailbox(sender)),
        "To": _addressed(letter.to_name, recipient),
        "Subject": _one_line(letter.subject),
        "Date": format_datetime(at),
        "Message-ID": _matching(_MESSAGE_ID, letter.message_id),
    }
    if letter.reply_to is not None:
        headers["Reply-To"] = _addressed("", _one_mailbox(letter.reply_to))
    message = EmailMessage(policy=_WIRE)
    try:
        for name, value in headers.items():
            message[name] = value
        for name, text in letter.headers.items():
            message[_matching(_FIELD_NAME, name)] = _one_line(text)
        message.set_content(letter.text, cte="quoted-printable")
        message.make_alternative(boundary=_BOUNDARY)
        message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
        if letter.invitation:
            _invite(message, letter.invitation)
        return Mail(
            sender=_spelled(_one_mailbox(sender)),
            recipient=_spelled(recipient),
            content=message.as_bytes(),
            needs_utf8=recipient.ascii_email is None,
        )
    except (ValueError, UnicodeError) as error:
        raise Refused(f"This cannot be written as a mail: {error}") from error


def _invite(message: EmailMessage, invitation: Invitation) -> None:
    """Add a calendar entry, as a part that calendars read and as a file for those who do not.

    Google's own invitations are built like this; Outlook wants the method to be said twice, and
    is told to dislike other names of the file.
    """
    message.add_alternative(
        invitation.content,
        subtype="calendar",
        cte="quoted-printable",
        params={"method": invitation.method},
    )
    message.make_mixed(boundary=_OUTER_BOUNDARY)
    message.add_attachment(
        invitation.content.encode(),
        maintype="application",
        subtype="ics",
        filename="invite.ics",
    )


def _name_and_address(mailbox: str) -> tuple[str, str]:
    """Split `Name <address>`; a comma in the name needs no quotes."""
    named = _NAMED.fullmatch(mailbox)
    return (named["name"], named["address"]) if named else ("", mailbox)


def _one_line(value: str) -> str:
    if _LINE_BREAKS.search(value):
        raise Refused("A line break has no place in a mail header.")
    return value


def _matching(shape: re.Pattern[str], value: str) -> str:
    if not shape.fullmatch(value):
        raise Refused(f"{value[:60]!r} has no place in a mail header.")
    return value


@lru_cache(maxsize=1024)
def _one_mailbox(address: str) -> ValidatedEmail:
    try:
        return validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise Refused(f"This is not one mail address: {error}") from error


def _addressed(name: str, address: ValidatedEmail) -> Address:
    local, _, domain = _spelled(address).rpartition("@")
    return Address(_one_line(name), username=local, domain=domain)


def _mailbox(address: Address) -> str:
    plain = str(Address("", username=address.username, domain=address.domain))
    return f"{_encoded(address.display_name, 'To')} <{plain}>" if address.display_name else plain


def _encoded(words: str, name: str) -> str:
    return Header(words, "utf-8", header_name=name).encode(linesep="\r\n")


def _spelled(address: ValidatedEmail) -> str:
    """Return the address in the spelling that most servers take: its domain in ASCII."""
    return address.ascii_email or address.normalized
