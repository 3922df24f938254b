"""Put a partition together from a pool of groups, and bound what any partition can be worth.

A linear programme prices the people so that no group in the pool is worth more than its members;
groups that are come into the pool until there are none. The prices are then a bound. Its other
side, how much of each group an ideal mixture has, says who belongs together.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import ceil

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import coo_array, csc_array

from asyncnet.matching.annealing import Group
from asyncnet.matching.beams import likely_groups
from asyncnet.matching.pricing import paying_groups
from asyncnet.matching.weights import Reals

BOX, CLOSE_BOX = 4.0, 0.5
EPSILON = 1e-6
FEW, MANY = 1 / 40, 3
PROOFS = 12
NEXT_TO_NOTHING = 5e-4
KEPT = 3.0
GAP = 2e-3
NODES_OF_FEW = 50
COLUMNS = 2_000
TURNS = 3


def worth_of(affinity: Reals, who: Sequence[int]) -> float:
    """Return the sum of the members' mean affinities."""
    if len(who) < 2:
        return 0.0
    return float(affinity[np.ix_(who, who)].sum()) / (len(who) - 1)


def worths(affinity: Reals, groups: Iterable[Group]) -> dict[Group, float]:
    """Return the sum of the members' mean affinities for each of these groups."""
    by_size: defaultdict[int, list[Group]] = defaultdict(list)
    for who in groups:
        by_size[len(who)].append(who)
    found: dict[Group, float] = {}
    for size, some in by_size.items():
        rows = np.array(some)
        sums = affinity[rows[:, :, None], rows[:, None, :]].sum(axis=(1, 2)) / max(1, size - 1)
        found.update(zip(some, sums.tolist(), strict=True))
    return found


