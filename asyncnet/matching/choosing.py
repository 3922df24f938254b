"""Choose the pairs of an event: its seats first, then the floor, then the total."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from asyncnet.matching.bound import LARGE, Edges, OutOfTime, Relaxation, relax
from asyncnet.matching.candidates import EVERY_PAIR_UP_TO, TRIOS, Trio, near, trios_worth
from asyncnet.matching.choice import Choice, choose
from asyncnet.matching.demand import Demand, demand_of, rewards
from asyncnet.matching.floors import halves_up, yardstick
from asyncnet.matching.heights import highest_floor
from asyncnet.matching.measures import Plan
from asyncnet.matching.oddsets import odd_set_around
from asyncnet.matching.parts import completed
from asyncnet.matching.problem import Pair, Problem
from asyncnet.matching.refusals import pin_rounds, refuse_kept_promises
from asyncnet.matching.rounds import Colouring, colour
from asyncnet.matching.weights import Reals, Scores

GAP = 6e-5
GAP_WITH_FLOOR = 1e-4
PART_OF_TIME = 0.5
CUT_ROUNDS = 6
SLACK = 1 / 24
WIDER = 4


@dataclass(frozen=True)
class Chosen:
    """Chosen pairs, and the floors and other demands that they were chosen by."""

    choice: Choice
    demand: Demand


class Chooser:
    """What is known of one event's pairs while they are chosen.

    `stick` holds the points of which everybody is to get the share `floor`, `floors` that share.
    `floor_bound` is the share that the worst-off person cannot exceed where so many are seated,
    or None as long as nobody had to ask. `unavoidable` counts the seats that no plan fills.
    """

    def __init__(
        self,
        problem: Problem,
        scores: Scores,
        *,
        floor: float,
        seed: int,
        left: Callable[[], float],
    ) -> None:
        self.problem = problem
        self.scores = scores
        self.floor = floor
        self.seed = seed
        self.left = left
        self.stick = yardstick(problem, scores, floor)
        self.floors: Reals = halves_up(floor * self.stick)
        self.floor_bound: float | None = None
        self.unavoidable = 0

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

    def chosen(self, relaxed: Relaxation) -> list[Chosen]:
        """Return the chosen pairs: the first, and the last of those that were chosen anew because
        sets of people asked for too much."""
        demand = demand_of(self.problem, self.scores, relaxed, self.floors)
        wanted = sum(self.problem.cap(i) for i in self.problem.live)
        self.unavoidable = max(0, wanted - demand.seats)
        chosen: list[Chosen] = []
        for _ in range(CUT_ROUNDS):
            try:
                found = self.best(relaxed, demand)
            except OutOfTime:
                if not chosen:
                    raise
                break
            if found is None:
                break
            chosen = [*chosen[:1], found]
            demand = found.demand
            if not self.problem.mixed:
                break
            pins = pin_rounds(self.problem, random.Random(self.seed))  # noqa: S311 no secret here
            choice = found.choice
            odd_sets = {
                people
                for duo in self.coloured(choice, pins).left
                if (people := odd_set_around(self.problem, choice.pairs, choice.trios, duo))
            }
            new = odd_sets - set(demand.odd_sets)
            if not new:
                break
            demand = replace(demand, odd_sets=(*demand.odd_sets, *sorted(new)))
        return chosen

    def best(self, relaxed: Relaxation, demand: Demand) -> Chosen | None:
        """Return the best pairs: with all that is demanded, else with the best floor, else soft."""
        problem, scores = self.problem, self.scores
        gap = GAP_WITH_FLOOR if self.floor > 0 else GAP
        slack = SLACK * float(scores.value.max(initial=1))
        all_seen = len(problem.people) <= EVERY_PAIR_UP_TO
        part = PART_OF_TIME if self.floor > 0 else 1.0
        for factor in (1,) if all_seen else (1, WIDER):
            edges = near(problem, scores, relaxed, slack * factor)
            trios = trios_worth(problem, scores, relaxed, edges) if demand.trios else []
            if len(problem.people) > LARGE:
                options = (problem, scores, edges, demand, relaxed)
                return Chosen(completed(*options, seconds=self.left()), demand)
            seconds = part * self.left()
            choice = choose(problem, scores, edges, demand, trios, gap=gap, seconds=seconds)
            if choice:
                return Chosen(choice, demand)
        if self.floor > 0:
            found = self.eased(edges, demand, trios)
            if found:
                return found
        reward = rewards(problem, scores)
        choice = choose(
            *(problem, scores, edges, demand, trios), gap=gap, seconds=self.left(), reward=reward
        )
        if choice is None and all_seen and self.left() > 0:
            refuse_kept_promises(problem)
        return Chosen(choice, demand) if choice else None

    def eased(self, edges: Edges, demand: Demand, trios: list[Trio]) -> Chosen | None:
        """Return the pairs with the best floor that can be had, viewings no longer demanded.

        The share that nobody's floor can exceed is kept.
        """
        problem, scores = self.problem, self.scores
        most = 2.0 * float(scores.value.max(initial=1))
        eased = replace(demand, viewings=0, wished=most)
        found = highest_floor(
            *(problem, scores, edges, eased, trios),
            stick=self.stick,
            floor=self.floor,
            seconds=PART_OF_TIME * self.left(),
        )
        if found is None:
            return None
        if (
            found.bound < self.floor
            and len(problem.people) <= EVERY_PAIR_UP_TO
            and len(trios) < TRIOS
        ):
            known = self.floor if self.floor_bound is None else self.floor_bound
            self.floor_bound = min(known, found.bound)
        eased = replace(
            eased, floors=np.minimum(demand.floors, halves_up(found.lowest * self.stick))
        )
        choice = choose(
            *(problem, scores, edges, eased, trios), gap=GAP_WITH_FLOOR, seconds=self.left()
        )
        return Chosen(choice or found.choice, eased)

    def proven(self, relaxed: Relaxation, plan: Plan) -> float | None:
        """Return the share that the worst-off person cannot exceed in any plan that seats as many
        live people as this one with as many trios, or None where that is not known."""
        problem, scores = self.problem, self.scores
        seats = Counter(i for meeting in plan.meetings() for i in meeting)
        demand = demand_of(problem, scores, relaxed, self.floors)
        demand = replace(
            demand,
            least=np.array([someone.promise for someone in problem.people], dtype=np.int64),
            seats=sum(seats[i] for i in problem.live),
            viewings=0,
            trios=max(demand.trios, sum(len(meeting) > 2 for meeting in plan.meetings())),
        )
        edges = near(problem, scores, relaxed, np.inf)
        trios = trios_worth(problem, scores, relaxed, edges) if demand.trios else []
        if len(trios) >= TRIOS or self.left() <= 0:
            return None
        found = highest_floor(
            *(problem, scores, edges, demand, trios),
            stick=self.stick,
            floor=self.floor,
            seconds=self.left(),
        )
        return found.bound if found and found.bound < self.floor else None

    def coloured(self, choice: Choice, pins: dict[Pair, int]) -> Colouring:
        """Return the chosen pairs by round."""
        return colour(
            self.problem, choice.pairs, choice.trios, pins, seed=self.seed, seconds=self.left()
        )
