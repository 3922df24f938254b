"""A bound from quickly found seat prices, for when there is no time for the linear programme.

Any prices give a bound. Good ones leave everybody with about as many partners worth their price as
they have seats: everybody in turn asks what their last seat is worth to the next one who would
like it, and halfway to that the prices move, all at once, a few dozen times.
"""

import numpy as np

from asyncnet.matching.bound import Numbers, Prices, price_all, rules_of
from asyncnet.matching.problem import Problem
from asyncnet.matching.weights import Reals, Scores, blocks

PARTNERS = 40
TURNS = 30


def quick_bound(problem: Problem, scores: Scores) -> float:
    """Return a total that no plan exceeds, seldom more than a hundredth above the best one."""
    rules = rules_of(problem)
    n = len(rules.cap)
    partners, value = _partners(scores, n)
    seat = np.zeros(n)
    best, lowest = seat, np.inf
    last = np.minimum(rules.cap, partners.shape[1] - 1)
    everybody = np.arange(n)
    for _ in range(TURNS):
        left = value - seat[partners]
        total = float(rules.cap @ seat + np.maximum(0, left - seat[:, None]).sum() / 2)
        if total < lowest:
            best, lowest = seat, total
        left = -np.sort(-left, axis=1)
        asked = (left[everybody, np.maximum(last - 1, 0)] + left[everybody, last]) / 2
        seat = (seat + np.where(np.isfinite(asked), np.maximum(0, asked), 0)) / 2
    none = np.zeros(n)
    _, bound = price_all(scores, rules, Prices(none, best, none, none), None)
    return bound


def _partners(scores: Scores, n: int) -> tuple[Numbers, Reals]:
    """Return everybody's most valuable partners, and what each is worth: nothing at all where the
    two must not meet."""
    width = min(PARTNERS, n)
    partners = np.empty((n, width), dtype=np.int64)
    value = np.empty((n, width))
    for rows in blocks(n):
        here = scores.value[rows]
        partners[rows] = np.argpartition(-here, width - 1, axis=1)[:, :width]
        value[rows] = np.take_along_axis(here, partners[rows], axis=1)
    return partners, np.where(value >= 0, value, -np.inf)
