"""Plans the mails about intros: it is ready, it cannot be used, it has not been begun."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.events.model import Event, Participant
from asyncnet.intros.model import Intro
from asyncnet.intros.rules import nudge_at
from asyncnet.messages.queue import Planned, plan
from asyncnet.messages.rules import MessageKind
from asyncnet.zones import zone_named


class TooLate(Exception):
    """The event is over, so nobody is asked for an intro any more."""


def tell(session: Session, intros: Sequence[Intro], kind: MessageKind, *, now: datetime) -> None:
    """Plan the mail that says what became of each intro, once for each kind of intro it was."""
    mails = [
        Planned.to(
            intro.participant,
            kind,
            key=f"{kind}:{intro.id}:{intro.kind}",
            subject_id=intro.id,
            due_at=now,
        )
        for intro in intros
    ]
    plan(session, mails, now=now)


def nudge_to(person: Participant, event: Event, *, now: datetime) -> Planned:
    """Return the reminder that goes to this person at their next humane hour, one a day."""
    due_at, day = nudge_at(zone_named(person.zone), now)
    return Planned.to(
        person,
        MessageKind.INTRO_NUDGE,
        key=f"{MessageKind.INTRO_NUDGE}:{person.id}:{day}",
        subject_id=person.id,
        due_at=due_at,
        expires_at=event.ends_at,
    )


def nudge(
    session: Session,
    event: Event,
    people: Sequence[Participant],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Plan a reminder for each of these people, at a humane hour of their own.

    At most one a day and person: asking again changes nothing. Raises TooLate.
    """
    if now >= event.ends_at:
        raise TooLate
    plan(session, [nudge_to(person, event, now=now) for person in people], now=now)
    if people:
        count = f"{len(people)} people"
        record(session, actor, "intro.nudged", f"event:{event.id}", now=now, detail=count)
