"""Adds to the audit log, in the transaction of the act itself."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from asyncnet.audit.model import AuditEntry


@dataclass(frozen=True)
class Actor:
    """Who acts: a kind with an id (`organizer:3`), and the IP address they come from."""

    name: str
    address: str = ""


SYSTEM = Actor("system")


def record(
    session: Session, actor: Actor, action: str, thing: str, *, now: datetime, detail: str = ""
) -> None:
    """Add one entry; it is kept or lost together with the change that it tells of.

    `detail` stays one line of printable characters, whatever it is given (V 16.4.1).
    """
    session.add(
        AuditEntry(
            at=now,
            actor=actor.name,
            action=action,
            object=thing,
            address=actor.address,
            detail="".join(c if c.isprintable() else " " for c in detail)[:300],
        )
    )
