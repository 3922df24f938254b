"""Real SMTP servers in a thread: one that keeps what it gets, and the ways in which one fails."""

import socketserver
import ssl
import threading
from asyncio import Server, WriteTransport
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from enum import Enum, auto
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session, syntax

from config import SmtpSettings

CERTIFICATES = Path(__file__).parents[1] / "data" / "mail"
USER, PASSWORD = "forum", "open sesame"


class Fault(Enum):
    """Where a mail server fails."""

    NONE = auto()
    DROPS_AT_MAIL_FROM = auto()
    DROPS_AT_DATA = auto()
    DROPS_IN_THE_LETTER = auto()
    """Hangs up while the letter travels; its last byte may have left the sender all the same."""
    DROPS_AFTER_THE_FINAL_DOT = auto()
    DROPS_AFTER_KEEPING_THE_MAIL = auto()
    SILENT_AFTER_THE_FINAL_DOT = auto()
    GIBBERISH_AFTER_THE_FINAL_DOT = auto()
    DROPS_AT_QUIT = auto()
    REFUSES_TO_QUIT = auto()
    BUSY = auto()
    """421 to every mail."""
    TIRED = auto()
    """Closes after every mail, as servers with a limit per connection do."""
    TRY_LATER = auto()
    NEVER = auto()


@dataclass(frozen=True)
class Received:
    """One mail that the server took."""

    sender: str
    recipients: list[str]
    content: bytes
    greeting: str

    @property
    def message(self) -> EmailMessage:
        """The mail as the standard library's parser, which is not ours, reads it."""
        return BytesParser(EmailMessage, policy=default).parsebytes(self.content)


@dataclass
class MailServer:
    """What tests see of a running server. `faults` may be changed while it runs."""

    fault: Fault = Fault.NONE
    replies: dict[str, str] = field(default_factory=dict)
    """Answers to RCPT TO by recipient."""
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    def settings(self, *, security: str = "none", user: str = "") -> SmtpSettings:
        return SmtpSettings(
            host="localhost" if security != "none" else "127.0.0.1",
            port=self.port,
            user=user,
            password=PASSWORD if user else "",
            security=security,
        )


@contextmanager
def mail_server(
    fault: Fault = Fault.NONE, *, security: str = "none", with_sign_in: bool = False
) -> Iterator[MailServer]:
    """Run a server on a free port of loopback; `security` as in SmtpSettings."""
    server = MailServer(fault)
    controller = _Controller(server, security=security, with_sign_in=with_sign_in)
    controller.start()
    server.connections = 0
    try:
        yield server
    finally:
        controller.stop()


@contextmanager
def mute_server() -> Iterator[MailServer]:
    """A server that accepts connections and never says a word."""
    with _raw_server(lambda line, stop: stop.wait(60)) as server:
        yield server


@contextmanager
def dripping_server() -> Iterator[MailServer]:
    """A server that greets at five bytes a second."""

    def drip(line: socketserver.StreamRequestHandler, stop: threading.Event) -> None:
        for letter in b"220 good morning to every one of you and to your family as well\r\n":
            line.wfile.write(bytes([letter]))
            if stop.wait(0.2):
                return

    with _raw_server(drip) as server:
        yield server


@contextmanager
def server_in_haste(*, code: int, stays: bool) -> Iterator[MailServer]:
    """A server that takes commands together, wants no recipient, and hangs up unless it `stays`."""

    def talk(line: socketserver.StreamRequestHandler, stop: threading.Event) -> None:
        line.wfile.write(b"220 make it short\r\n")
        while words := line.rfile.readline().upper():
            if words.startswith(b"EHLO"):
                line.wfile.write(b"250-haste\r\n250 PIPELINING\r\n")
            elif words.startswith(b"RCPT"):
                line.wfile.write(f"{code} nobody here\r\n".encode())
            elif words.startswith(b"DATA"):
                line.wfile.write(b"503 nobody to send it to\r\n")
                if not stays:
                    return
            else:
                line.wfile.write(b"250 OK\r\n")

    with _raw_server(talk) as server:
        yield server


def trusting() -> ssl.SSLContext:
    """Return a client's context that trusts this server's own certificate, for `localhost`."""
    return ssl.create_default_context(cafile=CERTIFICATES / "server.pem")


