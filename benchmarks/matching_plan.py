"""What a plan is worth against quicker ways of matching, all measured in one run.

Every ratio of a plan is to the same proven bound; closing groups are measured by the bound that
the solver prints, and repairs, after one cancellation or sign-up each, by the published plan. Run
with `--large` to add 2,000 and 10,000 people, which take minutes.
"""

import json
import random
import sys
import time
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import rustworkx as rx

from asyncnet.matching.bound import promising, relax, rules_of
from asyncnet.matching.candidates import near, trios_worth
from asyncnet.matching.choice import PairProgramme
from asyncnet.matching.demand import demand_of, rewards
from asyncnet.matching.floors import halves_up
from asyncnet.matching.greedy import greedy_rounds
from asyncnet.matching.measures import Plan, gains, measure, plan_of
from asyncnet.matching.plan import solve
from asyncnet.matching.problem import Problem, pair
from asyncnet.matching.reading import read_problem
from asyncnet.matching.solution import Solution
from asyncnet.matching.weights import Scores, score
from benchmarks._matching_events import make_event
from benchmarks._matching_repairs import show_repairs

ROUNDS = 4
PUBLIC = Path(__file__).parent.parent / "tests" / "data" / "matching"
SMALL = (20, "pub-0061", "pub-0200", "pub-0800")
LARGE = (2_000, 10_000)
REACH = {
    20: 0.998,
    "pub-0061": 0.998,
    "pub-0200": 0.9995,
    "pub-0800": 0.9998,
    2_000: 0.9998,
    10_000: 0.998,
}
FAIR = {"pub-0061": 0.994, "pub-0200": 0.995, "pub-0800": 0.995, 2_000: 0.995}
EXACT, EXACT_EVENTS = 0.998, 12
"""Twenty people may have to give up more for the floor; what the floor leaves is found exactly."""
GROUPED = {"pub-0061": 0.985, "pub-0200": 0.99, "pub-0800": 0.99, 2_000: 0.99}
MET_AT_MOST = 5
FLOOR = 0.5
NEIGHBOURS = 30
TIME_LIMIT = 300.0
NODES = 1_000_000

Way = Callable[[Problem, Scores], Plan]


def main() -> None:
    """Print one row per way and event, and beside it what is to be reached."""
    print(
        f"{'event':>9}  {'way':<16} {'ratio':>7} {'lowest':>7} {'seats':>7} {'s':>7} {'cpu s':>7}"
    )
    for event in (*SMALL, *(LARGE if "--large" in sys.argv[1:] else ())):
        problem = read_problem(_data(event))
        scores = score(problem)
        bound = relax(problem, scores).bound
        for name, way in (("random", at_random), ("greedy", greedily), ("blossom", by_blossom)):
            _show(event, name, problem, scores, bound, way)
        _show(event, "plan", problem, scores, bound, _solved(0.0), REACH.get(event))
        if event in FAIR or event == SMALL[0]:
            found: list[Solution] = []
            fair = _solved(FLOOR, found)
            _show(event, "plan, floor 0.5", problem, scores, bound, fair, FAIR.get(event))
            if event not in FAIR:
                _show_exactly(SMALL[0])
            if event in GROUPED:
                _show_groups(event, problem, found[0], GROUPED[event])
            show_repairs(event, problem, found[0].plan)


def _data(event: str | int) -> object:
    """Return a public event by its name, or a made-up one of so many people."""
    if isinstance(event, int):
        return make_event(event, ROUNDS, seed=1)
    return json.loads((PUBLIC / f"{event}.json").read_text(encoding="utf-8"))


def at_random(problem: Problem, scores: Scores) -> Plan:
    """Shuffle everybody before every round and pair them as they come."""
    rng = random.Random(1)
    met = set()
    rounds = []
    for _ in range(problem.rounds):
        waiting = list(problem.live)
        rng.shuffle(waiting)
        found = []
        while len(waiting) > 1:
            a = waiting.pop()
            b = next((i for i in waiting if scores.allowed(a, i) and pair(a, i) not in met), None)
            if b is not None:
                waiting.remove(b)
                met.add(pair(a, b))
                found.append(pair(a, b))
        rounds.append(found)
    return plan_of(rounds)


def greedily(problem: Problem, scores: Scores) -> Plan:
    """Take the best free pair, again and again, round by round."""
    return plan_of(greedy_rounds(problem, scores, {}))


