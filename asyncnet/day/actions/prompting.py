"""Keeps what people are asked to talk about, and how long the closing groups are."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.database import ChangedMeanwhile
from asyncnet.events.actions.closing import end_with_groups
from asyncnet.events.model import Event


def change_prompts(
    session: Session,
    event: Event,
    prompts: Mapping[int, str],
    *,
    closing_prompt: str,
    closing_minutes: int,
    version: int,
    actor: Actor,
    now: datetime,
) -> None:
    """Keep the prompts of the rounds, by number, and of the closing groups; empty ones are ours.

    The event ends when its groups do. Raises ChangedMeanwhile when somebody saved the event
    after `version` was shown.
    """
    found = session.scalar(
        update(Event)
        .where(Event.id == event.id, Event.version == version)
        .values(version=Event.version + 1, clock_version=Event.clock_version + 1)
        .returning(Event.id)
    )
    if found is None:
        raise ChangedMeanwhile
    session.refresh(event)
    for slot in event.rounds:
        slot.icebreaker = prompts.get(slot.number, slot.icebreaker)
    event.closing_prompt = closing_prompt
    end_with_groups(session, event, closing_minutes, now=now)
    record(session, actor, "prompts.changed", f"event:{event.id}", now=now)
