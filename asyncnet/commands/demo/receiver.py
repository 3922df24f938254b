"""A real SMTP server on this machine that keeps what it gets."""

import re
from asyncio import Server
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from asyncnet.commands.demo.scratch import eventually


@dataclass
class Inbox:
    """Every mail that the server took, in order, with the address it was for."""

    port: int = 0
    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)

    async def handle_DATA(  # noqa: N802 - aiosmtpd names it
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        mail = BytesParser(EmailMessage, policy=default).parsebytes(
            envelope.original_content or b""
        )
        self.mails += [(address, mail) for address in envelope.rcpt_tos]
        return "250 taken"

    def mails_to(self, address: str) -> list[EmailMessage]:
        """Return what has come for an address so far, the oldest first."""
        return [mail for recipient, mail in self.mails if recipient == address]

    def link_in(self, address: str, path: str) -> str:
        """Return the newest link to `path` mailed to an address; waits for the worker.

        Raises StepMissed.
        """
        return eventually(
            lambda: self._link(address, path), f"No mail with a link to {path} reached {address}."
        )

    def _link(self, address: str, path: str) -> str | None:
        for mail in reversed(self.mails_to(address)):
            found = re.search(rf"https?://\S*{path}\S+", words_of(mail))
            if found:
                return found.group()
        return None


def words_of(mail: EmailMessage) -> str:
    """Return the plain text of a mail."""
    body = mail.get_body(("plain",))
    return str(body.get_content()) if body else ""


@contextmanager
def receiver() -> Iterator[Inbox]:
    """Run the server in a thread of its own, on a free port of loopback."""
    inbox = Inbox()
    controller = _Controller(inbox, hostname="127.0.0.1", port=0)
    controller.start()
    try:
        yield inbox
    finally:
        controller.stop()


class _Controller(Controller):
    def _trigger_server(self) -> None:
        """Learn the port, which aiosmtpd does not, before it knocks on its own door."""
        assert isinstance(self.server, Server)  # noqa: S101 - for the type alone
        self.port = self.handler.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd has no types here
