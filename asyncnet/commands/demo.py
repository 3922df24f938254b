"""Does the whole main job once, over real HTTP, with real workers and a real SMTP receiver."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from http.cookiejar import CookieJar
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import click
import imageio_ffmpeg
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session as Rows

from asyncnet.clock import utc_now
from asyncnet.messages.model import Message
from asyncnet.zones import zone_named
from config import CHECKOUT

ORGANIZER, LIVE, ASYNC = "host@example.org", "ana@example.org", "mei@example.org"
READER_ZONE = "Australia/Sydney"
PATIENCE_SECONDS = 90
LOOK_EVERY_SECONDS = 0.1
WORDS = "Your reef maps made me think of our harbour. Shall we compare notes?"


class StepMissed(Exception):
    """A step of the main job did not happen; the message says which, and what came instead."""


@click.command("demo")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def demo(as_json: bool) -> None:
    """Do the main job in a scratch folder and print what happened."""
    happened: dict[str, Any] = {}
    try:
        for step, facts in _main_job():
            happened[step] = facts
            if not as_json:
                click.echo(f"{step:<10} {facts['what']}")
    except StepMissed as error:
        if as_json:
            click.echo(json.dumps(happened, indent=2))
        click.echo(str(error), err=True)
        sys.exit(1)
    if as_json:
        click.echo(json.dumps(happened, indent=2))


def make_video(path: Path, *, seconds: int = 5) -> None:
    """Write a short 720p video with sound, moving enough to be a fair stand-in for a face."""
    subprocess.run(  # noqa: S603 - our own words only
        [
            *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"),
            *("-f", "lavfi", "-i", f"gradients=s=1280x720:d={seconds}:speed=0.02:n=4:rate=30"),
            *("-f", "lavfi", "-i", f"sine=frequency=220:duration={seconds}"),
            *("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"),
            *("-c:a", "aac", "-shortest", str(path)),
        ],
        check=True,
    )


def _main_job() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each step with its facts as it happens. Raises StepMissed."""
    with TemporaryDirectory(prefix="asyncnet-demo-") as name, _receiver() as inbox:
        folder = Path(name)
        with _installation(folder, inbox) as base_url:
            host = Visitor(base_url)
            event_id = _set_up(host, inbox)
            mei = Visitor(base_url)
            mei.open(inbox.link_in(ASYNC, "/hello/"))
            video = folder / "intro.mp4"
            make_video(video)
            yield "uploaded", _upload(mei, video)
            yield "processed", _wait_until_ready(mei)
            _pair_and_publish(host, event_id)
            ana = Visitor(base_url)
            ana.open(inbox.link_in(LIVE, "/hello/"))
            yield "answered", _answer(ana)
            planned = _planned(folder)
            yield "planned", planned
            due_at = datetime.fromisoformat(planned["due_at"])
            early = inbox.count(ASYNC)
            _drain(folder, inbox, base_url, at=due_at - timedelta(minutes=1))
            if inbox.count(ASYNC) != early:
                raise StepMissed("The follow-up went out before its hour.")
            _drain(folder, inbox, base_url, at=due_at)
            yield "sent", _sent(folder)
            yield "received", _received(inbox, due_at, early)


@dataclass
class Inbox:
    """Every mail that the SMTP receiver took, in order."""

    port: int = 0
    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        assert isinstance(mail, EmailMessage)  # noqa: S101 - what policy.default makes
        self.mails += [(address, mail) for address in envelope.rcpt_tos]
        return "250 taken"

    def count(self, address: str) -> int:
        return len(self._to(address))

    def newest(self, address: str) -> EmailMessage:
        return self._to(address)[-1]

    def link_in(self, address: str, path: str) -> str:
        """Return the newest link to `path` mailed to an address; waits for the worker."""

        def look() -> str | None:
            for mail in reversed(self._to(address)):
                body = mail.get_body(("plain",))
                found = re.search(rf"https?://\S*{path}\S+", body.get_content() if body else "")
                if found:
                    return found.group()
            return None

        return _eventually(look, f"No mail with a link to {path} reached {address}.")

    def _to(self, address: str) -> list[EmailMessage]:
        return [mail for recipient, mail in self.mails if recipient == address]


