"""What a plan of the solver is worth, on public events, on any event, and against brute force."""

from collections import Counter
from dataclasses import replace
from itertools import combinations, combinations_with_replacement
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asyncnet.matching.bound import relax
from asyncnet.matching.candidates import near
from asyncnet.matching.check import check
from asyncnet.matching.demand import demand_of, rewards
from asyncnet.matching.parts import completed
from asyncnet.matching.plan import solve
from asyncnet.matching.problem import Refused
from asyncnet.matching.reading import read_problem
from asyncnet.matching.solution import Progress
from asyncnet.matching.weights import score
from benchmarks._matching_events import make_event
from tests.matching.events import event, person, public

UNHURRIED = 600.0
QUICK = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, max_examples=40
)


@pytest.mark.parametrize(
    ("name", "floor", "least"),
    [
        ("pub-0007", 0.0, 0.969),
        ("pub-0024", 0.0, 0.998),
        ("pub-0061", 0.0, 0.998),
        ("pub-0200", 0.0, 0.9995),
        ("pub-0007", 0.5, 0.969),
        ("pub-0024", 0.5, 0.994),
        ("pub-0061", 0.5, 0.994),
        ("pub-0200", 0.5, 0.995),
        ("pub-0800", 0.5, 0.995),
    ],
)
def test_a_public_event_comes_near_the_bound(name: str, floor: float, least: float) -> None:
    known = public(f"{name}.best")
    problem = replace(read_problem(public(name)), group_size=(0, 0))

    solution = solve(problem, floor=floor, time_limit=UNHURRIED)

    verdict = check(public(name), solution.as_data(problem))
    best = known["pairs"]["best_fair" if floor else "best_total"]
    assert not verdict.breaches
    assert verdict.total == solution.measures.total
    assert solution.upper_bound == pytest.approx(known["pairs"]["upper_bound"], abs=0.5)
    assert verdict.total >= least * known["pairs"]["upper_bound"]
    assert verdict.total >= 0.998 * best["total"]
    assert verdict.coverage == best["coverage"]
    assert verdict.min_share >= min(floor, best["min_share"])


@pytest.mark.parametrize("name", ["pub-0024", "pub-0061"])
def test_the_check_scores_a_known_plan_as_its_authors_did(name: str) -> None:
    known = public(f"{name}.best")

    verdict = check(public(name), public(f"{name}.fair.plan"))

    best = known["pairs"]["best_fair"]
    assert not verdict.breaches
    assert (verdict.total, verdict.coverage) == (best["total"], best["coverage"])
    assert verdict.min_share == pytest.approx(best["min_share"], abs=1e-4)
    if "groups" in known:
        assert verdict.group_value == pytest.approx(known["groups"]["best_value"], abs=1e-3)


def test_the_same_seed_gives_the_same_plan() -> None:
    problem = read_problem(public("pub-0061"))

    first = solve(problem, seed=7, time_limit=UNHURRIED)
    second = solve(problem, seed=7, time_limit=UNHURRIED)

    assert first.plan == second.plan


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.3])
@pytest.mark.parametrize("name", ["pub-0024", "pub-0200"])
def test_a_short_time_limit_still_gives_a_valid_plan_and_bound(name: str, seconds: float) -> None:
    data = public(name)
    problem = read_problem(data)

    solution = solve(problem, time_limit=seconds)

    verdict = check(data, solution.as_data(problem))
    known = public(f"{name}.best")["pairs"]
    assert not verdict.breaches
    assert known["best_total"]["total"] <= solution.upper_bound <= 1.02 * known["upper_bound"]
    assert solution.gap == pytest.approx(1 - verdict.total / solution.upper_bound)


def test_a_very_large_event_is_chosen_part_by_part_and_loses_little() -> None:
    problem = read_problem(make_event(240, 3, seed=4))
    scores = score(problem)
    free = relax(problem, scores)
    relaxed = relax(problem, scores, reward=rewards(problem, scores))
    edges = near(problem, scores, relaxed, float(scores.value.max()) / 24)
    demand = demand_of(problem, scores, relaxed, np.zeros(240))

    hurried = completed(problem, scores, edges, demand, relaxed, seconds=0.0)
    choice = completed(problem, scores, edges, demand, relaxed, seconds=UNHURRIED)

    seats = Counter(i for duo in choice.pairs for i in duo)
    assert all(seats[i] <= problem.cap(i) for i in seats)
    assert all(seats[i] == problem.cap(i) for i in problem.live)
    assert sum(int(scores.value[duo]) for duo in choice.pairs) >= 0.998 * free.bound
    assert len(choice.pairs) >= len(hurried.pairs) >= 0.98 * len(choice.pairs)


