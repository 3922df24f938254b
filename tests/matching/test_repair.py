"""A published plan after somebody left, came or changed."""

from typing import Any

import pytest

from asyncnet.matching.check import check
from asyncnet.matching.measures import Plan
from asyncnet.matching.plan import solve
from asyncnet.matching.problem import Problem
from asyncnet.matching.reading import read_problem
from asyncnet.matching.repair import repair
from benchmarks._repairs import Account, account_of
from tests.matching.events import event, people, person, public, read_plan


def after_change(data: dict[str, Any], **late: Any) -> dict[str, Any]:
    """Return the event's data after a late change."""
    gone = set(late.get("cancel", ()))
    stay = [someone for someone in data["participants"] if someone["id"] not in gone]
    apart = [duo for duo in data["forbids"] if not gone & set(duo)]
    pins = [pin for pin in data["pins"] if not gone & set(pin[:2])]
    joined = [*stay, *late.get("join", ())]
    return {**data, "participants": joined, "forbids": apart, "pins": pins}


def repaired(
    data: dict[str, Any], plan: Plan, first_open_round: int, **late: Any
) -> tuple[Account, Problem]:
    changed = after_change(data, **late)
    after = read_problem(changed)
    found = mended(read_problem(data), plan, after, first_open_round)
    assert check(changed, found.plan.as_data(after)).breaches == ()
    return found, after


def mended(before: Problem, plan: Plan, after: Problem, first_open_round: int) -> Account:
    """Return what a repair of the plan changes."""
    found = repair(before, plan, after, first_open_round)
    return account_of(before, plan, after, found, first_open_round)


def published(problem: Problem, *rounds: list[str]) -> Plan:
    """Return a plan from rounds of meetings written as "a b"."""
    return read_plan(problem, {"rounds": [[who.split() for who in found] for found in rounds]})


def written(problem: Problem, plan: Plan) -> list[list[str]]:
    return [[" ".join(problem.ids(who)) for who in found] for found in plan.rounds]


@pytest.fixture(scope="module")
def plan_of_200() -> Plan:
    return solve(read_problem(public("pub-0200"))).plan


@pytest.mark.parametrize("leaver", ["p0003", "p0047", "p0060"])
def test_one_cancellation_moves_few_and_costs_little(leaver: str, plan_of_200: Plan) -> None:
    data = public("pub-0200")
    problem, plan = read_problem(data), plan_of_200

    found, after = repaired(data, plan, 2, cancel=[leaver])

    meetings = sum(len(who) for rounds in plan.rounds[1:] for who in rounds)
    assert found.moved <= 2 * found.forced
    assert found.moved <= 0.03 * meetings
    assert not found.sitting_out
    left = problem.ids(range(len(problem.people))).index(leaver)
    owed = measure_of(problem, plan, left)
    assert found.value >= 0.99 * (found.value_before - owed)
    first = [[who for who in written(problem, plan)[0] if leaver not in who]]
    assert written(after, found.plan)[:1] == first


def measure_of(problem: Problem, plan: Plan, person: int) -> float:
    """Return what the meetings of one person are worth to both sides."""
    data = plan.as_data(problem)
    name = problem.people[person].id
    rounds: Any = data["rounds"]
    alone = [[who for who in found if name in who] for found in rounds]
    return check(EVENTS[problem.name], {"rounds": alone}).total


EVENTS = {"pub-0200": public("pub-0200")}


def test_the_public_late_change_keeps_the_value_of_the_known_repair(plan_of_200: Plan) -> None:
    data, known = public("pub-0200"), public("pub-0200.best")["late"]
    problem, late = read_problem(data), read_problem(after_change(data, **data["late"]))
    first_open = data["late"]["first_open_round"]

    found = mended(problem, plan_of_200, late, first_open)

    assert not found.sitting_out
    assert found.moved <= known["changes"]
    assert found.value >= 0.99 * known["total"]


def test_a_trio_that_loses_a_member_goes_on_as_a_pair() -> None:
    data = event(people(7), rounds=1)
    problem = read_problem(data)
    plan = published(problem, ["p0 p1 p2", "p3 p4", "p5 p6"])

    found, after = repaired(data, plan, 1, cancel=["p1"])

    assert written(after, found.plan) == [["p0 p2", "p3 p4", "p5 p6"]]
    assert found.moved == found.forced == 2


