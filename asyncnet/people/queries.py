"""Finds whom a browser is known as."""

from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, contains_eager

from asyncnet.people.model import BrowserSession
from asyncnet.people.rules import hash_of, session_is_over

_LIVING = (
    select(BrowserSession)
    .join(BrowserSession.person)
    .where(BrowserSession.key_hash == bindparam("key_hash"), BrowserSession.ended_at.is_(None))
    .options(contains_eager(BrowserSession.person))
)


class UnknownBrowser(Exception):
    """The key opens nothing: never given out, signed out, or too old."""


def organizer_session(session: Session, key: str, *, now: datetime) -> BrowserSession:
    """Return the living sign-in behind a key, its person loaded. Raises UnknownBrowser."""
    found = session.scalar(_LIVING, {"key_hash": hash_of(key)})
    if found is None or session_is_over(
        created_at=found.created_at, seen_at=found.seen_at, now=now
    ):
        raise UnknownBrowser
    return found
