"""What organizers and delivery reports say of one message."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.messages.model import Message
from asyncnet.messages.queue.history import REPORT, UNSETTLED, locked, move, set_due
from asyncnet.messages.queue.suppression import is_suppressed
from asyncnet.messages.rules import MAY, Act, MessageState


class Stale(Exception):
    """The message is not as it was when this was decided."""


class BeingSent(Stale):
    """A worker is sending the message right now."""


class TakesNoMail(Exception):
    """Mail to this address came back, so none is sent there any more."""


class UnknownReference(Exception):
    """No message has this reference (any more)."""


def act(
    session: Session, message_id: int, wish: Act, *, version: int, actor: str, now: datetime
) -> Message:
    """Do what an organizer decided when they saw `version`; return the message.

    Raises BeingSent while a worker has it, Stale when it has changed since, and TakesNoMail
    when it would go to an address from which mail came back.
    """
    message = locked(session, message_id)
    allowed, state = MAY[wish]
    if message.state is MessageState.SENDING:
        raise BeingSent
    if message.version != version or message.state not in allowed:
        raise Stale
    if state is MessageState.SCHEDULED and is_suppressed(session, message.to_address):
        raise TakesNoMail
    if wish in {Act.SEND_NOW, Act.SEND_AGAIN}:
        set_due(message, now, message.zone)
    if wish is Act.ARRIVED:
        message.sent_at = message.sent_at or now
    move(session, message, state, actor=actor, note=_DONE[wish], now=now)
    return message


_DONE = {
    Act.HOLD: "Held back.",
    Act.CANCEL: "Cancelled.",
    Act.RELEASE: "Let go again.",
    Act.SEND_NOW: "To be sent now.",
    Act.SEND_AGAIN: "To be sent again.",
    Act.ARRIVED: "It arrived, they say.",
}


def learn(
    session: Session, reference: str, state: MessageState, *, note: str, now: datetime
) -> tuple[Message, bool]:
    """Write down what a delivery report says of a message that went out, or maybe did.

    Returns the message, and whether this was news. Raises UnknownReference.
    """
    message = session.scalar(
        select(Message)
        .where(Message.reference == reference)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if message is None:
        raise UnknownReference(reference)
    news = message.state in {*UNSETTLED, MessageState.SENT} and message.state is not state
    if news:
        message.sent_at = message.sent_at or now
        move(session, message, state, actor=REPORT, note=note, now=now)
    return message, news
