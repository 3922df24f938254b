"""Put a partition together from a pool of groups, and bound what any partition can be worth.

A linear programme prices the people so that no group in the pool is worth more than its members;
a search finds groups that are, until there are none. The prices are then a bound. Its other side,
how much of each group an ideal mixture has, says who could be with whom instead: a few groups at a
time are made anew by an integer programme.
"""

import time
from collections.abc import Iterable, Sequence
from math import ceil

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import coo_array, csc_array

from asyncnet.matching.annealing import Group
from asyncnet.matching.pricing import paying_groups
from asyncnet.matching.weights import Reals

BOX = 4.0
EPSILON = 1e-6
NEAR = 0.02
NEXT_TO_NOTHING = 5e-4
SMALL = 80
STEPS = 2_000
PART = 40
ROUNDS_OF_PART = 5
COLUMNS_EACH = 5
GAP = 2e-3
NODES = 5


def worth_of(affinity: Reals, who: Sequence[int]) -> float:
    """Return the sum of the members' mean affinities."""
    if len(who) < 2:
        return 0.0
    return float(affinity[np.ix_(who, who)].sum()) / (len(who) - 1)


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
        pool: Iterable[Group],
        partition: list[Group],
        stop_at: float,
    ) -> None:
        self.affinity = affinity
        self.limits = limits
        self.partition = partition
        self.stop_at = stop_at
        self.pool = {who: worth_of(affinity, who) for who in [*pool, *partition]}
        self.own = sorted(set(map(len, self.pool)))
        largest = min(limits[1], len(affinity))
        self.sizes = list(range(min(limits[0], self.own[0]), largest + 1))
        self.prices = np.zeros(len(affinity))
        for who in partition:
            self.prices[list(who)] = self.pool[who] / len(who)
        self.box = BOX
        self.amount: Reals = np.zeros(0)

    def left(self) -> float:
        return self.stop_at - time.monotonic()

    def bound(self, rounds: int, steps: int) -> float:
        """Return what no partition can exceed, after so many rounds of pricing.

        The prices stay in a box around the last good ones: with few groups in the pool they would
        jump about. Any prices at which no group pays are a bound, in a box or not. Groups of other
        sizes than the pool's are searched for the bound alone, and so only once few groups pay. It
        ends where the box is no hindrance and next to nothing pays any more.
        """
        bound = ideal_bound(self.affinity, self.sizes)
        proving = len(self.affinity) <= SMALL
        for _ in range(rounds):
            before = self.prices
            if not self.price():
                break
            wanted, most = (self.sizes, steps) if proving else (self.own, STEPS)
            rise = self.search(wanted, most)
            total = float(self.prices.sum())
            if proving:
                bound = min(bound, total + rise)
            if rise > NEAR * abs(total):
                self.prices = before
                continue
            free = bool((np.abs(self.prices - before) < self.box - EPSILON).all())
            if proving and free and bound - total < NEXT_TO_NOTHING * abs(total):
                break
            proving = True
        return bound

    def search(self, sizes: list[int], steps: int) -> float:
        """Add the groups that pay to the pool; return how much the prices must rise for them."""
        found = paying_groups(self.affinity, self.prices, sizes, steps, self.stop_at)
        for who in found.groups:
            if who not in self.pool:
                self.pool[who] = worth_of(self.affinity, who)
        return found.raise_by

    def price(self) -> bool:
        """Find the lowest prices within the box at which no group in the pool pays, and how much
        of each group they stand for. Return False when the time was over first."""
        while self.left() > 0:
            matrix, worth = self.columns(list(self.pool))
            answer = linprog(  # type: ignore[call-overload] # the stubs lack sparse matrices
                np.ones(len(self.prices)),
                A_ub=-matrix.T.tocsr(),
                b_ub=-worth,
                bounds=np.column_stack([self.prices - self.box, self.prices + self.box]),
                method="highs",
                options={"time_limit": self.left()},
            )
            if answer.status == 0:
                self.prices = np.asarray(answer.x)
                self.amount = -np.asarray(answer.ineqlin.marginals)
                return True
            self.box *= 2
        return False

    def columns(self, groups: Sequence[Group]) -> tuple[csc_array, Reals]:
        rows = np.array([row for who in groups for row in who])
        columns = np.repeat(np.arange(len(groups)), [len(who) for who in groups])
        shape = (len(self.prices), len(groups))
        matrix = csc_array(coo_array((np.ones(len(rows)), (rows, columns)), shape))
        return matrix, np.array([self.pool[who] for who in groups])

    def polished(self, turns: int) -> list[Group]:
        """Return the partition after a few groups at a time were made anew, as well as can be.

        Each turn starts from the group that stays furthest behind its members' prices, and takes
        in those who could be with them instead.
        """
        partition = list(self.partition)
        tried: set[Group] = set()
        sizes = np.array([len(who) for who in self.pool])
        groups = list(self.pool)
        matrix, _ = self.columns(groups)
        prices, amount = self.prices, self.amount
        for _ in range(turns):
            waiting = [who for who in partition if who not in tried]
            if not waiting or self.left() <= 0:
                break
            loss = {who: float(prices[list(who)].sum()) - self.pool[who] for who in waiting}
            worst = max(waiting, key=lambda who: (loss[who], who))
            near_by = self.around(worst, partition, groups, amount)
            rows = np.array(sorted(row for who in near_by for row in who))
            marks = np.zeros(len(prices))
            marks[rows] = 1
            inside = np.flatnonzero(matrix.T @ marks >= sizes)
            place = dict(zip(rows.tolist(), range(len(rows)), strict=True))
            part = Covering(
                self.affinity[np.ix_(rows, rows)],
                self.limits,
                [tuple(place[row] for row in groups[column]) for column in inside.tolist()],
                [tuple(place[row] for row in who) for who in near_by],
                self.stop_at,
            )
            part.bound(ROUNDS_OF_PART, STEPS)
            found = [tuple(rows[list(who)].tolist()) for who in part.picked()]
            tried.add(worst)
            if set(found) != set(near_by):
                partition = [who for who in partition if who not in near_by] + found
                for who in found:
                    self.pool.setdefault(who, worth_of(self.affinity, who))
        return partition

    def around(
        self, worst: Group, partition: list[Group], groups: list[Group], amount: Reals
    ) -> list[Group]:
        """Return this group and others whose members an ideal mixture would put with its own."""
        home = {row: who for who in partition for row in who}
        chosen = {worst: None}
        people = len(worst)
        mixed = [groups[column] for column in np.flatnonzero(amount > EPSILON).tolist()]
        grown = True
        while grown and people < PART:
            grown = False
            inside = {row for who in chosen for row in who}
            for who in mixed:
                if inside.isdisjoint(who):
                    continue
                for row in who:
                    if home[row] not in chosen and people < PART:
                        chosen[home[row]] = None
                        people += len(home[row])
                        grown = True
        drawn = self.affinity[list(worst)].sum(axis=0)
        others = [who for who in partition if who not in chosen]
        for who in sorted(others, key=lambda who: (-drawn[list(who)].mean(), who)):
            if people >= PART:
                break
            chosen[who] = None
            people += len(who)
        return list(chosen)

    def picked(self) -> list[Group]:
        """Return the best choice of groups in the pool that has everybody once."""
        if not self.price():
            return self.partition
        groups = list(self.pool)
        matrix, worth = self.columns(groups)
        current = sum(self.pool[who] for who in self.partition)
        surplus = worth - matrix.T @ self.prices
        order = np.argsort(-surplus, kind="stable")[: COLUMNS_EACH * len(self.prices)]
        order = order[surplus[order] >= current - float(self.prices.sum()) - EPSILON]
        if self.left() <= 0 or not len(order):
            return self.partition
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
                "node_limit": NODES,
                "presolve": False,  # takes longer than it saves here
                "time_limit": self.left(),
            },
        )
        if answer.x is None:
            return self.partition
        chosen = [groups[order[column]] for column in np.flatnonzero(answer.x > 0.5)]
        return chosen if sum(self.pool[who] for who in chosen) > current else self.partition
