"""Removes people on the promised day."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from asyncnet.audit.actions import SYSTEM, record
from asyncnet.events.model import (
    Event,
    Import,
    Participant,
    Spelling,
)


def forget_people(session: Session, *, now: datetime) -> int:
    """Remove everybody of the events whose promised day has come; return how many people.

    With them go their consents, intros, matches, answers, mails and open pages, and the words
    they used for topics, skills, roles and communities; the files of their intros are orphans
    from then on, which the storage sweep removes. The event stays, and so does the audit log,
    which knows ids only (CHECKLIST D5).
    """
    due = [
        event.id
        for event in session.scalars(select(Event).where(Event.ends_at <= now))
        if event.removed_at <= now
    ]
    forgotten = session.scalars(
        delete(Participant).where(Participant.event_id.in_(due)).returning(Participant.event_id)
    ).all()
    session.execute(delete(Import).where(Import.event_id.in_(due)))
    session.execute(delete(Spelling).where(Spelling.event_id.in_(due)))
    for event_id in sorted(set(forgotten)):
        record(
            session,
            SYSTEM,
            "people.forgotten",
            f"event:{event_id}",
            now=now,
            detail=f"{forgotten.count(event_id)} people",
        )
    return len(forgotten)
