"""Search the groups that are worth more than the prices of their members.

With a price per person, a group's surplus is a sum over its pairs. The search starts from the
person whose pairs bring most, adds people in order, and gives up a branch when even the best
completion that one can imagine does not pay.
"""

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asyncnet.matching.annealing import Group
from asyncnet.matching.weights import Reals

EPSILON = 1e-6
MOST = 3_000
HELD = 300_000
HELD_PER_STEP = 20

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Found:
    """Groups that pay, best first.

    `raise_by` is how much the prices must rise in all until no group pays, or more than that where
    the search ended before it had seen all. Only where it has, and did not find too many to list,
    `complete` is true.
    """

    groups: list[Group]
    raise_by: float
    complete: bool


def paying_groups(
    affinity: Reals,
    prices: Reals,
    sizes: list[int],
    steps: int,
    stop_at: float,
    slack: float = 0.0,
) -> Found:
    """Return groups of these sizes that are worth more than their members' prices less `slack`."""
    groups: dict[Group, float] = {}
    complete = True
    rise = np.maximum(0, -prices) if 1 in sizes else np.zeros(len(prices))
    for size in sizes:
        if not 2 <= size <= len(prices):
            continue
        search = _Search(affinity, prices - slack / size, size, steps, stop_at)
        search.run()
        groups.update(search.groups)
        if not search.complete:
            complete = False
            rise = np.maximum(rise, search.half[size])
    for who, surplus in groups.items():
        rows = list(who)
        rise[rows] = np.maximum(rise[rows], surplus / len(who))
    order = sorted(groups, key=lambda who: (-groups[who], who))
    return Found(order[:MOST], float(rise.sum()), complete and len(order) <= MOST)


class _Spent(Exception):
    """The search has to end where it is."""


class _Search:
    """The search among groups of one size."""

    def __init__(
        self, affinity: Reals, prices: Reals, size: int, steps: int, stop_at: float
    ) -> None:
        self.size = size
        self.surplus = (2 * affinity - prices[:, None] - prices[None, :]) / max(1, size - 1)
        np.fill_diagonal(self.surplus, -np.inf)
        m = len(prices)
        best = -np.sort(-np.partition(self.surplus, m - size, axis=1)[:, m - size :], axis=1)
        reach = np.cumsum(best[:, : size - 1], axis=1)
        self.half = [np.zeros(m), np.zeros(m), *(reach[:, r - 1] / 2 for r in range(1, size))]
        self.earlier = np.tri(m, dtype=np.int8) > 0
        self.steps = self.allowed = steps
        self.stop_at = stop_at
        self.groups: dict[Group, float] = {}
        self.complete = True

    def run(self) -> None:
        """Search from everybody, most promising first, for groups in which some pair of theirs
        brings something; after that their pairs need not be looked at again."""
        first = self.half[self.size] * 2
        for i in np.argsort(-first, kind="stable").tolist():
            if first[i] <= EPSILON:
                break
            if self.steps <= 0:
                self.complete = False
                break
            mine = self.surplus[i].copy()
            order = np.argsort(-mine, kind="stable")
            order = order[np.isfinite(mine[order])]
            friends = int((mine[order] > EPSILON).sum())
            try:
                self.extend((i,), 0.0, mine[order], order, self.size - 1, first=friends)
            except _Spent:
                self.complete = False
                break
            self.surplus[i, order[:friends]] = self.surplus[order[:friends], i] = -np.inf

    def spent(self) -> bool:
        """Return whether a search has to end in its midst: when the time is over, or when it has
        taken twice its steps or holds too much, which large groups lead to."""
        return (
            self.steps < -self.allowed or len(self.groups) > HELD or time.monotonic() > self.stop_at
        )

    def extend(
        self, who: Group, now: float, gain: Reals, rest: Rows, more: int, first: int | None = None
    ) -> None:
        """Add `more` people from `rest`, in the order given; `gain` is what each of them brings to
        those already there. The next one is among the `first` of them. Raises _Spent."""
        self.steps -= 1
        if self.spent():
            raise _Spent
        if more == 1:
            for place in np.flatnonzero(now + gain[:first] > EPSILON).tolist():
                self.keep((*who, int(rest[place])), now + float(gain[place]))
            return
        r, less = len(rest), more - 1
        if r < more:
            return
        if more == 2:
            self.close(who, now, gain, rest, first)
            return
        after = gain[None, :] + self.surplus[rest[:first, None], rest]
        hope = after + self.half[less][rest]
        hope[self.earlier[: len(hope), :r]] = -np.inf
        top = np.sort(np.partition(hope, r - less, axis=1)[:, r - less :], axis=1)
        reached = now + gain[:first]
        others = reached + top[:, 1:].sum(axis=1)
        for place in np.flatnonzero(others + top[:, 0] > EPSILON).tolist():
            good = others[place] + hope[place] > EPSILON
            self.extend(
                (*who, int(rest[place])),
                float(reached[place]),
                after[place, good],
                rest[good],
                less,
            )

    def close(
        self, who: Group, now: float, gain: Reals, rest: Rows, first: int | None = None
    ) -> None:
        """Add the last two people, all pairs of `rest` at once."""
        sums = now + gain[:first, None] + gain[None, :] + self.surplus[rest[:first, None], rest]
        sums[self.earlier[: len(sums), : len(rest)]] = -np.inf
        found = np.nonzero(sums > EPSILON)
        self.steps -= len(found[0]) // HELD_PER_STEP
        for one, other in zip(*(places.tolist() for places in found), strict=True):
            self.keep((*who, int(rest[one]), int(rest[other])), float(sums[one, other]))

    def keep(self, who: Group, surplus: float) -> None:
        self.groups[tuple(sorted(who))] = surplus
