"""The linear relaxation of matching, and a total that no plan can exceed.

One variable per pair of people says how much of a meeting they have, from 0 to 1. A trio is half a
meeting of each of its three pairs, so the relaxation covers trios too. Only promising pairs are
variables; all others are priced with the dual values, and those that would pay are added. The
bound is computed from the duals over *every* allowed pair, so it holds however exactly the
relaxation was solved.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array, vstack

from asyncnet.matching.problem import Pair, Problem
from asyncnet.matching.weights import Reals, Scores, blocks

Numbers = npt.NDArray[np.int64]

CANDIDATES = 12
ADDED_PER_PERSON = 6
TOLERANCE = 1e-6
TIME_OVER = 1
EXACT_UP_TO = 150
CLOSE = 1e-5
LARGE = 3_000
CLOSE_WHEN_LARGE = 2e-4


@dataclass(frozen=True)
class Edges:
    """Pairs of people that a model may choose from; `a < b`, sorted, each pair once."""

    a: Numbers
    b: Numbers

    def __len__(self) -> int:
        return len(self.a)

    def union(self, other: "Edges", people: int) -> "Edges":
        """Return the pairs of both."""
        codes = np.union1d(self.a * people + self.b, other.a * people + other.b)
        return Edges.of_codes(codes, people)

    @classmethod
    def of_codes(cls, codes: Numbers, people: int) -> "Edges":
        """Return the pairs that sorted numbers `a * people + b` stand for."""
        return cls(codes // max(1, people), codes % max(1, people))


def edges_of(pairs: Iterable[Pair], people: int) -> Edges:
    """Return these pairs as sorted edges."""
    codes = np.unique(np.array([a * people + b for a, b in pairs], dtype=np.int64))
    return Edges.of_codes(codes, people)


@dataclass(frozen=True)
class Rules:
    """The counting rules of a problem as arrays: how often each person can meet."""

    cap: Numbers
    live: npt.NDArray[np.bool_]
    viewings: Numbers
    pins: Edges

    def counted_viewings(self) -> npt.NDArray[np.bool_]:
        """Mark the live people whose number of viewings is limited below their rounds."""
        marks: npt.NDArray[np.bool_] = self.live & (self.viewings < self.cap)
        return marks


def rules_of(problem: Problem) -> Rules:
    """Return the counting rules of this event."""
    n = len(problem.people)
    live = np.zeros(n, dtype=bool)
    live[list(problem.live)] = True
    limit = problem.max_async_per_live if problem.asynchronous else 0
    return Rules(
        cap=np.array([problem.cap(i) for i in range(n)], dtype=np.int64),
        live=live,
        viewings=np.full(n, limit if problem.mixed else n, dtype=np.int64),
        pins=edges_of({(pin.a, pin.b) for pin in problem.pins}, n),
    )


@dataclass(frozen=True)
class Prices:
    """What a meeting costs each person (a seat, a viewing) and what it brings them beside points.

    `reward` is what a filled seat brings, `share` what each point brings to somebody at the floor.
    """

    reward: Reals
    seat: Reals
    viewing: Reals
    share: Reals


@dataclass(frozen=True)
class Relaxation:
    """The solved relaxation: the pairs it used, how much of each, the prices and its bound."""

    edges: Edges
    amount: Reals
    prices: Prices
    bound: float

    def torn(self) -> Numbers:
        """Return the people of whom the relaxation has some meeting only in part."""
        part = (self.amount > TOLERANCE) & (self.amount < 1 - TOLERANCE)
        return np.union1d(self.edges.a[part], self.edges.b[part])


def incidence(edges: Edges, people: int) -> csr_array:
    """Return the matrix that counts each person's meetings."""
    columns = np.arange(len(edges))
    rows = np.concatenate([edges.a, edges.b])
    ones = np.ones(2 * len(edges))
    return csr_array(coo_array((ones, (rows, np.tile(columns, 2))), (people, len(edges))))


def viewing_rows(edges: Edges, rules: Rules) -> csr_array:
    """Return the matrix that counts the viewings of each live person whose number is limited."""
    counted = rules.counted_viewings()
    columns = np.arange(len(edges))
    first = counted[edges.a] & ~rules.live[edges.b]
    second = counted[edges.b] & ~rules.live[edges.a]
    rows = np.concatenate([edges.a[first], edges.b[second]])
    places = np.concatenate([columns[first], columns[second]])
    shape = (len(counted), len(edges))
    return csr_array(coo_array((np.ones(len(rows)), (rows, places)), shape))[counted]


