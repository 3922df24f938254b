"""Takes people in, changes what is known of them, lets them leave."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.database import lock, wake
from asyncnet.events.actions.linking import MailedLately, end_links, send_personal_link
from asyncnet.events.actions.refreshing import refresh_pages
from asyncnet.events.actions.replanning import replan_follow_ups
from asyncnet.events.model import (
    Consent,
    Participant,
)
from asyncnet.events.rules import (
    CONSENT_VERSION,
    Attendance,
)
from asyncnet.messages.queue import (
    cancel_for,
    readdress,
)


class AlreadyRegistered(Exception):
    """Somebody with this address takes part in the event already."""


@dataclass(frozen=True)
class Profile:
    """What a participant says of themselves; `email` is a normal address."""

    name: str
    email: str
    zone: str
    attendance: Attendance
    greeting: str = ""
    wishes: str = ""


def register(
    session: Session, event_id: int, said: Profile, *, consent: bool, actor: Actor, now: datetime
) -> Participant:
    """Add a participant and plan the mail with their personal link.

    `consent` is true when they agreed to the registration's words themselves. Raises
    AlreadyRegistered; somebody who left before is taken back in, but only by an organizer.
    """
    lock(session, f"registering:{event_id}")
    participant = session.scalar(
        select(Participant).where(Participant.event_id == event_id, Participant.email == said.email)
    )
    if participant is not None and (consent or participant.left_at is None):
        raise AlreadyRegistered
    if participant is None:
        participant = Participant(event_id=event_id, email=said.email, registered_at=now)
        session.add(participant)
    participant.left_at = None
    describe(participant, said)
    session.flush()
    if consent:
        session.add(
            Consent(
                participant_id=participant.id,
                purpose="registration",
                text_version=CONSENT_VERSION,
                given_at=now,
            )
        )
    with suppress(MailedLately):
        send_personal_link(session, participant, asked_for=consent, now=now)
    record(session, actor, "participant.registered", f"participant:{participant.id}", now=now)
    return participant


def change_participant(
    session: Session, participant: Participant, said: Profile, *, actor: Actor, now: datetime
) -> None:
    """Change what is known of a participant; mails that wait follow them.

    Another address ends every link that the former one was sent, and gets a new one.
    Raises AlreadyRegistered for a taken address.
    """
    readdressed = participant.email != said.email
    participant.email = said.email
    describe(participant, said)
    try:
        session.flush()
    except IntegrityError as error:
        raise AlreadyRegistered from error
    if readdressed:
        end_links(session, participant, now=now)
        with suppress(MailedLately):
            send_personal_link(session, participant, now=now)
    readdress(session, participant.id, address=said.email, name=said.name, now=now)
    replan_follow_ups(session, participant.event, reader=participant, now=now)
    refresh_pages(session, participant.event_id)
    record(session, actor, "participant.changed", f"participant:{participant.id}", now=now)


def remove_participant(
    session: Session, participant: Participant, *, actor: Actor, now: datetime
) -> None:
    """Let a participant leave: their links, pages and mails end at once."""
    participant.left_at = now
    cancel_for(session, participant.id, why="They no longer take part.", now=now)
    end_links(session, participant, now=now)
    refresh_pages(session, participant.event_id)
    wake(session, "video")
    record(session, actor, "participant.removed", f"participant:{participant.id}", now=now)


def describe(participant: Participant, said: Profile) -> None:
    participant.name = said.name
    participant.zone = said.zone
    participant.attendance = said.attendance
    participant.greeting = said.greeting
    participant.wishes = said.wishes
