"""What is said to a mail server, with a deadline for every reply and word of how far it came."""

import smtplib
import socket
from contextlib import suppress
from time import monotonic
from typing import Any

TRY_LATER = 421
GO_ON = 354
OK = (250, 251)
OPENING_SECONDS = 120.0
"""The longest from a connection to the first letter over it."""


class ReplyLost(smtplib.SMTPException):
    """The whole letter left, and no answer that says yes or no came back."""


class Conversation(smtplib.SMTP):
    """smtplib's SMTP in which every reply has a deadline, not only every single byte.

    It also keeps the words with which the last letter was accepted, tells a line that broke
    before the final dot from one that broke after it, and saves two waits a letter where the
    server takes commands together (PIPELINING, RFC 2920).
    """

    accepted = ""
    data_commands = 0
    give_up_at = float("inf")

    def connect(self, *args: Any, **options: Any) -> tuple[int, bytes]:
        self.give_up_at = monotonic() + OPENING_SECONDS
        return super().connect(*args, **options)

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

    def hand_over(
        self,
        sender: str,
        recipient: str,
        content: bytes,
        for_letter: list[str],
        for_reader: list[str],
    ) -> None:
        """Give the server one letter to one reader. Raises as smtplib's `sendmail`, and ReplyLost.

        `for_letter` and `for_reader` are parameters of the two commands that name them.
        """
        self.ehlo_or_helo_if_needed()
        utf8 = "SMTPUTF8" in for_letter
        if utf8 or not self.has_extn("pipelining"):
            self.sendmail(sender, [recipient], content, for_letter, for_reader)
            return
        size = [f"SIZE={len(content)}"] if self.has_extn("size") else []
        self.send(
            _command("MAIL FROM", sender, [*size, *for_letter])
            + _command("RCPT TO", recipient, for_reader)
            + b"DATA\r\n"
        )
        sent_by, sent_to, go_on = self.getreply(), self.getreply(), self.getreply()
        self.data_commands += go_on[0] == GO_ON
        if sent_by[0] == 250 and sent_to[0] in OK and go_on[0] == GO_ON:
            code, words = self._send_content(content)
            if code == 250:
                return
            self._step_back(code)
            raise smtplib.SMTPDataError(code, words)
        if go_on[0] == GO_ON:
            with suppress(smtplib.SMTPServerDisconnected):
                self.send(b".\r\n")  # nobody is to get it, so an empty letter is refused
                self.getreply()
        self._step_back(sent_by[0], sent_to[0], go_on[0])
        if sent_by[0] != 250:
            raise smtplib.SMTPSenderRefused(*sent_by, sender)
        if sent_to[0] not in OK:
            raise smtplib.SMTPRecipientsRefused({recipient: sent_to})
        raise smtplib.SMTPDataError(*go_on)

    def data(self, msg: Any) -> tuple[int, bytes]:
        self.data_commands += 1
        code, words = self.docmd("data")
        if code != GO_ON:
            raise smtplib.SMTPDataError(code, words)
        return self._send_content(msg)

    def _send_content(self, content: bytes) -> tuple[int, bytes]:
        self.send(_with_final_dot(content))
        try:
            code, words = self.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise ReplyLost(f"No answer after the last byte: {in_words(error)}") from error
        if code // 100 not in {2, 4, 5}:
            raise ReplyLost(f"An unreadable answer after the last byte: {code}")
        self.accepted = words.decode("ascii", "replace")
        return (250 if code // 100 == 2 else code), words

    def _step_back(self, *codes: int) -> None:
        """Make the server forget the letter, or hang up on one that wants no more.

        What it said of the letter holds even when it hangs up first.
        """
        if TRY_LATER in codes:
            self.close()
        else:
            with suppress(smtplib.SMTPServerDisconnected):
                self.rset()


class TlsConversation(smtplib.SMTP_SSL, Conversation):
    """The same over TLS from the first byte."""


def in_words(error: Exception) -> str:
    """Return what the server said, else what the machine says, on one line."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        return " ".join(f"{error.smtp_code} {text}".split())
    return " ".join((str(error) or type(error).__name__).split())


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


def _command(name: str, address: str, parameters: list[str]) -> bytes:
    return " ".join([f"{name}:{smtplib.quoteaddr(address)}", *parameters]).encode("ascii") + b"\r\n"


def _with_final_dot(content: bytes) -> bytes:
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    return stuffed + (b".\r\n" if stuffed.endswith(b"\r\n") else b"\r\n.\r\n")