class Visitor:
    """One person's browser, without the pictures: cookies, pages, forms."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.browser = build_opener(HTTPCookieProcessor(CookieJar()))
        self.page = ""
        self.address = ""

    def open(self, address: str) -> str:
        """Open a page and return it."""
        return self._send(Request(self._absolute(address)))  # noqa: S310 - our own server

    def send(self, values: dict[str, str], address: str = "") -> str:
        """Send in a form of the page that is open; hidden fields go along."""
        body = urlencode(self._hidden() | values).encode()
        return self._send(Request(self._absolute(address or self.address), data=body))  # noqa: S310

    def ask(self, address: str, values: dict[str, str]) -> dict[str, Any]:
        """Send values as a script does and return the JSON answer."""
        body = urlencode(self._hidden() | values).encode()
        request = Request(  # noqa: S310
            self._absolute(address), data=body, headers={"Accept": "application/json"}
        )
        with self.browser.open(request, timeout=30) as response:
            answer: dict[str, Any] = json.load(response)
        return answer

    def transfer(self, url: str, method: str, body: bytes | None = None) -> tuple[str, str]:
        """Send one request of the upload itself; return the body of the answer and its ETag."""
        request = Request(url, data=body, method=method)  # noqa: S310
        with self.browser.open(request, timeout=60) as response:
            return response.read().decode(), response.headers.get("ETag", "")

    def _send(self, request: Request) -> str:
        try:
            with self.browser.open(request, timeout=30) as response:
                self.page, self.address = response.read().decode(), response.url
        except HTTPError as error:
            said = re.sub(r"<[^>]+>|\s+", " ", error.read().decode())[:300]
            raise StepMissed(f"{request.full_url} answered {error.code}: {said}") from error
        wrong = re.findall(r'problems__link"[^>]*>([^<]+)', self.page)
        if wrong:
            raise StepMissed(f"{request.full_url} was not taken: {unescape('; '.join(wrong))}")
        return self.page

    def _hidden(self) -> dict[str, str]:
        found = re.findall(
            r'name="(csrf_token|form_key|text_version)"[^>]*value="([^"]+)"', self.page
        ) or re.findall(r'data-(csrf)="([^"]+)"', self.page)
        return {"csrf_token" if name == "csrf" else name: value for name, value in found}

    def _absolute(self, address: str) -> str:
        return address if address.startswith("http") else self.base_url + address


@contextmanager
def _receiver() -> Iterator[Inbox]:
    inbox = Inbox(port=_free_port())
    controller = Controller(inbox, hostname="127.0.0.1", port=inbox.port)
    controller.start()
    try:
        yield inbox
    finally:
        controller.stop()


@contextmanager
def _installation(folder: Path, inbox: Inbox) -> Iterator[str]:
    """Run the web server and both workers from a scratch folder; yield the base URL."""
    base_url = f"http://127.0.0.1:{_free_port()}"
    environment = _environment(folder, inbox, base_url)
    _flask(environment, "db", "upgrade")
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(  # noqa: S603
            [*_command(), "start"], env=environment, cwd=CHECKOUT, stdout=log, stderr=log
        )
        try:
            _eventually(lambda: _answers(f"{base_url}/readyz"), "The web server did not start.")
            yield base_url
        finally:
            running.terminate()
            running.wait(30)


def _set_up(host: Visitor, inbox: Inbox) -> str:
    """Sign in by a mailed link, make an event, register two people; return the event's id."""
    host.open("/sign-in")
    host.send({"email": ORGANIZER})
    host.open(inbox.link_in(ORGANIZER, "/sign-in/"))
    host.send({})
    host.open("/events/new")
    starts = utc_now().astimezone(zone_named("Europe/Berlin"))
    host.send(
        {
            "title": "Ocean communities forum",
            "purpose": "People who look after ocean communities meet each other.",
            "zone": "Europe/Berlin",
            "starts": f"{starts:%Y-%m-%dT%H:%M}",
            "rounds": "1",
            "minutes": "5",
            "pause": "2",
            "send_hour": "09:00",
            "retention_days": "90",
        }
    )
    event_id = host.address.rpartition("/")[2]
    for name, email, zone, attendance in (
        ("Ana", LIVE, "Europe/Berlin", "live"),
        ("Mei", ASYNC, READER_ZONE, "async"),
    ):
        host.open(f"/events/{event_id}/participants/new")
        host.send({"name": name, "email": email, "zone": zone, "attendance": attendance})
    return event_id


