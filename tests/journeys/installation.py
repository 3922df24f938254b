"""A whole installation as people meet it: web server and workers as real processes, real SMTP."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

from flask import Flask
from sqlalchemy import select

from asyncnet.app import create_app
from asyncnet.commands.demo.scratch import answers, eventually, free_port
from asyncnet.database import db, transaction
from asyncnet.messages.model import Message
from asyncnet.messages.queue import reference_of
from asyncnet.tasks import drain_mail
from config import CHECKOUT, PREFIX, Settings
from tests.servers.smtp import MailServer, mail_server

STOP_WITHIN_SECONDS = 30


@dataclass(frozen=True)
class Installation:
    """What a journey sees of it: an address, the mails that came, and a clock to turn."""

    base_url: str
    app: Flask
    smtp: MailServer

    def mails_to(self, address: str) -> list[EmailMessage]:
        return [mail.message for mail in self.smtp.received if mail.recipients == [address]]

    def link_to(self, address: str, path: str, *, mails: int = 1) -> str:
        """Return the link to `path` in the newest mail, once that many have come."""

        def look() -> str | None:
            found = [
                link.group()
                for mail in self.mails_to(address)
                if (link := re.search(rf"https?://\S+{path}\S+", text_of(mail)))
            ]
            return found[-1] if len(found) >= mails else None

        return eventually(look, f"no mail with {path} for {address}")

    def minutes_pass(self, minutes: int) -> None:
        """Make what was mailed so far that much older, for what may be asked for only so often."""
        with self.app.app_context(), transaction() as session:
            for message in session.scalars(select(Message)):
                message.created_at -= timedelta(minutes=minutes)
                message.key += f":{minutes} minutes earlier"
                message.reference = reference_of(message.key)

    def send_what_is_due(self, at: datetime) -> None:
        """Let the mail worker's clock show `at` for once."""
        with self.app.app_context():
            drain_mail(lambda: at)
            db.session.remove()


@contextmanager
def installed(settings: Settings, log: Path) -> Iterator[Installation]:
    """Start an installation on a free port, with everything it says in a file; stop it at last."""
    with mail_server() as smtp:
        port = free_port()
        whole = replace(settings, base_url=f"http://127.0.0.1:{port}", smtp=smtp.settings())
        app = create_app(whole)
        with log.open("wb") as output:
            running = subprocess.Popen(
                [sys.executable, "-m", "flask", "--app", "wsgi", "start"],
                env=_environ(whole),
                cwd=CHECKOUT,
                stdout=output,
                stderr=output,
            )
        try:
            eventually(lambda: answers(f"{whole.base_url}/readyz"), "the web server did not start")
            yield Installation(whole.base_url, app, smtp)
        finally:
            running.terminate()
            running.wait(STOP_WITHIN_SECONDS)
            with app.app_context():
                db.engine.dispose()


def text_of(mail: EmailMessage) -> str:
    """Return the plain words of a mail."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def _environ(settings: Settings) -> dict[str, str]:
    """Return the environment from which these very settings are read."""
    assert settings.smtp is not None
    told = {
        "INSTANCE": str(settings.instance),
        "BASE_URL": settings.base_url,
        "SECRET_KEY": settings.secret_keys[0],
        "DATABASE_URL": settings.database_url,
        "QUEUE_URL": settings.queue_url,
        "SMTP_HOST": settings.smtp.host,
        "SMTP_PORT": str(settings.smtp.port),
        "SMTP_SECURITY": settings.smtp.security,
    }
    if settings.s3:
        told |= {
            "S3_BUCKET": settings.s3.bucket,
            "S3_ENDPOINT_URL": settings.s3.endpoint_url or "",
            "S3_ACCESS_KEY": settings.s3.access_key,
            "S3_SECRET_KEY": settings.s3.secret_key,
        }
    others = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return others | {PREFIX + name: value for name, value in told.items()}
