"""Keeps letters in a folder, where the inbox page of a development installation shows them."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

from asyncnet.clock import utc_now
from asyncnet.mail import mime
from asyncnet.mail.port import Letter

_NAME = re.compile(r"[0-9]{8}T[0-9]{12}-[0-9a-f]{8}")


class NoSuchMail(Exception):
    """No mail of this name lies in the inbox."""


@dataclass(frozen=True)
class InboxMail:
    """One mail in the folder, as it would have travelled."""

    name: str
    message: EmailMessage

    @property
    def at(self) -> datetime:
        moment: datetime = self.message["Date"].datetime
        return moment

    @property
    def text(self) -> str:
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    @property
    def links(self) -> list[str]:
        """The addresses in the text, in order, each once."""
        return list(dict.fromkeys(re.findall(r"https?://[^\s<>\"]+", self.text)))

    def _part(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        return str(part.get_content()) if part else ""


class InboxMailer:
    """A mailer whose server is a folder: every letter becomes one `.eml` file."""

    def __init__(self, folder: Path, *, mail_from: str) -> None:
        self.folder = folder
        self.mail_from = mail_from

    @contextmanager
    def connect(self) -> Iterator["InboxMailer"]:
        self.folder.mkdir(parents=True, exist_ok=True)
        yield self

    def send(self, letter: Letter) -> str:
        """Write the letter down. Raises Refused as a real mailer does."""
        now = utc_now()
        mail = mime.write(letter, mail_from=self.mail_from, at=now)
        name = f"{now:%Y%m%dT%H%M%S%f}-{os.urandom(4).hex()}"
        unfinished = self.folder / f"{name}.part"
        unfinished.write_bytes(mail.content)
        unfinished.rename(self.folder / f"{name}.eml")
        return f"kept as {name}"

    def mails(self, *, limit: int = 200) -> list[InboxMail]:
        """Return the newest mails first."""
        names = sorted((path.stem for path in self.folder.glob("*.eml")), reverse=True)
        return [self.mail(name) for name in names[:limit]]

    def mail(self, name: str) -> InboxMail:
        """Return one mail. Raises NoSuchMail."""
        path = self.folder / f"{name}.eml"
        if not _NAME.fullmatch(name) or not path.is_file():
            raise NoSuchMail(name)
        return InboxMail(
            name, BytesParser(EmailMessage, policy=default).parsebytes(path.read_bytes())
        )
