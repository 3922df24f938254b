"""Takes what somebody records for their match, and sends it on once it can be played."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.audit.actions import SYSTEM, Actor, record
from asyncnet.database import NotFound
from asyncnet.events.model import Consent, Participant
from asyncnet.followups.actions.replying import Closed, plan_mail
from asyncnet.followups.model import Reply
from asyncnet.followups.queries import (
    contacts_in,
    locked_match,
    unsent_recordings,
    wants_no_more,
)
from asyncnet.intros.actions import uploading
from asyncnet.intros.actions.withdrawing import end, lock
from asyncnet.intros.model import UNDER_WAY, Intro, IntroKind, IntroState
from asyncnet.intros.queries import intro_of
from asyncnet.intros.rules import Limits

PURPOSE = "recorded_reply"
CONSENT_VERSION = "2026-12"
"""The version of the words beside the recorder on the page of two."""


def begin(
    session: Session,
    author: Participant,
    match_id: int,
    *,
    kind: IntroKind,
    size: int,
    content_type: str,
    limits: Limits,
    actor: Actor,
    now: datetime,
) -> Intro:
    """Open an upload of a recorded reply; that they send it is their consent to the words
    beside the button. Raises NotFound, Closed, and NotAllowed."""
    match = locked_match(session, author.id, match_id)
    if wants_no_more(session, match.id):
        raise Closed
    begun = uploading.begin(
        session,
        author,
        kind=kind,
        match_id=match.id,
        size=size,
        content_type=content_type,
        limits=limits,
        actor=actor,
        now=now,
    )
    agreed = select(Consent.id).where(
        Consent.participant_id == author.id,
        Consent.purpose == PURPOSE,
        Consent.text_version == CONSENT_VERSION,
    )
    if session.scalar(agreed.limit(1)) is None:
        session.add(
            Consent(
                participant_id=author.id,
                purpose=PURPOSE,
                text_version=CONSENT_VERSION,
                given_at=now,
            )
        )
    return begun


def withdraw(
    session: Session,
    author: Participant,
    match_id: int,
    recording_id: int,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Take back one recorded reply, sent or not; storage is cleared next. Raises NotFound."""
    lock(session, author.id)
    recording = intro_of(session, author.id, recording_id, match_id=match_id)
    states = (*UNDER_WAY, IntroState.READY, IntroState.REJECTED)
    among = Intro.id == recording.id
    if end(session, author.id, states, IntroState.WITHDRAWN, among=among, now=now):
        record(session, actor, "recording.withdrawn", f"intro:{recording.id}", now=now)


def send_ready(session: Session, *, now: datetime) -> int:
    """Send on every recorded reply that can be played by now; return how many there were.

    However often and in however many workers this runs, each is sent once. One in a closed
    conversation waits until that is open again.
    """
    sent = 0
    for recording in unsent_recordings(session):
        author, match_id = recording.participant, recording.match_id
        if match_id is None or author.left_at is not None:
            continue
        try:
            match = locked_match(session, author.id, match_id)
        except NotFound:
            continue
        session.refresh(recording, with_for_update=True)
        gone = session.scalar(select(Reply.id).where(Reply.recording_id == recording.id))
        if gone or recording.state is not IntroState.READY or wants_no_more(session, match.id):
            continue
        reply = Reply(
            match_id=match.id,
            author_id=author.id,
            words="",
            recording_id=recording.id,
            contact=contacts_in(session, match.id).get(author.id),
            form_key=f"recording:{recording.id}",
            created_at=now,
        )
        session.add(reply)
        session.flush()
        plan_mail(session, reply, match.other(author.id), now=now)
        record(session, SYSTEM, "match.replied", f"match:{match.id}", now=now)
        sent += 1
    return sent
