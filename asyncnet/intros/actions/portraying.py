"""Keeps and drops a participant's photo. Bytes are the caller's: stored before, removed after."""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.events.actions.refreshing import refresh_pages
from asyncnet.events.model import Participant
from asyncnet.intros.actions.withdrawing import lock
from asyncnet.intros.model import Photo


def keep_photo(
    session: Session, participant_id: int, key: str, *, actor: Actor, now: datetime
) -> str | None:
    """Show what storage holds under `key`; return the key of the picture before it, if any."""
    lock(session, participant_id)
    former = drop_photo(session, participant_id)
    session.add(Photo(participant_id=participant_id, key=key, created_at=now))
    if former:
        _refresh_pages(session, participant_id)
    record(session, actor, "photo.kept", f"participant:{participant_id}", now=now)
    return former


def remove_photo(
    session: Session, participant_id: int, *, actor: Actor, now: datetime
) -> str | None:
    """Stop showing a participant's picture; return its key, None when there was none."""
    former = drop_photo(session, participant_id)
    if former:
        _refresh_pages(session, participant_id)
        record(session, actor, "photo.removed", f"participant:{participant_id}", now=now)
    return former


def drop_photo(session: Session, participant_id: int) -> str | None:
    """Forget the row of a picture; return the key of what storage may now lose."""
    return session.scalar(
        delete(Photo).where(Photo.participant_id == participant_id).returning(Photo.key)
    )


def _refresh_pages(session: Session, participant_id: int) -> None:
    """Have no open page show a picture that is gone."""
    refresh_pages(session, session.get_one(Participant, participant_id).event_id)
