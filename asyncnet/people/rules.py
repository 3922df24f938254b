"""Who may organize here, and how long a sign-in lasts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

SIGN_IN_LINK_LIVES = timedelta(minutes=10)
"""V 6.5.5 (CHECKLIST S5)."""
SIGN_IN_MAILS = 3
SIGN_IN_MAILS_WITHIN = timedelta(hours=6)
"""At most so many sign-in mails to one address (CHECKLIST S4)."""
SESSION_IDLE = timedelta(days=14)
SESSION_LIVES = timedelta(days=30)
"""An organizer signs in again after so long without, or with, visits (CHECKLIST S11)."""


def hash_of(token: str) -> bytes:
    """Return the SHA-256 under which a random token is kept (CHECKLIST S5)."""
    return sha256(token.encode()).digest()


def may_organize(email: str, allowed: Sequence[str]) -> bool:
    """Return whether the installation lets this address make events.

    `allowed` holds addresses, `@domains`, or `*`; all in lower case, like `email`.
    """
    return "*" in allowed or email in allowed or f"@{email.partition('@')[2]}" in allowed


def session_is_over(*, created_at: datetime, seen_at: datetime, now: datetime) -> bool:
    """Return whether a sign-in has reached its idle or its absolute limit."""
    return now - seen_at > SESSION_IDLE or now - created_at > SESSION_LIVES
