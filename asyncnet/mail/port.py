"""One letter to one person, and what a mail server may answer."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Invitation:
    """A calendar that travels in a mail (RFC 6047). `method` is REQUEST, CANCEL or PUBLISH."""

    method: str
    content: str


@dataclass(frozen=True)
class Letter:
    """A finished mail to one recipient.

    `to_address` and `reply_to` are single bare mailboxes. `headers` are further header
    fields by name. `secrets` are the links inside the bodies that open somebody's page:
    they travel in the mail and are masked wherever a copy is kept.
    """

    to_name: str
    to_address: str
    subject: str
    text: str
    html: str
    message_id: str
    reply_to: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    invitation: Invitation | None = None


class MailError(Exception):
    """Something went wrong on the way; see the kinds."""


class Refused(MailError):
    """The server will never take this letter (5xx), or it cannot be written as a mail."""


class Delayed(MailError):
    """The server surely did not take the letter; it may later (4xx, the line broke)."""


class Unreachable(Delayed):
    """No server answers, or it lets nobody in: no letter can go now, this one or another."""


class Unconfirmed(MailError):
    """The connection broke after the last byte: the letter may or may not have been taken."""


class Connection(Protocol):
    """An open way to one mail server; letters go one after another."""

    def send(self, letter: Letter) -> str:
        """Hand over one letter; return the server's words of acceptance.

        Raises Refused, Delayed, Unreachable or Unconfirmed.
        """


class Mailer(Protocol):
    """Opens connections to the mail server."""

    def connect(self) -> AbstractContextManager[Connection]:
        """Open a connection that closes with the block. Entering it raises Unreachable.

        An error while closing is swallowed: what was accepted stays accepted.
        """