def _upload(mei: Visitor, video: Path) -> dict[str, Any]:
    """Give consent and send the video in signed parts, as the page's script does."""
    studio = f"{mei.address}/intro"
    mei.open(studio)
    mei.send({"agreed": "y"}, f"{studio}/consent")
    content = video.read_bytes()
    began = time.monotonic()
    intro = mei.ask(f"{studio}/uploads", {"size": str(len(content)), "content_type": "video/mp4"})
    part_bytes = int(re.findall(r'data-part-bytes="(\d+)"', mei.page)[0])

    def signed(method: str, **more: str) -> str:
        url: str = mei.ask(f"{studio}/uploads/{intro['id']}/sign", {"method": method, **more})[
            "url"
        ]
        return url

    created, _ = mei.transfer(signed("POST"), "POST", b"")
    upload_id = re.findall(r"<UploadId>([^<]+)</UploadId>", created)[0]
    tags = []
    for number, start in enumerate(range(0, len(content), part_bytes), start=1):
        url = signed("PUT", upload_id=upload_id, part_number=str(number))
        tags.append((number, mei.transfer(url, "PUT", content[start : start + part_bytes])[1]))
    parts = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>" for number, tag in tags
    )
    mei.transfer(
        signed("POST", upload_id=upload_id),
        "POST",
        f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode(),
    )
    answer = mei.ask(f"{studio}/uploads/{intro['id']}/arrived", {})
    if answer["state"] not in {"uploaded", "processing", "ready"}:
        raise StepMissed(f"The upload ended as {answer['state']}.")
    seconds = time.monotonic() - began
    return {
        "what": f"{len(content):,} bytes in {len(tags)} part(s), {seconds:.1f} s",
        "at": _iso(utc_now()),
        "bytes": len(content),
        "parts": len(tags),
        "seconds": round(seconds, 3),
    }


def _wait_until_ready(mei: Visitor) -> dict[str, Any]:
    """Wait for the video worker; play what it made."""
    began = time.monotonic()
    studio = mei.address.removesuffix("/consent")

    def look() -> str | None:
        page = mei.open(studio)
        if "badge--bad" in page:
            raise StepMissed("The worker refused the video.")
        return next(iter(re.findall(r'<source[^>]*src="([^"]+)"', page)), None)

    source = unescape(_eventually(look, "The intro never became ready."))
    seconds = time.monotonic() - began
    request = Request(source, headers={"Range": "bytes=0-"})  # noqa: S310
    with mei.browser.open(request, timeout=30) as response:
        content_type, size = response.headers["Content-Type"], len(response.read())
    return {
        "what": f"{content_type}, {size:,} bytes to play, after {seconds:.1f} s",
        "at": _iso(utc_now()),
        "bytes": size,
        "seconds": round(seconds, 3),
        "content_type": content_type,
    }


def _pair_and_publish(host: Visitor, event_id: str) -> None:
    plan = host.open(f"/events/{event_id}/plan")
    people = dict(re.findall(r'<option value="(\d+)">(Ana|Mei)', plan))
    slot = re.findall(r'<option[^>]* value="(\d+)">Round 1', plan) or ["1"]
    ana, mei = (key for _, key in sorted((name, key) for key, name in people.items()))
    host.send({"slot": slot[0], "one": ana, "other": mei})
    host.send({}, f"/events/{event_id}/plan/publish")


