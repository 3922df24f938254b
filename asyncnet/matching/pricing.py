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
LOOK_EVERY = 256

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Found:
    """Groups that pay, best first.

    `raise_by` is how much the prices must rise in all until no group pays: infinite where the
    search ended before it had seen all.
    """

    groups: list[Group]
    raise_by: float


def paying_groups(
    affinity: Reals, prices: Reals, sizes: list[int], steps: int, stop_at: float
) -> Found:
    """Return groups of these sizes that are worth more than their members' prices."""
    groups: dict[Group, float] = {}
    complete = True
    for size in sizes:
        if size < 2:
            continue
        search = _Search(affinity, prices, size, steps, stop_at)
        search.run()
        groups.update(search.groups)
        complete = complete and search.complete
    rise = np.maximum(0, -prices) if 1 in sizes else np.zeros(len(prices))
    for who, surplus in groups.items():
        rows = list(who)
        rise[rows] = np.maximum(rise[rows], surplus / len(who))
    order = sorted(groups, key=lambda who: (-groups[who], who))
    return Found(order[:MOST], float(rise.sum()) if complete else np.inf)


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
        self.steps = steps
        self.stop_at = stop_at
        self.groups: dict[Group, float] = {}
        self.complete = True

    def run(self) -> None:
        """Search from everybody as the one whose pairs bring most, most promising first."""
        first = self.half[self.size] * 2
        for i in np.argsort(-first, kind="stable").tolist():
            if first[i] <= EPSILON:
                break
            if self.spent():
                self.complete = False
                break
            mine = self.surplus[i]
            friends = np.flatnonzero(mine > EPSILON)
            friends = friends[np.argsort(-mine[friends], kind="stable")]
            weaker = np.argsort(-mine, kind="stable")
            for rank, j in enumerate(friends.tolist()):
                rest = weaker[rank + 1 : -1]
                gain = mine + self.surplus[j]
                self.extend((i, j), float(mine[j]), gain, rest, self.size - 2)

    def spent(self) -> bool:
        late = self.steps % LOOK_EVERY == 0 and time.monotonic() > self.stop_at
        return self.steps <= 0 or late

    def extend(self, who: Group, now: float, gain: Reals, rest: Rows, more: int) -> None:
        """Add `more` people from `rest`; `gain` is what each brings to those already there."""
        self.steps -= 1
        if more == 0:
            self.keep(who, now)
            return
        if len(rest) < more:
            return
        hope = gain[rest] + self.half[more][rest]
        top = -np.partition(-hope, more - 1)[:more]
        if now + top.sum() <= EPSILON:
            return
        others = top.sum() - top.min()
        rest = rest[now + others + hope > EPSILON]
        if more == 1:
            for k in rest[now + gain[rest] > EPSILON].tolist():
                self.keep((*who, k), now + float(gain[k]))
            return
        if more == 2:
            self.close(who, now, gain, rest)
            return
        for place, k in enumerate(rest.tolist()):
            self.extend(
                (*who, k),
                now + float(gain[k]),
                gain + self.surplus[k],
                rest[place + 1 :],
                more - 1,
            )

    def close(self, who: Group, now: float, gain: Reals, rest: Rows) -> None:
        """Add the last two people, all pairs of `rest` at once."""
        sums = gain[rest][:, None] + gain[rest][None, :] + self.surplus[np.ix_(rest, rest)] + now
        first, second = np.nonzero(np.triu(sums > EPSILON, 1))
        for one, other in zip(first.tolist(), second.tolist(), strict=True):
            self.keep((*who, int(rest[one]), int(rest[other])), float(sums[one, other]))

    def keep(self, who: Group, surplus: float) -> None:
        if surplus > EPSILON:
            self.groups[tuple(sorted(who))] = surplus
