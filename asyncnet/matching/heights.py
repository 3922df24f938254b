"""How high a floor under everybody can be, found by asking for one height after another.

Points come whole, or in halves where there are trios, so only some shares can be anybody's.
Between the highest that was had and the lowest that was refused lie fewer of them with every
question that is answered quickly. What is left between them is settled in one programme.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from asyncnet.matching.bound import Edges
from asyncnet.matching.candidates import Trio
from asyncnet.matching.choice import Choice, PairProgramme
from asyncnet.matching.demand import Demand
from asyncnet.matching.floors import halves_up, lowest_share, whole_up
from asyncnet.matching.measures import gains
from asyncnet.matching.problem import Problem
from asyncnet.matching.weights import Reals, Scores

NODES, MORE_NODES = 30, 2_000
GAP = 1e-4
SAME = 1e-9


@dataclass(frozen=True)
class Height:
    """Pairs that give everybody the share `lowest` of their stick, and what no such pairs can."""

    choice: Choice
    lowest: float
    bound: float


def highest_floor(
    problem: Problem,
    scores: Scores,
    edges: Edges,
    demand: Demand,
    trios: Sequence[Trio] = (),
    *,
    stick: Reals,
    floor: float,
    seconds: float,
) -> Height | None:
    """Return pairs that give the worst-off person most of their `stick`, up to the share `floor`.

    The demand's floors play no part; None comes back where its seats cannot be had. Raises
    OutOfTime before there is anything to return.
    """
    stop_at = time.monotonic() + seconds
    programme = PairProgramme(problem, scores, edges, demand, trios)
    programme.add_demand()
    nothing: Reals = np.zeros(len(edges) + len(trios))
    heights = _heights(stick, floor, parts=2 if trios else 1)
    rounded_up = halves_up if trios else whole_up

    def reached(choice: Choice) -> int:
        """Return the place of the highest share that everybody has."""
        points = np.zeros(len(stick))
        for meeting in (*choice.pairs, *choice.trios):
            for i, gain in gains(scores, meeting):
                points[i] += gain
        return int(np.searchsorted(heights, lowest_share(points, stick) + SAME, "right")) - 1

    best = programme.solve(nothing, GAP, seconds)
    if best is None:
        return None
    had, refused = reached(best), len(heights)
    asked = refused
    programme.nodes = NODES
    while asked - had > 1 and (left := stop_at - time.monotonic()) > 0:
        middle = (had + asked) // 2
        floors = rounded_up(heights[middle] * stick)
        choice = programme.with_floors(floors, nothing, GAP, left)
        if choice:
            best, had = choice, max(middle, reached(choice))
        else:
            asked = middle
            refused = middle if programme.impossible else refused
    bound = float(heights[refused - 1])
    if refused - had > 1 and (left := stop_at - time.monotonic()) > 0:
        programme.nodes = MORE_NODES
        floors = rounded_up(heights[had] * stick)
        choice = programme.raised(stick, floors, (heights[had], bound), left)
        if choice:
            bound = min(bound, programme.bound)
            best, had = max((best, had), (choice, reached(choice)), key=lambda entry: entry[1])
    return Height(best, float(heights[had]), max(bound, float(heights[had])))


def _heights(stick: Reals, floor: float, parts: int) -> Reals:
    """Return the shares that somebody can have, from nothing up to the floor.

    Each point comes in so many `parts`.
    """
    found = [
        np.arange(1, np.ceil(parts * floor * points)) / (parts * points)
        for points in stick[stick > 0]
    ]
    shares = np.concatenate([np.zeros(1), *found, np.array([floor])])
    return np.unique(np.round(shares, 12))
