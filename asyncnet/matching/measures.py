"""A plan, and what it is worth."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from asyncnet.matching.problem import Pair, Problem, pair
from asyncnet.matching.weights import Reals, Scores

Meeting = tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """Who meets whom: meetings by round, or plain pairs where there are no rounds; and groups."""

    rounds: tuple[tuple[Meeting, ...], ...] = ()
    pairs: tuple[Pair, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()

    def meetings(self) -> Iterator[Meeting]:
        """Yield all pairs and trios."""
        for meetings in self.rounds:
            yield from meetings
        yield from self.pairs

    def met(self) -> set[Pair]:
        """Return the pairs that meet, those inside a trio too."""
        return {pair(a, b) for who in self.meetings() for a, b in combinations(who, 2)}

    def as_data(self, problem: Problem) -> dict[str, object]:
        """Return the plan in the words of `asyncnet-match/1`."""
        data: dict[str, object] = {}
        if problem.mixed:
            data["rounds"] = [[problem.ids(who) for who in meetings] for meetings in self.rounds]
        else:
            data["pairs"] = [problem.ids(who) for who in self.pairs]
        if self.groups:
            data["groups"] = [problem.ids(who) for who in self.groups]
        return data


@dataclass(frozen=True)
class Scored:
    """A plan, and what everybody's meetings are worth in its event."""

    plan: Plan
    scores: Scores


def plan_of(meetings: Sequence[Iterable[Meeting]]) -> Plan:
    """Return a plan of these rounds, everything in a fixed order."""
    return Plan(rounds=tuple(tuple(sorted(found)) for found in meetings))


@dataclass(frozen=True)
class Measures:
    """What a plan gives; shares are parts of everybody's own ideal, by person."""

    total: float
    points: Reals = field(compare=False)
    shares: Reals = field(compare=False)
    min_share: float
    coverage: float
    byes: tuple[int, ...]
    async_min_share: float | None
    async_filled: float | None


def gains(scores: Scores, meeting: Meeting) -> Iterator[tuple[int, float]]:
    """Yield what each person gets from a meeting: in a trio the mean over the two others."""
    for i in meeting:
        others = [j for j in meeting if j != i]
        yield i, sum(float(scores.points[i, j]) for j in others) / len(others)


def measure(problem: Problem, scores: Scores, plan: Plan) -> Measures:
    """Return the value of a plan by the rules of `asyncnet-match/1`."""
    n = len(problem.people)
    points = np.zeros(n)
    seats: Counter[int] = Counter()
    for meeting in plan.meetings():
        seats.update(meeting)
        for i, gain in gains(scores, meeting):
            points[i] += gain
    ideal = scores.ideal
    shares = np.divide(points, ideal, out=np.ones(n), where=ideal > 0)
    counted = list(problem.live) if problem.mixed else list(range(n))
    remote = list(problem.asynchronous) if problem.mixed else []
    caps = sum(problem.cap(i) for i in counted)
    remote_caps = sum(problem.cap(i) for i in remote)
    return Measures(
        total=float(points.sum()),
        points=points,
        shares=shares,
        min_share=float(shares[counted].min(initial=1.0)),
        coverage=sum(seats[i] for i in counted) / caps if caps else 1.0,
        byes=tuple(len(sitting_out(problem, plan, r)) for r in range(1, len(plan.rounds) + 1)),
        async_min_share=float(shares[remote].min()) if remote else None,
        async_filled=sum(seats[i] for i in remote) / remote_caps if remote_caps else None,
    )


def sitting_out(problem: Problem, plan: Plan, number: int) -> list[int]:
    """Return the live people who are there in this round and meet nobody."""
    busy = {i for meeting in plan.rounds[number - 1] for i in meeting}
    return [i for i in problem.live if i not in busy and number not in problem.people[i].away]