def test_a_partner_left_alone_joins_a_chat_as_a_third() -> None:
    data = event(people(6), rounds=1)
    plan = published(read_problem(data), ["p0 p1", "p2 p3", "p4 p5"])

    found, after = repaired(data, plan, 1, cancel=["p0"])

    assert written(after, found.plan) == [["p1 p2 p3", "p4 p5"]]
    assert (found.forced, found.moved, found.sitting_out) == (1, 1, ())


def test_a_newcomer_meets_whoever_lost_a_partner() -> None:
    data = event(people(6), rounds=2)
    plan = published(read_problem(data), ["p0 p1", "p2 p3", "p4 p5"], ["p0 p2", "p1 p4", "p3 p5"])

    found, after = repaired(data, plan, 2, cancel=["p0"], join=[person("new")])

    assert written(after, found.plan) == [["p2 p3", "p4 p5"], ["p1 p4", "p2 new", "p3 p5"]]
    assert found.moved == found.forced == 1


@pytest.mark.parametrize(
    ("rounds", "late", "expected"),
    [
        ([["a b", "c d"]], {"cancel": ["b"], "join": [person("e")]}, [["a e", "c d"]]),
        (
            [["a b", "c d"], ["b d", "a c"], ["b c", "a d"]],
            {"cancel": ["b"], "join": [person("e")]},
            [["a e", "c d"], ["a c", "d e"], ["a d", "c e"]],
        ),
        ([["a b", "c d", "e f"]], {"cancel": ["b", "d"]}, [["a c", "e f"]]),
        ([["a b", "c d", "e f"]], {"cancel": ["b"]}, [["a x", "c d", "e f"]]),
    ],
)
def test_who_is_free_meets_whoever_else_is_and_only_one_alone_an_intro(
    rounds: list[list[str]], late: dict[str, Any], expected: list[list[str]]
) -> None:
    live = sorted({name for found in rounds for who in found for name in who.split()})
    data = event([*map(person, live), person("x", **{"async": 1})], rounds=len(rounds))

    found, after = repaired(data, published(read_problem(data), *rounds), 1, **late)

    assert written(after, found.plan) == expected


def test_somebody_who_becomes_asynchronous_keeps_the_meetings_that_fit() -> None:
    data = event(people(6), rounds=2, max_async_per_live=1)
    plan = published(read_problem(data), ["p0 p1", "p2 p3", "p4 p5"], ["p0 p2", "p1 p4", "p3 p5"])
    changed = event([{**people(1)[0], "async": 1, "k": 2}, *people(6)[1:]], rounds=2)
    after = read_problem(changed)

    found = mended(read_problem(data), plan, after, 1)

    assert check(changed, found.plan.as_data(after)).breaches == ()
    assert found.plan.rounds == plan.rounds
    assert found.changes == ()


def test_a_new_ban_parts_a_published_pair_and_nobody_sits_out() -> None:
    data = event(people(8), rounds=1)
    plan = published(read_problem(data), ["p0 p1", "p2 p3", "p4 p5", "p6 p7"])
    changed = {**data, "forbids": [["p0", "p1"]]}
    after = read_problem(changed)

    found = mended(read_problem(data), plan, after, 1)

    assert check(changed, found.plan.as_data(after)).breaches == ()
    assert not found.sitting_out
    assert {change.person for change in found.changes if change.lost} >= {0, 1}
    assert len(found.changes) == 4


def test_an_asynchronous_event_keeps_its_pairs_and_fills_the_free_seats() -> None:
    data, known = public("pub-0024"), public("pub-0024.best")["late"]
    problem, late = read_problem(data), read_problem(after_change(data, **data["late"]))
    plan = read_plan(problem, public("pub-0024.fair.plan"))

    found = mended(problem, plan, late, 0)

    lost = [change for change in found.changes if change.lost]
    assert (found.forced, lost, found.value) == (known["forced_lost"], [], known["total"])
