"""The floor under everybody's points."""

import numpy as np

from asyncnet.matching.problem import Problem
from asyncnet.matching.weights import Reals, Scores


def yardstick(problem: Problem, scores: Scores, floor: float) -> Reals:
    """Return the points of which everybody is to get the share `floor` at least.

    That is their ideal, but less for those to whom the organizer's pins leave less than their
    floor: they get what the pins leave, and nobody else's floor suffers from it.
    """
    stick = scores.ideal.copy()
    partners: dict[int, set[int]] = {}
    for pin in problem.pins:
        partners.setdefault(pin.a, set()).add(pin.b)
        partners.setdefault(pin.b, set()).add(pin.a)
    for i, pinned in partners.items():
        others = [j for j in np.flatnonzero(scores.value[i] >= 0).tolist() if j not in pinned]
        free = max(0, problem.cap(i) - len(pinned))
        best = np.sort(scores.points[i, others])[::-1][:free].sum()
        left = float(scores.points[i, sorted(pinned)].sum() + best)
        if floor > 0:
            stick[i] = min(stick[i], left / floor)
    return stick


def whole_up(points: Reals) -> Reals:
    """Return points rounded up to what pairs can give."""
    return np.ceil(points - 1e-9)


def halves_up(points: Reals) -> Reals:
    """Return points rounded up to what meetings can give: halves, because of trios."""
    return np.ceil(2 * points - 1e-9) / 2


def lowest_share(points: Reals, stick: Reals) -> float:
    """Return the share of the worst-off person, 1 where nobody can have anything."""
    shares = np.divide(points, stick, out=np.ones(len(stick)), where=stick > 0)
    return float(shares.min(initial=1.0))
