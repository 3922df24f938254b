"""Mails people a link to the page on which they stood without one."""

from contextlib import suppress
from datetime import datetime

from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.database import NotFound
from asyncnet.events import queries as events
from asyncnet.events.actions.linking import (
    MailedLately,
    refuse_if_mailed_lately,
    send_personal_link,
)
from asyncnet.events.model import Participant
from asyncnet.matches.queries import published_match
from asyncnet.messages.queue import Planned, plan
from asyncnet.messages.rules import MessageKind


def mail_way_back(
    session: Session, participant_id: int, match_id: int | None, *, actor: Actor, now: datetime
) -> None:
    """Plan a mail to a participant that leads back to their page, or to that of one match.

    Nothing is mailed where there is no such page, nor more often than links are mailed at all;
    whoever asks is not told which (CHECKLIST S3).
    """
    found = 0
    with suppress(NotFound, MailedLately):
        participant = events.participant(session, participant_id)
        if now >= participant.event.removed_at:
            raise NotFound
        if match_id is None:
            found = participant.id
            send_personal_link(session, participant, asked_for=True, now=now)
        else:
            published_match(session, participant.id, match_id)
            found = participant.id
            _send(session, participant, match_id, now=now)
    record(session, actor, "personal_link.asked", f"participant:{found}", now=now)


def _send(session: Session, participant: Participant, match_id: int, *, now: datetime) -> None:
    refuse_if_mailed_lately(session, participant, now=now)
    mail = Planned.to(
        participant,
        MessageKind.WAY_BACK,
        key=f"way-back:{participant.id}:{match_id}:{participant.link_version}:{now:%Y%m%d%H%M%S}",
        subject_id=match_id,
        due_at=now,
        asked_for=True,
    )
    plan(session, [mail], now=now)
