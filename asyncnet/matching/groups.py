"""Closing groups: everybody who is live, in small groups of people who share something.

A group is worth the sum of everybody's mean affinity with the others. Annealing collects many
good groups; a linear programme over them prices the people; a search finds groups that would pay
at these prices, until there are none; an integer programme picks the best set that has everybody
exactly once. The prices also bound what any grouping can be worth.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import coo_array, csc_array

from asyncnet.matching.annealing import Annealing, Group
from asyncnet.matching.pricing import paying_groups
from asyncnet.matching.problem import Pair, Problem
from asyncnet.matching.weights import Reals, affinities

APART = -10_000.0
BOX = 4.0
EPSILON = 1e-6
COLUMNS_EACH = 5
GAP = 2e-3
NODES = 5
SMALL = 80
PROVING = 2
STEPS = 8_000
WHOLE_UP_TO = 2_500


@dataclass(frozen=True)
class Grouping:
    """The groups, what they are worth together, and what no grouping can exceed.

    Without groups there was nobody to group, or no way to keep apart those who must be.
    """

    groups: tuple[Group, ...]
    value: float
    bound: float


NOTHING = Grouping((), 0.0, 0.0)


def group(problem: Problem, met: set[Pair], *, seed: int, seconds: float) -> Grouping:
    """Return closing groups of the live people; `met` are the pairs that meet in the plan.

    The work is counted in steps, so the same seed gives the same groups unless `seconds` run out.
    """
    stop_at = time.monotonic() + seconds
    if not problem.live:
        return NOTHING
    people = sorted(problem.live, key=lambda i: (problem.people[i].region, problem.people[i].type))
    parts = ceil(len(people) / WHOLE_UP_TO)
    found = []
    for place, part in enumerate(np.array_split(np.array(people), parts)):
        share = (stop_at - time.monotonic()) / (parts - place)
        until = time.monotonic() + share
        found.append(_Part(problem, met, tuple(sorted(part.tolist())), seed, until).solve())
    if any(not part.groups for part in found):
        return NOTHING
    groups = tuple(sorted(who for part in found for who in part.groups))
    bound = sum(part.bound for part in found) if parts == 1 else np.inf
    return Grouping(groups, sum(part.value for part in found), bound)


def counts_for(people: int, smallest: int, largest: int) -> list[int]:
    """Return the possible numbers of groups; where none is possible, the fewest that hold all."""
    fewest, most = ceil(people / largest), max(1, people // smallest)
    return list(range(fewest, most + 1)) if fewest <= most else [fewest]


def affinity_of(problem: Problem, people: Sequence[int], met: set[Pair]) -> Reals:
    """Return the points of each two of these people; those kept apart have `APART`."""
    affinity = affinities(problem, people).astype(np.float64)
    place = {i: row for row, i in enumerate(people)}
    known = {(min(i, j), max(i, j)) for i in people for j in problem.people[i].known if j in place}
    for marks, points in (
        (met | problem.history | known, float(problem.group_weights.met)),
        (problem.bans(), APART),
    ):
        for i, j in marks:
            if i in place and j in place:
                affinity[place[i], place[j]] += points
                affinity[place[j], place[i]] += points
    np.fill_diagonal(affinity, 0.0)
    return affinity


def worth_of(affinity: Reals, who: Group) -> float:
    """Return the sum of the members' mean affinities."""
    if len(who) < 2:
        return 0.0
    return float(affinity[np.ix_(who, who)].sum()) / (len(who) - 1)


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


