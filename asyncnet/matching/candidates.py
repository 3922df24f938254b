"""The pairs and trios that are worth looking at, by the prices of the relaxation."""

from itertools import combinations

import numpy as np

from asyncnet.matching.bound import Edges, Numbers, Relaxation, rules_of, surplus
from asyncnet.matching.demand import EPSILON
from asyncnet.matching.problem import Problem
from asyncnet.matching.weights import Scores, blocks

Trio = tuple[int, int, int]

EVERY_PAIR_UP_TO = 60
NEIGHBOURS = 40
TRIOS = 4_000


def near(problem: Problem, scores: Scores, relaxed: Relaxation, slack: float) -> Edges:
    """Return the pairs that lose at most `slack` points against the relaxation's prices, and the
    best ones of those to whom viewers are promised."""
    n = len(problem.people)
    rules = rules_of(problem)
    used = relaxed.amount > EPSILON
    kept = Edges(relaxed.edges.a[used], relaxed.edges.b[used]).union(rules.pins, n)
    promised = np.array([someone.promise > 0 for someone in problem.people], dtype=bool)
    found: list[Numbers] = [np.zeros(0, dtype=np.int64)]
    each = n if n <= EVERY_PAIR_UP_TO else min(NEIGHBOURS, n)
    least = -np.inf if n <= EVERY_PAIR_UP_TO else -slack
    for rows in blocks(n):
        value = surplus(scores, rules, relaxed.prices, rows)
        picked = np.argpartition(-value, each - 1, axis=1)[:, :each]
        own = np.repeat(np.arange(rows.start, rows.stop), each)
        other = picked.ravel()
        worth = value[own - rows.start, other]
        good = ((worth >= least) | np.repeat(promised[rows], each)) & np.isfinite(worth)
        own, other = own[good], other[good]
        found.append(np.minimum(own, other) * n + np.maximum(own, other))
    codes = np.unique(np.concatenate(found))
    return Edges.of_codes(codes, n).union(kept, n)


def trios_worth(problem: Problem, scores: Scores, relaxed: Relaxation, edges: Edges) -> list[Trio]:
    """Return the trios among these pairs that lose least against the relaxation's prices."""
    rules = rules_of(problem)
    live = rules.live
    near_by: dict[int, set[int]] = {}
    for a, b in zip(edges.a.tolist(), edges.b.tolist(), strict=True):
        if live[a] and live[b]:
            near_by.setdefault(a, set()).add(b)
    banned = {(pin.a, pin.b) for pin in problem.pins}
    price = relaxed.prices.seat - relaxed.prices.reward
    share = relaxed.prices.share
    found: list[tuple[float, Trio]] = []
    for a, others in near_by.items():
        for b, c in combinations(sorted(others), 2):
            if c not in near_by.get(b, ()) or banned & {(a, b), (a, c), (b, c)}:
                continue
            if (
                not set(problem.rounds_of(a))
                & set(problem.rounds_of(b))
                & set(problem.rounds_of(c))
            ):
                continue
            worth = sum(
                float(scores.value[i, j])
                + share[i] * float(scores.points[i, j])
                + share[j] * float(scores.points[j, i])
                for i, j in ((a, b), (a, c), (b, c))
            )
            found.append((worth / 2 - price[a] - price[b] - price[c], (a, b, c)))
    found.sort(key=lambda entry: (-entry[0], entry[1]))
    return [trio for _, trio in found[:TRIOS]]
