"""What everybody gets from meeting everybody else, in points, for all pairs at once.

The points are those of `asyncnet-match/1`. Ten thousand people make a hundred million directed
pairs, so everything is computed in blocks of rows and kept in the narrowest integers that fit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asyncnet.matching.problem import (
    DAY_HALF_HOURS,
    NEAR_HALF_HOURS,
    WINDOW_HALF_HOURS,
    Problem,
)

Points = npt.NDArray[np.integer]
Reals = npt.NDArray[np.float64]

BLOCK = 512


@dataclass(frozen=True)
class Scores:
    """Points by pair.

    `points[i, j]` is what i gets from j. `value[i, j]` is the sum of both sides, or -1 where the
    two must not be matched. `ideal[i]` is the most i could get from as many meetings as they can
    have, each partner once.
    """

    points: Points
    value: Points
    ideal: Reals

    def allowed(self, i: int, j: int) -> bool:
        """Whether these two may be matched."""
        return bool(self.value[i, j] >= 0)


def blocks(n: int) -> Iterator[slice]:
    """Yield slices that together cover n rows."""
    for start in range(0, n, BLOCK):
        yield slice(start, min(n, start + BLOCK))


def score(problem: Problem) -> Scores:
    """Return the points of every pair of this event."""
    n = len(problem.people)
    table = _Table(problem)
    points = np.zeros((n, n), dtype=table.kind)
    for rows in blocks(n):
        points[rows] = table.points(rows)
    value = np.empty((n, n), dtype=table.kind)
    for rows in blocks(n):
        value[rows] = points[rows] + points[:, rows].T
    value[np.arange(n), np.arange(n)] = -1
    for i, j in problem.never():
        value[i, j] = value[j, i] = -1
    if problem.mixed and problem.asynchronous:
        remote = np.array(problem.asynchronous)
        value[np.ix_(remote, remote)] = -1
    for i, someone in enumerate(problem.people):
        if someone.away:
            _never_together(problem, i, value)
    return Scores(points, value, _ideals(problem, points, value))


def _never_together(problem: Problem, person: int, value: Points) -> None:
    mine = set(problem.rounds_of(person))
    for other in range(len(problem.people)):
        if not mine.intersection(problem.rounds_of(other)):
            value[person, other] = value[other, person] = -1


def _narrowest(problem: Problem) -> type[np.int16] | type[np.int64]:
    w = problem.weights
    parts = (w.base, w.wish, w.mutual, w.seeks_cap, w.gives_cap, w.tag_cap, w.role, w.same_type)
    more = (w.cross, w.near_region, w.near_tz, w.overlap_cap, w.known, w.seeks, w.gives)
    most = sum(map(abs, (*parts, *more)))
    return np.int16 if most < 8_000 else np.int64


def _ideals(problem: Problem, points: Points, value: Points) -> Reals:
    n = len(problem.people)
    caps = np.array([min(problem.cap(i), max(n - 1, 0)) for i in range(n)], dtype=np.int64)
    ideal = np.zeros(n)
    for rows in blocks(n):
        most = int(caps[rows].max(initial=0))
        if not most:
            continue
        mine = np.where(value[rows] >= 0, points[rows], 0)
        best = -np.sort(-np.partition(mine, n - most, axis=1)[:, n - most :], axis=1)
        counted = np.arange(most) < caps[rows, None]
        ideal[rows] = np.where(counted, best, 0).sum(axis=1)
    return ideal


class _Table:
    """The answers of all people as arrays, and the points that follow from them."""

    def __init__(self, problem: Problem) -> None:
        people = problem.people
        self.problem = problem
        self.kind = _narrowest(problem)
        self.seeks = _marks([p.seeks for p in people], len(problem.skills))
        self.offers = _marks([p.offers for p in people], len(problem.skills))
        self.tags = _marks([p.tags for p in people], len(problem.tags))
        self.rarity = np.array(problem.rarity, dtype=np.float32)
        self.roles = _marks([p.wish_roles for p in people], len(problem.roles) + 1)
        self.role = np.array([p.role for p in people])
        self.type = np.array([p.type for p in people], dtype=np.int16)
        self.untold = bool((self.type < 0).any())
        self.region = np.array([p.region for p in people], dtype=np.int16)
        self.cross = np.array([p.cross is True for p in people])
        self.own = np.array([p.cross is False for p in people])
        self.near = np.array([p.near for p in people])
        self.remote = np.array([p.is_async for p in people])
        clocks, self.clock = np.unique([2 * p.utc for p in people], return_inverse=True)
        self.apart = _apart(clocks, clocks)
        self.overlap = self._overlap().astype(self.kind)

    def points(self, rows: slice) -> Points:
        """Return the points that the people in `rows` get from everybody."""
        w = self.problem.weights
        total = self._capped(self.seeks[rows], self.offers, w.seeks, w.seeks_cap)
        total += self._capped(self.offers[rows], self.seeks, w.gives, w.gives_cap)
        total += self._capped(self.tags[rows] * self.rarity, self.tags, 1, w.tag_cap)
        roles: Points = (w.role * self.roles[rows]).astype(self.kind)
        total += roles[:, self.role]
        same_type = _same(self.type[rows], self.type)
        for_same = np.where(self.own[rows], w.same_type, 0).astype(self.kind)
        for_other = np.where(self.cross[rows], w.cross, 0).astype(self.kind)
        field: Points = np.where(same_type, for_same[:, None], for_other[:, None])
        if self.untold:
            field[(self.type[rows] < 0)[:, None] | (self.type < 0)[None, :]] = 0
        total += field
        total[self.near[rows]] += self._nearness(rows)
        clock = self.clock[rows]
        live_rows = ~self.remote[rows]
        viewed = np.ix_(live_rows, self.remote)
        total[viewed] += self.overlap[np.ix_(clock[live_rows], self.clock[self.remote])]
        total[~live_rows] += self.overlap[np.ix_(clock[~live_rows], self.clock)]
        total += self.kind(w.base)
        self._add_named(rows, total)
        np.maximum(total, 0, out=total)
        if self.problem.mixed:
            total[viewed] //= self.kind(min(w.video_div, np.iinfo(self.kind).max))
        return total

    def _capped(
        self, mine: npt.NDArray[np.float32], theirs: npt.NDArray[np.float32], each: int, most: int
    ) -> Points:
        shared = _shared(mine, theirs)
        shared *= each
        np.minimum(shared, most, out=shared)
        points: Points = shared.astype(self.kind)
        return points

    def _nearness(self, rows: slice) -> Points:
        w = self.problem.weights
        who = np.flatnonzero(self.near[rows]) + rows.start
        close = np.where(self.apart <= NEAR_HALF_HOURS, w.near_tz, 0).astype(self.kind)
        here = _same(self.region[who], self.region)
        points: Points = np.where(
            here, self.kind(w.near_region), close[np.ix_(self.clock[who], self.clock)]
        )
        return points

    def _overlap(self) -> Reals:
        """Return the points of waking hours in common, for each two clocks."""
        w = self.problem.weights
        shared = np.maximum(0, WINDOW_HALF_HOURS - self.apart)
        shared += np.maximum(0, self.apart - (DAY_HALF_HOURS - WINDOW_HALF_HOURS))
        overlap: Reals = np.minimum(w.overlap_cap, shared // (2 * w.overlap_step))
        return overlap

    def _add_named(self, rows: slice, total: Points) -> None:
        w = self.problem.weights
        people = self.problem.people
        for i in range(rows.start, rows.stop):
            for j in people[i].wishes:
                total[i - rows.start, j] += w.wish + (w.mutual if i in people[j].wishes else 0)
            for j in people[i].known:
                total[i - rows.start, j] += w.known


def affinities(problem: Problem, people: Sequence[int]) -> Points:
    """Return the closing-round points of each two of these people, before any meeting counts."""
    w = problem.group_weights
    table = _Table(problem)
    rows = np.array(people, dtype=np.int64)
    shared = _shared(table.tags[rows] * table.rarity, table.tags[rows])
    same_type = _same(table.type[rows], table.type[rows])
    here = _same(table.region[rows], table.region[rows])
    close = np.where(table.apart <= NEAR_HALF_HOURS, w.tz, 0)
    nearness = np.where(here, w.region, close[np.ix_(table.clock[rows], table.clock[rows])])
    affinity: Points = np.minimum(shared, w.tag_cap).astype(np.int64)
    affinity += np.where(same_type, w.same_type, 0) + nearness
    return affinity


def _same(mine: npt.NDArray[np.int16], theirs: npt.NDArray[np.int16]) -> npt.NDArray[np.bool_]:
    """Mark who has the same place in a list; somebody who did not say has it with nobody."""
    same: npt.NDArray[np.bool_] = (mine[:, None] == theirs[None, :]) & (mine >= 0)[:, None]
    return same


def _apart(mine: Reals, theirs: Reals) -> Reals:
    """Return the clock differences in half hours, round the clock."""
    forward = np.abs(mine[:, None] - theirs[None, :]) % DAY_HALF_HOURS
    apart: Reals = np.minimum(forward, DAY_HALF_HOURS - forward)
    return apart


def _marks(places: Sequence[tuple[int, ...]], width: int) -> npt.NDArray[np.float32]:
    marks = np.zeros((len(places), width), dtype=np.float32)
    for row, some in enumerate(places):
        marks[row, list(some)] = 1
    return marks


def _shared(
    mine: npt.NDArray[np.float32], theirs: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    product: npt.NDArray[np.float32] = mine @ theirs.T
    return product
