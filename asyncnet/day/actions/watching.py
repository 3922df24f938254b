"""Keeps who has their page open."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from asyncnet.database import UtcDateTime
from asyncnet.day.rules import NEWCOMERS_EVERY_SECONDS, PRESENCE_EVERY_SECONDS

_SEEN = text(
    "INSERT INTO presence (participant_id, event_id, match_id, seen_at)"
    " SELECT id, event_id, :match_id, :seen_at FROM participant WHERE id = :participant_id"
    " ON CONFLICT (participant_id) DO UPDATE"
    " SET match_id = excluded.match_id, seen_at = excluded.seen_at"
).bindparams(bindparam("seen_at", type_=UtcDateTime()))


@dataclass(frozen=True)
class Sighting:
    """When a participant's page last asked what is new, and which viewing it showed, if any."""

    seen_at: datetime
    match_id: int | None


class Sightings:
    """Whose pages this process saw since it last wrote them down.

    Hundreds of pages ask every few seconds; written down together now and then they cost one
    commit. What is not yet written when a process ends is asked again by the pages.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._seen: dict[int, Sighting] = {}
        self._written: set[int] = set()
        self._written_at = -PRESENCE_EVERY_SECONDS

    def add(self, participant_id: int, sighting: Sighting) -> None:
        """Keep that somebody's page asked."""
        with self._lock:
            self._seen[participant_id] = sighting

    def due(self) -> Mapping[int, Sighting]:
        """Return whom to write down now; nobody, while that was done a moment ago.

        Whoever came since is on the board sooner than whoever is there still.
        """
        with self._lock:
            newcomers = self._seen.keys() - self._written
            pause = NEWCOMERS_EVERY_SECONDS if newcomers else PRESENCE_EVERY_SECONDS
            if time.monotonic() - self._written_at < pause:
                return {}
            self._written_at = time.monotonic()
            due, self._seen = self._seen, {}
            self._written = set(due) | (self._written if newcomers else set())
            return due


def write_down(session: Session, seen: Mapping[int, Sighting]) -> None:
    """Keep when these participants' pages were last open, and on which viewing."""
    session.execute(
        _SEEN,
        [
            {
                "participant_id": participant_id,
                "match_id": seen[participant_id].match_id,
                "seen_at": seen[participant_id].seen_at,
            }
            for participant_id in sorted(seen)
        ],
    )
