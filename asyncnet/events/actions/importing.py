"""Adds people from a list, once an organizer has looked at it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.database import lock
from asyncnet.events.actions.linking import link_mail
from asyncnet.events.actions.mentioning import keep_everybodys_mentions, learn_words
from asyncnet.events.actions.registering import Profile, describe, mode_of
from asyncnet.events.model import (
    Import,
    Participant,
)
from asyncnet.events.queries import import_of
from asyncnet.events.roster import Entry
from asyncnet.events.rules import Attendance, Kinds
from asyncnet.messages.queue import (
    plan,
)


class ImportGone(Exception):
    """The list was added already."""


def keep_import(
    session: Session,
    event_id: int,
    person_id: int,
    entries: Sequence[Entry],
    *,
    actor: Actor,
    now: datetime,
) -> Import:
    """Keep a checked list until the organizer agrees to it; it replaces an older one."""
    session.execute(delete(Import).where(Import.event_id == event_id, Import.applied_at.is_(None)))
    kept = Import(
        event_id=event_id,
        person_id=person_id,
        created_at=now,
        rows=[entry.as_row() for entry in entries],
    )
    session.add(kept)
    session.flush()
    record(session, actor, "import.checked", f"event:{event_id}", now=now)
    return kept


def apply_import(
    session: Session, event_id: int, import_id: int, *, actor: Actor, now: datetime
) -> int:
    """Add everybody on a kept list, or nobody; return how many were added.

    Whoever registered meanwhile is left as they are; whoever left is taken back in. Raises
    NotFound, and ImportGone when it was added before.
    """
    rows = session.scalar(
        update(Import)
        .where(Import.id == import_id, Import.event_id == event_id, Import.applied_at.is_(None))
        .values(applied_at=now)
        .returning(Import.rows)
    )
    if rows is None:
        import_of(session, event_id, import_id)
        raise ImportGone
    lock(session, f"registering:{event_id}")
    known = {
        participant.email: participant
        for participant in session.scalars(
            select(Participant).where(Participant.event_id == event_id)
        )
    }
    mode = mode_of(session, event_id)
    added: list[tuple[Participant, Profile]] = []
    for row in rows:
        said = Profile(
            **row
            | {
                "attendance": Attendance(row["attendance"]),
                "across": Kinds.of(row.get("across")),
            }
        )
        participant = known.get(said.email)
        if participant is None:
            participant = Participant(event_id=event_id, email=said.email, registered_at=now)
        elif participant.left_at is None:
            continue
        participant.left_at = None
        describe(participant, said, mode)
        added.append((participant, said))
    session.add_all(participant for participant, _ in added)
    session.flush()
    learn_words(session, event_id, (word for _, said in added for word in said.words()))
    keep_everybodys_mentions(session, event_id, [(who, said.mentions()) for who, said in added])
    plan(session, [link_mail(participant, now) for participant, _ in added], now=now)
    record(
        session,
        actor,
        "participants.imported",
        f"event:{event_id}",
        now=now,
        detail=f"{len(added)} people",
    )
    session.execute(update(Import).where(Import.id == import_id).values(rows=[]))
    return len(added)