def by_blossom(problem: Problem, scores: Scores) -> Plan:
    """Match each round exactly by itself, without a thought for the rounds to come."""
    edges = promising(scores, rules_of(problem), NEIGHBOURS)
    open_pairs = {pair(a, b) for a, b in zip(edges.a.tolist(), edges.b.tolist(), strict=True)}
    seats = dict.fromkeys(problem.asynchronous, 0)
    viewers: set[int] = set()
    rounds = []
    for _ in range(problem.rounds):
        graph: rx.PyGraph[int, int] = rx.PyGraph(multigraph=False)
        graph.add_nodes_from(range(len(problem.people)))
        graph.add_edges_from(
            [
                (a, b, int(scores.value[a, b]))
                for a, b in sorted(open_pairs)
                if not {a, b} & viewers or (problem.is_live(a) and problem.is_live(b))
                if all(seats[i] < problem.cap(i) for i in (a, b) if i in seats)
            ]
        )
        found = [pair(a, b) for a, b in rx.max_weight_matching(graph, True, weight_fn=int)]
        for duo in found:
            for i in duo:
                if i in seats:
                    seats[i] += 1
                    viewers.update(j for j in duo if j != i)
        open_pairs -= set(found)
        rounds.append(found)
    return plan_of(rounds)


def _solved(floor: float, kept: list[Solution] | None = None) -> Way:
    def way(problem: Problem, scores: Scores) -> Plan:
        solution = solve(problem, floor=floor, time_limit=TIME_LIMIT)
        if kept is not None:
            kept.append(solution)
        return solution.plan

    return way


def _show_exactly(people: int) -> None:
    """Print how near plans with a floor come to the best that keeps it, over some events."""
    ratios, shares = [], []
    for seed in range(1, 1 + EXACT_EVENTS):
        problem = read_problem(make_event(people, ROUNDS, seed))
        scores = score(problem)
        solution = solve(problem, floor=FLOOR, time_limit=TIME_LIMIT)
        ratios.append(solution.measures.total / best_with_floor(problem, scores))
        shares.append(solution.measures.total / relax(problem, scores).bound)
        assert solution.lowest >= FLOOR
    fine = min(ratios) >= EXACT
    print(
        f"{people:>9}  {'floor, exactly':<16} {min(ratios):>7.4f} at least of the best total that "
        f"keeps the floor, over {EXACT_EVENTS} events (to reach {EXACT}); of the bound without a "
        f"floor {sum(shares) / len(shares):.4f}, worst {min(shares):.4f} "
        f"{'ok' if fine else 'BELOW'}",
        flush=True,
    )


def best_with_floor(problem: Problem, scores: Scores) -> float:
    """Return the total that no plan can exceed that keeps the floor, fills as many seats of live
    and asynchronous people as can be, and has no more trios than that takes.

    Found over all pairs, to the last point and however long that takes; rounds may be in its way,
    so it is a bound.
    """
    floors = halves_up(FLOOR * scores.ideal)
    relaxed = relax(problem, scores, reward=rewards(problem, scores), floors=floors)
    demand = demand_of(problem, scores, relaxed, floors)
    edges = near(problem, scores, relaxed, np.inf)
    trios = trios_worth(problem, scores, relaxed, edges) if demand.trios else []
    programme = PairProgramme(problem, scores, edges, demand, trios)
    programme.add_demand()
    programme.nodes = NODES
    choice = programme.with_floors(floors, programme.worth, 0.0, TIME_LIMIT)
    assert choice, "No choice of pairs keeps the floor."
    meetings = (*choice.pairs, *choice.trios)
    return sum(gain for meeting in meetings for _, gain in gains(scores, meeting))


def _show_groups(event: str | int, problem: Problem, solution: Solution, reach: float) -> None:
    """Print the closing groups' ratio to their bound, and how many in them have met."""
    met = solution.plan.met()
    ratio = solution.groups_value / solution.groups_bound
    past = met | problem.history
    again = sum(duo in past for who in solution.plan.groups for duo in combinations(sorted(who), 2))
    fine = ratio >= reach and again <= MET_AT_MOST
    print(
        f"{event:>9}  {'closing groups':<16} {ratio:>7.4f} {again} pairs have met "
        f"(to reach {reach}, at most {MET_AT_MOST}) {'ok' if fine else 'BELOW'}",
        flush=True,
    )


def _show(
    event: str | int,
    name: str,
    problem: Problem,
    scores: Scores,
    bound: float,
    way: Way,
    reach: float | None = None,
) -> None:
    started, worked = time.perf_counter(), time.process_time()
    plan = way(problem, scores)
    seconds, work = time.perf_counter() - started, time.process_time() - worked
    found = measure(problem, scores, plan)
    ratio = found.total / bound
    lowest = min(found.min_share, found.async_min_share or 1.0)
    mark = "" if reach is None else f" (to reach {reach}) {'ok' if ratio >= reach else 'BELOW'}"
    print(
        f"{event:>9}  {name:<16} {ratio:>7.4f} {lowest:>7.2f} {found.coverage:>7.1%} "
        f"{seconds:>7.1f} {work:>7.1f}{mark}",
        flush=True,
    )


if __name__ == "__main__":
    main()
