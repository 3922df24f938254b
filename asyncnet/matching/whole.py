"""Seat everybody of a very small event, in all rounds at once and exactly.

Among a handful of people almost every choice of pairs gets in the way of the rounds, so that pairs
cannot be chosen before them. One column per meeting and round says all there is to say. What
matters most is settled first and kept: seats of the live people, then that nobody sits out more
often than they must, then that trios are few; after that the share of the worst-off person, then
the viewings, and the total last.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from asyncnet.matching.floors import halves_up, lowest_share
from asyncnet.matching.measures import Meeting, gains
from asyncnet.matching.problem import Problem
from asyncnet.matching.programme import Answer, Programme
from asyncnet.matching.weights import Reals, Scores

NODES = 20_000
GAP = 1e-7
SEAT, AGAIN, TRIO = 10_000.0, 100.0, 1.0


@dataclass(frozen=True)
class Seating:
    """Rounds, and the share that the worst-off person cannot exceed in any that seat as many."""

    rounds: list[list[Meeting]]
    floor_bound: float


def seat_everybody(
    problem: Problem, scores: Scores, stick: Reals, *, floor: float, seconds: float
) -> Seating | None:
    """Return the best rounds there are, or None where the time was too short for any.

    The worst-off person counts up to the share `floor` of their `stick`, before the total does.
    """
    return _Whole(problem, scores, stick).solve(floor, seconds)


class _Whole:
    """The programme: the meetings by round, then one column per person, then the lowest share."""

    def __init__(self, problem: Problem, scores: Scores, stick: Reals) -> None:
        self.problem = problem
        self.scores = scores
        self.stick = stick
        self.options = self._options()
        self.people = len(problem.people)
        self.programme = Programme(len(self.options), self.people + 1)
        self.share = len(self.options) + self.people
        for column, (number, meeting) in enumerate(self.options):
            self._limit(column, number, meeting)
        for i in problem.live:
            again = ("again", i)
            if again in self.programme:
                self.programme.put(again, len(self.options) + i, 1)

    def _options(self) -> list[tuple[int, Meeting]]:
        problem = self.problem
        there = range(len(problem.people))
        meetings: list[Meeting] = [
            duo for duo in combinations(there, 2) if self.scores.allowed(*duo)
        ]
        if problem.trio:
            pairs = set(meetings)
            meetings += [
                trio
                for trio in combinations(problem.live, 3)
                if pairs.issuperset(combinations(trio, 2))
            ]
        return [
            (number, meeting)
            for number in range(1, problem.rounds + 1)
            for meeting in meetings
            if not any(number in problem.people[i].away for i in meeting)
        ]

    def _limit(self, column: int, number: int, meeting: Meeting) -> None:
        """Write the rules that this meeting is under."""
        problem, put = self.problem, self.programme.put
        live = [i for i in meeting if problem.is_live(i)]
        for i in meeting:
            someone = problem.people[i]
            width = problem.width(i)
            put(("round", i, number), column, 1, high=width)
            put(("cap", i), column, 1, low=someone.promise, high=problem.cap(i))
            if problem.is_live(i):
                put(("again", i), column, 1, low=problem.cap(i) - 1)
                if len(live) < len(meeting):
                    put(("viewings", i), column, 1, high=problem.max_async_per_live)
        for duo in combinations(meeting, 2):
            put(("pair", duo), column, 1, high=1)
            for pin in problem.pins:
                if (pin.a, pin.b) == duo and pin.round in (0, number):
                    put(("pin", duo), column, 1, low=1)
        if len(live) == len(meeting):
            put(("room", number), column, 1, high=self._room(number))
        if len(meeting) > 2:
            put(("trio", number), column, 1, high=1)

    def _room(self, number: int) -> int:
        there = [i for i in self.problem.live if number not in self.problem.people[i].away]
        return len(there) // 2

    def solve(self, floor: float, seconds: float) -> Seating | None:
        """Return the best rounds, everything settled in the order of what matters."""
        stop_at = time.monotonic() + seconds
        live = {
            column: float(sum(map(self.problem.is_live, meeting)))
            for column, (_, meeting) in enumerate(self.options)
        }
        again = {len(self.options) + i: 1.0 for i in self.problem.live}
        trios = {c: 1.0 for c, (_, who) in enumerate(self.options) if len(who) > 2}
        first = {column: SEAT * by for column, by in live.items()}
        for column in trios:
            first[column] -= TRIO
        first |= dict.fromkeys(again, -AGAIN)
        answer = self._best(first, stop_at)
        if answer is None:
            return None
        for name, worth, sign in (("live", live, 1), ("again", again, -1), ("trios", trios, -1)):
            reached = sum(sign * by * round(answer.columns[c]) for c, by in worth.items())
            self.programme.demand(name, {c: sign * by for c, by in worth.items()}, reached)
        bound = 1.0
        if floor > 0:
            answer, bound = self._raised(answer, floor, stop_at)
        total = {
            column: sum(gain for _, gain in gains(self.scores, meeting))
            + 2.0 * float(self.scores.value.max(initial=1)) * (len(meeting) - live[column])
            for column, (_, meeting) in enumerate(self.options)
        }
        answer = self._best(total, stop_at) or answer
        return Seating(self._rounds(answer), bound)

    def _best(self, worth: Mapping[int, float], stop_at: float) -> Answer | None:
        left = stop_at - time.monotonic()
        return self.programme.solve(worth, gap=GAP, nodes=NODES, seconds=left)

    def _raised(self, answer: Answer, floor: float, stop_at: float) -> tuple[Answer, float]:
        """Return the answer in which the worst-off person has most, its floor kept from now on."""
        put = self.programme.put
        for column, (_, meeting) in enumerate(self.options):
            for i, gain in gains(self.scores, meeting):
                if self.stick[i] > 0:
                    put(("share", i), column, gain / self.stick[i], low=0)
        for i in range(self.people):
            if ("share", i) in self.programme:
                put(("share", i), self.share, -1)
        put("floor", self.share, 1, high=floor)
        found = self._best({self.share: 1.0}, stop_at)
        best = found or answer
        lowest = min(floor, lowest_share(self._points(best), self.stick))
        kept = halves_up(lowest * self.stick)
        for column, (_, meeting) in enumerate(self.options):
            for i, gain in gains(self.scores, meeting):
                put(("kept", i), column, gain, low=kept[i])
        return best, max(lowest, found.bound) if found else 1.0

    def _points(self, answer: Answer) -> Reals:
        points = np.zeros(self.people)
        for column in answer.taken():
            if column < len(self.options):
                for i, gain in gains(self.scores, self.options[column][1]):
                    points[i] += gain
        return points

    def _rounds(self, answer: Answer) -> list[list[Meeting]]:
        rounds: list[list[Meeting]] = [[] for _ in range(self.problem.rounds)]
        for column in answer.taken():
            if column < len(self.options):
                number, meeting = self.options[column]
                rounds[number - 1].append(meeting)
        return [sorted(found) for found in rounds]
