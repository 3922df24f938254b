"""The check finds every breach, whoever made the plan."""

from typing import Any

import pytest

from asyncnet.matching.check import check
from asyncnet.matching.problem import Refused
from tests.matching.events import event, people, person

REMOTE: dict[str, Any] = {"async": 1}
GOOD = [["p0", "p1"], ["p2", "p3"], ["p4", "p5"]]


def breaches(data: dict[str, Any], *rounds: list[list[str]], **plan: Any) -> str:
    return " ".join(check({**data, "rounds": len(rounds)}, {"rounds": rounds, **plan}).breaches)


def test_a_good_plan_breaks_no_rule() -> None:
    assert breaches(event(people(6)), GOOD, groups=[["p0", "p1", "p2", "p3", "p4", "p5"]]) == ""


@pytest.mark.parametrize(
    ("data", "rounds", "words"),
    [
        (event(people(6)), [GOOD, GOOD], "p0 and p1 meet 2 times"),
        (event(people(6)), [[["p0", "p0"]]], "meets themselves"),
        (event(people(6)), [[["p0", "p1"], ["p1", "p2"]]], "p1 meets 2 people in round 1"),
        (event(people(6), forbids=[["p1", "p0"]]), [GOOD], "must be kept apart"),
        (event([person("p0", avoid=["p1"]), *people(6)[1:]]), [GOOD], "must be kept apart"),
        (event(people(6), history=[["p1", "p0"]]), [GOOD], "after an earlier event"),
        (event(people(6, **REMOTE)), [GOOD], "both are asynchronous"),
        (event(people(6), odd="bye"), [[["p0", "p1", "p2"]]], "trios are not allowed"),
        (event(people(6)), [[["p0", "p1", "p2"], ["p3", "p4", "p5"]]], "2 trios"),
        (event(people(6), pins=[["p0", "p2", 1]]), [GOOD], "are pinned, but do not meet"),
        (
            event(people(6), pins=[["p0", "p1", 2]]),
            [GOOD, []],
            "p0 and p1 are pinned to round 2",
        ),
        (
            event([*people(5), person("p5", **REMOTE, k=1)]),
            [[["p0", "p5"]], [["p1", "p5"]]],
            "p5 has 2 matches, 1 is the most",
        ),
        (
            event([*people(4), *[person(x, **REMOTE) for x in ("p4", "p5")]]),
            [[["p0", "p4"]], [["p0", "p5"]]],
            "p0 meets 2 asynchronous people, 1 is the most",
        ),
        (event([*people(5), person("p5", away=[1])]), [GOOD], "in round 1, but away"),
        (
            event([*people(5), person("p5", **REMOTE, promise=2)]),
            [GOOD],
            "p5 has 1 matches, 2 promised",
        ),
    ],
)
def test_a_broken_rule_is_named(
    data: dict[str, Any], rounds: list[list[list[str]]], words: str
) -> None:
    assert words in breaches(data, *rounds)


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ([["p0", "p1", "p2", "p3"]], "p4 is in 0 closing groups"),
        ([["p0", "p1", "p2"], ["p3", "p4", "p5"]], "wrong sizes: [3, 3]"),
        ([["p0", "p1", "p2", "p3", "p4", "p5"]], "share a group, but must be kept apart"),
    ],
)
def test_a_wrong_closing_group_is_named(groups: list[list[str]], words: str) -> None:
    data = event(people(6), forbids=[["p0", "p5"]])

    assert words in breaches(data, GOOD, groups=groups)


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ([], "must be an object"),
        ({}, '"rounds" must be a list'),
        ({"rounds": [[["p0", "ghost"]]]}, "'ghost', who is not a participant"),
        ({"rounds": [[["p0"]]]}, "a meeting of 1"),
    ],
)
def test_a_plan_that_cannot_be_read_is_refused(plan: object, words: str) -> None:
    with pytest.raises(Refused) as refusal:
        check(event(people(6)), plan)

    assert words in str(refusal.value)
