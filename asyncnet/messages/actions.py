"""What organizers decide about a message, with its entry in the audit log."""

from datetime import datetime

from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.messages import queue
from asyncnet.messages.model import Message
from asyncnet.messages.rules import Act


def decide(
    session: Session, message_id: int, wish: Act, *, version: int, actor: Actor, now: datetime
) -> Message:
    """Do what an organizer decided when they saw `version` of a message; return it.

    Raises BeingSent while a worker has it, Stale when it has changed since, and TakesNoMail
    when it would go to an address from which mail came back.
    """
    message = queue.act(session, message_id, wish, version=version, actor=actor.name, now=now)
    record(session, actor, f"message.{wish}", f"message:{message_id}", now=now)
    return message
