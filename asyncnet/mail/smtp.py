"""Sends letters over SMTP: Flask-Mail, with its faults mended.

Flask-Mail 0.10 as it comes waits for ever on a silent server, reports an accepted letter as
failed when only the goodbye went wrong, takes any certificate after STARTTLS, lets line
breaks into headers and breaks a sender's name at its comma.
"""

import smtplib
import ssl
from collections.abc import Callable
from functools import cached_property
from time import monotonic
from types import TracebackType
from typing import Any

import flask_mail

from asyncnet.clock import utc_now
from asyncnet.mail import mime
from asyncnet.mail.conversation import TRY_LATER, Conversation, ReplyLost, TlsConversation, in_words
from asyncnet.mail.port import Delayed, Letter, MailError, Refused, Unconfirmed, Unreachable
from config import SmtpSettings

REPLY_SECONDS = 30.0
"""The longest wait for one whole reply, and for the bytes of one letter to leave."""
LETTER_SECONDS = 240.0
"""The longest that one letter takes; with a line that hung before it and a new opening still
shorter than the lease."""


class SmtpMailer(flask_mail.Mail):
    """Opens connections to the one mail server that takes our mail.

    `mail_from` is the visible sender. `return_path` gives the address to which a letter's
    bounces go; without it they go to the sender. `context` checks the server's certificate
    against the machine's authorities unless another one is given.
    """

    def __init__(
        self,
        settings: SmtpSettings,
        *,
        mail_from: str,
        return_path: Callable[[Letter], str] | None = None,
        context: ssl.SSLContext | None = None,
        reply_seconds: float = REPLY_SECONDS,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.mail_from = mail_from
        self.return_path = return_path
        self._context = context
        self.reply_seconds = reply_seconds
        self.state = self.init_mail(
            {
                "MAIL_SERVER": settings.host,
                "MAIL_PORT": settings.port,
                "MAIL_USERNAME": settings.user,
                "MAIL_PASSWORD": settings.password,
                "MAIL_USE_TLS": settings.security == "starttls",
                "MAIL_USE_SSL": settings.security == "tls",
                "MAIL_DEFAULT_SENDER": mail_from,
            }
        )

    @cached_property
    def context(self) -> ssl.SSLContext:
        """What the server's certificate is checked by; the machine's authorities take a while."""
        return self._context or ssl.create_default_context()

    def connect(self) -> "SmtpConnection":
        return SmtpConnection(self)


class SmtpConnection(flask_mail.Connection):
    """One conversation with the server, opened anew where the server ended it."""

    host: Conversation | None
    mail: SmtpMailer

    def configure_host(self) -> Conversation:
        """Return a fresh conversation, encrypted and signed in. Raises Unreachable."""
        try:
            return self._greeted()
        except (OSError, smtplib.SMTPException, EOFError) as error:
            raise Unreachable(in_words(error)) from error

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self.host is not None:
            self.host.give_up_at = monotonic() + self.mail.reply_seconds
            try:
                self.host.quit()
            except (OSError, smtplib.SMTPException):
                self.host.close()  # every letter has had its answer; a goodbye changes none

    def send(  # type: ignore[override]  # a letter of ours in place of Flask-Mail's message
        self, letter: Letter
    ) -> str:
        """Hand over one letter; return the server's words. Raises as the port says."""
        mail = mime.write(letter, mail_from=self.mail.mail_from, at=utc_now())
        sender = self.mail.return_path(letter) if self.mail.return_path else mail.sender
        if self.host is not None and self.host.sock is not None:
            try:
                return self._hand_over(self.host, mail, sender, letter.message_id)
            except _Hung:
                pass  # kept too long for the server's taste; nothing of this letter was said
        self.host = self.configure_host()
        return self._hand_over(self.host, mail, sender, letter.message_id)

    def _hand_over(self, host: Conversation, mail: mime.Mail, sender: str, message_id: str) -> str:
        host.give_up_at = monotonic() + LETTER_SECONDS
        started = host.data_commands
        try:
            for_letter = ["SMTPUTF8"] if mail.needs_utf8 else []
            for_reader: list[str] = []
            if self.mail.return_path and host.has_extn("dsn"):
                for_letter += ["RET=HDRS", f"ENVID={_xtext(message_id.strip('<>'))}"]
                for_reader += _wanting_reports(mail.recipient)
            host.hand_over(sender, mail.recipient, mail.content, for_letter, for_reader)
        except ReplyLost as error:
            host.close()
            raise Unconfirmed(in_words(error)) from error
        except (OSError, smtplib.SMTPException, UnicodeError) as error:
            if host.data_commands == started and _hung_up(error):
                raise _Hung(in_words(error)) from error
            raise _answer(error) from error
        return host.accepted

    def _greeted(self) -> Conversation:
        settings = self.mail.settings
        kind = TlsConversation if settings.security == "tls" else Conversation
        options: dict[str, Any] = (
            {"context": self.mail.context} if settings.security == "tls" else {}
        )
        host: Conversation = kind(
            settings.host, settings.port, timeout=self.mail.reply_seconds, **options
        )
        try:
            if settings.security == "starttls":
                host.starttls(context=self.mail.context)
            if settings.user:
                host.login(settings.user, settings.password)
            host.ehlo_or_helo_if_needed()
        except BaseException:
            host.close()
            raise
        return host


class _Hung(Delayed):
    """A kept connection had ended before anything of this letter was said."""


def _wanting_reports(recipient: str) -> list[str]:
    """Return what asks for a report of success as well as of failure (RFC 3461)."""
    notify = ["NOTIFY=SUCCESS,FAILURE"]
    return [*notify, f"ORCPT=rfc822;{_xtext(recipient)}"] if recipient.isascii() else notify


def _xtext(words: str) -> str:
    """Return words as the parameters of an SMTP command spell them (RFC 3461, 4)."""
    return "".join(c if "!" <= c <= "~" and c not in "+=" else f"+{ord(c):02X}" for c in words)


def _hung_up(error: Exception) -> bool:
    if isinstance(error, smtplib.SMTPSenderRefused):
        return error.smtp_code == TRY_LATER
    answered = isinstance(error, smtplib.SMTPException)  # which is an OSError too
    return not answered or isinstance(error, smtplib.SMTPServerDisconnected)


def _answer(error: Exception) -> MailError:
    """Return what an error before the final dot, or a reply to it, says of the letter."""
    code = 0
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        [(code, words)] = error.recipients.values()
        sentence = f"{code} {words.decode('utf-8', 'replace')}"
    else:
        code = getattr(error, "smtp_code", 0)
        sentence = in_words(error)
    never = code // 100 == 5 or isinstance(error, smtplib.SMTPNotSupportedError | UnicodeError)
    return Refused(sentence) if never else Delayed(sentence)
