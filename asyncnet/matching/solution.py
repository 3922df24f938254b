"""What comes back from a solve, and what is heard of it on the way."""

from collections.abc import Callable
from dataclasses import dataclass, field

from asyncnet.matching.measures import Measures, Plan, Scored
from asyncnet.matching.problem import Problem
from asyncnet.matching.weights import Scores


@dataclass(frozen=True)
class Progress:
    """Where a solve stands: what it is doing, the best total so far and its gap to the bound.

    `best` is the whole plan to keep if it ends here, told once for every better one.
    """

    phase: str
    seconds: float
    value: float | None = None
    upper_bound: float | None = None
    best: Scored | None = None

    @property
    def gap(self) -> float | None:
        """The part of the bound that is missing, or None while either is unknown."""
        if self.value is None or not self.upper_bound:
            return None
        return max(0.0, (self.upper_bound - self.value) / self.upper_bound)


Report = Callable[[Progress], None]


@dataclass(frozen=True)
class Solution:
    """A plan with what it is worth and what no plan can exceed.

    `floor` is the share that everybody was to get at least. Where no plan that seats as many gives
    it to everybody, and that is proven, `floor_bound` is the most that the worst-off person can get
    in any of these; else it is None.
    """

    plan: Plan
    scores: Scores = field(compare=False, repr=False)
    measures: Measures
    upper_bound: float
    floor: float
    floor_bound: float | None
    groups_value: float
    groups_bound: float
    seconds: float

    @property
    def gap(self) -> float:
        """The part of the bound that the plan does not reach."""
        if self.upper_bound <= 0:
            return 0.0
        return max(0.0, (self.upper_bound - self.measures.total) / self.upper_bound)

    @property
    def lowest(self) -> float:
        """The share of the worst-off person, live or asynchronous."""
        found = self.measures
        return min(found.min_share, 1.0 if found.async_min_share is None else found.async_min_share)

    def as_data(self, problem: Problem) -> dict[str, object]:
        """Return the plan in the words of `asyncnet-match/1`, and its figures beside it."""
        data = {
            **self.plan.as_data(problem),
            "value": self.measures.total,
            "upper_bound": self.upper_bound,
            "gap": round(self.gap, 6),
            "min_share": round(self.measures.min_share, 4),
            "seconds": round(self.seconds, 2),
        }
        if self.lowest < self.floor and self.floor_bound is not None:
            data["floor_bound"] = round(self.floor_bound, 4)
        return data


def no_report(progress: Progress) -> None:
    """Tell nobody."""
