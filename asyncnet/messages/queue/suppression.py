"""Addresses that take no mail any more, known by their hash alone."""

from collections.abc import Collection
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.messages.model import BouncingAddress, Message
from asyncnet.messages.queue.history import cancel

SUPPRESSED = "Mail to this address came back, so no more is sent to it."
LOOKED_UP_AT_ONCE = 500
_IS_SUPPRESSED = BouncingAddress.suppressed_at.is_not(None)


def suppress(session: Session, address: str, *, now: datetime) -> int:
    """Cancel every mail that still waits to go to an address; return how many."""
    return cancel(session, Message.to_address == address, SUPPRESSED, now)


def is_suppressed(session: Session, address: str) -> bool:
    """Return whether an address takes no mail any more."""
    return address in suppressed_of(session, {address})


def suppressed_of(session: Session, addresses: Collection[str]) -> set[str]:
    by_hash = {hash_of(address): address for address in addresses}
    if len(by_hash) > LOOKED_UP_AT_ONCE:
        known = session.scalars(select(BouncingAddress.address_hash).where(_IS_SUPPRESSED))
    else:
        known = session.scalars(
            select(BouncingAddress.address_hash).where(
                BouncingAddress.address_hash.in_(by_hash), _IS_SUPPRESSED
            )
        )
    return {by_hash[found] for found in known if found in by_hash}


def hash_of(address: str) -> bytes:
    """Return what is kept of an address that bounces."""
    return sha256(address.lower().encode()).digest()
