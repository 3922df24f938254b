"""The whole plan of an event: bound, choice of pairs, rounds, mending, closing groups.

Everything that ends early ends on a gap or on a count of steps, so that the same input and seed
give the same plan. Only when the time allowed runs out does the clock decide, and then the plan
is still valid and its gap honest.
"""

import random
import time
from collections import Counter
from dataclasses import replace

import numpy as np

from asyncnet.matching.bound import LARGE, OutOfTime, Relaxation, relax, simple_bound
from asyncnet.matching.candidates import EVERY_PAIR_UP_TO
from asyncnet.matching.choosing import Chooser, Chosen
from asyncnet.matching.floors import halves_up, lowest_share
from asyncnet.matching.greedy import filled, greedy_pairs, greedy_rounds
from asyncnet.matching.groups import NOTHING, Grouping, group
from asyncnet.matching.measures import Plan, Scored, measure, plan_of
from asyncnet.matching.mending import lifted, mended, unseated
from asyncnet.matching.parts import rounded
from asyncnet.matching.problem import Pair, Problem
from asyncnet.matching.quick import quick_plan
from asyncnet.matching.refusals import pin_rounds, refuse_impossible, refuse_promises
from asyncnet.matching.seatprices import quick_bound
from asyncnet.matching.solution import Progress, Report, Solution, no_report
from asyncnet.matching.weights import Reals, score
from asyncnet.matching.whole import seat_everybody
from asyncnet.matching.windows import Rounds

GROUPS_PART = 0.25
FINISHING = 1.0
WHOLE_UP_TO = 12
WHOLE_IN_NEED_UP_TO = 20
CLOSE = 1e-6


def solve(
    problem: Problem,
    *,
    floor: float = 0.5,
    time_limit: float = 60.0,
    seed: int = 0,
    report: Report = no_report,
    quick: bool = False,
) -> Solution:
    """Return a plan of this event, near the best there is.

    `floor` is the share of their own ideal that everybody gets at least, where such a plan exists.
    `time_limit` is in seconds. `report` hears of every phase; what it raises ends the solve. With
    `quick` it hears of a first valid plan within moments, and of the better one before its groups.
    Raises Refused, before anything is solved, when what is asked for cannot be.
    """
    solver = _Solver(problem, floor, time_limit, seed, report, quick)
    return solver.run()


