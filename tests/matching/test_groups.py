"""Closing groups: sizes, bans, quality, and schedules that are known to exist."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from asyncnet.matching.beams import likely_groups
from asyncnet.matching.check import check
from asyncnet.matching.covering import worth_of
from asyncnet.matching.groups import Grouping, group
from asyncnet.matching.pricing import paying_groups
from asyncnet.matching.problem import Pair, pair
from asyncnet.matching.reading import read_problem
from benchmarks._matching_events import GROUP_WEIGHTS, make_event
from tests.matching.events import event, people, person, public, read_plan

UNHURRIED = 600.0


def grouped(data: dict[str, Any], met: set[Pair] | None = None) -> Grouping:
    return group(read_problem(data), met or set(), seed=0, seconds=UNHURRIED)


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        (2, [2]),
        (3, [3]),
        (4, [4]),
        (6, [6]),
        (7, [3, 4]),
        (8, [4, 4]),
        (9, [4, 5]),
        (11, [5, 6]),
        (13, [4, 4, 5]),
        (22, [4, 4, 4, 5, 5]),
    ],
)
def test_groups_have_balanced_sizes_within_the_limits(count: int, sizes: list[int]) -> None:
    found = grouped(event(people(count)))

    assert sorted(len(who) for who in found.groups) == sizes


def test_those_kept_apart_never_share_a_group() -> None:
    data = event([person("a", avoid=["b", "c"]), *[person(name) for name in "bcdefgh"]])

    found = grouped(data)

    assert len(found.groups) == 2
    assert not any({0, 1} <= set(who) or {0, 2} <= set(who) for who in found.groups)


@pytest.mark.parametrize("points", [20_000, -20_000])
def test_nothing_people_share_makes_up_for_a_ban(points: int) -> None:
    weights = dict.fromkeys(GROUP_WEIGHTS, points)
    kinds = people(12, tags=[0])
    data = event(kinds, forbids=[["p0", "p1"], ["p2", "p3"]], group_weights=weights)

    found = grouped(data, {(0, 2), (0, 4), (1, 3)})

    assert len(found.groups) in (2, 3)
    assert not any({0, 1} <= set(who) or {2, 3} <= set(who) for who in found.groups)


@pytest.mark.parametrize(("count", "size"), [(4, [2, 10]), (7, [2, 10]), (20, [1, 1_000_000])])
def test_groups_may_be_allowed_larger_than_there_are_people(count: int, size: list[int]) -> None:
    found = grouped(event(people(count), group_size=size))

    assert sorted(i for who in found.groups for i in who) == list(range(count))


def test_a_search_among_large_groups_ends_at_its_steps() -> None:
    affinity = np.ones((60, 60)) - np.eye(60)

    found = paying_groups(affinity, np.zeros(60), [12], 200, float("inf"))

    assert not found.complete
    assert found.raise_by >= 60 * 1.0


def test_three_of_whom_two_must_be_kept_apart_get_no_group() -> None:
    found = grouped(event([person("a", avoid=["b"]), person("b"), person("c")]))

    assert found.groups == ()


def test_sixteen_golfers_never_meet_twice_in_five_rounds() -> None:
    data = event(people(16))
    met: set[Pair] = set()

    for _ in range(2):
        found = grouped(data, met)
        new = {pair(a, b) for who in found.groups for a, b in combinations(who, 2)}
        assert len(new) == 24
        assert not met & new
        met |= new


@pytest.mark.parametrize("seed", range(4))
def test_the_search_finds_every_group_that_pays(seed: int) -> None:
    rng = np.random.default_rng(seed)
    affinity = np.triu(rng.integers(-5, 20, size=(11, 11)), 1).astype(float)
    affinity += affinity.T
    prices = rng.normal(12, 3, size=11)
    paying = {
        who
        for size in (4, 5)
        for who in combinations(range(11), size)
        if worth_of(affinity, who) > prices[list(who)].sum() + 1e-6
    }

    found = paying_groups(affinity, prices, [4, 5], 100_000, float("inf"))

    assert paying
    assert set(found.groups) == paying
    assert np.isfinite(found.raise_by)


@pytest.mark.parametrize("size", [2, 4, 6])
def test_likely_groups_pay_and_come_once(size: int) -> None:
    rng = np.random.default_rng(size)
    affinity = np.triu(rng.integers(0, 20, size=(30, 30)), 1).astype(float)
    affinity += affinity.T
    prices = rng.normal(14, 2, size=30)

    found = likely_groups(affinity, prices, size)

    assert found
    assert len(set(found)) == len(found)
    assert all(len(set(who)) == size for who in found)
    assert all(worth_of(affinity, who) > prices[list(who)].sum() - 1e-3 for who in found)


def test_the_groups_of_two_hundred_come_near_what_no_grouping_exceeds() -> None:
    found = grouped(make_event(200, 4, seed=1))

    assert found.value >= 0.99 * found.bound


def test_kindred_people_find_each_other() -> None:
    kinds = [person(f"p{i}", tags=[i % 4], type=i % 2, region=i % 2) for i in range(16)]

    found = grouped(event(kinds))

    assert {frozenset(i % 4 for i in who) for who in found.groups} == {
        frozenset([kind]) for kind in range(4)
    }


def test_the_groups_of_a_public_event_are_as_good_as_the_best_known() -> None:
    data, known = public("pub-0061"), public("pub-0061.best")["groups"]
    problem = read_problem(data)
    plan = read_plan(problem, public("pub-0061.fair.plan"))

    found = grouped(data, plan.met())

    ids = [problem.ids(who) for who in found.groups]
    verdict = check(data, {**public("pub-0061.fair.plan"), "groups": ids})
    past = plan.met() | problem.history
    again = [duo for who in found.groups for duo in combinations(sorted(who), 2) if duo in past]
    assert verdict.breaches == ()
    assert verdict.group_value == pytest.approx(found.value)
    assert found.value >= 0.985 * known["upper_bound_given_fair_plan"]
    assert len(again) <= 5
    assert found.bound >= known["best_value"]
