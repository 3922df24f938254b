"""Which part of their own ideal everybody gets from a plan, in words and as a picture."""

from dataclasses import dataclass
from functools import cached_property

from asyncnet.matches.bench.draft import Draft
from asyncnet.matches.bench.limits import NEARLY
from asyncnet.matches.bench.worth import Worth

UNDER_SERVED = 5
HEIGHT = 100
"""The height of the picture of shares, in its own units."""


@dataclass(frozen=True)
class Share:
    """What somebody gets, and which part of their own ideal that is."""

    person: int
    name: str
    share: float
    is_low: bool
    """Whether that is less than the plan was to give everybody."""


class Shares:
    """Everybody's share, where it is known; `floor` is what the plan was to give everybody."""

    def __init__(self, draft: Draft, worth: Worth, floor: float) -> None:
        self.draft = draft
        self.worth = worth
        self.floor = floor

    @cached_property
    def all(self) -> list[Share]:
        """Everybody's share of their own ideal, the under-served first; empty while unknown."""
        found = [
            Share(person, self.worth.name(person), share, share < self.floor - NEARLY)
            for person, share in self.draft.shares().items()
            if self.worth.may_meet(person)
        ]
        return sorted(found, key=lambda one: (one.share, one.name, one.person))

    @property
    def under_served(self) -> list[Share]:
        return self.all[:UNDER_SERVED]

    @property
    def below_floor(self) -> int:
        """How many people get less than the plan was to give everybody."""
        return sum(one.is_low for one in self.all)

    @cached_property
    def median(self) -> float:
        return self.all[len(self.all) // 2].share

    @cached_property
    def picture(self) -> str:
        """The outline of everybody's share side by side, as an SVG path; one unit a person."""
        steps = [f"V{HEIGHT - min(1.0, s.share) * HEIGHT:.1f}h1" for s in self.all]
        return f"M0 {HEIGHT}{''.join(steps)}V{HEIGHT}z"
