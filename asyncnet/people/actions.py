"""Signs organizers in and out, and remembers which browser is whose."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.database import lock
from asyncnet.messages.queue import Planned, plan
from asyncnet.messages.rules import MessageKind
from asyncnet.people.model import BrowserSession, Person, SignInLink
from asyncnet.people.rules import (
    SIGN_IN_LINK_LIVES,
    SIGN_IN_MAILS,
    SIGN_IN_MAILS_WITHIN,
    hash_of,
)


class LinkUsedUp(Exception):
    """The sign-in link is unknown, used, replaced by a newer one, or too old."""


def request_sign_in(
    session: Session, email: str, *, welcome: bool, actor: Actor, now: datetime
) -> None:
    """Plan a mail with a one-time link, unless this address was sent enough of them lately.

    Who is not welcome here gets a link that has ended before it began, and no mail; the same
    rows are written for everybody, so nobody can tell by the time it takes (CHECKLIST S3).
    """
    lock(session, f"sign-in:{email}")
    recent = session.scalar(
        select(func.count())
        .select_from(SignInLink)
        .where(
            SignInLink.email == email,
            SignInLink.requested_at > now - SIGN_IN_MAILS_WITHIN,
            SignInLink.used_at.is_distinct_from(SignInLink.requested_at),
        )
    )
    refused = not welcome or (recent or 0) >= SIGN_IN_MAILS
    link = SignInLink(
        email=email,
        requested_at=now,
        expires_at=now + timedelta(hours=1),
        used_at=now if refused else None,
    )
    session.add(link)
    session.flush()
    mail = Planned(
        key=f"sign-in:{link.id}",
        kind=MessageKind.SIGN_IN,
        subject_id=link.id,
        event_id=None,
        participant_id=None,
        to_address=email,
        to_name="",
        zone="UTC",
        due_at=now,
        expires_at=link.expires_at,
        asked_for=True,
    )
    plan(session, [mail], now=now)
    what = "sign_in.refused" if refused else "sign_in.requested"
    record(session, actor, what, f"sign_in_link:{link.id}", now=now)


def refuse_sign_in(session: Session, *, actor: Actor, now: datetime) -> None:
    """Note that somebody tried to sign in with a link that has ended."""
    record(session, actor, "sign_in.refused", "sign_in_link:0", now=now)


def new_token(link: SignInLink, *, now: datetime) -> str:
    """Return a fresh token for the mail that is being written; the link keeps its hash."""
    token = secrets.token_urlsafe(32)
    link.token_hash = hash_of(token)
    link.expires_at = now + SIGN_IN_LINK_LIVES
    return token


def sign_in(session: Session, token: str, *, address: str, now: datetime) -> tuple[Person, str]:
    """Use a sign-in link up; return its person and the key of a new browser session.

    The account's other links die with it. Raises LinkUsedUp.
    """
    email = session.scalar(
        update(SignInLink)
        .where(
            SignInLink.token_hash == hash_of(token),
            SignInLink.used_at.is_(None),
            SignInLink.expires_at > now,
        )
        .values(used_at=now)
        .returning(SignInLink.email)
    )
    if email is None:
        raise LinkUsedUp
    session.execute(
        update(SignInLink)
        .where(SignInLink.email == email, SignInLink.used_at.is_(None))
        .values(used_at=now)
    )
    person = session.scalar(select(Person).where(Person.email == email))
    if person is None:
        person = Person(email=email, created_at=now)
        session.add(person)
        session.flush()
    key = _remember(session, now=now, person_id=person.id)
    record(
        session, Actor(f"person:{person.id}", address), "signed_in", f"person:{person.id}", now=now
    )
    return person, key


def remember_participant(
    session: Session, participant_id: int, link_version: int, *, actor: Actor, now: datetime
) -> str:
    """Let one browser open a participant's pages; return the key that it keeps."""
    key = _remember(session, now=now, participant_id=participant_id, link_version=link_version)
    record(session, actor, "personal_link.opened", f"participant:{participant_id}", now=now)
    return key


def forget_browser(session: Session, key: str, *, actor: Actor, now: datetime) -> None:
    """End what a key opens; a copy of the cookie is worthless from now on."""
    found = session.scalar(
        update(BrowserSession)
        .where(BrowserSession.key_hash == hash_of(key), BrowserSession.ended_at.is_(None))
        .values(ended_at=now)
        .returning(BrowserSession.id)
    )
    if found is not None:
        record(session, actor, "signed_out", f"browser_session:{found}", now=now)


def _remember(
    session: Session,
    *,
    now: datetime,
    person_id: int | None = None,
    participant_id: int | None = None,
    link_version: int = 0,
) -> str:
    key = secrets.token_urlsafe(32)
    session.add(
        BrowserSession(
            key_hash=hash_of(key),
            person_id=person_id,
            participant_id=participant_id,
            link_version=link_version,
            created_at=now,
            seen_at=now,
        )
    )
    return key
