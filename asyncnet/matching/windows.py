"""Seat a few people anew, in all rounds at once and exactly, while everybody else stays.

This is the model with one variable per pair and round. It is hopeless for a whole event, and just
right for the handful of people whom the colouring could not place, and for very small events.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array

from asyncnet.matching.measures import Meeting, gains
from asyncnet.matching.problem import Pair, Problem, pair
from asyncnet.matching.weights import Reals, Scores

Rounds = list[list[Meeting]]

TRIOS_UP_TO = 14
NODES = 300
NODES_OF_SMALL_EVENTS = 2_000
SMALL_UP_TO = 60
GAP = 1e-6


def reseat(
    problem: Problem,
    scores: Scores,
    rounds: Rounds,
    people: Sequence[int],
    floors: Reals,
    *,
    kept: dict[Pair, int],
    seconds: float,
) -> Rounds:
    """Return the rounds with these people seated anew among themselves, as well as can be.

    A meeting with somebody who is not among `people` stays, and so do the pairs in `kept`, which
    maps them to their round. Promised viewers count most, then seats, then nobody sitting out
    twice, then floors, then the total. Returns the rounds as they were when nothing was found in
    `seconds`.
    """
    window = _Window(problem, scores, rounds, people, floors, kept)
    return window.solve(seconds)


class _Window:
    """What is fixed around the chosen people, and the programme for the rest."""

    def __init__(
        self,
        problem: Problem,
        scores: Scores,
        rounds: Rounds,
        people: Sequence[int],
        floors: Reals,
        kept: dict[Pair, int],
    ) -> None:
        self.problem = problem
        self.scores = scores
        self.people = sorted(people)
        self.floors = floors
        inside = set(people)
        self.fixed: Rounds = [
            [m for m in found if not inside.issuperset(m) or (len(m) == 2 and m in kept)]
            for found in rounds
        ]
        self.before = rounds
        self.met = {
            pair(a, b) for found in self.fixed for m in found for a, b in combinations(m, 2)
        }
        self.busy = Counter((i, r) for r, found in enumerate(self.fixed) for m in found for i in m)
        self.gained: defaultdict[int, float] = defaultdict(float)
        self.seats: Counter[int] = Counter()
        self.viewings: Counter[int] = Counter()
        for found in self.fixed:
            for meeting in found:
                self.seats.update(meeting)
                for i, gain in gains(scores, meeting):
                    self.gained[i] += gain
                for i in meeting:
                    if problem.is_live(i) and not all(problem.is_live(j) for j in meeting):
                        self.viewings[i] += 1
        self.options: list[tuple[int, Meeting]] = self._options()

    def room(self, person: int, number: int) -> int:
        """Return how many more meetings this person can have in this round, counted from 0."""
        someone = self.problem.people[person]
        if number + 1 in someone.away:
            return 0
        return self.problem.width(person) - self.busy[person, number]

    def nodes(self) -> int:
        """Return how far the search goes. In a large event a window that ends too early is followed
        by the next one; in a small one there are few, and each counts for somebody's share."""
        small = len(self.problem.people) <= SMALL_UP_TO
        return NODES_OF_SMALL_EVENTS if small else NODES

    def _options(self) -> list[tuple[int, Meeting]]:
        found: list[tuple[int, Meeting]] = []
        for number, fixed in enumerate(self.fixed):
            free = [i for i in self.people if self.room(i, number) > 0]
            pairs = {
                (a, b)
                for a, b in combinations(free, 2)
                if self.scores.value[a, b] >= 0 and (a, b) not in self.met
            }
            found.extend((number, duo) for duo in sorted(pairs))
            if not self.problem.trio or any(len(m) > 2 for m in fixed):
                continue
            if len(self.people) > TRIOS_UP_TO:
                continue
            live = [i for i in free if self.problem.is_live(i)]
            found.extend(
                (number, trio)
                for trio in combinations(live, 3)
                if all(duo in pairs for duo in combinations(trio, 2))
            )
        return found

    def solve(self, seconds: float) -> Rounds:
        """Return the rounds with the best choice among the options."""
        count = len(self.options)
        if not count or seconds <= 0:
            return self.before
        place = {i: row for row, i in enumerate(self.people)}
        size = len(self.people)
        most = float(self.scores.value.max(initial=1))
        rows: dict[tuple[object, ...], tuple[float, float]] = {}
        cells: list[tuple[tuple[object, ...], int, float]] = []
        worth = np.zeros(count + 3 * size)

        def put(row: tuple[object, ...], column: int, low: float, high: float, by: float) -> None:
            rows.setdefault(row, (low, high))
            cells.append((row, column, by))

        for column, (number, meeting) in enumerate(self.options):
            live = [i for i in meeting if self.problem.is_live(i)]
            worth[column] = sum(gain for _, gain in gains(self.scores, meeting))
            worth[column] += 40 * most * len(live) + 2 * most * (len(meeting) - len(live))
            for i, gain in gains(self.scores, meeting):
                put(("round", i, number), column, 0, self.room(i, number), 1)
                put(("cap", i), column, 0, self.problem.cap(i) - self.seats[i], 1)
                put(("floor", i), column, self.floors[i] - self.gained[i], np.inf, gain)
                if self.problem.people[i].promise:
                    owed = self.problem.people[i].promise - self.seats[i]
                    put(("promise", i), column, owed, np.inf, 1)
                if self.problem.is_live(i):
                    least = self.problem.cap(i) - 1 - self.seats[i]
                    put(("twice", i), column, least, np.inf, 1)
                    if len(live) < len(meeting):
                        free = self.problem.max_async_per_live - self.viewings[i]
                        put(("viewings", i), column, 0, free, 1)
            for duo in combinations(meeting, 2):
                put(("pair", duo), column, 0, 1, 1)
            if len(meeting) > 2:
                put(("trio", number), column, 0, 1, 1)
        for i in self.people:
            if ("floor", i) in rows:
                cells.append((("floor", i), count + place[i], 1))
            if ("twice", i) in rows:
                cells.append((("twice", i), count + size + place[i], 1))
            if ("promise", i) in rows:
                cells.append((("promise", i), count + 2 * size + place[i], 1))
        worth[count : count + size] = -2 * most
        worth[count + size : count + 2 * size] = -40 * most
        worth[count + 2 * size :] = -90 * most
        names = {row: line for line, row in enumerate(rows)}
        matrix = csr_array(
            coo_array(
                (
                    [by for _, _, by in cells],
                    ([names[row] for row, _, _ in cells], [column for _, column, _ in cells]),
                ),
                (len(rows), len(worth)),
            )
        )
        low, high = zip(*rows.values(), strict=True)
        upper = np.concatenate([np.ones(count), np.full(3 * size, np.inf)])
        answer = milp(
            -worth,
            constraints=LinearConstraint(matrix, low, high),
            integrality=np.concatenate([np.ones(count), np.zeros(3 * size)]),
            bounds=Bounds(np.zeros(len(worth)), upper),
            options={"mip_rel_gap": GAP, "node_limit": self.nodes(), "time_limit": seconds},
        )
        if answer.x is None:
            return self.before
        after = [list(found) for found in self.fixed]
        for column in np.flatnonzero(answer.x[:count] > 0.5).tolist():
            number, meeting = self.options[column]
            after[number].append(meeting)
        return [sorted(found) for found in after]
