"""What can be asked of the chosen meetings, settled by counting.

An integer programme proves parity only by trying everything, so whether a seat must stay empty is
known before one is solved.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asyncnet.matching.bound import Numbers, Relaxation, incidence, rules_of
from asyncnet.matching.problem import Problem
from asyncnet.matching.weights import Reals, Scores

EPSILON = 1e-6


@dataclass(frozen=True)
class Demand:
    """What the chosen meetings must satisfy beside the hard rules.

    `least` and `most` meetings of each person, the number of `seats` of people who must be seated,
    of `viewings` and of `trios`, and `floors` in points. `odd_sets` are sets of people who
    have no more meetings among them than their rounds can hold. A viewing beyond those demanded
    is `wished` for as if it brought so many points more.
    """

    least: Numbers
    most: Numbers
    seats: int
    viewings: int
    trios: int
    floors: Reals
    odd_sets: tuple[tuple[int, ...], ...] = ()
    wished: float = 0.0


def seated(problem: Problem) -> npt.NDArray[np.bool_]:
    """Mark the people whose seats are filled before the total is raised."""
    marks = np.ones(len(problem.people), dtype=bool)
    if problem.mixed:
        marks[list(problem.asynchronous)] = False
    return marks


def rewards(problem: Problem, scores: Scores) -> Reals:
    """Return what one filled seat of each person is worth beside its points."""
    most = float(scores.value.max(initial=1))
    reward: Reals = np.where(seated(problem), 40.0 * most, 2.0 * most)
    return reward


def demand_of(problem: Problem, scores: Scores, relaxed: Relaxation, floors: Reals) -> Demand:
    """Return what can be asked for, after the relaxation that rewards filled seats.

    Where it leaves a seat empty, whose seat that is remains open: it found one way among many.
    """
    n = len(problem.people)
    rules = rules_of(problem)
    must = seated(problem)
    degree = incidence(relaxed.edges, n) @ relaxed.amount
    reached = np.floor(degree + EPSILON).astype(np.int64)
    most = np.minimum(rules.cap, (scores.value >= 0).sum(axis=1))
    empty = bool((must & (reached < most)).any())
    least = np.where(must, np.minimum(most - empty, reached), 0)
    seats = int(np.floor(degree[must].sum() + EPSILON))
    viewings = int(np.floor(degree[~must].sum() + EPSILON))
    trios = 0
    everyone: tuple[tuple[int, ...], ...] = ()
    if problem.mixed and problem.live:
        everyone = (problem.live,)
        missing = _too_many_seats(problem, seats, viewings)
        if missing > 0 and problem.trio:
            trios = missing
            if (seats - viewings - 3 * trios) % 2:
                viewings -= 1
        elif missing > 0:
            seats -= missing
    if not problem.mixed:
        seats -= seats % 2
    elif not trios and (seats - viewings) % 2:
        if viewings > 0:
            viewings -= 1
        else:
            seats -= 1
    if seats < int(least[must].sum()):
        least = np.where(must, np.minimum(least, np.maximum(rules.cap - 1, 0)), least)
    promises = np.array([p.promise for p in problem.people], dtype=np.int64)
    least = np.where(must, least, np.minimum(promises, rules.cap))
    return Demand(least, rules.cap, seats, viewings, trios, floors, everyone)


def _too_many_seats(problem: Problem, seats: int, viewings: int) -> int:
    """Return how many seats are left over when every round pairs the people who are there."""
    room = sum(_present(problem, problem.live, r) // 2 for r in range(1, problem.rounds + 1))
    return max(0, seats - viewings - 2 * room)


def _present(problem: Problem, people: Sequence[int], number: int) -> int:
    """Return the seats of these people in one round."""
    return sum(problem.width(i) for i in people if number not in problem.people[i].away)


def room_of(problem: Problem, people: Sequence[int]) -> int:
    """Return the most meetings these people can have among themselves."""
    return sum(_present(problem, people, r) // 2 for r in range(1, problem.rounds + 1))
