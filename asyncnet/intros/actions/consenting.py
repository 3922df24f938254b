"""Keeps what somebody agreed to."""

from datetime import datetime

from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.events.model import Consent, Participant
from asyncnet.intros import queries
from asyncnet.intros.actions.withdrawing import lock

CONSENT_VERSION = "2026-12"
"""The version of the words beside the consent box of the intro."""


def give_consent(
    session: Session, participant: Participant, *, actor: Actor, now: datetime
) -> None:
    """Keep that a participant agreed to the words shown now (CHECKLIST D1); once is enough."""
    lock(session, participant.id)
    if queries.consent_of(session, participant.id, CONSENT_VERSION):
        return
    session.add(
        Consent(
            participant_id=participant.id,
            purpose=queries.CONSENT_PURPOSE,
            text_version=CONSENT_VERSION,
            given_at=now,
        )
    )
    record(
        session,
        actor,
        "intro.consented",
        f"participant:{participant.id}",
        now=now,
        detail=CONSENT_VERSION,
    )