class _Solver:
    """One solve: the event, the time it has, and what is known so far."""

    def __init__(
        self,
        problem: Problem,
        floor: float,
        time_limit: float,
        seed: int,
        report: Report,
        quick: bool,
    ) -> None:
        self.started = time.monotonic()
        self.problem = problem
        self.floor = floor
        self.seed = seed
        self.tell = report
        self.quick = quick
        self.ends = self.started + time_limit
        self.upper_bound: float | None = None
        self.value: float | None = None

    def run(self) -> Solution:
        problem = self.problem
        refuse_impossible(problem)
        self.report("scoring")
        scoring = time.monotonic()
        self.scores = score(problem)
        refuse_promises(problem, self.scores)
        self.reserve = FINISHING * (time.monotonic() - scoring)
        self.pairs = Chooser(problem, self.scores, floor=self.floor, seed=self.seed, left=self.left)
        first = self.first() if self.quick else None
        plan = self.matched()
        measures = measure(problem, self.scores, plan)
        self.value = measures.total
        self.report("closing groups", best=replace(plan, groups=first.groups) if first else None)
        found = self.grouped(plan)
        return Solution(
            plan=replace(plan, groups=found.groups),
            scores=self.scores,
            measures=measures,
            upper_bound=self.upper_bound or 0.0,
            floor=self.floor,
            floor_bound=self.pairs.floor_bound,
            groups_value=found.value,
            groups_bound=found.bound,
            seconds=time.monotonic() - self.started,
        )

    def report(self, phase: str, *, best: Plan | None = None) -> None:
        seconds = time.monotonic() - self.started
        scored = Scored(best, self.scores) if best else None
        self.tell(Progress(phase, seconds, self.value, self.upper_bound, scored))

    def first(self) -> Plan:
        """Return a quick plan, told at once; the time allowed begins after it."""
        begun = time.monotonic()
        plan = quick_plan(self.problem, self.scores, seed=self.seed)
        self.report("scoring", best=plan)
        self.ends += time.monotonic() - begun
        return plan

    def left(self) -> float:
        """Return the seconds that choosing may still take.

        Closing groups keep theirs, and so do the rounds: a quick choice and its rounds take about
        as long as scoring did.
        """
        part = GROUPS_PART if self.problem.mixed else 0.0
        now = time.monotonic()
        return (self.ends - now) - part * (self.ends - self.started) - self.reserve

    def grouped(self, plan: Plan) -> Grouping:
        if not self.problem.group_size[1]:
            return NOTHING
        return group(
            self.problem,
            plan.met(),
            seed=self.seed,
            seconds=max(0.0, self.ends - time.monotonic()),
        )

    def matched(self) -> Plan:
        """Return the plan without groups."""
        problem = self.problem
        self.report("bound")
        if not (self.scores.value >= 0).any():
            self.upper_bound = 0.0
            return Plan(rounds=((),) * problem.rounds)
        self.upper_bound = simple_bound(self.scores)
        if len(problem.people) <= LARGE:
            quick = _half_down(quick_bound(problem, self.scores))
            self.upper_bound = min(self.upper_bound, quick)
        relaxed: Relaxation | None = None
        chosen: list[Chosen] = []
        try:
            relaxed = relax(problem, self.scores, seconds=self.left())
            self.upper_bound = min(self.upper_bound, _half_down(relaxed.bound))
            plan = self.whole() if len(problem.people) <= WHOLE_UP_TO else None
            if plan:
                return plan
            self.report("choosing pairs")
            relaxed = self.pairs.seated(relaxed)
            chosen = self.pairs.chosen(relaxed)
        except OutOfTime:
            pass
        if not chosen and relaxed is not None:
            return self.hurried(relaxed)
        if not problem.mixed:
            pairs = chosen[-1].choice.pairs if chosen else greedy_pairs(problem, self.scores)
            return Plan(pairs=tuple(sorted(pairs)))
        self.report("rounds")
        pins = pin_rounds(problem, random.Random(self.seed))  # noqa: S311 no secret here
        if not chosen:
            return plan_of(self.mended(greedy_rounds(problem, self.scores, pins), pins))
        small = len(problem.people) <= EVERY_PAIR_UP_TO
        plans = []
        for found in chosen if small else chosen[-1:]:
            rounds = self.pairs.coloured(found.choice, pins).rounds
            if len(problem.people) > LARGE:
                rounds = filled(problem, self.scores, rounds)
            plans.append(plan_of(self.mended(rounds, pins, found.demand.floors)))
        best = max(plans, key=self.rank)
        return self.bettered(best, relaxed, pins) if small and relaxed else best

    def rank(self, plan: Plan) -> tuple[float, ...]:
        """Return what makes one plan better than another: seats, then the floor, then viewings,
        then the total."""
        found = measure(self.problem, self.scores, plan)
        lowest = min(self.floor, lowest_share(found.points, self.pairs.stick))
        return found.coverage, round(lowest, 9), found.async_filled or 0.0, found.total

    def whole(self) -> Plan | None:
        """Return the best plan of a small event, every round at once, or None in a hurry."""
        if not self.problem.mixed:
            return None
        self.report("rounds")
        found = seat_everybody(
            self.problem, self.scores, self.pairs.stick, floor=self.floor, seconds=self.left()
        )
        if found is None:
            return None
        self.pairs.floor_bound = found.floor_bound if found.floor_bound < self.floor else None
        return plan_of(found.rounds)

    def bettered(self, plan: Plan, relaxed: Relaxation, pins: dict[Pair, int]) -> Plan:
        """Return the plan, or a better one where seats are empty or somebody is below the floor
        though nothing says that this must be; and know what no such plan can exceed."""
        pairs = self.pairs
        if self.is_short(plan) and len(self.problem.people) <= WHOLE_IN_NEED_UP_TO:
            known = pairs.floor_bound
            whole = self.whole()
            if whole and self.rank(whole) >= self.rank(plan):
                return whole
            pairs.floor_bound = known
        if self.is_short(plan):
            rounds = lifted(
                self.problem,
                self.scores,
                [list(found) for found in plan.rounds],
                halves_up(self.wanted() * pairs.stick),
                pins=pins,
                seed=self.seed,
                seconds=self.left(),
            )
            plan = max(plan, plan_of(rounds), key=self.rank)
        if self.is_short(plan):
            pairs.floor_bound = pairs.proven(relaxed, plan)
        return plan

    def is_short(self, plan: Plan) -> bool:
        """Whether seats are empty, or somebody has less than their floor, without known need."""
        empty = sum(unseated(self.problem, [list(found) for found in plan.rounds]).values())
        return empty > self.pairs.unavoidable or self.rank(plan)[1] < self.wanted() - CLOSE

    def wanted(self) -> float:
        """Return the share that everybody could get, for all that is known."""
        bound = self.pairs.floor_bound
        return self.floor if bound is None else min(self.floor, bound)

    def hurried(self, relaxed: Relaxation) -> Plan:
        """Return the plan that follows from a relaxation when the time for choosing is over."""
        problem = self.problem
        choice = rounded(problem, self.scores, relaxed)
        if not problem.mixed:
            return Plan(pairs=tuple(sorted(greedy_pairs(problem, self.scores, choice.pairs))))
        self.report("rounds")
        pins = pin_rounds(problem, random.Random(self.seed))  # noqa: S311 no secret here
        rounds = filled(problem, self.scores, self.pairs.coloured(choice, pins).rounds)
        seats = Counter(i for found in rounds for who in found for i in who)
        if any(seats[i] < someone.promise for i, someone in enumerate(problem.people)):
            rounds = greedy_rounds(problem, self.scores, pins)
        return plan_of(self.mended(rounds, pins))

    def mended(self, rounds: Rounds, pins: dict[Pair, int], floors: Reals | None = None) -> Rounds:
        return mended(
            self.problem,
            self.scores,
            rounds,
            self.pairs.floors if floors is None else floors,
            pins=pins,
            unavoidable=self.pairs.unavoidable,
            seed=self.seed,
            seconds=self.left(),
        )


def _half_down(bound: float) -> float:
    return float(np.floor(2 * bound + 1e-6) / 2)
