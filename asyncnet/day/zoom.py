"""What is to be looked at before breakout rooms are handed to Zoom."""

from collections.abc import Sequence

from asyncnet.database import db
from asyncnet.day.rules import preflight
from asyncnet.events.model import Participant
from asyncnet.messages.queue import bouncing
from asyncnet.wiring import settings


def problems_of(seats: Sequence[tuple[str, Participant]]) -> list[str]:
    """Return what Zoom, or the people themselves, will stumble over in these rooms."""
    return list(
        preflight(
            [(room, person.name, person.email) for room, person in seats],
            bouncing=bouncing(db.session(), {person.email for _, person in seats}),
            max_rooms=settings().zoom_rooms,
            max_people=settings().zoom_people,
        )
    )
