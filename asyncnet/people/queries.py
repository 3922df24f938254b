"""Finds whom a browser is known as."""

from datetime import datetime
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from asyncnet.people.model import BrowserSession
from asyncnet.people.rules import session_is_over


class UnknownBrowser(Exception):
    """The key opens nothing: never given out, signed out, or too old."""


def organizer_session(session: Session, key: str, *, now: datetime) -> BrowserSession:
    """Return the living sign-in behind a key, its person loaded. Raises UnknownBrowser."""
    found = _living(session, key)
    if found.person_id is None or session_is_over(
        created_at=found.created_at, seen_at=found.seen_at, now=now
    ):
        raise UnknownBrowser
    return found


def participant_session(session: Session, key: str) -> BrowserSession:
    """Return what a personal link opened in this browser. Raises UnknownBrowser."""
    found = _living(session, key)
    if found.participant_id is None:
        raise UnknownBrowser
    return found


def _living(session: Session, key: str) -> BrowserSession:
    found = session.scalar(
        select(BrowserSession)
        .where(
            BrowserSession.key_hash == sha256(key.encode()).digest(),
            BrowserSession.ended_at.is_(None),
        )
        .options(joinedload(BrowserSession.person))
    )
    if found is None:
        raise UnknownBrowser
    return found