def counts_for(people: int, smallest: int, largest: int) -> list[int]:
    """Return the possible numbers of groups; where none is possible, the fewest that hold all."""
    fewest, most = ceil(people / largest), max(1, people // smallest)
    return list(range(fewest, most + 1)) if fewest <= most else [fewest]


def ideal_bound(affinity: Reals, sizes: Sequence[int]) -> float:
    """Return what everybody would get in the group they would choose themselves."""
    m, most = len(affinity), max(sizes) - 1
    if not most:
        return 0.0
    others = np.where(np.eye(m, dtype=bool), -np.inf, affinity)
    best = -np.sort(-np.partition(others, m - most, axis=1)[:, m - most :], axis=1)
    means = np.cumsum(best, axis=1) / np.arange(1, most + 1)
    reached = means[:, [size - 2 for size in sizes if size > 1]].max(axis=1)
    return float((np.maximum(reached, 0) if 1 in sizes else reached).sum())


class Covering:
    """Some people, the groups that are known among them, and the prices found so far."""

    def __init__(
        self,
        affinity: Reals,
        limits: tuple[int, int],
        pool: Mapping[Group, float],
        partition: list[Group],
        stop_at: float,
        prices: Reals | None = None,
    ) -> None:
        self.affinity = affinity
        self.limits = limits
        self.partition = partition
        self.stop_at = stop_at
        self.pool = {**pool, **worths(affinity, partition)}
        self.own = sorted(set(map(len, self.pool)))
        largest = min(limits[1], len(affinity))
        self.sizes = list(range(min(limits[0], self.own[0]), largest + 1))
        self.prices = np.zeros(len(affinity)) if prices is None else prices
        if prices is None:
            least = -float(affinity.max())
            for who in partition:
                self.prices[list(who)] = max(self.pool[who] / len(who), least)

    def left(self) -> float:
        return self.stop_at - time.monotonic()

    def bound(self, rounds: int, steps: int) -> float:
        """Return what no partition can exceed.

        The prices settle in so many rounds of likely groups at most, then the search proves what
        is missing in so many steps. Groups of other sizes than the pool's are searched for the
        bound alone. It ends where next to nothing pays any more.
        """
        bound = ideal_bound(self.affinity, self.sizes)
        if not self.settle(rounds):
            return bound
        for _ in range(PROOFS):
            total = float(self.prices.sum())
            found = paying_groups(self.affinity, self.prices, self.sizes, steps, self.stop_at)
            before, bound = bound, min(bound, total + found.raise_by)
            small = NEXT_TO_NOTHING * abs(total)
            if found.raise_by < small and before - bound < small:
                break
            self.add(found.groups)
            if not self.price(CLOSE_BOX):
                break
        return bound

    def settle(self, rounds: int) -> bool:
        """Price the people and add likely groups, so many rounds or until few are new. Return
        False when the time was over first."""
        box = BOX
        for _ in range(rounds):
            if not self.price(box):
                return False
            likely = [
                who for size in self.own for who in likely_groups(self.affinity, self.prices, size)
            ]
            new = self.add(likely) / len(self.prices)
            if new <= FEW:
                break
            box = max(CLOSE_BOX, box / 2) if new < MANY else BOX
        return self.price(CLOSE_BOX)

    def add(self, groups: Iterable[Group]) -> int:
        """Take groups into the pool; return how many are new."""
        new = worths(self.affinity, [who for who in groups if who not in self.pool])
        self.pool.update(new)
        return len(new)

    def price(self, box: float) -> bool:
        """Find the lowest prices at which no group in the pool pays. Return False when the time
        was over first.

        The prices move no further from the last ones than the box allows, if there are any: many
        prices have the same sum, and leaps from one to another show groups that pay for no reason.
        Any prices at which no group pays are a bound.
        """
        matrix, worth = self.columns(self.near())
        while self.left() > 0:
            prices, _ = self._lowest(matrix, worth, box)
            if prices is not None:
                self.prices = prices
                return True
            box *= 2
        return False

    def near(self) -> list[Group]:
        """Return the groups in the pool that are not far from paying, and those of the partition,
        without which there might be no prices."""
        groups = list(self.pool)
        matrix, worth = self.columns(groups)
        near = worth - matrix.T @ self.prices > -KEPT
        home = set(self.partition)
        return [who for who, close in zip(groups, near, strict=True) if close or who in home]

    def mixture(self) -> list[tuple[Group, float]]:
        """Return the groups of an ideal mixture, and how much of each it has, most first: none
        when the time was over before."""
        groups = self.near()
        _, amounts = self._lowest(*self.columns(groups), np.inf)
        found = zip(groups, [] if amounts is None else amounts.tolist(), strict=False)
        return sorted((pair for pair in found if pair[1] > EPSILON), key=lambda pair: -pair[1])

    def _lowest(
        self, matrix: csc_array, worth: Reals, box: float
    ) -> tuple[Reals, Reals] | tuple[None, None]:
        """Return the lowest prices, no further from the last ones than the box allows, and how
        much of each group they stand for."""
        if self.left() <= 0:
            return None, None
        answer = linprog(  # type: ignore[call-overload] # the stubs lack sparse matrices
            np.ones(len(self.prices)),
            A_ub=-matrix.T.tocsr(),
            b_ub=-worth,
            bounds=np.column_stack([self.prices - box, self.prices + box]),
            method="highs",
            options={"time_limit": self.left()},
        )
        if answer.status != 0:
            return None, None
        return np.asarray(answer.x), -np.asarray(answer.ineqlin.marginals)

    def columns(self, groups: Sequence[Group]) -> tuple[csc_array, Reals]:
        rows = np.array([row for who in groups for row in who])
        columns = np.repeat(np.arange(len(groups)), [len(who) for who in groups])
        shape = (len(self.prices), len(groups))
        matrix = csc_array(coo_array((np.ones(len(rows)), (rows, columns)), shape))
        return matrix, np.array([self.pool[who] for who in groups])

    def settled(self, bound: float, steps: int) -> tuple[list[Group], float]:
        """Return the best partition found and the bound that follows, for a few people.

        All groups are looked up that lack no more to their members' prices than the partition
        does, since no other can be part of a better one. Where these are all and not too many,
        their choice proves the bound as well.
        """
        for _ in range(TURNS):
            loss = float(self.prices.sum()) - sum(self.pool[who] for who in self.partition)
            if loss <= EPSILON:
                break
            options = (self.sizes, steps, self.stop_at, loss + EPSILON)
            found = paying_groups(self.affinity, self.prices, *options)
            self.add(found.groups)
            self.partition, best = self.picked(COLUMNS, NODES_OF_FEW)
            if found.complete and len(found.groups) <= COLUMNS:
                value = sum(self.pool[who] for who in self.partition)
                return self.partition, min(bound, max(value, best))
        return self.partition, bound

    def picked(self, columns: int, nodes: int) -> tuple[list[Group], float]:
        """Return the best choice of groups in the pool that has everybody once, from so many that
        come closest to paying, and what no such choice can exceed."""
        groups = list(self.pool)
        matrix, worth = self.columns(groups)
        current = sum(self.pool[who] for who in self.partition)
        surplus = worth - matrix.T @ self.prices
        order = np.argsort(-surplus, kind="stable")[:columns]
        order = order[surplus[order] >= current - float(self.prices.sum()) - EPSILON]
        if self.left() <= 0 or not len(order):
            return self.partition, np.inf
        counts = counts_for(len(self.prices), *self.limits)
        answer = milp(
            -worth[order],
            constraints=[
                LinearConstraint(matrix[:, order], 1, 1),
                LinearConstraint(np.ones((1, len(order))), counts[0], counts[-1]),
            ],
            integrality=np.ones(len(order), dtype=np.int64),
            bounds=Bounds(0, 1),
            options={
                "mip_rel_gap": GAP,
                "node_limit": nodes,
                "presolve": False,  # takes longer than it saves here
                "time_limit": self.left(),
            },
        )
        bound = np.inf if answer.mip_dual_bound is None else -float(answer.mip_dual_bound)
        if answer.x is None:
            return self.partition, bound
        chosen = [groups[order[column]] for column in np.flatnonzero(answer.x > 0.5)]
        better = sum(self.pool[who] for who in chosen) > current
        return chosen if better else self.partition, bound
