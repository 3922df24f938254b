"""The cases in which a careless plan goes wrong."""

from collections import Counter
from typing import Any

import pytest

from asyncnet.matching.check import Verdict, check
from asyncnet.matching.plan import solve
from asyncnet.matching.reading import read_problem
from asyncnet.matching.solution import Solution
from asyncnet.matching.weights import score
from tests.matching.events import event, people, person


def solved(data: dict[str, Any], floor: float = 0.5) -> tuple[Solution, Verdict]:
    problem = read_problem(data)
    solution = solve(problem, floor=floor)
    verdict = check(data, solution.as_data(problem))
    assert verdict.breaches == ()
    return solution, verdict


def sizes(solution: Solution) -> list[list[int]]:
    return [sorted(len(who) for who in found) for found in solution.plan.rounds]


def test_a_viewing_absorbs_the_odd_one_out() -> None:
    data = event([*people(9), person("remote", **{"async": 1}, k=3)], rounds=3)

    solution, verdict = solved(data)

    assert verdict.byes == (0, 0, 0)
    assert sizes(solution) == [[2] * 5] * 3


def test_without_viewings_every_round_has_one_trio_whose_pairs_all_count_as_met() -> None:
    solution, verdict = solved(event(people(11), rounds=3))

    assert verdict.byes == (0, 0, 0)
    assert sizes(solution) == [[2, 2, 2, 2, 3]] * 3
    assert len(solution.plan.met()) == 3 * (4 + 3)


def test_without_trios_nobody_sits_out_twice_and_it_is_said_openly() -> None:
    solution, verdict = solved(event(people(11), rounds=4, odd="bye"))

    busy = [{i for who in found for i in who} for found in solution.plan.rounds]
    out = Counter(i for found in busy for i in range(11) if i not in found)
    assert verdict.byes == solution.measures.byes == (1, 1, 1, 1)
    assert max(out.values()) == 1


def test_everybody_is_seated_before_the_total_is_raised() -> None:
    lovers = [person(f"p{i}", wishes=[f"p{j}" for j in range(3) if j != i]) for i in range(3)]
    shy = person("shy", avoid=["p0", "p1"])
    data = event([*lovers, shy, *people(2)[:0]], rounds=1, odd="bye")

    _, verdict = solved(data, floor=0.0)

    assert verdict.byes == (0,)


def test_fewer_allowed_partners_than_rounds_leave_only_those_rounds_empty() -> None:
    picky = person("picky", avoid=[f"p{i}" for i in range(7)])
    solution, verdict = solved(event([*people(9), picky], rounds=4))

    meetings = [who for found in solution.plan.rounds for who in found if 9 in who]
    assert len(meetings) == 2
    assert sum(verdict.byes) == 2


def test_five_who_want_only_each_other_are_seated_over_four_rounds() -> None:
    club = [person(f"c{i}", wishes=[f"c{j}" for j in range(5) if j != i]) for i in range(5)]
    data = event([*club, *people(7)], rounds=4)

    _, verdict = solved(data, floor=0.0)

    assert verdict.byes == (0, 0, 0, 0)


def test_five_alone_over_four_rounds_sit_out_at_most_once_each() -> None:
    solution, verdict = solved(event(people(5), rounds=4, odd="bye"))

    seats = Counter(i for found in solution.plan.rounds for who in found for i in who)
    assert verdict.byes == (1, 1, 1, 1)
    assert min(seats.values()) == 3


def test_an_avoid_binds_though_only_one_of_the_two_said_so() -> None:
    data = event(
        [person("a", wishes=["b"]), person("b", avoid=["a"]), *people(4)], rounds=3, odd="bye"
    )

    solution, _ = solved(data)

    assert (0, 1) not in solution.plan.met()


