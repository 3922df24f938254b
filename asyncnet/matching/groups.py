"""Closing groups: everybody who is live, in small groups of people who share something.

A group is worth the sum of everybody's mean affinity with the others. Annealing finds the first
good groups; a linear programme over them prices the people; groups that would pay at these prices
are added until there are none. The prices bound what any grouping can be worth, and the ideal
mixture behind them leads to groups near that bound; an integer programme betters them in parts.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil

import numpy as np

from asyncnet.matching.annealing import Annealing, Group
from asyncnet.matching.covering import Covering, counts_for, worth_of, worths
from asyncnet.matching.diving import dive
from asyncnet.matching.polishing import polished
from asyncnet.matching.problem import Pair, Problem
from asyncnet.matching.weights import Reals, affinities

PEOPLE_PER_TURN, TURNS = 6, 50
SMALL = 80
STEPS_OF_FEW = 4_000
STEPS_OF_MANY = 450
WHOLE_UP_TO = 2_500
"""Of more people the parts are annealed alone, and nothing is known that they cannot exceed."""


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
        self.alone = len(people) == len(problem.live)
        self.limits = problem.group_size
        self.counts = counts_for(len(people), *problem.group_size)

    def left(self) -> float:
        return self.stop_at - time.monotonic()

    def solve(self) -> Grouping:
        m = len(self.people)
        if self.limits[1] == 1:
            return self.named([(row,) for row in range(m)], 0.0)
        if self.counts[-1] == 1:
            return self.named([tuple(range(m))], worth_of(self.affinity, tuple(range(m))))
        if not self.alone:
            return self.named(self.annealed(self.affinity, STEPS_OF_MANY * m, 1)[0], np.inf)
        partition, pool = self.annealed(self.affinity, *effort(m))
        covering = Covering(
            self.affinity, self.limits, worths(self.affinity, pool), partition, self.stop_at
        )
        bound = covering.bound(*search_effort(m))
        if self.left() <= 0:
            return self.named(partition, bound)
        if m <= SMALL:
            return self.named(*covering.settled(bound, STEPS_OF_FEW))
        best = max(partition, self.dived(covering), key=self.value)
        return self.named(polished(covering, best, min(TURNS, m // PEOPLE_PER_TURN)), bound)

    def value(self, partition: Sequence[Group]) -> float:
        return sum(worth_of(self.affinity, who) for who in partition)

    def named(self, partition: Sequence[Group], bound: float) -> Grouping:
        value = self.value(partition)
        groups = tuple(sorted(tuple(self.people[row] for row in who) for who in partition))
        if any(duo in self.bans for who in groups for duo in combinations(who, 2)):
            return NOTHING
        return Grouping(groups, value, max(value, bound))

    def dived(self, covering: Covering) -> list[Group]:
        """Return the partition that follows from the mixture, its last few people annealed."""
        found = dive(covering, SMALL)
        if not found.left:
            return found.taken
        rows = np.array(found.left)
        rest, _ = self.annealed(self.affinity[np.ix_(rows, rows)], *effort_for_rest(len(rows)))
        return found.taken + [tuple(rows[list(who)].tolist()) for who in rest]

    def annealed(
        self, affinity: Reals, steps: int, runs: int
    ) -> tuple[list[Group], dict[Group, None]]:
        """Return the best partition of a few cooled ones, and all groups they met."""
        m = len(affinity)
        rng = np.random.default_rng(self.seed)
        counts = counts_for(m, *self.limits)
        pool: dict[Group, None] = {}
        best: tuple[float, list[Group]] | None = None
        for run in range(runs):
            fewer = run % 2 + m // 250
            annealing = Annealing(affinity, counts[max(-len(counts), -1 - fewer)], rng)
            pool.update(annealing.run(steps, self.stop_at))
            partition = annealing.partition()
            value = annealing.value()
            pool.update(dict.fromkeys(partition))
            if best is None or value > best[0]:
                best = (value, partition)
            if self.left() <= 0:
                break
        assert best is not None  # noqa: S101 there is at least one run
        return best[1], pool


def effort(m: int) -> tuple[int, int]:
    """Return the steps of one annealing and how many there are, for this many people."""
    if m <= SMALL:
        return min(6_000, 200 * m), 2
    return (100 * m, 2) if m <= 300 else (50 * m, 1)


def effort_for_rest(m: int) -> tuple[int, int]:
    """Return the same for the people who are left after a dive."""
    return 100 * m, 2


def search_effort(m: int) -> tuple[int, int]:
    """Return how often groups are priced at most, and the steps of one search."""
    return (30, 60_000) if m <= SMALL else (12, 60 * m)
