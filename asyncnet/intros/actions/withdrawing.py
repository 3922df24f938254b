"""Ends intros: taken back, replaced, or their owner has left."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, select, true, update
from sqlalchemy.orm import Session

from asyncnet.audit.actions import SYSTEM, Actor, record
from asyncnet.database import wake
from asyncnet.events.model import Consent, Participant
from asyncnet.intros import queries
from asyncnet.intros.model import PROPER, UNDER_WAY, Captions, Intro, IntroState


def withdraw(
    session: Session,
    participant: Participant,
    *,
    among: ColumnElement[bool] = PROPER,
    actor: Actor,
    now: datetime,
) -> None:
    """Take back every intro of a participant and the consent to it; storage is cleared next.

    The replies that they recorded stay, unless these are `among` what is taken back.
    """
    lock(session, participant.id)
    ended = end(
        session,
        participant.id,
        (*UNDER_WAY, IntroState.READY, IntroState.REJECTED),
        IntroState.WITHDRAWN,
        among=among,
        now=now,
    )
    consents = session.execute(
        update(Consent)
        .where(
            Consent.participant_id == participant.id,
            Consent.purpose == queries.CONSENT_PURPOSE,
            Consent.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=now)
        .returning(Consent.id)
    ).all()
    if ended or consents:
        record(session, actor, "intro.withdrawn", f"participant:{participant.id}", now=now)


def withdraw_departed(session: Session, *, now: datetime) -> None:
    """Withdraw the intros, and the recorded replies, of people who left their event."""
    open_states = (*UNDER_WAY, IntroState.READY)
    gone = session.scalars(
        select(Participant)
        .where(
            Participant.id.in_(select(Intro.participant_id).where(Intro.state.in_(open_states))),
            Participant.left_at.is_not(None),
        )
        .limit(100)
    ).all()
    for participant in gone:
        withdraw(session, participant, among=true(), actor=SYSTEM, now=now)


def end(
    session: Session,
    participant_id: int,
    states: Sequence[IntroState],
    end: IntroState,
    *,
    among: ColumnElement[bool] = PROPER,
    now: datetime,
    before_id: int | None = None,
) -> bool:
    """Move a participant's intros in these states to `end`; return whether there was any.

    Their claims are lost, their captions go at once, and a worker clears storage after them.
    """
    wanted = [Intro.participant_id == participant_id, Intro.state.in_(states), among]
    if before_id is not None:
        wanted.append(Intro.id < before_id)
    ended = session.execute(
        update(Intro)
        .where(*wanted)
        .values(state=end, step=None, wake_at=now, attempts=Intro.attempts + 1)
        .returning(Intro.id)
    ).all()
    if ended:
        gone = [row.id for row in ended]
        session.execute(delete(Captions).where(Captions.intro_id.in_(gone)))
        wake_worker(session)
    return bool(ended)


def lock(session: Session, participant_id: int) -> None:
    """Let one request at a time change a participant's intros (CHECKLIST A6)."""
    session.execute(
        select(Participant.id).where(Participant.id == participant_id).with_for_update()
    )


def wake_worker(session: Session) -> None:
    wake(session, "video")