def test_promised_viewers_come_even_where_nobody_gains_by_it() -> None:
    remote = person("remote", **{"async": 1}, k=4, promise=4)
    fans = [person(f"p{i}", wishes=[f"p{i ^ 1}", f"p{i ^ 2}", f"p{i ^ 4}"]) for i in range(8)]

    solution, _ = solved(event([*fans, remote], rounds=3), floor=0.0)

    assert sum(8 in who for found in solution.plan.rounds for who in found) == 4


def test_an_asynchronous_event_with_an_odd_number_of_seats_leaves_one_empty() -> None:
    _, verdict = solved(event(people(5), mode="async", rounds=0, k=3))

    assert verdict.coverage == pytest.approx(14 / 15)


def test_somebody_who_is_away_is_met_only_while_present() -> None:
    late = person("late", away=[1, 2])
    solution, verdict = solved(event([*people(7), late], rounds=4))

    rounds = [r for r, found in enumerate(solution.plan.rounds, 1) for who in found if 7 in who]
    assert rounds == [3, 4]
    assert sum(verdict.byes) == 0


def test_wishes_for_oneself_or_for_somebody_absent_count_for_nothing() -> None:
    plain = event(people(6))
    wishful = event(people(6, wishes=["p0", "ghost"], known=["ghost"], avoid=["ghost"]))

    first = score(read_problem(plain)).points
    second = score(read_problem(wishful)).points

    assert (second[0] == first[0]).all()
    assert second[1, 0] == first[1, 0] + 30


def test_an_ideal_of_nothing_is_a_full_share() -> None:
    cold = {"weights": {**event([])["weights"], "base": 0, "same_type": 0}}

    _, verdict = solved(event(people(6), **cold))

    assert (verdict.total, verdict.min_share) == (0, 1)


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [(0, 0, 4), (0, 5.5, 3), (0, 5.75, 3), (13, -11, 4), (12, -12, 4), (0, 12, 1), (0, 8, 2)],
)
def test_waking_hours_are_counted_round_the_clock(one: float, other: float, overlap: int) -> None:
    both = [person("a", utc=one, type=0), person("b", utc=other, type=1)]
    data = event(both, mode="async", rounds=0)

    points = score(read_problem(data)).points

    assert points[0, 1] == 2 + overlap


def test_a_live_person_gets_half_the_points_of_a_viewing() -> None:
    data = event([*people(4), person("remote", **{"async": 1})])

    points = score(read_problem(data)).points

    assert (points[4, 0], points[0, 4]) == (10, 5)


def test_pins_are_kept_even_where_they_cost() -> None:
    data = event(people(8), rounds=3, pins=[["p0", "p1", 2], ["p2", "p3", 0], ["p4", "p5", 1]])

    solution, _ = solved(data)

    assert (0, 1) in solution.plan.rounds[1]
    assert (4, 5) in solution.plan.rounds[0]
    assert (2, 3) in solution.plan.met()


@pytest.mark.parametrize("seconds", [0, 20])
def test_promised_viewers_come_however_short_the_time(seconds: float) -> None:
    remote = [person(name, **{"async": 1}, k=2, promise=1) for name in "abcd"]
    data = event([*people(4), *remote], rounds=2, pins=[["p0", "p1", 1]])
    problem = read_problem(data)

    solution = solve(problem, time_limit=seconds)

    assert check(data, solution.as_data(problem)).breaches == ()


def test_groups_of_one_leave_everybody_alone() -> None:
    solution, _ = solved(event(people(5), rounds=1, group_size=[1, 1]))

    assert solution.plan.groups == ((0,), (1,), (2,), (3,), (4,))
    assert (solution.groups_value, solution.groups_bound) == (0, 0)


def test_points_may_be_as_large_as_the_format_allows() -> None:
    weights = {**event([])["weights"], "video_div": 1_000_000, "known": -1_000_000}
    data = event([*people(4), person("x", **{"async": 1}, known=["p0"])], rounds=2, weights=weights)

    points = score(read_problem(data)).points

    assert points[0, 4] == 0
    assert (points[4, 0], points[4, 1]) == (0, 10)