class _Part:
    """The people who are grouped together in one go."""

    def __init__(
        self, problem: Problem, met: set[Pair], people: tuple[int, ...], seed: int, stop_at: float
    ) -> None:
        self.people = people
        self.affinity = affinity_of(problem, people, met)
        self.seed = seed
        self.stop_at = stop_at
        self.limits = problem.group_size
        self.counts = counts_for(len(people), *problem.group_size)
        self.pool: dict[Group, float] = {}
        self.sizes: set[int] = set()

    def left(self) -> float:
        return self.stop_at - time.monotonic()

    def solve(self) -> Grouping:
        m = len(self.people)
        if self.limits[1] == 1:
            return self.named([(row,) for row in range(m)], 0.0)
        if self.counts[-1] == 1:
            return self.named([tuple(range(m))], worth_of(self.affinity, tuple(range(m))))
        partition = self.annealed()
        best, bound = self.covered(partition)
        return self.named(best, bound)

    def named(self, partition: Sequence[Group], bound: float) -> Grouping:
        value = sum(worth_of(self.affinity, who) for who in partition)
        if value < APART / max(1, len(self.people)):
            return NOTHING
        groups = tuple(sorted(tuple(self.people[row] for row in who) for who in partition))
        return Grouping(groups, value, max(value, bound))

    def annealed(self) -> list[Group]:
        """Return the best partition of a few cooled ones; the pool keeps all groups they met."""
        m = len(self.people)
        rng = np.random.default_rng(self.seed)
        steps, runs = effort(m)
        priced = search_effort(m)[0] > 0
        best: tuple[float, list[Group]] | None = None
        for run in range(runs):
            fewer = run % 2 + m // 250
            count = self.counts[max(-len(self.counts), -1 - fewer)]
            annealing = Annealing(self.affinity, count, rng)
            seen = annealing.run(steps, self.stop_at, remember=priced)
            partition = annealing.partition()
            self.sizes.update(map(len, partition))
            value = annealing.value()
            for who in [*seen, *partition]:
                self.pool[who] = worth_of(self.affinity, who)
            if best is None or value > best[0]:
                best = (value, partition)
            if self.left() <= 0:
                break
        assert best is not None  # noqa: S101 there is at least one run
        return best[1]

    def covered(self, partition: list[Group]) -> tuple[list[Group], float]:
        """Return the best partition that the pool holds, and a bound for all partitions.

        The prices stay in a box around the last good ones: with few groups in the pool they would
        jump about. Any prices at which no group pays are a bound, in a box or not. Groups of other
        sizes than the partition's are searched for the bound alone, and so only towards the end.
        """
        smallest, largest = self.limits
        sizes = list(range(min(smallest, *map(len, self.pool)), largest + 1))
        bound = ideal_bound(self.affinity, sizes)
        centre = np.zeros(len(self.people))
        for who in partition:
            centre[list(who)] = worth_of(self.affinity, who) / len(who)
        box = BOX
        rounds, steps = search_effort(len(self.people))
        if not rounds:
            return partition, bound
        while rounds and self.left() > 0:
            rounds -= 1
            groups, matrix, worth = self.columns()
            prices = _prices(matrix, worth, centre, box, self.left())
            if prices is None:
                box *= 2
                continue
            proving = rounds < PROVING or len(self.people) <= SMALL
            wanted = sizes if proving else sorted(self.sizes)
            most = steps if proving else STEPS
            found = paying_groups(self.affinity, prices, wanted, most, self.stop_at)
            if proving:
                bound = min(bound, float(prices.sum()) + found.raise_by)
            new = [who for who in found.groups if who not in self.pool]
            for who in new:
                self.pool[who] = worth_of(self.affinity, who)
            if not new:
                if found.raise_by == np.inf or (np.abs(prices - centre) < box - EPSILON).all():
                    break
                centre = prices
        groups, matrix, worth = self.columns()
        prices = _prices(matrix, worth, centre, 4 * box, self.left())
        if prices is None:
            return partition, bound
        return self.picked(partition, groups, matrix, worth, prices), bound

    def counted(self, columns: int) -> LinearConstraint:
        """Return the rule on the number of groups."""
        return LinearConstraint(np.ones((1, columns)), self.counts[0], self.counts[-1])

    def columns(self) -> tuple[list[Group], csc_array, Reals]:
        groups = list(self.pool)
        rows = np.array([row for who in groups for row in who])
        columns = np.repeat(np.arange(len(groups)), [len(who) for who in groups])
        shape = (len(self.people), len(groups))
        matrix = csc_array(coo_array((np.ones(len(rows)), (rows, columns)), shape))
        return groups, matrix, np.array(list(self.pool.values()))

    def picked(
        self,
        partition: list[Group],
        groups: list[Group],
        matrix: csc_array,
        worth: Reals,
        prices: Reals,
    ) -> list[Group]:
        """Return the best choice of groups that has everybody once."""
        current = sum(self.pool[who] for who in partition)
        room = float(prices.sum()) - current
        surplus = worth - matrix.T @ prices
        surplus[[len(who) not in self.sizes for who in groups]] = -np.inf
        order = np.argsort(-surplus, kind="stable")[: COLUMNS_EACH * len(self.people)]
        order = order[surplus[order] >= -room - EPSILON]
        if self.left() <= 0 or not len(order):
            return partition
        answer = milp(
            -worth[order],
            constraints=[LinearConstraint(matrix[:, order], 1, 1), self.counted(len(order))],
            integrality=np.ones(len(order), dtype=np.int64),
            bounds=Bounds(0, 1),
            options={
                "mip_rel_gap": GAP,
                "node_limit": NODES,
                "time_limit": self.left(),
            },
        )
        if answer.x is None:
            return partition
        chosen = [groups[order[column]] for column in np.flatnonzero(answer.x > 0.5)]
        better = sum(self.pool[who] for who in chosen) > current
        return chosen if better else partition


def _prices(
    matrix: csc_array, worth: Reals, centre: Reals, box: float, seconds: float
) -> Reals | None:
    """Return the lowest prices within the box at which no group in the pool pays, if any."""
    if seconds <= 0:
        return None
    answer = linprog(  # type: ignore[call-overload] # the stubs lack sparse matrices
        np.ones(len(centre)),
        A_ub=-matrix.T.tocsr(),
        b_ub=-worth,
        bounds=np.column_stack([centre - box, centre + box]),
        method="highs",
        options={"time_limit": seconds},
    )
    return np.asarray(answer.x) if answer.status == 0 else None


def effort(m: int) -> tuple[int, int]:
    """Return the steps of one annealing and how many there are, for this many people."""
    if m <= SMALL:
        return min(6_000, 200 * m), 4
    if m <= 300:
        return 20_000, 2
    return max(400_000, 300 * m), 1


def search_effort(m: int) -> tuple[int, int]:
    """Return how often groups are priced, and the steps of one search."""
    if m <= SMALL:
        return 30, 60_000
    return (5, 120 * m) if m <= 300 else (0, 0)
