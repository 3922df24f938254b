"""The steps of the main job; each says what happened, when, and its figures."""

import re
import time
from datetime import datetime, timedelta
from email.message import EmailMessage
from html import unescape
from typing import Any
from urllib.request import Request

from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from asyncnet.clock import utc_now
from asyncnet.commands.demo.receiver import Inbox, words_of
from asyncnet.commands.demo.scratch import Installation, StepMissed, eventually
from asyncnet.commands.demo.visitor import Reply, Visitor
from asyncnet.intros.video.sample import NoSample, make_sample
from asyncnet.messages.model import Message
from asyncnet.messages.rules import MessageState
from asyncnet.web.filters import iso, local_input, local_time
from asyncnet.zones import zone_named

ORGANIZER, LIVE, ASYNC = "host@example.org", "ana@example.org", "mei@example.org"
HOST_ZONE, READER_ZONE = "Europe/Berlin", "Australia/Sydney"
VIDEO_SECONDS = 5
WORDS = "Your reef maps made me think of our harbour. Shall we compare notes?"

Facts = dict[str, Any]


def set_up(host: Visitor, inbox: Inbox) -> str:
    """Sign in by a mailed link, make an event, register two people; return the event's id."""
    host.open("/sign-in")
    host.send({"email": ORGANIZER})
    host.open(inbox.link_in(ORGANIZER, "/sign-in/"))
    host.send({})
    host.open("/events/new")
    host.send(
        {
            "title": "Ocean communities forum",
            "purpose": "People who look after ocean communities meet each other.",
            "zone": HOST_ZONE,
            "starts": local_input(utc_now() + timedelta(hours=1), HOST_ZONE),
            "rounds": "1",
            "minutes": "5",
            "pause": "2",
            "send_hour": "09:00",
            "retention_days": "90",
        }
    )
    event_id = host.address.rpartition("/")[2]
    for name, email, zone, attendance in (
        ("Ana", LIVE, HOST_ZONE, "live"),
        ("Mei", ASYNC, READER_ZONE, "async"),
    ):
        host.open(f"/events/{event_id}/participants/new")
        said = {"name": name, "email": email, "zone": zone, "attendance": attendance}
        host.send(said | {"across": "either"})
    return event_id


def upload(mei: Visitor, here: Installation) -> Facts:
    """Give consent and send a video in signed parts, as the page's script does."""
    video = here.folder / "intro.mp4"
    try:
        make_sample(video, seconds=VIDEO_SECONDS)
    except NoSample as error:
        raise StepMissed(f"There is no video to upload: {error}") from error
    content = video.read_bytes()
    studio = f"{mei.address}/intro"
    mei.open(studio)
    mei.send({"agreed": "y"}, f"{studio}/consent")
    part_bytes = int(_found(r'data-part-bytes="(\d+)"', mei.page, "The studio takes no upload."))
    began = time.monotonic()
    intro = mei.ask(f"{studio}/uploads", {"size": str(len(content)), "content_type": "video/mp4"})
    parts = _send_parts(mei, f"{studio}/uploads/{intro['id']}/sign", content, part_bytes)
    answer = mei.ask(f"{studio}/uploads/{intro['id']}/arrived", {})
    if answer["state"] not in {"uploaded", "processing", "ready"}:
        raise StepMissed(f"The upload ended as {answer['state']}.")
    seconds = time.monotonic() - began
    return {
        "what": f"{len(content):,} bytes in {parts} signed part(s) in {seconds:.1f} s",
        "at": iso(utc_now()),
        "bytes": len(content),
        "parts": parts,
        "seconds": round(seconds, 3),
    }


def wait_until_ready(mei: Visitor) -> Facts:
    """Wait for the video worker, then fetch what it made as a player does."""
    began = time.monotonic()
    studio = mei.address.removesuffix("/consent")

    def look() -> str | None:
        page = mei.open(studio)
        for reason in re.findall(r"notice--bad.*?<p>(.*?)</p>", page, re.DOTALL):
            raise StepMissed(f"The video was refused: {unescape(reason)}")
        return next(iter(re.findall(r'<source[^>]*src="([^"]+)"', page)), None)

    source = unescape(eventually(look, "The intro never became ready."))
    seconds = time.monotonic() - began
    played = mei.fetch(Request(source, headers={"Range": "bytes=0-"}))  # noqa: S310 - our own link
    return {
        "what": f"{len(played.body):,} bytes of {played.content_type} after {seconds:.1f} s",
        "at": iso(utc_now()),
        "bytes": len(played.body),
        "seconds": round(seconds, 3),
        "content_type": played.content_type,
    }


