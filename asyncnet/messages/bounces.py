"""Delivery reports: mails that came back, and addresses that take none any more."""

import hmac
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
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
        reference, _, proof = tag.partition("-")
        if not any(
            hmac.compare_digest(_proof(reference, key).encode(), proof.encode())
            for key in self.keys
        ):
            raise NotAReport("The report is not addressed to any mail of ours.")
        return reference

    def first_reference_in(self, addresses: Sequence[str]) -> str:
        """Return the reference behind the first return address of ours. Raises NotAReport."""
        for address in addresses:
            with suppress(NotAReport):
                return self.reference_in(address)
        raise NotAReport("The report is not addressed to any mail of ours.")


def read_report(content: bytes) -> tuple[Report, list[str]]:
    """Return what a mail reports and the addresses that it was sent to. Raises NotAReport.

    Anybody may write to where reports arrive, and Python's parser answers some broken headers
    with errors of many kinds; to us all of them say the same.
    """
    try:
        return _read(content)
    except (AttributeError, IndexError, LookupError, TypeError, ValueError) as error:
        raise NotAReport("This mail cannot be read.") from error


def _read(content: bytes) -> tuple[Report, list[str]]:
    mail = BytesParser(EmailMessage, policy=default).parsebytes(content)
    if mail.get_content_type() != "multipart/report":
        raise NotAReport("This is no delivery report.")
    for part in mail.walk():
        if part.get("Action") and part.get("Status"):
            action = str(part["Action"]).strip().lower()
            fate = {"failed": Fate.FAILED, "delayed": Fate.DELAYED}.get(action, Fate.DELIVERED)
            status = str(part["Status"]).strip()
            said = " ".join(str(part.get("Diagnostic-Code", "")).split())
            told = f"{status} {said.partition(';')[2].strip() or said}".strip()
            words = "".join(sign for sign in told if sign.isprintable())
            headers = ("Delivered-To", "X-Original-To", "To")
            addressed = [str(value) for name in headers for value in mail.get_all(name, [])]
            return Report(fate, status.startswith("5"), words), addressed
    raise NotAReport("The delivery report names no recipient.")


def record(session: Session, reference: str, report: Report, *, now: datetime) -> None:
    """Write down what became of a mail, and stop writing to an address that takes none.

    The same report twice changes nothing the second time. Raises NotAReport when there is
    no such message.
    """
    if report.fate is Fate.DELAYED:
        return
    failed = report.fate is Fate.FAILED
    try:
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
