"""A quick valid plan, for when the time allowed is too short for a good one."""

from collections import Counter
from collections.abc import Iterable
from itertools import combinations

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
    _fill(scores, table, rounds, _best_first(problem, scores))
    return [sorted(found) for found in rounds]


def filled(problem: Problem, scores: Scores, rounds: Rounds) -> Rounds:
    """Return these rounds and, where seats are free, the best pairs that can take them."""
    table = _Seats(problem)
    for number, found in enumerate(rounds, 1):
        for who in found:
            for a, b in combinations(sorted(who), 2):
                table.meet(a, b)
            for i in who:
                table.take(i, number)
    more = [list(found) for found in rounds]
    _fill(scores, table, more, _best_first(problem, scores))
    return [sorted(found) for found in more]


def _fill(scores: Scores, table: "_Seats", rounds: Rounds, order: list[Pair]) -> None:
    """Add pairs to every round: those of `order` that can still meet, then whoever is left."""
    problem = table.problem
    for number, found in enumerate(rounds, 1):
        room = table.room(number)
        for a, b in order:
            if room[a] and room[b] and table.may_meet(a, b):
                table.seat(a, b, number)
                found.append((a, b))
                room[a] -= 1
                room[b] -= 1
        waiting = [i for i in problem.live if room[i]]
        for a in waiting:
            if not room[a]:
                continue
            here = np.array([b for b in waiting if room[b] and b != a], dtype=np.int64)
            values = scores.value[a, here]
            for place in np.argsort(-values, kind="stable").tolist():
                b = int(here[place])
                if values[place] < 0:
                    break
                if table.may_meet(a, b):
                    table.seat(*pair(a, b), number)
                    found.append(pair(a, b))
                    room[a] -= 1
                    room[b] -= 1
                    break


def _keep_promises(problem: Problem, scores: Scores, table: "_Seats", rounds: Rounds) -> None:
    """Seat promised viewers first, those with the fewest possible viewers before the others."""
    live = np.array(problem.live, dtype=np.int64)
    promised = [i for i in problem.asynchronous if problem.people[i].promise]
    caps = {i: problem.cap(i) for i in promised}
    choices = {i: live[scores.value[i, live] >= 0] for i in promised}
    for i in sorted(promised, key=lambda one: (len(choices[one]), one)):
        for viewer in choices[i][np.argsort(-scores.value[i, choices[i]], kind="stable")].tolist():
            if caps[i] - table.left[i] >= problem.people[i].promise:
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


def greedy_pairs(problem: Problem, scores: Scores, chosen: Iterable[Pair] = ()) -> tuple[Pair, ...]:
    """Return pairs for an asynchronous event, the best first while both have matches left.

    `chosen` pairs come before all others but the pins.
    """
    seats: Counter[int] = Counter()
    found: dict[Pair, None] = {(pin.a, pin.b): None for pin in problem.pins}
    found.update(dict.fromkeys(chosen))
    for duo in found:
        seats.update(duo)
    cap = [problem.cap(i) for i in range(len(problem.people))]
    for a, b in _best_first(problem, scores):
        if (a, b) not in found and seats[a] < cap[a] and seats[b] < cap[b]:
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
        n = len(problem.people)
        self.problem = problem
        self.live = [problem.is_live(i) for i in range(n)]
        self.width = [problem.width(i) for i in range(n)]
        self.left = [problem.cap(i) for i in range(n)]
        self.views = [problem.max_async_per_live if live else n for live in self.live]
        self.busy: Counter[tuple[int, int]] = Counter()
        self.met: set[Pair] = set()

    def free(self, person: int, number: int) -> bool:
        """Whether this person can take one more meeting in this round, counted from 1."""
        if number in self.problem.people[person].away or self.left[person] <= 0:
            return False
        return self.busy[person, number] < self.width[person]

    def room(self, number: int) -> list[int]:
        """Return how many more meetings everybody can have in this round."""
        people = self.problem.people
        return [
            0
            if number in someone.away
            else max(0, min(self.left[i], self.width[i] - self.busy[i, number]))
            for i, someone in enumerate(people)
        ]

    def may_meet(self, a: int, b: int) -> bool:
        """Whether a pair, smaller number first, has not met and leaves viewings to both."""
        if (a, b) in self.met if a < b else (b, a) in self.met:
            return False
        if self.live[a] == self.live[b]:
            return True
        return self.views[a if self.live[a] else b] > 0

    def meet(self, a: int, b: int) -> None:
        """Write down that these two meet, in whatever round."""
        self.met.add(pair(a, b))
        if self.live[a] != self.live[b]:
            self.views[a if self.live[a] else b] -= 1

    def take(self, person: int, number: int) -> None:
        """Write down that a seat of this person is taken in this round."""
        self.busy[person, number] += 1
        self.left[person] -= 1

    def seat(self, a: int, b: int, number: int) -> None:
        self.meet(a, b)
        self.take(a, number)
        self.take(b, number)
