"""Closing groups: everybody who is live, in small groups of people who share something.

A group is worth the sum of everybody's mean affinity with the others. Annealing collects many
good groups; a linear programme over them prices the people; a search finds groups that would pay
at these prices, until there are none; an integer programme picks the best set that has everybody
exactly once. The prices also bound what any grouping can be worth.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil

import numpy as np

from asyncnet.matching.annealing import Annealing, Group
from asyncnet.matching.covering import SMALL, Covering, counts_for, worth_of
from asyncnet.matching.problem import Pair, Problem
from asyncnet.matching.weights import Reals, affinities

PEOPLE_PER_TURN = 6
PICKED_UP_TO = 200
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


def affinity_of(problem: Problem, people: Sequence[int], met: set[Pair]) -> Reals:
    """Return the points of each two of these people; of those kept apart, so few that no grouping
    makes up for them."""
    affinity = affinities(problem, people).astype(np.float64)
    place = {i: row for row, i in enumerate(people)}
    known = {(min(i, j), max(i, j)) for i in people for j in problem.people[i].known if j in place}
    for i, j in met | problem.history | known:
        if i in place and j in place:
            affinity[place[i], place[j]] += float(problem.group_weights.met)
            affinity[place[j], place[i]] += float(problem.group_weights.met)
    np.fill_diagonal(affinity, 0.0)
    apart = -4.0 * (1 + len(people) * np.abs(affinity).max(initial=0))
    for i, j in problem.bans():
        if i in place and j in place:
            affinity[place[i], place[j]] = affinity[place[j], place[i]] = apart
    return affinity


class _Part:
    """The people who are grouped together in one go."""

    def __init__(
        self, problem: Problem, met: set[Pair], people: tuple[int, ...], seed: int, stop_at: float
    ) -> None:
        self.people = people
        self.affinity = affinity_of(problem, people, met)
        self.bans = problem.bans()
        self.seed = seed
        self.stop_at = stop_at
        self.limits = problem.group_size
        self.counts = counts_for(len(people), *problem.group_size)
        self.pool: dict[Group, None] = {}

    def left(self) -> float:
        return self.stop_at - time.monotonic()

    def solve(self) -> Grouping:
        m = len(self.people)
        if self.limits[1] == 1:
            return self.named([(row,) for row in range(m)], 0.0)
        if self.counts[-1] == 1:
            return self.named([tuple(range(m))], worth_of(self.affinity, tuple(range(m))))
        partition = self.annealed()
        covering = Covering(self.affinity, self.limits, self.pool, partition, self.stop_at)
        rounds, steps = search_effort(m)
        bound = covering.bound(rounds, steps)
        best = partition
        if rounds:
            best = covering.partition = covering.picked()
        if rounds and m > PICKED_UP_TO:
            best = covering.polished(m // PEOPLE_PER_TURN)
        return self.named(best, bound)

    def named(self, partition: Sequence[Group], bound: float) -> Grouping:
        value = sum(worth_of(self.affinity, who) for who in partition)
        groups = tuple(sorted(tuple(self.people[row] for row in who) for who in partition))
        if any(duo in self.bans for who in groups for duo in combinations(who, 2)):
            return NOTHING
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
            value = annealing.value()
            self.pool.update(seen)
            self.pool.update(dict.fromkeys(partition))
            if best is None or value > best[0]:
                best = (value, partition)
            if self.left() <= 0:
                break
        assert best is not None  # noqa: S101 there is at least one run
        return best[1]


def effort(m: int) -> tuple[int, int]:
    """Return the steps of one annealing and how many there are, for this many people."""
    if m <= SMALL:
        return min(6_000, 200 * m), 4
    if m <= 300:
        return 100 * m, 2
    return 450 * m, 1


def search_effort(m: int) -> tuple[int, int]:
    """Return how often groups are priced, and the steps of one search."""
    if m <= SMALL:
        return 30, 60_000
    return (12, 60 * m) if m <= 300 else (0, 0)
