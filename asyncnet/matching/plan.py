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

from asyncnet.matching.bound import LARGE, Edges, OutOfTime, Relaxation, relax, simple_bound
from asyncnet.matching.candidates import EVERY_PAIR_UP_TO, TRIOS, Trio, near, trios_worth
from asyncnet.matching.choice import Choice, choose, highest_floor
from asyncnet.matching.demand import Demand, demand_of, rewards
from asyncnet.matching.greedy import filled, greedy_pairs, greedy_rounds
from asyncnet.matching.groups import NOTHING, Grouping, group
from asyncnet.matching.measures import Plan, gains, measure, plan_of
from asyncnet.matching.mending import mended
from asyncnet.matching.oddsets import odd_set_around
from asyncnet.matching.parts import completed, rounded
from asyncnet.matching.problem import Pair, Problem
from asyncnet.matching.refusals import (
    pin_rounds,
    refuse_impossible,
    refuse_kept_promises,
    refuse_promises,
)
from asyncnet.matching.rounds import Colouring, colour
from asyncnet.matching.solution import Progress, Report, Solution, no_report
from asyncnet.matching.weights import Reals, score
from asyncnet.matching.windows import Rounds

GAP = 6e-5
GAP_WITH_FLOOR = 1e-4
GROUPS_PART = 0.25
PART_OF_TIME = 0.5
FINISHING = 1.0
CUT_ROUNDS = 6
SLACK = 1 / 24
WIDER = 4


def solve(
    problem: Problem,
    *,
    floor: float = 0.5,
    time_limit: float = 60.0,
    seed: int = 0,
    report: Report = no_report,
) -> Solution:
    """Return a plan of this event, near the best there is.

    `floor` is the share of their own ideal that everybody gets at least, where such a plan exists.
    `time_limit` is in seconds. `report` hears of every phase; what it raises ends the solve.
    Raises Refused, before anything is solved, when what is asked for cannot be.
    """
    solver = _Solver(problem, floor, time_limit, seed, report)
    return solver.run()