class _Conversation(SMTP):
    """aiosmtpd's side of one connection, with the fault built in."""

    def __init__(self, mail_server: MailServer, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.mail_server = mail_server
        mail_server.connections += 1

    def hang_up(self) -> None:
        assert isinstance(self.transport, WriteTransport)
        self.transport.abort()

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd names it
        if self.mail_server.fault is Fault.DROPS_AT_DATA:
            self.hang_up()
            return
        if self.mail_server.fault is Fault.DROPS_IN_THE_LETTER:
            await self.push("354 go on")
            assert self._reader is not None
            await self._reader.readline()
            self.hang_up()
            return
        await super().smtp_DATA(arg)

    @syntax("QUIT")
    async def smtp_QUIT(self, arg: str) -> None:  # noqa: N802 - aiosmtpd names it
        if self.mail_server.fault is Fault.DROPS_AT_QUIT:
            self.hang_up()
        elif self.mail_server.fault is Fault.REFUSES_TO_QUIT:
            await self.push("451 not now")
        else:
            await super().smtp_QUIT(arg)


class _Handler:
    """Answers as the fault of the moment says, and keeps what was accepted."""

    def __init__(self, mail_server: MailServer) -> None:
        self.mail_server = mail_server

    async def handle_MAIL(  # noqa: N802 - aiosmtpd names it
        self,
        server: _Conversation,
        session: Session,
        envelope: Envelope,
        address: str,
        mail_options: list[str],
    ) -> str:
        fault = self.mail_server.fault
        if fault is Fault.DROPS_AT_MAIL_FROM:
            server.hang_up()
        if fault is Fault.BUSY:
            return "421 too busy"
        if fault is Fault.TIRED and getattr(session, "had_enough", False):
            server.hang_up()
        envelope.mail_from = address
        envelope.mail_options.extend(mail_options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd names it
        self,
        server: _Conversation,
        session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        answer = self.mail_server.replies.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802 - aiosmtpd names it
        self, server: _Conversation, session: Session, envelope: Envelope
    ) -> str:
        fault = self.mail_server.fault
        if fault is Fault.DROPS_AFTER_THE_FINAL_DOT:
            server.hang_up()
            return "250 never heard"
        if fault is Fault.TRY_LATER:
            return "451 4.7.1 try again later"
        if fault is Fault.NEVER:
            return "554 5.7.1 we do not want this"
        if fault is Fault.SILENT_AFTER_THE_FINAL_DOT:
            await server.loop.create_future()
        self.mail_server.received.append(
            Received(
                envelope.mail_from or "",
                list(envelope.rcpt_tos),
                envelope.original_content or b"",
                session.host_name or "",
            )
        )
        session.had_enough = True  # type: ignore[attr-defined]  # a note for this server alone
        if fault is Fault.DROPS_AFTER_KEEPING_THE_MAIL:
            server.hang_up()
        if fault is Fault.GIBBERISH_AFTER_THE_FINAL_DOT:
            return "so be it"
        return "250 kept"


class _Controller(Controller):
    """Runs the server in a thread of its own, on a free port."""

    def __init__(self, mail_server: MailServer, *, security: str, with_sign_in: bool) -> None:
        self.mail_server = mail_server
        self.options: dict[str, Any] = {"decode_data": False, "enable_SMTPUTF8": True}
        context = None if security == "none" else _certified()
        if security == "starttls":
            self.options |= {"tls_context": context, "require_starttls": True}
        if with_sign_in:
            self.options |= {
                "authenticator": _check,
                "auth_required": True,
                "auth_require_tls": security == "starttls",
            }
        super().__init__(
            _Handler(mail_server),
            hostname="127.0.0.1",
            port=0,
            ssl_context=context if security == "tls" else None,
        )

    def factory(self) -> SMTP:
        return _Conversation(self.mail_server, self.handler, **self.options)

    def _trigger_server(self) -> None:
        """Have aiosmtpd knock where the server listens, and forget that it did."""
        assert isinstance(self.server, Server)
        self.port = self.mail_server.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd has no types here


def _check(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, auth_data: Any
) -> AuthResult:
    given = isinstance(auth_data, LoginPassword) and (auth_data.login, auth_data.password)
    return AuthResult(success=given == (USER.encode(), PASSWORD.encode()))


def _certified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "server.pem", CERTIFICATES / "server.key")
    return context


@contextmanager
def _raw_server(
    talk: Callable[[socketserver.StreamRequestHandler, threading.Event], object],
) -> Iterator[MailServer]:
    stop = threading.Event()

    class Talk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            talk(self, stop)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk) as listener:
        listener.daemon_threads = True
        thread = threading.Thread(target=listener.serve_forever, daemon=True)
        thread.start()
        try:
            yield MailServer(port=listener.server_address[1])
        finally:
            stop.set()
            listener.shutdown()
            thread.join()
