"""One event to be matched: who takes part, what they wish for, which rules hold.

People are numbered from 0 in the order they registered; names of people (`id`) appear only where
something is read or said. Moments do not occur here, only clock offsets in hours.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

Pair = tuple[int, int]
UNKNOWN = -1
"""The role, type or region of somebody who did not say."""


NEAR_HALF_HOURS = 4
WINDOW_HALF_HOURS = 26
DAY_HALF_HOURS = 48


class Refused(Exception):
    """What was asked for cannot be: the message is a sentence naming the people and the rule.

    `apart` are the pairs of which it tells that they must be kept apart.
    """

    def __init__(self, sentence: str, apart: Iterable[Pair] = ()) -> None:
        super().__init__(sentence)
        self.apart = tuple(apart)


def pair(a: int, b: int) -> Pair:
    """Return the two numbers, smaller one first."""
    return (a, b) if a < b else (b, a)


@dataclass(frozen=True)
class Participant:
    """One registration. Lists of other people hold their numbers, lists of skills their places.

    `role`, `type` and `region` are places too, or UNKNOWN, which is like nobody else's.
    """

    id: str
    tags: tuple[int, ...] = ()
    role: int = 0
    type: int = 0
    region: int = 0
    utc: float = 0.0
    offers: tuple[int, ...] = ()
    seeks: tuple[int, ...] = ()
    wishes: tuple[int, ...] = ()
    wish_roles: tuple[int, ...] = ()
    avoid: tuple[int, ...] = ()
    known: tuple[int, ...] = ()
    cross: bool | None = False
    """Whether another kind of community is preferred to their own; None for neither."""
    near: bool = False
    is_async: bool = False
    k: int = 0
    per_round: int = 1
    promise: int = 0
    away: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Weights:
    """Points of one meeting, part by part."""

    base: int
    wish: int
    mutual: int
    seeks: int
    seeks_cap: int
    gives: int
    gives_cap: int
    tag_rare: int
    tag_mid: int
    tag_common: int
    tag_cap: int
    role: int
    same_type: int
    cross: int
    near_region: int
    near_tz: int
    overlap_step: int
    overlap_cap: int
    known: int
    video_div: int


@dataclass(frozen=True)
class GroupWeights:
    """Points of two people in one closing group."""

    tag_cap: int
    same_type: int
    region: int
    tz: int
    met: int


@dataclass(frozen=True)
class Pin:
    """Two people the organizer wants to meet; round 0 is any round, else counted from 1."""

    a: int
    b: int
    round: int


@dataclass(frozen=True)
class Problem:
    """Everything the solver needs to know of one event."""

    name: str
    mixed: bool
    rounds: int
    max_async_per_live: int
    trio: bool
    group_size: tuple[int, int]
    people: tuple[Participant, ...]
    weights: Weights
    group_weights: GroupWeights
    history: frozenset[Pair] = frozenset()
    no_repeat_history: bool = True
    forbids: frozenset[Pair] = frozenset()
    pins: tuple[Pin, ...] = ()
    roles: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    live: tuple[int, ...] = field(init=False)
    asynchronous: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        everyone = range(len(self.people))
        live = tuple(i for i in everyone if self.mixed and not self.people[i].is_async)
        object.__setattr__(self, "live", live)
        rest = tuple(i for i in everyone if not self.mixed or self.people[i].is_async)
        object.__setattr__(self, "asynchronous", rest)

    @cached_property
    def rarity(self) -> tuple[int, ...]:
        """The points of sharing each tag: the fewer people hold it, the more."""
        w, n = self.weights, len(self.people)
        held = Counter(tag for someone in self.people for tag in someone.tags)
        return tuple(
            w.tag_common if 5 * held[tag] > n else w.tag_mid if 20 * held[tag] > n else w.tag_rare
            for tag in range(len(self.tags))
        )

    def is_live(self, person: int) -> bool:
        """Whether this person sits in the live rounds."""
        return self.mixed and not self.people[person].is_async

    def rounds_of(self, person: int) -> range | list[int]:
        """Return the rounds, counted from 1, in which this person can be met."""
        away = self.people[person].away
        every = range(1, self.rounds + 1)
        return [r for r in every if r not in away] if away else every

    def width(self, person: int) -> int:
        """Return the most meetings this person can have in one round."""
        return 1 if self.is_live(person) else self.people[person].per_round

    def cap(self, person: int) -> int:
        """Return the most meetings this person can have."""
        someone = self.people[person]
        if not self.mixed:
            return someone.k
        present = len(self.rounds_of(person))
        return min(someone.k, present * someone.per_round) if someone.is_async else present

    def bans(self) -> set[Pair]:
        """Return the pairs kept apart by somebody's avoid or by the organizer."""
        apart = {pair(i, j) for i, someone in enumerate(self.people) for j in someone.avoid}
        return apart | self.forbids

    def never(self) -> set[Pair]:
        """Return the pairs that must not be matched, whatever their reason."""
        return self.bans() | (self.history if self.no_repeat_history else frozenset())

    def ids(self, people: Iterable[int]) -> list[str]:
        """Return the names of these people."""
        return [self.people[i].id for i in people]
