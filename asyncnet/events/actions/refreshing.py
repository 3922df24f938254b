"""Tells open pages that they no longer show what is so; they ask every few seconds.

Whatever changes rounds, matches or groups that people can see calls one of these.
"""

from collections.abc import Collection

from sqlalchemy import update
from sqlalchemy.orm import Session

from asyncnet.events.model import Event, Participant


def refresh_pages(session: Session, event_id: int) -> None:
    """Have every open page of an event look anew."""
    session.execute(
        update(Event).where(Event.id == event_id).values(clock_version=Event.clock_version + 1)
    )


def refresh_pages_of(session: Session, participant_ids: Collection[int]) -> None:
    """Have the open pages of a few participants look anew."""
    session.execute(
        update(Participant)
        .where(Participant.id.in_(participant_ids))
        .values(page_version=Participant.page_version + 1)
    )
