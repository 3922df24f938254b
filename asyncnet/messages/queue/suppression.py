"""Addresses that take no mail: it came back, or their owner asked for no more.

They are known by their hash alone. A mail that somebody asks for this very minute, a sign-in
link or their personal link, is sent all the same: whoever typed the address wants it, would
otherwise be locked out for good, and may ask only a few times within some hours.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from hashlib import sha256

from sqlalchemy import ColumnElement, and_, delete, select
from sqlalchemy.orm import Session

from asyncnet.database import insert_new
from asyncnet.messages.model import BouncingAddress, Message, Unsubscribed
from asyncnet.messages.queue.history import SYSTEM, WAITING, cancel, move
from asyncnet.messages.rules import MessageKind, MessageState

SUPPRESSED = "Mail to this address came back, so no more is sent to it."
UNSUBSCRIBED = "They asked for no more of these mails."
EVERYTHING = "all"
LOOKED_UP_AT_ONCE = 500
_IS_SUPPRESSED = BouncingAddress.suppressed_at.is_not(None)

Reader = tuple[str, int | None]
"""An address, and the event that a mail to it is about."""


def refusals(session: Session, readers: Collection[Reader]) -> dict[Reader, str]:
    """Return why nothing is sent to some readers; those who take mail are not among them."""
    hashes = {address: hash_of(address) for address, _ in readers}
    bounced = bouncing(session, hashes)
    unwanted = select(Unsubscribed.address_hash, Unsubscribed.scope)
    if len(hashes) <= LOOKED_UP_AT_ONCE:
        unwanted = unwanted.where(Unsubscribed.address_hash.in_(hashes.values()))
    stopped = {(row.address_hash, row.scope) for row in session.execute(unwanted)}
    refused: dict[Reader, str] = {}
    for address, event_id in readers:
        known = hashes[address]
        if address in bounced:
            refused[address, event_id] = SUPPRESSED
        elif {(known, EVERYTHING), (known, scope_of(event_id))} & stopped:
            refused[address, event_id] = UNSUBSCRIBED
    return refused


def bouncing(session: Session, addresses: Collection[str]) -> set[str]:
    """Return those of some addresses from which mail came back for good."""
    hashes = {address: hash_of(address) for address in addresses}
    known = select(BouncingAddress.address_hash).where(_IS_SUPPRESSED)
    if len(hashes) <= LOOKED_UP_AT_ONCE:
        known = known.where(BouncingAddress.address_hash.in_(hashes.values()))
    bounced = set(session.scalars(known))
    return {address for address, hashed in hashes.items() if hashed in bounced}


def scope_of(event_id: int | None) -> str:
    """Return how the mails of one event are named where somebody stops them."""
    return f"event:{event_id}"


def hash_of(address: str) -> bytes:
    """Return what is kept of an address that takes no mail."""
    return sha256(address.lower().encode()).digest()


def suppress(session: Session, address: str, *, now: datetime) -> int:
    """Cancel every mail that still waits to go to an address; return how many."""
    return cancel(session, Message.to_address == address, SUPPRESSED, now)


def stopped_by(session: Session, address_hash: bytes) -> set[str]:
    """Return the scopes of which the owner of an address wants no mail."""
    return set(
        session.scalars(select(Unsubscribed.scope).where(Unsubscribed.address_hash == address_hash))
    )


def stop(session: Session, address_hash: bytes, scope: str, *, now: datetime) -> bool:
    """Send no more mail of a scope to an address, and cancel what waits; False when it is so."""
    new = session.scalar(
        insert_new(session, Unsubscribed)
        .values(address_hash=address_hash, scope=scope, at=now)
        .on_conflict_do_nothing()
        .returning(Unsubscribed.scope)
    )
    waiting = [*_in_scope(scope), Message.state.in_(WAITING), _STOPPABLE]
    for address in _addresses(session, address_hash, waiting):
        cancel(session, and_(Message.to_address == address, *waiting), UNSUBSCRIBED, now)
    return new is not None


def let_come(session: Session, address_hash: bytes, scope: str, *, now: datetime) -> bool:
    """Send mail of a scope again, and what was cancelled for it; False when nothing was stopped."""
    gone = session.scalar(
        delete(Unsubscribed)
        .where(Unsubscribed.address_hash == address_hash, Unsubscribed.scope == scope)
        .returning(Unsubscribed.scope)
    )
    put_off = [
        *_in_scope(scope),
        Message.state == MessageState.CANCELLED,
        Message.note == UNSUBSCRIBED,
    ]
    for address in _addresses(session, address_hash, put_off):
        found = session.scalars(
            select(Message).where(Message.to_address == address, *put_off).with_for_update()
        ).all()
        still = refusals(session, {(address, message.event_id) for message in found})
        for message in found:
            if (address, message.event_id) not in still:
                words = "They want these mails again."
                move(session, message, MessageState.SCHEDULED, actor=SYSTEM, note=words, now=now)
    return gone is not None


_STOPPABLE = Message.kind != MessageKind.SIGN_IN


def _in_scope(scope: str) -> list[ColumnElement[bool]]:
    if scope == EVERYTHING:
        return []
    return [Message.event_id == int(scope.removeprefix("event:"))]


def _addresses(
    session: Session, address_hash: bytes, which: Sequence[ColumnElement[bool]]
) -> list[str]:
    """Return the spellings of an address, of which only the hash is known, among some mails."""
    found = session.scalars(select(Message.to_address).where(*which).distinct())
    return [address for address in found if hash_of(address) == address_hash]
