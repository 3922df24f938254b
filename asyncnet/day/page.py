"""What one participant's own page shows at a moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from asyncnet.day.leaves import Circle, Face, Own, Said, in_round
from asyncnet.day.model import ExitKind
from asyncnet.day.rules import CLOSING_PROMPT, break_prompt_of, icebreaker_of
from asyncnet.events.clock import Phase
from asyncnet.events.model import Event, Participant
from asyncnet.events.rules import Attendance, Slot
from asyncnet.followups.threads.queries import Standing, standings_of
from asyncnet.followups.windows.queries import in_vain
from asyncnet.intros import queries as intros
from asyncnet.intros.faces import addresses
from asyncnet.intros.model import Intro
from asyncnet.matches.rooms import tables
from asyncnet.web.now import Strip


@dataclass(frozen=True)
class Page:
    """A participant with their rounds as they are now.

    `event` is its row alone where the page was read with those of its neighbours; `said` is what
    everybody at the event said of leaving and the like. How threads stand and who waits in vain
    is read when a page asks for it, once.
    """

    session: Session
    reader: Participant | Face
    photo: str | None
    """The key of the reader's picture in storage."""
    event: Event | Row[Any]
    slots: Sequence[Slot]
    strip: Strip
    mine: Sequence[Own]
    circle: Circle | None
    said: Sequence[Said]
    removed_at: datetime

    @property
    def phase(self) -> Phase:
        return self.strip.now.phase

    @property
    def is_async(self) -> bool:
        """Whether the reader takes part in their own time."""
        return self.reader.attendance is Attendance.ASYNC

    @property
    def here(self) -> list[Own]:
        """Whom the reader meets in the round that is on."""
        return self.in_round(self.strip.now.round) if self.phase is Phase.ROUND else []

    @property
    def tables(self) -> list[list[Own]]:
        """Their conversations and viewings of the round that is on; a trio is one of them."""
        return tables(self.here)

    @property
    def next(self) -> list[Own]:
        """Whom they meet after the break that is on."""
        return self.in_round(self.strip.now.round) if self.phase is Phase.BREAK else []

    def in_round(self, number: int) -> list[Own]:
        """Return whom the reader meets in a round."""
        return in_round(self.mine, number)

    def window_of(self, own: Own) -> Slot:
        """Return when the round of one of their matches is."""
        return next(slot for slot in self.slots if slot.number == own.round)

    @cached_property
    def intro(self) -> Intro | None:
        """The newest intro of the reader."""
        return intros.newest_of(self.session, self.reader.id)

    @cached_property
    def is_watchable(self) -> bool:
        """Whether others can watch an intro of theirs."""
        return intros.ready_of(self.session, self.reader.id) is not None

    @cached_property
    def standings(self) -> dict[int, Standing]:
        """How the threads of their matches stand, by match id."""
        return standings_of(self.session, self.reader.id, [own.match_id for own in self.mine])

    @property
    def wrote(self) -> int:
        """How many of their matches wrote to them."""
        return sum(one.they_wrote_at is not None for one in self.standings.values())

    @property
    def letters(self) -> int:
        """How many letters their matches wrote to them in all."""
        return sum(one.letters for one in self.standings.values())

    @cached_property
    def silent(self) -> dict[int, int]:
        """Who of the two did not write, by the matches in which the other one waits in vain.

        Only where everybody takes part in their own time, and such a page is read alone.
        """
        if not isinstance(self.event, Event):
            return {}
        found = in_vain(self.session, self.event, self.strip.moment, of=self.reader.id)
        return {one.match.id: one.viewer.id for one in found}

    @cached_property
    def photos(self) -> Mapping[int, str]:
        """Addresses of the pictures of everybody on the page, by their id."""
        faces = [own.other for own in self.mine] + list(self.circle.members if self.circle else [])
        keys = {face.id: face.photo for face in faces if face.photo}
        return addresses({self.reader.id: self.photo, **keys} if self.photo else keys)

    @property
    def gone(self) -> set[int]:
        """Who had to leave."""
        return {one.participant_id for one in self.said if one.kind is ExitKind.LEAVING}

    @property
    def wait_for_me(self) -> set[int | None]:
        """In which matches somebody else says that their partner is not there."""
        return {
            one.match_id
            for one in self.said
            if one.kind is ExitKind.MISSING and one.participant_id != self.reader.id
        }

    @property
    def said_by_me(self) -> list[Said]:
        """What the reader said themselves, of a missing partner while that round lasts."""
        here = {own.match_id for own in self.here}
        return [
            one
            for one in self.said
            if one.participant_id == self.reader.id
            and (one.kind is not ExitKind.MISSING or one.match_id in here)
        ]

    def icebreaker_of(self, own: Own) -> str:
        """Return the prompt of the round of one of their matches."""
        return icebreaker_of(own.round, own.icebreaker)

    @property
    def break_prompt(self) -> str:
        return break_prompt_of(self.strip.now.round)

    @property
    def closing_prompt(self) -> str:
        return self.event.closing_prompt or CLOSING_PROMPT
