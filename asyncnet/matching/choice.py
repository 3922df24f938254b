"""Which people meet, before anybody asks in which round.

An integer programme over the pairs that the relaxation finds worth while. Seats come first, then
everybody's floor, then the total.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array, eye_array, hstack, vstack

from asyncnet.matching.bound import (
    Edges,
    Numbers,
    OutOfTime,
    gain_rows,
    incidence,
    pinned,
    rules_of,
    viewing_rows,
)
from asyncnet.matching.candidates import EVERY_PAIR_UP_TO, Trio
from asyncnet.matching.demand import Demand, room_of, seated
from asyncnet.matching.problem import Pair, Problem
from asyncnet.matching.weights import Reals, Scores

NODES = 400
NODES_OF_SMALL_EVENTS = 1_000
INFEASIBLE = 2
GAP_OF_SHARE = 1e-5


@dataclass(frozen=True)
class Choice:
    """The chosen pairs and trios."""

    pairs: tuple[Pair, ...]
    trios: tuple[Trio, ...] = ()


def choose(
    problem: Problem,
    scores: Scores,
    edges: Edges,
    demand: Demand,
    trios: Sequence[Trio] = (),
    *,
    gap: float,
    seconds: float,
    reward: Reals | None = None,
    given: Edges | None = None,
) -> Choice | None:
    """Return the best pairs that meet the demand, or None where none was found.

    `given` pairs are taken as chosen already, which makes a very large event small again.

    With `reward` the demand's seats and least meetings become wishes worth that many points a
    seat, and its floors wishes too; promised viewers stay promised. Stops at the relative `gap`,
    or after a fixed number of nodes of the search, so that the same input gives the same answer.
    Raises OutOfTime.
    """
    programme = PairProgramme(problem, scores, edges, demand, trios)
    if given is not None:
        programme.give(given)
    worth: Reals = programme.worth
    if demand.wished:
        worth = worth + demand.wished * programme.degree[~programme.must].sum(axis=0)
    floored = np.flatnonzero(demand.floors > 0)
    gains = programme.gains[floored]
    if reward is None:
        programme.add(gains, demand.floors[floored], np.inf)
        programme.add_demand()
        return programme.solve(worth, gap, seconds)
    remote = ~programme.must
    programme.add(programme.degree[remote], demand.least[remote], np.inf)
    slack = csr_array(eye_array(len(floored)))
    programme.add(gains, demand.floors[floored], np.inf, beside=slack)
    worth = worth + programme.degree.T @ reward
    dear = 2.0 * float(scores.value.max(initial=1))
    return programme.solve(np.append(worth, np.full(len(floored), -dear)), gap, seconds)


class PairProgramme:
    """The integer programme over pairs and trios: one row per rule, one column per meeting."""

    def __init__(
        self,
        problem: Problem,
        scores: Scores,
        edges: Edges,
        demand: Demand,
        trios: Sequence[Trio],
    ) -> None:
        n = len(problem.people)
        self.rules = rules_of(problem)
        self.must = seated(problem)
        self.impossible = False
        self.bound = np.inf
        self.nodes = NODES_OF_SMALL_EVENTS if n <= EVERY_PAIR_UP_TO else NODES
        self.edges, self.demand, self.trios = edges, demand, trios
        t = len(trios)
        members = np.array(list(trios), dtype=np.int64).reshape(t, 3)
        spots = (members.T.ravel(), np.tile(np.arange(t), 3))
        triple = csr_array(coo_array((np.ones(3 * t), spots), (n, t)))
        self.degree = csr_array(hstack([incidence(edges, n), triple]))
        self.gains = csr_array(hstack([gain_rows(edges, scores), _trio_gains(members, scores, n)]))
        self.worth: Reals = np.asarray(self.gains.sum(axis=0), dtype=np.float64).ravel()
        self.rows: list[csr_array] = []
        self.beside: list[csr_array | None] = []
        self.low: list[Reals] = []
        self.high: list[Reals] = []
        self.pinned = pinned(edges, self.rules, n).astype(float)
        self.add(self.degree, 0.0, demand.most)
        counted = self.rules.counted_viewings()
        views = viewing_rows(edges, self.rules)
        none = csr_array((views.shape[0], t))
        self.add(csr_array(hstack([views, none])), -np.inf, self.rules.viewings[counted])
        if t:
            ones = np.concatenate([np.zeros(len(edges)), np.ones(t)])
            self.add(csr_array(ones[None, :]), 0.0, demand.trios)
            self.add(_overlaps(edges, trios, n), -np.inf, 1.0)
        for people in demand.odd_sets:
            inside = _inside(edges, members, people, n)
            self.add(inside, -np.inf, room_of(problem, people))

    def give(self, pairs: Edges) -> None:
        """Take pairs as chosen."""
        n = len(self.must)
        marks = np.isin(self.edges.a * n + self.edges.b, pairs.a * n + pairs.b)
        self.pinned = np.maximum(self.pinned, marks)

    def add(
        self,
        rows: csr_array,
        low: npt.ArrayLike,
        high: npt.ArrayLike,
        beside: csr_array | None = None,
    ) -> None:
        """Add rows with their limits; `beside` are their entries in columns of no meeting."""
        if rows.shape[0]:
            self.rows.append(rows)
            self.beside.append(beside)
            self.low.append(np.broadcast_to(np.asarray(low, dtype=float), rows.shape[0]))
            self.high.append(np.broadcast_to(np.asarray(high, dtype=float), rows.shape[0]))

    def add_demand(self) -> None:
        """Ask for the least meetings of each person and for the seats in all."""
        self.add(self.degree, self.demand.least, np.inf)
        for marks, wanted in (
            (self.must, self.demand.seats),
            (~self.must, self.demand.viewings),
        ):
            if marks.any():
                total = self.degree[marks].sum(axis=0).reshape(1, -1)
                self.add(csr_array(total), wanted, np.inf)

    def with_floors(self, floors: Reals, worth: Reals, gap: float, seconds: float) -> Choice | None:
        """Return the choice that is worth most and gives everybody so many points."""
        with self._rows_for_now():
            self.add(self.gains, floors, np.inf)
            return self.solve(worth, gap, seconds)

    def raised(
        self, stick: Reals, floors: Reals, limits: tuple[float, float], seconds: float
    ) -> Choice | None:
        """Return the choice that gives everybody so many points at least, and the worst-off person
        the largest share of their `stick` between two limits."""
        none = csr_array((1, self.gains.shape[1]))
        one = csr_array(np.ones((1, 1)))
        counted = np.flatnonzero(stick > 0)
        shares = csr_array(self.gains[counted] / stick[counted, None])
        with self._rows_for_now():
            self.add(self.gains, floors, np.inf)
            self.add(shares, 0.0, np.inf, beside=csr_array(-np.ones((len(counted), 1))))
            self.add(none, *limits, beside=one)
            worth = np.append(np.zeros(self.gains.shape[1]), 1.0)
            return self.solve(worth, GAP_OF_SHARE, seconds)

    @contextmanager
    def _rows_for_now(self) -> Iterator[None]:
        known = len(self.rows)
        try:
            yield
        finally:
            del self.rows[known:], self.beside[known:], self.low[known:], self.high[known:]

    def solve(self, worth: Reals, gap: float, seconds: float) -> Choice | None:
        """Return the choice that is worth most, columns beyond the meetings real and positive."""
        if seconds <= 0:
            raise OutOfTime
        m, t = len(self.edges), len(self.trios)
        extra = len(worth) - m - t
        matrix = csr_array(vstack(self.rows))
        if extra:
            empty = [csr_array((rows.shape[0], extra)) for rows in self.rows]
            filled = [
                own if own is not None else no for own, no in zip(self.beside, empty, strict=True)
            ]
            matrix = csr_array(hstack([matrix, csr_array(vstack(filled))]))
        found = milp(
            -worth,
            constraints=LinearConstraint(
                matrix, np.concatenate(self.low), np.concatenate(self.high)
            ),
            integrality=np.concatenate([np.ones(m + t), np.zeros(extra)]),
            bounds=Bounds(
                np.concatenate([self.pinned, np.zeros(t + extra)]),
                np.concatenate([np.ones(m + t), np.full(extra, np.inf)]),
            ),
            options={"mip_rel_gap": gap, "node_limit": self.nodes, "time_limit": seconds},
        )
        self.impossible = found.status == INFEASIBLE
        if found.x is None:
            return None
        self.bound = -float(found.mip_dual_bound)
        taken = np.flatnonzero(found.x[:m] > 0.5)
        together = np.flatnonzero(found.x[m : m + t] > 0.5).tolist()
        a, b = self.edges.a[taken].tolist(), self.edges.b[taken].tolist()
        return Choice(
            tuple(zip(a, b, strict=True)),
            tuple(self.trios[place] for place in together),
        )


def _trio_gains(members: Numbers, scores: Scores, n: int) -> csr_array:
    """Return each member's points of each trio: the mean of what the two others give."""
    t = len(members)
    rows, values = [], []
    for own, first, second in ((0, 1, 2), (1, 0, 2), (2, 0, 1)):
        i, j, k = members[:, own], members[:, first], members[:, second]
        rows.append(i)
        values.append((scores.points[i, j].astype(float) + scores.points[i, k]) / 2)
    columns = np.tile(np.arange(t), 3)
    return csr_array(coo_array((np.concatenate(values), (np.concatenate(rows), columns)), (n, t)))


def _overlaps(edges: Edges, trios: Sequence[Trio], n: int) -> csr_array:
    """Return one row per pair inside any trio: the pair itself and the trios it is in."""
    place = {code: e for e, code in enumerate((edges.a * n + edges.b).tolist())}
    row_of: dict[Pair, int] = {}
    rows: list[int] = []
    columns: list[int] = []
    for number, trio in enumerate(trios):
        for a, b in combinations(trio, 2):
            new = (a, b) not in row_of
            row = row_of.setdefault((a, b), len(row_of))
            rows.append(row)
            columns.append(len(edges) + number)
            if new and a * n + b in place:
                rows.append(row)
                columns.append(place[a * n + b])
    shape = (len(row_of), len(edges) + len(trios))
    return csr_array(coo_array((np.ones(len(rows)), (rows, columns)), shape))


def _inside(edges: Edges, members: Numbers, people: Sequence[int], n: int) -> csr_array:
    """Return the row that counts the meetings among these people."""
    among = np.zeros(n, dtype=bool)
    among[list(people)] = True
    pairs = (among[edges.a] & among[edges.b]).astype(float)
    trios = (among[members].sum(axis=1) >= 2).astype(float)
    return csr_array(np.concatenate([pairs, trios])[None, :])
