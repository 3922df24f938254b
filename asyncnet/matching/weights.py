"""What everybody gets from meeting everybody else, in points, for all pairs at once.

The points are those of `asyncnet-match/1`. Ten thousand people make a hundred million directed
pairs, so everything is computed in blocks of rows and kept in the narrowest integers that fit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asyncnet.matching.problem import Problem

Points = npt.NDArray[np.integer]
Reals = npt.NDArray[np.float64]

BLOCK = 512
NEAR_HALF_HOURS = 4
WINDOW_HALF_HOURS = 26
DAY_HALF_HOURS = 48


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
    kind = _narrowest(problem)
    points = np.zeros((n, n), dtype=kind)
    table = _Table(problem)
    for rows in blocks(n):
        points[rows] = table.points(rows)
    value = np.empty((n, n), dtype=kind)
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


def _narrowest(problem: Problem) -> npt.DTypeLike:
    w = problem.weights
    most = w.base + w.wish + w.mutual + w.seeks_cap + w.gives_cap + w.tag_cap + w.role
    most += w.same_type + w.cross + w.near_region + w.near_tz + w.overlap_cap + abs(w.known)
    return np.int16 if 0 <= most < 8_000 else np.int64


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
        self.seeks = _marks([p.seeks for p in people], len(problem.skills))
        self.offers = _marks([p.offers for p in people], len(problem.skills))
        self.tags = _marks([p.tags for p in people], len(problem.tags))
        self.rarity = rarities(problem)
        self.roles = _marks([p.wish_roles for p in people], max(1, len(problem.roles)))
        self.role = np.array([p.role for p in people])
        self.type = np.array([p.type for p in people])
        self.region = np.array([p.region for p in people])
        self.half_hours = np.array([2 * p.utc for p in people])
        self.cross = np.array([p.cross for p in people])
        self.near = np.array([p.near for p in people])
        self.remote = np.array([p.is_async for p in people])

    def points(self, rows: slice) -> Points:
        """Return the points that the people in `rows` get from everybody."""
        w = self.problem.weights
        seeks = np.minimum(_shared(self.seeks[rows], self.offers) * w.seeks, w.seeks_cap)
        gives = np.minimum(_shared(self.offers[rows], self.seeks) * w.gives, w.gives_cap)
        tags = np.minimum(
            _shared(self.tags[rows] * self.rarity.astype(np.float32), self.tags), w.tag_cap
        )
        total: Reals = (w.base + seeks + gives + tags).astype(np.float64)
        total += w.role * self.roles[rows][:, self.role]
        same_type = self.type[rows, None] == self.type[None, :]
        total += np.where(
            self.cross[rows, None], np.where(same_type, 0, w.cross), same_type * w.same_type
        )
        apart = _apart(self.half_hours[rows], self.half_hours)
        total += self._nearness(rows, apart)
        total += self._overlap(rows, apart)
        self._add_named(rows, total)
        total = np.maximum(total, 0)
        if self.problem.mixed:
            halved = ~self.remote[rows, None] & self.remote[None, :]
            total = np.where(halved, total // w.video_div, total)
        return total.astype(np.int64)

    def _nearness(self, rows: slice, apart: Reals) -> Reals:
        w = self.problem.weights
        here = self.region[rows, None] == self.region[None, :]
        near = np.where(here, w.near_region, (apart <= NEAR_HALF_HOURS) * w.near_tz)
        return np.where(self.near[rows, None], near, 0)

    def _overlap(self, rows: slice, apart: Reals) -> Reals:
        w = self.problem.weights
        shared = np.maximum(0, WINDOW_HALF_HOURS - apart)
        shared += np.maximum(0, apart - (DAY_HALF_HOURS - WINDOW_HALF_HOURS))
        points = np.minimum(w.overlap_cap, shared // (2 * w.overlap_step))
        return np.where(self.remote[rows, None] | self.remote[None, :], points, 0)

    def _add_named(self, rows: slice, total: Reals) -> None:
        w = self.problem.weights
        people = self.problem.people
        for i in range(rows.start, rows.stop):
            for j in people[i].wishes:
                total[i - rows.start, j] += w.wish + (w.mutual if i in people[j].wishes else 0)
            for j in people[i].known:
                total[i - rows.start, j] += w.known


def rarities(problem: Problem) -> Reals:
    """Return the points of sharing each tag: the fewer people hold it, the more."""
    w = problem.weights
    n = len(problem.people)
    held = _marks([p.tags for p in problem.people], len(problem.tags)).sum(axis=0)
    common = np.where(20 * held > n, w.tag_mid, w.tag_rare)
    return np.where(5 * held > n, w.tag_common, common).astype(np.float64)


def affinities(problem: Problem, people: Sequence[int]) -> Points:
    """Return the closing-round points of each two of these people, before any meeting counts."""
    w = problem.group_weights
    table = _Table(problem)
    rows = np.array(people, dtype=np.int64)
    tags = np.minimum(
        _shared(table.tags[rows] * table.rarity.astype(np.float32), table.tags[rows]), w.tag_cap
    ).astype(np.int64)
    same_type = table.type[rows, None] == table.type[None, rows]
    here = table.region[rows, None] == table.region[None, rows]
    apart = _apart(table.half_hours[rows], table.half_hours[rows])
    close = np.where(here, w.region, (apart <= NEAR_HALF_HOURS) * w.tz)
    affinity: Points = tags + same_type * w.same_type + close
    return affinity


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


def _shared(mine: npt.NDArray[np.floating], theirs: npt.NDArray[np.floating]) -> Reals:
    product: Reals = mine @ theirs.T
    return product