def _answer(ana: Visitor) -> dict[str, Any]:
    """Watch the intro and send in the match form."""
    found = re.findall(r'href="(/me/\d+/matches/\d+)"', ana.page)
    if not found:
        raise StepMissed("The live participant's page does not show the viewing.")
    ana.open(found[0])
    if "<video" not in ana.page:
        raise StepMissed("The live participant's page does not play the intro.")
    names = re.findall(r'<textarea[^>]*name="(q\d+)"', ana.page)
    contact = re.findall(r'name="(q\d+)_address"', ana.page)
    ana.send({names[0]: WORDS, contact[0]: "y", f"{contact[0]}_address": LIVE})
    if not ana.address.endswith("/thanks"):
        raise StepMissed("The match form was not taken.")
    return {"what": f"“{WORDS}”", "at": _iso(utc_now()), "characters": len(WORDS)}


def _planned(folder: Path) -> dict[str, Any]:
    message = _follow_up(folder)
    there = message.due_at.astimezone(zone_named(message.zone))
    return {
        "what": f"one mail for {there:%A %H:%M} in {message.zone}",
        "at": _iso(message.created_at),
        "due_at": _iso(message.due_at),
        "local_hour": f"{there:%H:%M}",
        "zone": message.zone,
        "state": message.state,
    }


def _sent(folder: Path) -> dict[str, Any]:
    message = _follow_up(folder)
    if message.state != "sent" or message.sent_at is None:
        raise StepMissed(f"The follow-up was not sent: it is {message.state}. {message.note}")
    return {
        "what": f"accepted by the mail server: {message.note}",
        "at": _iso(message.sent_at),
        "attempts": message.attempts,
    }


def _received(inbox: Inbox, due_at: datetime, early: int) -> dict[str, Any]:
    if inbox.count(ASYNC) != early + 1:
        raise StepMissed(f"{inbox.count(ASYNC) - early} follow-ups arrived instead of one.")
    mail = inbox.newest(ASYNC)
    body = mail.get_body(("plain",))
    if body is None or WORDS not in " ".join(body.get_content().split()):
        raise StepMissed("The mail that arrived does not hold the answer.")
    local = due_at.astimezone(zone_named(READER_ZONE))
    return {
        "what": f"“{mail['Subject']}”, {mail['Message-ID']}",
        "at": _iso(due_at),
        "bytes": len(mail.as_bytes()),
        "message_id": mail["Message-ID"],
        "subject": mail["Subject"],
        "reply_to": mail["Reply-To"],
        "local_hour": f"{local:%H:%M}",
        "zone": READER_ZONE,
    }


def _follow_up(folder: Path) -> Message:
    with Rows(create_engine(f"sqlite:///{folder / 'asyncnet.db'}")) as rows:
        found = rows.scalars(select(Message).where(Message.kind == "follow_up")).all()
        rows.expunge_all()
    if len(found) != 1:
        raise StepMissed(f"The answer planned {len(found)} mails instead of one.")
    return found[0]


def _drain(folder: Path, inbox: Inbox, base_url: str, *, at: datetime) -> None:
    _flask(_environment(folder, inbox, base_url), "messages", "drain", "--at", _iso(at))


def _environment(folder: Path, inbox: Inbox, base_url: str) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ASYNCNET_")}
    return ours | {
        "ASYNCNET_INSTANCE": str(folder),
        "ASYNCNET_BASE_URL": base_url,
        "ASYNCNET_SMTP_HOST": "127.0.0.1",
        "ASYNCNET_SMTP_PORT": str(inbox.port),
        "ASYNCNET_SMTP_SECURITY": "none",
    }


def _flask(environment: dict[str, str], *words: str) -> None:
    done = subprocess.run(  # noqa: S603
        [*_command(), *words], env=environment, cwd=CHECKOUT, capture_output=True, text=True
    )
    if done.returncode:
        raise StepMissed(f"flask {' '.join(words)} failed: {done.stderr.strip()[-300:]}")


def _command() -> list[str]:
    return [sys.executable, "-m", "flask", "--app", "wsgi"]


def _answers(address: str) -> bool:
    try:
        with build_opener().open(address, timeout=2):
            return True
    except (URLError, OSError):
        return False


def _eventually(look: Callable[[], Any], otherwise: str) -> Any:
    """Return what `look` finds, looking until something is there. Raises StepMissed."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(LOOK_EVERY_SECONDS)
    raise StepMissed(otherwise)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _iso(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
