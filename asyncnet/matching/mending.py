"""Seat those whom the colouring left without a seat, and raise those below their floor.

A few people at a time are seated anew, exactly, while everybody else stays.
"""

import random
import time
from collections import Counter

import numpy as np

from asyncnet.matching.measures import gains
from asyncnet.matching.problem import Pair, Problem
from asyncnet.matching.weights import Reals, Scores
from asyncnet.matching.windows import Rounds, reseat

EVERYONE_UP_TO = 12
WINDOW = 14
PATIENCE = 8


def mended(
    problem: Problem,
    scores: Scores,
    rounds: Rounds,
    floors: Reals,
    *,
    pins: dict[Pair, int],
    unavoidable: int,
    seed: int,
    seconds: float,
) -> Rounds:
    """Return the rounds after those who were left without a seat are seated, if they can be.

    `pins` maps pairs to the rounds they keep; `unavoidable` is how many seats stay empty in any
    plan.
    """
    stop_at = time.monotonic() + seconds
    everyone = list(range(len(problem.people)))
    rng = random.Random(seed)  # noqa: S311 no secret here
    patience = PATIENCE
    while patience and time.monotonic() < stop_at:
        waiting = unseated(problem, rounds)
        if sum(waiting.values()) <= unavoidable:
            break
        small = len(everyone) <= EVERYONE_UP_TO
        people = everyone if small else _window(problem, scores, rounds, sorted(waiting), rng)
        left = stop_at - time.monotonic()
        rounds = reseat(problem, scores, rounds, people, floors, kept=pins, seconds=left)
        better = sum(unseated(problem, rounds).values()) < sum(waiting.values())
        patience = 0 if small else PATIENCE if better else patience - 1
    return rounds


def lifted(
    problem: Problem,
    scores: Scores,
    rounds: Rounds,
    floors: Reals,
    *,
    pins: dict[Pair, int],
    seed: int,
    seconds: float,
) -> Rounds:
    """Return the rounds after those below their floor got more, if it can be had.

    Nobody's seat is lost by it, and the points that are missing in all become fewer.
    """
    stop_at = time.monotonic() + seconds
    rng = random.Random(seed)  # noqa: S311 no secret here
    patience = PATIENCE
    missing = _missing(scores, rounds, floors)
    while patience and missing and time.monotonic() < stop_at:
        behind = rng.sample(sorted(missing), min(2, len(missing)))
        people = _window(problem, scores, rounds, behind, rng)
        left = stop_at - time.monotonic()
        tried = reseat(problem, scores, rounds, people, floors, kept=pins, seconds=left)
        then = _missing(scores, tried, floors)
        fewer = sum(then.values()) < sum(missing.values())
        emptier = unseated(problem, tried).total() > unseated(problem, rounds).total()
        if fewer and not emptier:
            rounds, missing = tried, then
        patience = PATIENCE if fewer and not emptier else patience - 1
    return rounds


def _missing(scores: Scores, rounds: Rounds, floors: Reals) -> dict[int, float]:
    """Return the points that each person is below their floor, those who are not left out."""
    points = np.zeros(len(floors))
    for found in rounds:
        for meeting in found:
            for i, gain in gains(scores, meeting):
                points[i] += gain
    behind = np.flatnonzero(points < floors).tolist()
    return {i: float(floors[i] - points[i]) for i in behind}


def unseated(problem: Problem, rounds: Rounds) -> Counter[int]:
    """Return how often each live person sits out, those who never do left out."""
    seats = Counter(i for found in rounds for m in found for i in m)
    missing = {i: problem.cap(i) - seats[i] for i in problem.live}
    return Counter({i: count for i, count in missing.items() if count > 0})


def _window(
    problem: Problem, scores: Scores, rounds: Rounds, waiting: list[int], rng: random.Random
) -> list[int]:
    """Return some people without a seat, people they would like, and those whom these meet."""
    window = set(rng.sample(waiting, min(4, len(waiting))))
    partners = {
        i: [j for found in rounds for m in found if i in m for j in m if j != i]
        for i in range(len(problem.people))
    }
    wanted = [
        int(j)
        for i in sorted(window)
        for j in np.argsort(-scores.value[i].astype(np.int64), kind="stable")[:WINDOW]
    ]
    rng.shuffle(wanted)
    for i in wanted:
        if len(window) >= WINDOW:
            break
        window.update([i, *partners[i][:2]])
    return sorted(window)
