"""What an event's clock says at a moment, and what becomes of it when an organizer turns it.

Without anybody turning it the rounds follow their schedule. A round that was left out has no
length; it is nobody's round any more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import median_low
from zoneinfo import ZoneInfo

from asyncnet.events.rules import Slot, window_of

REGRET = timedelta(minutes=15)
USUAL_LENGTH = timedelta(minutes=5)
USUAL_PAUSE = timedelta(minutes=2)


class Phase(StrEnum):
    """Which part of the event it is."""

    BEFORE = "before"
    ROUND = "round"
    BREAK = "break"
    CLOSING = "closing"
    """The closing groups talk."""
    AFTER = "after"


class CannotTurn(Exception):
    """The clock cannot be turned this way now; the message says why."""


@dataclass(frozen=True)
class Now:
    """What it is at a moment.

    `round` is the number of the round that is on, or else of the one that comes next; 0 when
    none does. `ends_at` is when this part ends if nobody turns the clock, None after the event.
    While the clock is paused, `left` is how long this part still goes on afterwards.
    """

    phase: Phase
    round: int
    ends_at: datetime | None
    left: timedelta
    paused: bool

    @property
    def is_between(self) -> bool:
        """True while a round comes next and none is on."""
        return self.phase in {Phase.BEFORE, Phase.BREAK}


def still_said(now: Now, notice: str, during: int | None) -> str:
    """Return what organizers tell everybody at a moment.

    It ends with the event, and before it with the round `during` which, or before which, they
    said it; None for what stands until it is taken away.
    """
    is_over = now.phase is Phase.AFTER or during not in {None, now.round}
    return "" if is_over else notice


@dataclass(frozen=True)
class Clock:
    """The rounds of an event, how long its closing groups talk, and since when it is paused.

    `closed_at` is when an organizer ended the closing groups; one before the rounds are over says
    nothing, since rounds were moved or put back after it.
    """

    slots: tuple[Slot, ...]
    closing: timedelta = timedelta(0)
    paused_at: datetime | None = None
    closed_at: datetime | None = None

    @property
    def rounds_end_at(self) -> datetime:
        """When the last round that takes place ends."""
        return max(slot.ends_at for slot in self.slots)

    @property
    def ends_at(self) -> datetime:
        """When everything is over."""
        planned = self.rounds_end_at + self.closing
        if self.closed_at is None or self.closed_at < self.rounds_end_at:
            return planned
        return min(planned, self.closed_at)

    def at(self, now: datetime) -> Now:
        """Return what it is at this moment."""
        moment = min(now, self.paused_at) if self.paused_at else now
        phase, number, ends_at = self._part(moment)
        left = ends_at - moment if ends_at else timedelta(0)
        return Now(phase, number, ends_at, left, paused=self.paused_at is not None)

    def seen_from(self, zone: ZoneInfo) -> "Clock":
        """Return the clock of an asynchronous event as it runs for somebody in this zone."""
        return replace(self, slots=tuple(window_of(slot, zone) for slot in self.slots))

    def left_out_at(self, now: datetime) -> int:
        """Return the number of the round that can be put back at this moment; 0 for none.

        It is the last one that was left out, until a later round has begun. Once the event is
        over there is a quarter of an hour to notice that its last round was left out by mistake.
        """
        if now >= self.ends_at + REGRET:
            return 0
        begun = max(
            (s.number for s in self.slots if takes_place(s) and s.starts_at <= now), default=0
        )
        return max(
            (s.number for s in self.slots if not takes_place(s) and s.number > begun), default=0
        )

    def _part(self, moment: datetime) -> tuple[Phase, int, datetime | None]:
        running = _running(self.slots, moment)
        if running:
            return Phase.ROUND, running.number, running.ends_at
        coming = _coming(self.slots, moment)
        if coming:
            begun = any(takes_place(slot) and slot.ends_at <= moment for slot in self.slots)
            phase = Phase.BREAK if begun else Phase.BEFORE
            return phase, coming.number, coming.starts_at
        if moment < self.ends_at:
            return Phase.CLOSING, 0, self.ends_at
        return Phase.AFTER, 0, None


class Turn(StrEnum):
    """What an organizer does with the clock."""

    BEGIN = "begin"
    """The next round begins now; one that is on ends."""
    END = "end"
    """The round that is on ends now, and what follows comes as much earlier; after the last one,
    the closing groups end."""
    EXTEND = "extend"
    """This part goes on for longer, and what follows comes as much later."""
    SKIP = "skip"
    """The next round is left out, and the one after it takes its time."""
    RETURN = "return"
    """The round that was left out takes place after all, before what comes next."""
    PAUSE = "pause"
    RESUME = "resume"


def rhythm_of(slots: Sequence[Slot]) -> tuple[timedelta, timedelta]:
    """Return how long the first round and the pause after it are, in whole minutes.

    So the settings show it; a round that was cut short counts as a minute at least.
    """
    minute = timedelta(minutes=1)
    first, *others = slots
    length = (first.ends_at - first.starts_at) // minute
    pause = (others[0].starts_at - first.ends_at) // minute if others else USUAL_PAUSE // minute
    return max(length, 1) * minute, max(pause, 0) * minute


def takes_place(slot: Slot) -> bool:
    """Return whether a round was not left out."""
    return slot.starts_at < slot.ends_at


def turned(clock: Clock, turn: Turn, *, by: timedelta, now: datetime) -> Clock:
    """Return the clock as an organizer left it; `by` says how much longer, for EXTEND only.

    What has begun keeps its beginning, what is over stays as it was. Raises CannotTurn.
    """
    if clock.paused_at is not None and turn is not Turn.RESUME:
        raise CannotTurn("The clock is paused. Let it go on first.")
    turns: dict[Turn, Callable[[], Clock]] = {
        Turn.BEGIN: lambda: _begin(clock, now),
        Turn.END: lambda: _end(clock, now),
        Turn.EXTEND: lambda: _extend(clock, by, now),
        Turn.SKIP: lambda: _skip(clock, now),
        Turn.RETURN: lambda: _return(clock, now),
        Turn.PAUSE: lambda: _pause(clock, now),
        Turn.RESUME: lambda: _resume(clock, now),
    }
    return turns[turn]()


def _begin(clock: Clock, now: datetime) -> Clock:
    coming = _coming(clock.slots, now)
    if coming is None:
        raise CannotTurn("There is no round left to begin.")
    cut = [replace(s, ends_at=now) if s.starts_at <= now < s.ends_at else s for s in clock.slots]
    return replace(clock, slots=_moved(cut, coming.number, now - coming.starts_at))


def _end(clock: Clock, now: datetime) -> Clock:
    running = _running(clock.slots, now)
    if running is None and clock.at(now).phase is Phase.CLOSING:
        return replace(clock, closed_at=now)
    if running is None:
        raise CannotTurn("No round is on at this moment.")
    cut = [replace(s, ends_at=now) if s is running else s for s in clock.slots]
    return replace(clock, slots=_moved(cut, running.number + 1, now - running.ends_at))


def _extend(clock: Clock, by: timedelta, now: datetime) -> Clock:
    running, coming = _running(clock.slots, now), _coming(clock.slots, now)
    if running:
        longer = [replace(s, ends_at=s.ends_at + by) if s is running else s for s in clock.slots]
        return replace(clock, slots=_moved(longer, running.number + 1, by))
    if coming:
        return replace(clock, slots=_moved(clock.slots, coming.number, by))
    if now < clock.ends_at:
        return replace(clock, closing=clock.closing + by)
    raise CannotTurn("The event is over.")


def _skip(clock: Clock, now: datetime) -> Clock:
    coming = _coming(clock.slots, now)
    if coming is None:
        raise CannotTurn("There is no round left to leave out.")
    after = _coming(clock.slots, coming.starts_at)
    if after is None:
        last = [replace(s, starts_at=now, ends_at=now) if s is coming else s for s in clock.slots]
        return replace(clock, slots=tuple(last))
    left_out = [replace(s, ends_at=s.starts_at) if s is coming else s for s in clock.slots]
    earlier = coming.starts_at - after.starts_at
    return replace(clock, slots=_moved(left_out, after.number, earlier))


def _return(clock: Clock, now: datetime) -> Clock:
    """Return the clock with a round put back; it is as long as the others mostly are."""
    number = clock.left_out_at(now)
    if number == 0:
        raise CannotTurn("No round can be put back: a later one has begun, or none was left out.")
    real = [slot for slot in clock.slots if takes_place(slot)]
    lengths = [slot.ends_at - slot.starts_at for slot in real]
    length = median_low(lengths) if lengths else USUAL_LENGTH
    gaps = [later.starts_at - earlier.ends_at for earlier, later in pairwise(real)]
    pause = median_low(gaps) if gaps else USUAL_PAUSE
    coming = _coming(clock.slots, now)
    begins = coming.starts_at if coming else max(now, clock.rounds_end_at) + pause
    later = _moved(clock.slots, number + 1, length + pause)
    return replace(
        clock,
        slots=tuple(
            replace(slot, starts_at=begins, ends_at=begins + length)
            if slot.number == number
            else slot
            for slot in later
        ),
    )


def _pause(clock: Clock, now: datetime) -> Clock:
    if clock.at(now).phase is Phase.AFTER:
        raise CannotTurn("The event is over.")
    return replace(clock, paused_at=now)


def _resume(clock: Clock, now: datetime) -> Clock:
    if clock.paused_at is None:
        raise CannotTurn("The clock is running already.")
    stood = now - clock.paused_at
    if clock.at(now).phase is Phase.CLOSING:
        return replace(clock, closing=clock.closing + stood, paused_at=None)
    since = clock.paused_at

    def later(moment: datetime) -> datetime:
        return moment + stood if moment > since else moment

    slots = tuple(
        replace(slot, starts_at=later(slot.starts_at), ends_at=later(slot.ends_at))
        for slot in clock.slots
    )
    return replace(clock, slots=slots, paused_at=None)


def _running(slots: Sequence[Slot], moment: datetime) -> Slot | None:
    return next((slot for slot in slots if slot.starts_at <= moment < slot.ends_at), None)


def _coming(slots: Sequence[Slot], moment: datetime) -> Slot | None:
    """Return the first round that begins later and takes place."""
    later = [slot for slot in slots if slot.starts_at > moment and takes_place(slot)]
    return min(later, key=lambda slot: slot.starts_at, default=None)


def _moved(slots: Sequence[Slot], first: int, by: timedelta) -> tuple[Slot, ...]:
    """Return the rounds, those from a number on later by so much."""
    return tuple(
        replace(slot, starts_at=slot.starts_at + by, ends_at=slot.ends_at + by)
        if slot.number >= first and takes_place(slot)
        else slot
        for slot in slots
    )
