"""What has been mailed: runs the mail worker once and reads the development inbox."""

from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

from flask import Flask

from asyncnet.clock import utc_now
from asyncnet.tasks import drain_mail
from asyncnet.wiring import settings


def mails_sent(app: Flask, *, at: datetime | None = None) -> list[EmailMessage]:
    """Let the worker send what is due, as if it were `at`; return every mail so far."""
    with app.app_context():
        drain_mail(clock=lambda: at or utc_now())
        files = sorted((settings().instance / "inbox").glob("*.eml"))
    mails = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
    return [mail for mail in mails if isinstance(mail, EmailMessage)]


def text_of(mail: EmailMessage) -> str:
    """Return the words of a mail, its line breaks folded."""
    body = mail.get_body(("plain",))
    return " ".join(body.get_content().split()) if body else ""
