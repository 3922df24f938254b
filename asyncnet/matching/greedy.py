"""A quick valid plan, for when the time allowed is too short for a good one."""

from collections import Counter, defaultdict

import numpy as np

from asyncnet.matching.bound import Edges, promising, rules_of
from asyncnet.matching.problem import Pair, Problem, pair
from asyncnet.matching.weights import Scores
from asyncnet.matching.windows import Rounds

CANDIDATES = 40


def greedy_rounds(problem: Problem, scores: Scores, pins: dict[Pair, int]) -> Rounds:
    """Return rounds in which the best free pairs meet, one after the other.

    `pins` maps the pairs that must meet to their rounds, counted from 1.
    """
    table = _Seats(problem)
    rounds: Rounds = [[] for _ in range(problem.rounds)]
    for (a, b), number in sorted(pins.items()):
        table.seat(a, b, number)
        rounds[number - 1].append((a, b))
    _keep_promises(problem, scores, table, rounds)
    order = _best_first(problem, scores)
    for number in range(1, problem.rounds + 1):
        for a, b in order:
            if table.free(a, number) and table.free(b, number) and table.may_meet(a, b):
                table.seat(a, b, number)
                rounds[number - 1].append((a, b))
        waiting = [i for i in problem.live if table.free(i, number)]
        for a in waiting:
            found = [
                b
                for b in waiting
                if b != a
                and table.free(b, number)
                and scores.allowed(a, b)
                and table.may_meet(a, b)
            ]
            if table.free(a, number) and found:
                b = max(found, key=lambda other: int(scores.value[a, other]))
                table.seat(a, b, number)
                rounds[number - 1].append(pair(a, b))
    return [sorted(found) for found in rounds]


def _keep_promises(problem: Problem, scores: Scores, table: "_Seats", rounds: Rounds) -> None:
    """Seat promised viewers first, those with the fewest possible viewers before the others."""
    live = np.array(problem.live, dtype=np.int64)
    promised = [i for i in problem.asynchronous if problem.people[i].promise]
    choices = {i: live[scores.value[i, live] >= 0] for i in promised}
    for i in sorted(promised, key=lambda one: (len(choices[one]), one)):
        for viewer in choices[i][np.argsort(-scores.value[i, choices[i]], kind="stable")].tolist():
            if table.seats[i] >= problem.people[i].promise:
                break
            number = next(
                (
                    number
                    for number in range(1, problem.rounds + 1)
                    if table.free(i, number) and table.free(viewer, number)
                ),
                None,
            )
            if number and table.may_meet(i, viewer):
                table.seat(*pair(i, viewer), number)
                rounds[number - 1].append(pair(i, viewer))


def greedy_pairs(problem: Problem, scores: Scores) -> tuple[Pair, ...]:
    """Return pairs for an asynchronous event, the best first while both have matches left."""
    seats: Counter[int] = Counter()
    found: dict[Pair, None] = {(pin.a, pin.b): None for pin in problem.pins}
    for duo in found:
        seats.update(duo)
    for a, b in _best_first(problem, scores):
        if (a, b) not in found and seats[a] < problem.cap(a) and seats[b] < problem.cap(b):
            found[a, b] = None
            seats.update((a, b))
    return tuple(found)


def _best_first(problem: Problem, scores: Scores) -> list[Pair]:
    edges: Edges = promising(scores, rules_of(problem), CANDIDATES)
    order = np.argsort(-scores.value[edges.a, edges.b].astype(np.int64), kind="stable")
    return list(zip(edges.a[order].tolist(), edges.b[order].tolist(), strict=True))


class _Seats:
    """Who can still be seated where."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.busy: Counter[tuple[int, int]] = Counter()
        self.seats: Counter[int] = Counter()
        self.viewings: Counter[int] = Counter()
        self.met: defaultdict[int, set[int]] = defaultdict(set)

    def free(self, person: int, number: int) -> bool:
        someone = self.problem.people[person]
        if number in someone.away or self.seats[person] >= self.problem.cap(person):
            return False
        width = 1 if self.problem.is_live(person) else someone.per_round
        return self.busy[person, number] < width

    def may_meet(self, a: int, b: int) -> bool:
        if b in self.met[a]:
            return False
        return all(
            self.problem.is_live(other) or self.viewings[i] < self.problem.max_async_per_live
            for i, other in ((a, b), (b, a))
            if self.problem.is_live(i)
        )

    def seat(self, a: int, b: int, number: int) -> None:
        for i, other in ((a, b), (b, a)):
            self.busy[i, number] += 1
            self.seats[i] += 1
            self.met[i].add(other)
            if self.problem.is_live(i) and not self.problem.is_live(other):
                self.viewings[i] += 1
