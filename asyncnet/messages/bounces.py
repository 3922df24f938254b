"""Delivery reports: mails that came back, and addresses that take none any more."""

import hmac
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import Message as Fields
from email.parser import BytesHeaderParser
from email.policy import Compat32
from enum import StrEnum
from hashlib import sha256

from sqlalchemy import update
from sqlalchemy.orm import Session

from asyncnet.mail.port import Letter
from asyncnet.messages import queue
from asyncnet.messages.model import BouncingAddress
from asyncnet.messages.rules import MessageState

SOFT_BOUNCES = 5
"""So many passing troubles, with no report of delivery between them, count as a lasting one."""
PROOF_LENGTH = 12
REFERENCE = re.compile("[0-9a-f]{32}")
TAG = re.compile(f"({REFERENCE.pattern})-([0-9a-f]{{{PROOF_LENGTH}}})")
MAX_READ_BYTES = 64 * 1024
"""What a report says stands in its first lines; the mail that it tells of may follow them."""
EMPTY_LINES = re.compile(rb"(?:\r?\n){2,}")
LONGEST_HEADER = 1_000
ADDRESSED = ("Delivered-To", "X-Original-To", "To")
LONGEST_WORDS = 300


class NotAReport(Exception):
    """The mail is no delivery report (RFC 3464), or it tells of no mail of ours."""


class Fate(StrEnum):
    """What a report says of a mail."""

    DELIVERED = "delivered"
    FAILED = "failed"
    DELAYED = "delayed"


@dataclass(frozen=True)
class Report:
    """What a mail server reports of one mail; `lasting` when trying again would not help."""

    fate: Fate
    lasting: bool
    words: str

    @classmethod
    def of(cls, fate: Fate, status: str, words: str) -> "Report":
        """Return a report of a status (RFC 3463) and a server's words, made one printable line."""
        told = " ".join(f"{status} {words}".split())
        printable = "".join(sign for sign in told if sign.isprintable())
        return cls(fate, status.startswith("5"), printable[:LONGEST_WORDS])


@dataclass(frozen=True)
class ReturnPaths:
    """Gives every mail a return address of its own, so that a bounce says whose it is.

    `mailbox` takes all of them: the server must deliver `bounces+anything@` to `bounces@`.
    Each address carries a proof made with the newest of `keys`; older ones are still
    believed. Nobody else can make such an address up.
    """

    mailbox: str
    keys: tuple[str, ...]

    def of(self, letter: Letter) -> str:
        """Return the address to which reports about a letter go."""
        reference = letter.message_id.strip("<>").partition("@")[0]
        local, _, domain = self.mailbox.partition("@")
        return f"{local}+{reference}-{_proof(reference, self.keys[0])}@{domain}"

    def reference_in(self, address: str) -> str:
        """Return the reference of the message behind a return address. Raises NotAReport."""
        tag = address.strip().strip("<>").partition("@")[0].partition("+")[2].lower()
        found = TAG.fullmatch(tag)
        if not found or not any(
            hmac.compare_digest(_proof(found[1], key), found[2]) for key in self.keys
        ):
            raise NotAReport("The report is not addressed to any mail of ours.")
        return found[1]

    def first_reference_in(self, addresses: Sequence[str]) -> str:
        """Return the reference behind the first return address of ours. Raises NotAReport."""
        for address in addresses:
            with suppress(NotAReport):
                return self.reference_in(address)
        raise NotAReport("The report is not addressed to any mail of ours.")


def reference_from(message_id: str) -> str:
    """Return the reference in a Message-ID as we make them. Raises NotAReport."""
    reference = message_id.strip("<> ").partition("@")[0]
    if not REFERENCE.fullmatch(reference):
        raise NotAReport("The message_id is none of ours.")
    return reference


