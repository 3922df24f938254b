"""Points, shares and affinities scored anew for the check, person by person, from the plain data.

Nothing here is shared with the solver but the reading of the event.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from asyncnet.matching.problem import Problem

Row = npt.NDArray[np.float64]
SLACK = 1e-9


class Recount:
    """What everybody of one event gets from everybody else."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.people = problem.people

    def is_live(self, i: int) -> bool:
        return self.problem.mixed and not self.people[i].is_async

    def cap(self, i: int) -> int:
        person = self.people[i]
        if not self.problem.mixed:
            return person.k
        there = self.problem.rounds - len(person.away)
        return min(person.k, there * person.per_round) if person.is_async else there

    def share(self, i: int, points: float) -> float:
        row = self.row(i)
        best = sorted((float(row[j]) for j in self.possible(i)), reverse=True)[: self.cap(i)]
        ideal = sum(best)
        return points / ideal if ideal > SLACK else 1.0

    def possible(self, i: int) -> Iterable[int]:
        mine = self.problem.rounds_of(i) if self.problem.mixed else []
        partial = self.problem.mixed and any(p.away for p in self.people)
        barred = self.barred()[i]
        for j in range(len(self.people)):
            if j == i or j in barred:
                continue
            if self.problem.mixed and not self.is_live(i) and not self.is_live(j):
                continue
            if partial and not set(mine) & set(self.problem.rounds_of(j)):
                continue
            yield j

    def barred(self) -> Mapping[int, set[int]]:
        if not hasattr(self, "_barred"):
            barred: defaultdict[int, set[int]] = defaultdict(set)
            past = self.problem.history if self.problem.no_repeat_history else frozenset()
            for i, j in {*self.problem.forbids, *past}:
                barred[i].add(j)
                barred[j].add(i)
            for i, person in enumerate(self.people):
                for j in person.avoid:
                    barred[i].add(j)
                    barred[j].add(i)
            self._barred = barred
        return self._barred

    def row(self, i: int) -> Row:
        """Return what this person gets from everybody, in points."""
        w = self.problem.weights
        me = self.people[i]
        facts = self.facts()
        n = len(self.people)
        total: Row = np.full(n, float(w.base))
        for j in me.wishes:
            total[j] += w.wish + (w.mutual if i in self.people[j].wishes else 0)
        sought = sum((facts["offers", skill] for skill in me.seeks), np.zeros(n))
        total += np.minimum(w.seeks_cap, w.seeks * sought)
        given = sum((facts["seeks", skill] for skill in me.offers), np.zeros(n))
        total += np.minimum(w.gives_cap, w.gives * given)
        total += np.minimum(w.tag_cap, self.shared_tags(i))
        for role in me.wish_roles:
            total += w.role * facts["role", role]
        same = facts["type", me.type]
        total += w.cross * (1 - same) if me.cross else w.same_type * same
        hours = np.abs(facts["utc", 0] - me.utc) % 24
        hours = np.minimum(hours, 24 - hours)
        if me.near:
            close = (hours <= 2) * float(w.near_tz)
            total += np.where(facts["region", me.region] > 0, w.near_region, close)
        halves = 2 * hours
        window = np.maximum(0, 26 - halves) + np.maximum(0, halves - 22)
        overlap = np.minimum(w.overlap_cap, np.floor(window / (2 * w.overlap_step)))
        remote = facts["async", 0]
        total += overlap if me.is_async else overlap * remote
        for j in me.known:
            total[j] += w.known
        total = np.maximum(0, total)
        if self.is_live(i):
            total = np.where(remote > 0, np.floor(total / w.video_div), total)
        return total

    def shared_tags(self, i: int) -> Row:
        facts = self.facts()
        w = self.problem.weights
        n = len(self.people)
        shared = np.zeros(n)
        for tag in self.people[i].tags:
            holders = facts["tag", tag]
            held = int(holders.sum())
            rare = w.tag_mid if 20 * held > n else w.tag_rare
            shared += (w.tag_common if 5 * held > n else rare) * holders
        return shared

    def facts(self) -> Mapping[tuple[str, int], Row]:
        """Return, for each answer one can give, who gave it."""
        if not hasattr(self, "_facts"):
            n = len(self.people)
            facts: defaultdict[tuple[str, int], Row] = defaultdict(lambda: np.zeros(n))
            facts["utc", 0] = np.array([person.utc for person in self.people])
            for i, person in enumerate(self.people):
                facts["async", 0][i] = person.is_async
                for key in ("role", "type", "region"):
                    facts[key, getattr(person, key)][i] = 1
                for key, places in (
                    ("offers", person.offers),
                    ("seeks", person.seeks),
                    ("tag", person.tags),
                ):
                    for place in places:
                        facts[key, place][i] = 1
            self._facts = facts
        return self._facts

    def affinity(self, i: int, j: int, met: set[frozenset[int]]) -> float:
        w = self.problem.group_weights
        one, other = self.people[i], self.people[j]
        points = min(float(w.tag_cap), float(self.shared_tags(i)[j]))
        points += w.same_type * (one.type == other.type)
        hours = abs(one.utc - other.utc) % 24
        if one.region == other.region:
            points += w.region
        elif min(hours, 24 - hours) <= 2:
            points += w.tz
        known = j in one.known or i in other.known
        return points + (w.met if known or frozenset((i, j)) in met else 0)
