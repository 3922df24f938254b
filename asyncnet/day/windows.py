"""What the organizers see of an event without anybody live: its windows, one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from asyncnet.events.model import Event, Round
from asyncnet.followups.windows.queries import Viewing, viewings_in


class Openness(StrEnum):
    """Whether people can watch and write in a window by now."""

    COMING = "coming"
    OPEN = "open"
    OVER = "over"


@dataclass(frozen=True)
class Window:
    """One round of the event. It opens and closes for each person by their own clock.

    `opens_at` is when it opens for the first of them, `closes_at` when it closes for the last.
    """

    number: int
    opens_at: datetime
    closes_at: datetime
    openness: Openness
    matches: int
    viewings: int
    """Twice as many as matches: each of the two watches and answers."""
    answered: int


def windows_of(session: Session, event: Event, now: datetime) -> list[Window]:
    """Return the windows of an event by number, in two queries."""
    viewings = viewings_in(session, event.id)
    return [
        _window(slot, [one for one in viewings if one.match.round_id == slot.id], now)
        for slot in event.rounds
    ]


def _window(slot: Round, viewings: Sequence[Viewing], now: datetime) -> Window:
    opens_at = min((one.window.starts_at for one in viewings), default=slot.starts_at)
    closes_at = max((one.window.ends_at for one in viewings), default=slot.ends_at)
    openness = (
        Openness.COMING if now < opens_at else Openness.OPEN if now < closes_at else Openness.OVER
    )
    return Window(
        number=slot.number,
        opens_at=opens_at,
        closes_at=closes_at,
        openness=openness,
        matches=len(viewings) // 2,
        viewings=len(viewings),
        answered=sum(one.answered for one in viewings),
    )