def read_report(content: bytes, delivered_to: str | None, paths: ReturnPaths) -> tuple[str, Report]:
    """Return the reference of a mail of ours and what is reported of it. Raises NotAReport.

    Anybody may write to where reports arrive. Where the server says to which address this one
    came, nothing is read before that address has proved to be ours; otherwise the report's own
    headers are asked.
    """
    if delivered_to is not None:
        return paths.reference_in(delivered_to), _read(content)[0]
    report, addressed = _read(content)
    return paths.first_reference_in(addressed), report


def _read(content: bytes) -> tuple[Report, list[str]]:
    """Return the report in a mail and the addresses that the mail was sent to.

    The fields of a report are lines like a mail's own headers, with empty lines around them:
    they are looked for as such, whatever parts stand in parts, so that depth costs nothing.
    """
    head, *blocks = EMPTY_LINES.split(content[:MAX_READ_BYTES])
    mail = _fields(head)
    if mail.get_content_type() != "multipart/report":
        raise NotAReport("This is no delivery report.")
    for fields in (_fields(block) for block in blocks if b"action:" in block.lower()):
        if fields.get("Action") and fields.get("Status"):
            return _report(fields), [to for name in ADDRESSED for to in mail.get_all(name, [])]
    raise NotAReport("The delivery report names no recipient.")


def _report(fields: Fields) -> Report:
    action = fields["Action"].strip().lower()
    fate = {"failed": Fate.FAILED, "delayed": Fate.DELAYED}.get(action, Fate.DELIVERED)
    said = fields.get("Diagnostic-Code", "")
    return Report.of(fate, fields["Status"].strip(), said.partition(";")[2].strip() or said)


def _fields(block: bytes) -> Fields:
    return BytesHeaderParser(policy=_Bounded()).parsebytes(block)


class _Bounded(Compat32):
    """Reads headers up to a length, and as they came.

    To unfold and decode them, as newer policies do, takes memory with the square of their length.
    """

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        bytes_of_it = value[:LONGEST_HEADER].encode("ascii", "surrogateescape")
        return name, bytes_of_it.decode("utf-8", "replace")


def record(session: Session, reference: str, report: Report, *, now: datetime) -> None:
    """Write down what became of a mail, and stop writing to an address that takes none.

    The same report twice changes nothing the second time. Raises NotAReport when there is
    no such message.
    """
    failed = report.fate is Fate.FAILED
    try:
        if report.fate is Fate.DELAYED:
            queue.expect(session, reference)
            return
        message, moved = queue.learn(
            session,
            reference,
            MessageState.BOUNCED if failed else MessageState.SENT,
            note=report.words,
            now=now,
        )
    except queue.UnknownReference as error:
        raise NotAReport("The mail that it tells of is gone.") from error
    if failed and moved:
        _count(session, message.to_address, report, now)
    if report.fate is Fate.DELIVERED:
        session.execute(
            update(BouncingAddress)
            .where(BouncingAddress.address_hash == queue.hash_of(message.to_address))
            .values(soft_bounces=0)
        )


def allow_again(session: Session, address: str) -> bool:
    """Forget what came back from an address; return whether anything was known of it."""
    known = session.get(BouncingAddress, queue.hash_of(address))
    if known is not None:
        session.delete(known)
    return known is not None


def _count(session: Session, address: str, report: Report, now: datetime) -> None:
    key = queue.hash_of(address)
    known = session.get(BouncingAddress, key, with_for_update=True)
    if known is None:
        known = BouncingAddress(address_hash=key, soft_bounces=0, suppressed_at=None)
        session.add(known)
    known.soft_bounces += 0 if report.lasting else 1
    if report.lasting or known.soft_bounces >= SOFT_BOUNCES:
        known.suppressed_at = known.suppressed_at or now
        queue.suppress(session, address, now=now)


def _proof(reference: str, key: str) -> str:
    made = hmac.new(key.encode(), f"return-path:{reference}".encode(), sha256)
    return made.hexdigest()[:PROOF_LENGTH]