def gain_rows(edges: Edges, scores: Scores) -> csr_array:
    """Return the matrix that sums each person's points."""
    columns = np.arange(len(edges))
    gains = np.concatenate(
        [scores.points[edges.a, edges.b], scores.points[edges.b, edges.a]]
    ).astype(np.float64)
    rows = np.concatenate([edges.a, edges.b])
    shape = (len(scores.points), len(edges))
    return csr_array(coo_array((gains, (rows, np.tile(columns, 2))), shape))


def pinned(edges: Edges, rules: Rules, people: int) -> npt.NDArray[np.bool_]:
    """Mark the edges that the organizer fixed."""
    return np.isin(edges.a * people + edges.b, rules.pins.a * people + rules.pins.b)


class OutOfTime(Exception):
    """The time allowed was over before there was anything to return."""


def relax(
    problem: Problem,
    scores: Scores,
    *,
    reward: Reals | None = None,
    floors: Reals | None = None,
    start: Edges | None = None,
    seconds: float = np.inf,
) -> Relaxation:
    """Return the best relaxed plan.

    `reward` are points that each person gets for every seat that is filled, beside those of the
    meeting; they count in the bound. `floors` are the points each person must have at least; a
    point missing there costs as much as two of the best meetings bring, so that floors which
    cannot be met are met as far as they can. After `seconds` what is known by then comes back;
    raises OutOfTime where that is nothing.
    """
    n = len(problem.people)
    rules = rules_of(problem)
    reward = np.zeros(n) if reward is None else reward
    edges = promising(scores, rules).union(rules.pins, n)
    if start is not None:
        edges = edges.union(start, n)
    dear = 2.0 * float(scores.value.max(initial=1)) if floors is not None else 0.0
    stop_at = time.monotonic() + seconds
    best = np.inf
    known: Relaxation | None = None
    while True:
        left = stop_at - time.monotonic()
        try:
            amount, prices, value = _solve(edges, scores, rules, reward, floors, dear, left)
        except OutOfTime:
            if known is None:
                raise
            return known
        added, bound = price_all(scores, rules, prices, floors)
        best = min(best, bound)
        known = Relaxation(edges, amount, prices, best)
        grown = edges.union(added, n)
        close = CLOSE_WHEN_LARGE if n > LARGE else CLOSE
        near_enough = n > EXACT_UP_TO and best - value <= close * simple_bound(scores)
        if len(grown) == len(edges) or near_enough:
            return known
        edges = grown


def simple_bound(scores: Scores) -> float:
    """Return a quick bound: everybody meets those they would choose themselves."""
    return float(scores.ideal.sum())


def promising(scores: Scores, rules: Rules, each: int = CANDIDATES) -> Edges:
    """Return the pairs that look best from either side, given how sought-after each person is."""
    n = len(scores.value)
    asked = np.zeros(n)
    for rows in blocks(n):
        width = max(1, min(n, int(rules.cap[rows].max(initial=1))))
        best = np.partition(scores.value[rows], n - width, axis=1)[:, n - width]
        asked[rows] = np.maximum(best, 0) / 2
    return _best_each(scores, asked, each, n)


def _best_each(scores: Scores, asked: Reals, each: int, n: int) -> Edges:
    found: list[Numbers] = [np.zeros(0, dtype=np.int64)]
    each = min(each, n)
    for rows in blocks(n):
        value = scores.value[rows].astype(np.float32)
        value = np.where(value >= 0, value - asked[None, :], -np.inf)
        picked = np.argpartition(-value, each - 1, axis=1)[:, :each]
        own = np.repeat(np.arange(rows.start, rows.stop), each)
        other = picked.ravel()
        allowed = np.isfinite(value[own - rows.start, other])
        own, other = own[allowed], other[allowed]
        found.append(np.minimum(own, other) * n + np.maximum(own, other))
    codes = np.unique(np.concatenate(found))
    return Edges.of_codes(codes, n)