class _Solver:
    """One solve: the event, the time it has, and what is known so far."""

    def __init__(
        self, problem: Problem, floor: float, time_limit: float, seed: int, report: Report
    ) -> None:
        self.started = time.monotonic()
        self.problem = problem
        self.floor = floor
        self.seed = seed
        self.tell = report
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
        self.floors: Reals = _halves_up(self.floor * self.scores.ideal)
        self.floor_bound: float | None = None
        self.unavoidable = 0
        plan = self.matched()
        measures = measure(problem, self.scores, plan)
        self.value = measures.total
        self.report("closing groups")
        found = self.grouped(plan)
        return Solution(
            plan=replace(plan, groups=found.groups),
            measures=measures,
            upper_bound=self.upper_bound or 0.0,
            floor=self.floor,
            floor_bound=self.floor_bound,
            groups_value=found.value,
            groups_bound=found.bound,
            seconds=time.monotonic() - self.started,
        )

    def report(self, phase: str) -> None:
        seconds = time.monotonic() - self.started
        self.tell(Progress(phase, seconds, self.value, self.upper_bound))

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
        relaxed: Relaxation | None = None
        chosen: list[tuple[Choice, Reals]] = []
        try:
            relaxed = relax(problem, self.scores, seconds=self.left())
            self.upper_bound = min(self.upper_bound, _half_down(relaxed.bound))
            self.report("choosing pairs")
            relaxed = self.seated(relaxed)
            chosen = self.chosen(relaxed)
        except OutOfTime:
            pass
        if not chosen and relaxed is not None:
            return self.hurried(relaxed)
        if not problem.mixed:
            pairs = chosen[-1][0].pairs if chosen else greedy_pairs(problem, self.scores)
            return Plan(pairs=tuple(sorted(pairs)))
        self.report("rounds")
        pins = pin_rounds(problem, random.Random(self.seed))  # noqa: S311 no secret here
        if not chosen:
            return plan_of(self.mended(greedy_rounds(problem, self.scores, pins), pins))
        plans = []
        for choice, self.floors in (
            chosen if len(problem.people) <= EVERY_PAIR_UP_TO else chosen[-1:]
        ):
            rounds = self.coloured(choice, pins)
            if len(problem.people) > LARGE:
                rounds = filled(problem, self.scores, rounds)
            plans.append(plan_of(self.mended(rounds, pins)))
        return plans[0] if len(plans) == 1 else max(plans, key=self.rank)

    def rank(self, plan: Plan) -> tuple[float, float, float]:
        """Return what makes one plan better than another: seats, then the floor, then the total."""
        found = measure(self.problem, self.scores, plan)
        lowest = found.min_share if found.async_min_share is None else found.async_min_share
        return found.coverage, min(self.floor, lowest, found.min_share), found.total

    def hurried(self, relaxed: Relaxation) -> Plan:
        """Return the plan that follows from a relaxation when the time for choosing is over."""
        problem = self.problem
        choice = rounded(problem, self.scores, relaxed)
        if not problem.mixed:
            return Plan(pairs=tuple(sorted(greedy_pairs(problem, self.scores, choice.pairs))))
        self.report("rounds")
        pins = pin_rounds(problem, random.Random(self.seed))  # noqa: S311 no secret here
        rounds = filled(problem, self.scores, self.coloured(choice, pins))
        seats = Counter(i for found in rounds for who in found for i in who)
        if any(seats[i] < someone.promise for i, someone in enumerate(problem.people)):
            rounds = greedy_rounds(problem, self.scores, pins)
        return plan_of(self.mended(rounds, pins))

    def seated(self, free: Relaxation) -> Relaxation:
        """Return the relaxation in which filled seats count first, and floors where they can."""
        reward = rewards(self.problem, self.scores)
        floors = self.floors if self.floor > 0 else None
        return relax(
            self.problem,
            self.scores,
            reward=reward,
            floors=floors,
            start=free.edges,
            seconds=self.left(),
        )

    def chosen(self, relaxed: Relaxation) -> list[tuple[Choice, Reals]]:
        """Return the chosen pairs with the floors they were chosen by: the first, and the last of
        those that were chosen anew because sets of people asked for too much."""
        demand = demand_of(self.problem, relaxed, self.floors)
        wanted = sum(self.problem.cap(i) for i in self.problem.live)
        self.unavoidable = max(0, wanted - demand.seats)
        chosen: list[tuple[Choice, Reals]] = []
        for _ in range(CUT_ROUNDS):
            try:
                choice = self.choice(relaxed, demand)
            except OutOfTime:
                if not chosen:
                    raise
                break
            if choice is None:
                break
            chosen = [*chosen[:1], (choice, self.floors)]
            if not self.problem.mixed:
                break
            rounds = self.colour(choice, pin_rounds(self.problem, random.Random(self.seed)))  # noqa: S311 no secret here
            found = {
                people
                for duo in rounds.left
                if (people := odd_set_around(self.problem, choice.pairs, choice.trios, duo))
            }
            new = found - set(demand.odd_sets)
            if not new:
                break
            demand = replace(demand, odd_sets=(*demand.odd_sets, *sorted(new)))
        return chosen

    def choice(self, relaxed: Relaxation, demand: Demand) -> Choice | None:
        """Return the best pairs: with all that is demanded, else with the best floor, else soft."""
        gap = GAP_WITH_FLOOR if self.floor > 0 else GAP
        large = len(self.problem.people) > LARGE
        slack = SLACK * float(self.scores.value.max(initial=1))
        all_seen = len(self.problem.people) <= EVERY_PAIR_UP_TO
        part = PART_OF_TIME if self.floor > 0 else 1.0
        for factor in (1,) if all_seen else (1, WIDER):
            edges = near(self.problem, self.scores, relaxed, slack * factor)
            trios = trios_worth(self.problem, self.scores, relaxed, edges) if demand.trios else []
            options = (self.problem, self.scores, edges, demand, trios)
            if large:
                return completed(
                    self.problem, self.scores, edges, demand, relaxed, seconds=self.left()
                )
            choice = choose(*options, gap=gap, seconds=part * self.left())
            if choice:
                return choice
        lowered = self.lowered(edges, demand, trios) if self.floor > 0 else None
        if lowered is not None:
            for floors in lowered:
                eased = replace(demand, floors=floors)
                choice = choose(
                    self.problem, self.scores, edges, eased, trios, gap=gap, seconds=self.left()
                )
                if choice:
                    self.floors = floors
                    return choice
        reward = rewards(self.problem, self.scores)
        choice = choose(*options, gap=gap, seconds=self.left(), reward=reward)
        if choice is None and all_seen and self.left() > 0:
            refuse_kept_promises(self.problem)
        return choice

    def lowered(self, edges: Edges, demand: Demand, trios: list[Trio]) -> list[Reals] | None:
        """Return floors that can be had: the old ones but for the worst-off, then equal ones.

        The share that nobody's floor can exceed is kept for the solution.
        """
        seconds = PART_OF_TIME * self.left()
        found = highest_floor(self.problem, self.scores, edges, demand, trios, seconds=seconds)
        if found is None:
            return None
        choice, bound = found
        reached = np.zeros(len(self.problem.people))
        for meeting in (*choice.pairs, *choice.trios):
            for i, gain in gains(self.scores, meeting):
                reached[i] += gain
        ideal = self.scores.ideal
        shares = np.divide(reached, ideal, out=np.ones(len(ideal)), where=ideal > 0)
        lowest = float(shares.min(initial=1.0))
        if lowest >= self.floor:
            return [self.floors]
        if len(self.problem.people) <= EVERY_PAIR_UP_TO and len(trios) < TRIOS:
            self.floor_bound = min(self.floor, max(lowest, bound))
        equal = _halves_up(lowest * ideal)
        return [np.where(shares < self.floor, equal, self.floors), equal]

    def colour(self, choice: Choice, pins: dict[Pair, int]) -> Colouring:
        return colour(
            self.problem, choice.pairs, choice.trios, pins, seed=self.seed, seconds=self.left()
        )

    def coloured(self, choice: Choice, pins: dict[Pair, int]) -> Rounds:
        return self.colour(choice, pins).rounds

    def mended(self, rounds: Rounds, pins: dict[Pair, int]) -> Rounds:
        return mended(
            self.problem,
            self.scores,
            rounds,
            self.floors,
            pins=pins,
            unavoidable=self.unavoidable,
            seed=self.seed,
            seconds=self.left(),
        )


def _halves_up(points: Reals) -> Reals:
    """Return points rounded up to what meetings can give: halves, because of trios."""
    return np.ceil(2 * points - 1e-9) / 2


def _half_down(bound: float) -> float:
    return float(np.floor(2 * bound + 1e-6) / 2)
