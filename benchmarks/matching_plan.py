"""What a plan is worth against quicker ways of matching, all measured in one run.

Every figure is a ratio to the same proven bound. Run with `--large` to add 2,000 and 10,000
people, which take minutes.
"""

import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import rustworkx as rx

from asyncnet.matching.bound import promising, relax, rules_of
from asyncnet.matching.greedy import greedy_rounds
from asyncnet.matching.measures import Plan, measure, plan_of
from asyncnet.matching.plan import solve
from asyncnet.matching.problem import Problem, pair
from asyncnet.matching.reading import read_problem
from asyncnet.matching.weights import Scores, score
from benchmarks._matching_events import make_event

ROUNDS = 4
PUBLIC = Path(__file__).parent.parent / "tests" / "data" / "matching"
SMALL = ("pub-0061", "pub-0200", "pub-0800")
LARGE = (2_000, 10_000)
REACH = {"pub-0061": 0.998, "pub-0200": 0.9995, "pub-0800": 0.9998, 2_000: 0.9998, 10_000: 0.998}
FAIR = {"pub-0061": 0.994, "pub-0200": 0.995, "pub-0800": 0.995}
NEIGHBOURS = 30
TIME_LIMIT = 300.0

Way = Callable[[Problem, Scores], Plan]


def main() -> None:
    """Print one row per way and event: ratio to the bound, lowest share, seats, seconds."""
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
        if event in FAIR:
            _show(event, "plan, floor 0.5", problem, scores, bound, _solved(0.5), FAIR[event])


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


def _solved(floor: float) -> Way:
    def way(problem: Problem, scores: Scores) -> Plan:
        return solve(problem, floor=floor, time_limit=TIME_LIMIT).plan

    return way


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