def _solve(
    edges: Edges,
    scores: Scores,
    rules: Rules,
    reward: Reals,
    floors: Reals | None,
    dear: float,
    seconds: float,
) -> tuple[Reals, Prices, float]:
    n = len(rules.cap)
    counted = rules.counted_viewings()
    matrix = [incidence(edges, n), viewing_rows(edges, rules)]
    limits: list[Reals] = [rules.cap.astype(float), rules.viewings[counted].astype(float)]
    worth = scores.value[edges.a, edges.b] + reward[edges.a] + reward[edges.b]
    least = pinned(edges, rules, n).astype(np.float64)
    floored = np.zeros(0, dtype=np.int64)
    if floors is not None:
        floored = np.flatnonzero(floors > 0)
        matrix.append(-gain_rows(edges, scores)[floored])
        limits.append(-floors[floored])
    rows = csr_array(vstack(matrix))
    slack = coo_array(
        (
            -np.ones(len(floored)),
            (np.arange(len(floored)) + n + counted.sum(), np.arange(len(floored))),
        ),
        (rows.shape[0], len(floored)),
    )
    whole = csr_array(rows) if not len(floored) else _beside(rows, slack)
    costs = np.concatenate([-worth, np.full(len(floored), dear)])
    bounds = np.column_stack(
        [
            np.concatenate([least, np.zeros(len(floored))]),
            np.concatenate([np.ones(len(edges)), np.full(len(floored), np.inf)]),
        ]
    )
    if seconds <= 0:
        raise OutOfTime
    options = {"time_limit": seconds} if np.isfinite(seconds) else {}
    found = linprog(  # type: ignore[call-overload] # the stubs lack sparse matrices
        costs,
        A_ub=whole,
        b_ub=np.concatenate(limits),
        bounds=bounds,
        method="highs",
        options=options,
    )
    if found.status == TIME_OVER:
        raise OutOfTime
    if found.x is None or found.status != 0:
        raise ArithmeticError(f"The relaxation could not be solved: {found.message}")
    duals = -np.asarray(found.ineqlin.marginals)
    viewing = np.zeros(n)
    viewing[counted] = np.maximum(0, duals[n : n + counted.sum()])
    share = np.zeros(n)
    share[floored] = np.maximum(0, duals[n + counted.sum() :])
    paid = Prices(reward, np.maximum(0, duals[:n]), viewing, share)
    return found.x[: len(edges)], paid, -float(found.fun)


def _beside(left: csr_array, right: coo_array) -> csr_array:
    a = coo_array(left)
    values = np.concatenate([a.data, right.data])
    rows = np.concatenate([a.row, right.row])
    columns = np.concatenate([a.col, right.col + a.shape[1]])
    return csr_array(
        coo_array((values, (rows, columns)), (a.shape[0], a.shape[1] + right.shape[1]))
    )


def surplus(scores: Scores, rules: Rules, prices: Prices, rows: slice) -> Reals:
    """Return what each meeting of the people in `rows` would bring beyond its price."""
    value: Reals = scores.value[rows].astype(np.float64)
    if prices.share.any():
        value += prices.share[rows, None] * scores.points[rows]
        value += prices.share[None, :] * scores.points[:, rows].T
    seat = prices.seat - prices.reward
    value -= seat[rows, None] + seat[None, :]
    if prices.viewing.any():
        value -= np.where(rules.live[None, :], 0, prices.viewing[rows, None])
        value -= np.where(rules.live[rows, None], 0, prices.viewing[None, :])
    value[scores.value[rows] < 0] = -np.inf
    return value


def price_all(
    scores: Scores, rules: Rules, prices: Prices, floors: Reals | None
) -> tuple[Edges, float]:
    """Return the pairs that would still pay, best few of each person, and the bound."""
    n = len(rules.cap)
    bound = float(rules.cap @ prices.seat + rules.viewings @ prices.viewing)
    if floors is not None:
        bound -= float(floors @ prices.share)
    found: list[Numbers] = [np.zeros(0, dtype=np.int64)]
    each = min(ADDED_PER_PERSON, n)
    for rows in blocks(n):
        value = surplus(scores, rules, prices, rows)
        bound += float(np.maximum(value, 0).sum()) / 2
        picked = np.argpartition(-value, each - 1, axis=1)[:, :each]
        own = np.repeat(np.arange(rows.start, rows.stop), each)
        other = picked.ravel()
        pays = value[own - rows.start, other] > TOLERANCE
        own, other = own[pays], other[pays]
        found.append(np.minimum(own, other) * n + np.maximum(own, other))
    for a, b in zip(rules.pins.a, rules.pins.b, strict=True):
        forced = surplus(scores, rules, prices, slice(a, a + 1))[0, b]
        bound += min(0.0, float(forced))
    codes = np.unique(np.concatenate(found))
    return Edges.of_codes(codes, n), bound