def test_progress_names_the_phases_and_an_error_stops_the_solve() -> None:
    problem = read_problem(public("pub-0061"))
    heard: list[Progress] = []

    def stop_at_rounds(progress: Progress) -> None:
        heard.append(progress)
        if progress.phase == "rounds":
            raise InterruptedError

    with pytest.raises(InterruptedError):
        solve(problem, report=stop_at_rounds)

    assert [p.phase for p in heard] == ["scoring", "bound", "choosing pairs", "rounds"]
    assert heard[-1].upper_bound == 4358.5


def test_a_floor_nobody_can_keep_becomes_the_best_one_with_its_proof() -> None:
    rivals = [person(f"p{i}", wishes=["star"]) for i in range(5)]
    data = event([person("star"), *rivals], rounds=2)

    solution = solve(read_problem(data), floor=0.9)

    assert not check(data, solution.as_data(read_problem(data))).breaches
    assert solution.floor_bound is not None
    assert solution.measures.min_share <= solution.floor_bound < 0.9
    assert solution.measures.min_share == pytest.approx(solution.floor_bound, abs=0.01)


names = st.integers(0, 9).map(lambda number: f"p{number}")


@st.composite
def participants(draw: st.DrawFn, *, name: str, rounds: int) -> dict[str, Any]:
    few = st.lists(st.integers(0, 2), unique=True, max_size=2)
    someone = person(
        name,
        tags=draw(few),
        role=draw(st.integers(0, 2)),
        type=draw(st.integers(0, 1)),
        region=draw(st.integers(0, 1)),
        utc=draw(st.sampled_from([0, 5.5, 5.75, -11, 12, 13])),
        offers=draw(few),
        seeks=draw(few),
        wishes=draw(st.lists(names, max_size=2)),
        known=draw(st.lists(names, max_size=1)),
        avoid=draw(st.lists(names, max_size=1)) if draw(st.integers(0, 9)) == 0 else [],
        cross=draw(st.booleans()),
        near=draw(st.booleans()),
    )
    if rounds and draw(st.integers(0, 4)) == 0:
        someone |= {"async": 1, "k": draw(st.integers(0, 4))}
    if rounds and draw(st.integers(0, 4)) == 0:
        someone["away"] = draw(st.lists(st.integers(1, rounds), unique=True, max_size=3))
    return someone


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    mixed = draw(st.integers(0, 4)) > 0
    count = draw(st.integers(2, 10))
    rounds = draw(st.integers(1, 4)) if mixed else 0
    duo = st.lists(names, min_size=2, max_size=2)
    pin = st.tuples(names, names, st.integers(0, rounds)).map(list)
    return event(
        [draw(participants(name=f"p{i}", rounds=rounds)) for i in range(count)],
        mode="mixed" if mixed else "async",
        rounds=rounds,
        k=draw(st.integers(1, 4)),
        per_round=draw(st.integers(1, 3)),
        max_async_per_live=draw(st.integers(0, 2)),
        odd=draw(st.sampled_from(["trio", "bye"])),
        group_size=draw(st.sampled_from([[4, 6], [3, 4], [5, 6]])),
        history=draw(st.lists(duo, max_size=draw(st.sampled_from([0, 3, 20])))),
        no_repeat_history=draw(st.booleans()),
        forbids=draw(st.lists(duo.filter(lambda pair: pair[0] != pair[1]), max_size=1)),
        pins=draw(st.lists(pin, max_size=2)),
    )


@QUICK
@given(data=events(), floor=st.sampled_from([0.0, 0.5, 0.9]))
def test_any_event_gives_a_valid_plan_or_a_named_refusal(
    data: dict[str, Any], floor: float
) -> None:
    try:
        problem = read_problem(data)
        solution = solve(problem, floor=floor)
    except Refused as refusal:
        sentence = str(refusal)
    else:
        sentence = ""
        verdict = check(data, solution.as_data(problem))
        assert verdict.breaches == ()
        assert verdict.total == pytest.approx(solution.measures.total)
        assert verdict.min_share == pytest.approx(solution.measures.min_share)
        assert verdict.coverage == pytest.approx(solution.measures.coverage)
        assert verdict.total <= solution.upper_bound + 1e-6
        assert (verdict.group_value or 0) == pytest.approx(solution.groups_value)
        assert solution.lowest >= min(floor, solution.floor_bound or floor) - 1e-6
    assert not sentence or sentence.endswith(".")


