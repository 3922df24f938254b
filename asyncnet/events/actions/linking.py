"""Mails personal links, and ends them."""

from contextlib import suppress
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.database import lock
from asyncnet.events.model import (
    Participant,
)
from asyncnet.events.queries import registered_with
from asyncnet.events.rules import (
    LINK_MAIL_AGAIN,
    LINK_MAILS,
    LINK_MAILS_WITHIN,
)
from asyncnet.messages.model import Message
from asyncnet.messages.queue import (
    Planned,
    plan,
)
from asyncnet.messages.rules import MessageKind, MessageState
from asyncnet.people.model import BrowserSession


class MailedLately(Exception):
    """The personal link was mailed a moment ago, or often within a few hours."""


def withdraw_links(
    session: Session, participant: Participant, *, actor: Actor, now: datetime
) -> None:
    """End every personal link handed out so far, and every page opened with one."""
    end_links(session, participant, now=now)
    record(session, actor, "personal_link.withdrawn", f"participant:{participant.id}", now=now)


def send_personal_link(
    session: Session, participant: Participant, *, asked_for: bool = False, now: datetime
) -> None:
    """Plan a mail with the personal link. Raises MailedLately for a double click, or too many.

    One that its reader has just `asked_for` goes even to an address that takes no other mail.
    """
    refuse_if_mailed_lately(session, participant, now=now)
    plan(session, [link_mail(participant, now, asked_for=asked_for)], now=now)


def refuse_if_mailed_lately(session: Session, participant: Participant, *, now: datetime) -> None:
    """Raise MailedLately when no mail with a link of theirs, of whichever kind, may go now.

    Nobody else plans one before the transaction ends.
    """
    lock(session, f"personal-link:{participant.id}")
    recent = session.scalars(
        select(Message.created_at).where(
            Message.participant_id == participant.id,
            Message.kind.in_((MessageKind.PERSONAL_LINK, MessageKind.WAY_BACK)),
            Message.state != MessageState.CANCELLED,
            Message.created_at > now - LINK_MAILS_WITHIN,
        )
    ).all()
    if len(recent) >= LINK_MAILS or any(at > now - LINK_MAIL_AGAIN for at in recent):
        raise MailedLately


def link_mail(participant: Participant, now: datetime, *, asked_for: bool = False) -> Planned:
    return Planned.to(
        participant,
        MessageKind.PERSONAL_LINK,
        key=f"personal-link:{participant.id}:{participant.link_version}:{now:%Y%m%d%H%M%S}",
        subject_id=participant.id,
        due_at=now,
        asked_for=asked_for,
    )


def mail_link_again(
    session: Session, participant: Participant, *, actor: Actor, now: datetime
) -> None:
    """Plan one more mail with the personal link. Raises MailedLately."""
    send_personal_link(session, participant, now=now)
    record(session, actor, "personal_link.mailed", f"participant:{participant.id}", now=now)


def mail_links(session: Session, email: str, *, actor: Actor, now: datetime) -> None:
    """Plan mails with new personal links for every registration of an address, if any."""
    for participant in registered_with(session, email):
        with suppress(MailedLately):
            send_personal_link(session, participant, asked_for=True, now=now)
    record(session, actor, "personal_link.asked", "participant:0", now=now)


def remind(session: Session, event_id: int, email: str, *, actor: Actor, now: datetime) -> None:
    """Plan a mail with the link for somebody who registers for this event once more.

    Somebody whom the organizers took out gets none, and is not told so.
    """
    participant = session.scalars(
        select(Participant).where(Participant.event_id == event_id, Participant.email == email)
    ).one()
    if participant.left_at is None:
        with suppress(MailedLately):
            send_personal_link(session, participant, asked_for=True, now=now)
    record(session, actor, "personal_link.asked", f"participant:{participant.id}", now=now)


def end_links(session: Session, participant: Participant, *, now: datetime) -> None:
    participant.link_version += 1
    session.execute(
        update(BrowserSession)
        .where(BrowserSession.participant_id == participant.id, BrowserSession.ended_at.is_(None))
        .values(ended_at=now)
    )
