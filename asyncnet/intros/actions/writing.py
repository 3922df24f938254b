"""Takes what a participant writes: an intro in words, and a question for their matches."""

import secrets
from datetime import datetime

from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.events.model import Participant
from asyncnet.intros import queries
from asyncnet.intros.actions.uploading import check_consent, check_may_begin
from asyncnet.intros.actions.withdrawing import end, lock
from asyncnet.intros.model import UNDER_WAY, Intro, IntroKind, IntroState


def write(
    session: Session, participant: Participant, words: str, *, actor: Actor, now: datetime
) -> None:
    """Make `words` the participant's intro, at once and in place of any other.

    The same words sent twice are one intro (CHECKLIST F8). Raises NotAllowed.
    """
    lock(session, participant.id)
    check_consent(session, participant.id)
    check_may_begin(session, participant.id, now=now)
    shown = queries.ready_of(session, participant.id)
    if shown is not None and shown.kind is IntroKind.TEXT and shown.words == words:
        return
    end(
        session,
        participant.id,
        (*UNDER_WAY, IntroState.READY),
        IntroState.REPLACED,
        now=now,
    )
    intro = Intro(
        participant_id=participant.id,
        kind=IntroKind.TEXT,
        state=IntroState.READY,
        upload_key=f"uploads/{secrets.token_hex(16)}",  # every row has one; nothing is sent there
        words=words,
        bytes_announced=0,
        created_at=now,
        ready_at=now,
    )
    session.add(intro)
    session.flush()
    record(session, actor, "intro.written", f"intro:{intro.id}", now=now)


def ask_matches(
    session: Session, participant: Participant, question: str, *, actor: Actor, now: datetime
) -> None:
    """Keep what a participant asks each of their matches; empty for nothing."""
    participant.own_question = question
    record(session, actor, "question.own", f"participant:{participant.id}", now=now)