@settings(QUICK, max_examples=3)
@given(
    seed=st.integers(0, 10_000),
    people=st.integers(13, 17),
    rounds=st.integers(2, 4),
    odd=st.sampled_from(["trio", "bye"]),
)
def test_the_worst_off_of_a_small_event_get_all_there_is(
    seed: int, people: int, rounds: int, odd: str
) -> None:
    data = make_event(people, rounds, seed, odd=odd)
    problem = replace(read_problem(data), group_size=(0, 0))

    solution = solve(problem, floor=0.7)

    assert check(data, solution.as_data(problem)).breaches == ()
    assert solution.lowest >= min(0.7, solution.floor_bound or 0.7) - 1e-6


def rounds_of(people: list[str]) -> list[tuple[tuple[str, ...], ...]]:
    """Return all ways to spend a round: pairs, perhaps one trio, perhaps somebody alone."""
    if len(people) < 2:
        return [()]
    first, rest = people[0], people[1:]
    found = list(rounds_of(rest))
    for size in (1, 2):
        for others in combinations(rest, size):
            left = [name for name in rest if name not in others]
            found += [((first, *others), *more) for more in rounds_of(left)]
    return [way for way in found if sum(len(who) == 3 for who in way) < 2]


@pytest.mark.long
@settings(QUICK, max_examples=8)
@given(
    seed=st.integers(0, 10_000),
    people=st.integers(4, 5),
    remote=st.booleans(),
    odd=st.sampled_from(["trio", "bye"]),
    floor=st.sampled_from([0.0, 0.5, 0.9]),
)
def test_no_plan_of_a_tiny_event_is_better(
    seed: int, people: int, remote: bool, odd: str, floor: float
) -> None:
    data = make_event(people, 2, seed, odd=odd, per_round=1, forbids=[], history=[])
    for someone in data["participants"]:
        someone.pop("async", None)
    if remote:
        data["participants"][-1]["async"] = 1
    names = [someone["id"] for someone in data["participants"]]
    everything = combinations_with_replacement(rounds_of(names), 2)
    best = max(found for rounds in everything if (found := rank(data, rounds, floor)))

    solution = solve(read_problem(data), floor=floor)

    plan = solution.as_data(read_problem(data))
    assert rank(data, plan["rounds"], floor) == pytest.approx(best)
    assert solution.floor_bound == pytest.approx(best[3] if best[3] < floor else None)


def rank(data: dict[str, Any], rounds: Any, floor: float) -> tuple[float, ...] | None:
    """Return what makes a plan better than another, what matters most first; None if not valid."""
    verdict = check(data, {"rounds": rounds})
    if verdict.breaches:
        return None
    seats = Counter(name for found in rounds for who in found for name in who)
    remote = [someone["id"] for someone in data["participants"] if someone.get("async")]
    live = [someone["id"] for someone in data["participants"] if someone["id"] not in remote]
    again = sum(max(0, len(rounds) - 1 - seats[name]) for name in live)
    trios = sum(len(who) == 3 for found in rounds for who in found)
    lowest = min(floor, verdict.min_share, verdict.async_min_share or 1 - bool(remote))
    viewings = sum(seats[name] for name in remote)
    return verdict.coverage, -again, -trios, lowest, viewings, verdict.total


@settings(QUICK, max_examples=4)
@given(seed=st.integers(0, 10_000))
def test_no_plan_of_a_tiny_asynchronous_event_is_better(seed: int) -> None:
    data = make_event(5, 0, seed, mode="async", k=2, forbids=[], history=[])
    pairs = list(combinations([someone["id"] for someone in data["participants"]], 2))
    best = (0.0, 0.0)
    for count in range(6):
        for chosen in combinations(pairs, count):
            verdict = check(data, {"pairs": chosen})
            if not verdict.breaches:
                best = max(best, (verdict.coverage, verdict.total))

    measures = solve(read_problem(data), floor=0.0).measures

    assert (measures.coverage, measures.total) == pytest.approx(best)
