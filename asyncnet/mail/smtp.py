"""Sends letters over SMTP: Flask-Mail, with its faults mended.

Flask-Mail 0.10 as it comes waits for ever on a silent server, reports an accepted letter as
failed when only the goodbye went wrong, takes any certificate after STARTTLS, lets line
breaks into headers and breaks a sender's name at its comma.
"""

import smtplib
import socket
import ssl
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Any

import flask_mail

from asyncnet.clock import utc_now
from asyncnet.mail import mime
from asyncnet.mail.port import Delayed, Letter, MailError, Refused, Unconfirmed, Unreachable
from config import SmtpSettings

REPLY_SECONDS = 30.0
"""The longest wait for one whole reply, and for the bytes of one letter to leave."""
LETTER_SECONDS = 240.0
"""The longest that one letter, or one opening of a connection, takes; together under the lease."""
TRY_LATER = 421


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
        self.context = context or ssl.create_default_context()
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

    def connect(self) -> "SmtpConnection":
        return SmtpConnection(self)


class SmtpConnection(flask_mail.Connection):
    """One conversation with the server, opened anew where the server ended it."""

    host: "_Conversation | None"
    mail: SmtpMailer

    def configure_host(self) -> "_Conversation":
        """Return a fresh conversation, encrypted and signed in. Raises Unreachable."""
        try:
            return self._greeted()
        except (OSError, smtplib.SMTPException, EOFError) as error:
            raise Unreachable(_words(error)) from error

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
                return self._hand_over(self.host, mail, sender)
            except _Hung:
                pass  # kept too long for the server's taste; nothing of this letter was said
        self.host = self.configure_host()
        return self._hand_over(self.host, mail, sender)

    def _hand_over(self, host: "_Conversation", mail: mime.Mail, sender: str) -> str:
        host.give_up_at = monotonic() + LETTER_SECONDS
        started = host.data_commands
        try:
            host.sendmail(
                sender, [mail.recipient], mail.content, ["SMTPUTF8"] if mail.needs_utf8 else []
            )
        except _ReplyLost as error:
            host.close()
            raise Unconfirmed(_words(error)) from error
        except (OSError, smtplib.SMTPException, UnicodeError) as error:
            if host.data_commands == started and _hung_up(error):
                raise _Hung(_words(error)) from error
            raise _answer(error) from error
        return host.accepted

    def _greeted(self) -> "_Conversation":
        settings = self.mail.settings
        kind = _TlsConversation if settings.security == "tls" else _Conversation
        options: dict[str, Any] = (
            {"context": self.mail.context} if settings.security == "tls" else {}
        )
        host: _Conversation = kind(
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


class _ReplyLost(smtplib.SMTPException):
    """The whole letter left, and no answer that says yes or no came back."""


class _Conversation(smtplib.SMTP):
    """smtplib's SMTP in which every reply has a deadline, not only every single byte.

    It also keeps the words with which the last letter was accepted, and tells a line that
    broke before the final dot from one that broke after it.
    """

    accepted = ""
    data_commands = 0
    give_up_at = float("inf")

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Replies(self.sock)
        if isinstance(self.file, _Replies):
            self.file.give_up_at = min(monotonic() + self.timeout, self.give_up_at)
        return super().getreply()

    def send(self, s: Any) -> None:
        if self.sock is not None:
            self.sock.settimeout(max(min(self.timeout, self.give_up_at - monotonic()), 0.001))
        super().send(s)

    def data(self, msg: Any) -> tuple[int, bytes]:
        self.data_commands += 1
        code, words = self.docmd("data")
        if code != 354:
            raise smtplib.SMTPDataError(code, words)
        self.send(_with_final_dot(msg))
        try:
            code, words = self.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise _ReplyLost(f"No answer after the last byte: {_words(error)}") from error
        if code // 100 not in {2, 4, 5}:
            raise _ReplyLost(f"An unreadable answer after the last byte: {code}")
        self.accepted = words.decode("ascii", "replace")
        return (250 if code // 100 == 2 else code), words


class _TlsConversation(smtplib.SMTP_SSL, _Conversation):
    """The same over TLS from the first byte."""


class _Replies:
    """Lines from a socket, each whole before `give_up_at` (on the monotonic clock)."""

    give_up_at = float("inf")

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._waiting = b""

    def readline(self, limit: int) -> bytes:
        while b"\n" not in self._waiting and len(self._waiting) < limit:
            seconds = self.give_up_at - monotonic()
            if seconds <= 0:
                raise TimeoutError("timed out")
            self._socket.settimeout(seconds)
            received = self._socket.recv(4096)
            if not received:
                break
            self._waiting += received
        end = self._waiting.find(b"\n") + 1 or len(self._waiting)
        line, self._waiting = self._waiting[: min(end, limit)], self._waiting[min(end, limit) :]
        return line

    def close(self) -> None:
        self._waiting = b""


def _with_final_dot(content: bytes) -> bytes:
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    return stuffed + (b".\r\n" if stuffed.endswith(b"\r\n") else b"\r\n.\r\n")


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
        sentence = _words(error)
    never = code // 100 == 5 or isinstance(error, smtplib.SMTPNotSupportedError | UnicodeError)
    return Refused(sentence) if never else Delayed(sentence)


def _words(error: Exception) -> str:
    """Return what the server said, else what the machine says, on one line."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        return " ".join(f"{error.smtp_code} {text}".split())
    return " ".join((str(error) or type(error).__name__).split())