def pair_and_publish(host: Visitor, event_id: str) -> None:
    """Let Ana watch Mei in the only round."""
    plan = host.open(f"/events/{event_id}/plan")
    slot = _found(r'value="(\d+)">Round 1', plan, "The plan offers no round.")
    ana = _found(r'value="(\d+)">Ana', plan, "The plan does not offer Ana.")
    mei = _found(r'value="(\d+)">Mei', plan, "The plan does not offer Mei.")
    host.send({"slot": slot, "one": ana, "other": mei})
    seen = _found(r'name="seen" value="(\d+)"', host.page, "The plan cannot be published.")
    host.send({"seen": seen}, f"/events/{event_id}/plan/publish")


def answer(ana: Visitor) -> Facts:
    """Open the viewing, find the intro in it, and send in the match form."""
    ana.open(_found(r'href="(/me/\d+/matches/\d+)"', ana.page, "Ana's page shows no viewing."))
    _found("(<video)", ana.page, "Ana's page does not play the intro.")
    words = _found(r'<textarea[^>]*name="(q\d+)"', ana.page, "There is no match form.")
    contact = _found(r'name="(q\d+)_address"', ana.page, "The form does not ask for an address.")
    ana.send({words: WORDS, contact: "y", f"{contact}_address": LIVE})
    if not ana.address.endswith("/thanks"):
        raise StepMissed("The match form was not taken.")
    return {"what": f"“{WORDS}”", "at": iso(utc_now()), "characters": len(WORDS)}


def planned(here: Installation) -> Facts:
    """Look at the one message that the answer has planned."""
    message = _follow_up(here)
    there = message.due_at.astimezone(zone_named(message.zone))
    return {
        "what": f"one mail for {there:%A, %H:%M} in {message.zone}",
        "at": iso(message.created_at),
        "due_at": iso(message.due_at),
        "local_hour": local_time(message.due_at, message.zone),
        "zone": message.zone,
        "state": message.state.value,
    }


def nothing_yet(inbox: Inbox) -> None:
    """Raise StepMissed when the words have come before their hour."""
    if _mails_with_the_words(inbox):
        raise StepMissed("The follow-up went out before its hour.")


def sent(here: Installation) -> Facts:
    """Look at the message after its hour."""
    message = _follow_up(here)
    if message.state is not MessageState.SENT or message.sent_at is None:
        raise StepMissed(f"The follow-up was not sent: it is {message.state}. {message.note}")
    return {
        "what": f"taken by the mail server: {message.note}",
        "at": iso(message.sent_at),
        "attempts": message.attempts,
    }


def received(inbox: Inbox, *, at: datetime) -> Facts:
    """Read the mail that came as the standard library does; `at` is where the clock stood."""
    mails = _mails_with_the_words(inbox)
    if len(mails) != 1:
        raise StepMissed(f"{len(mails)} mails with the answer arrived instead of one.")
    [mail] = mails
    return {
        "what": f"“{mail['Subject']}”, {mail['Message-ID']}",
        "at": iso(at),
        "bytes": len(mail.as_bytes()),
        "message_id": mail["Message-ID"],
        "subject": mail["Subject"],
        "reply_to": mail["Reply-To"],
        "local_hour": local_time(at, READER_ZONE),
        "zone": READER_ZONE,
    }


def _send_parts(mei: Visitor, sign_at: str, content: bytes, part_bytes: int) -> int:
    """Create, fill and complete a multipart upload; return how many parts it took."""

    def sign(method: str, **more: str) -> Facts:
        return mei.ask(sign_at, {"method": method, **more})

    def send(method: str, body: bytes, signed: Facts) -> Reply:
        return mei.fetch(Request(signed["url"], data=body, method=method))  # noqa: S310 - our own

    created = send("POST", b"", sign("POST")).body.decode()
    upload_id = _found(r"<UploadId>([^<]+)<", created, "Storage opened no upload.")
    starts = range(0, len(content), part_bytes)
    listed = ""
    for number, start in enumerate(starts, start=1):
        signed = sign("PUT", upload_id=upload_id, part_number=str(number))["parts"][str(number)]
        etag = send("PUT", content[start : start + part_bytes], signed).etag
        listed += f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
    whole = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>"
    send("POST", whole.encode(), sign("POST", upload_id=upload_id))
    return len(starts)


def _mails_with_the_words(inbox: Inbox) -> list[EmailMessage]:
    """Return the mails that hold the answer; others, as word that an intro is ready, do not."""
    return [mail for mail in inbox.mails_to(ASYNC) if WORDS in " ".join(words_of(mail).split())]


def _follow_up(here: Installation) -> Message:
    engine = create_engine(here.database_url)
    with Session(engine, expire_on_commit=False) as session:
        found = session.scalars(select(Message).where(Message.kind == "follow_up")).all()
    engine.dispose()
    if len(found) != 1:
        raise StepMissed(f"The answer planned {len(found)} mails instead of one.")
    return found[0]


def _found(pattern: str, page: str, otherwise: str) -> str:
    """Return what a pattern marks in a page. Raises StepMissed."""
    for match in re.findall(pattern, page):
        return str(match)
    raise StepMissed(otherwise)
