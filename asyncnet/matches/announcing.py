"""Tells people that their rounds are published, or have changed since."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from asyncnet.events.model import Event, Participant
from asyncnet.messages.queue import Planned, cancel_kind, plan, untold
from asyncnet.messages.rules import MessageKind, next_daylight
from asyncnet.zones import zone_named


def announce(
    session: Session,
    event: Event,
    readers: Iterable[Participant],
    *,
    cause: str,
    plan_id: int = 0,
    now: datetime,
) -> None:
    """Plan one mail for each of these people; one that still waits says it no more.

    Whom the mail about their rounds has not reached yet gets no other: it tells what is so when
    it goes out, and a change would be of something that they never read.

    It goes by daylight, but at once where the event begins before their next morning or is under
    way. `cause` makes its key: the same change is told once. `plan_id` is the plan that says
    which rounds have changed, 0 where none does.
    """
    people = list({reader.id: reader for reader in readers}.values())
    cancel_kind(
        session,
        event.id,
        MessageKind.PLAN_CHANGE,
        [reader.id for reader in people],
        why="A later change says it all.",
        now=now,
    )
    unread = untold(session, event.id, MessageKind.ROUNDS_READY, [reader.id for reader in people])
    plan(
        session,
        [
            Planned.to(
                reader,
                MessageKind.PLAN_CHANGE,
                key=f"plan-change:{cause}:{reader.id}",
                subject_id=plan_id,
                due_at=_due_at(event, reader, now),
                expires_at=event.ends_at,
            )
            for reader in people
            if reader.id not in unread
        ],
        now=now,
    )


def present(
    session: Session, event: Event, readers: Iterable[Participant], *, now: datetime
) -> None:
    """Plan one mail for each of these people that says whom they meet; nobody is told twice.

    It goes when a change would.
    """
    plan(
        session,
        [
            Planned.to(
                reader,
                MessageKind.ROUNDS_READY,
                key=f"rounds-ready:{event.id}:{reader.id}",
                subject_id=event.id,
                due_at=_due_at(event, reader, now),
                expires_at=event.ends_at,
            )
            for reader in readers
        ],
        now=now,
    )


def _due_at(event: Event, reader: Participant, now: datetime) -> datetime:
    morning = next_daylight(zone_named(reader.zone), now)
    return morning if morning < event.starts_at else now
