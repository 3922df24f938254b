"""What cannot be is refused with a sentence that names the people and the rule."""

import json
from typing import Any

import pytest

from asyncnet.matching.plan import solve
from asyncnet.matching.problem import Refused
from asyncnet.matching.reading import read_problem
from tests.matching.events import event, people, person

REMOTE: dict[str, Any] = {"async": 1}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([], "must be an object"),
        ({"format": "other"}, '"format" must be'),
        (event(people(6), mode="hybrid"), '"mode" must be'),
        (event(people(6), rounds=-1), '"rounds" must be a whole number'),
        (event(people(6), rounds=True), '"rounds" must be a whole number'),
        (event(people(6), odd="coin"), '"odd" must be'),
        (event(people(6), group_size=[6, 4]), '"group_size" must be'),
        (event(people(6), weights={}), 'Weight "base"'),
        ({**event([]), "participants": {}}, '"participants" must be a list'),
        (event([*people(6), {"tags": []}]), "needs an id"),
        (event([*people(6), person("p3")]), "'p3' is listed twice"),
        (event([*people(6), person("x", tags=[9])]), "'x': \"tags\" has 9"),
        (event([*people(6), person("x", utc="noon")]), "'x': \"utc\""),
        (event([*people(6), person("x", wishes=[4])]), "'x': \"wishes\" must name"),
        (event(people(6), forbids=[["p0", "ghost"]]), "'ghost', who is not a participant"),
        (event(people(6), pins=[["ghost", "p0", 1]]), "'ghost', who is not a participant"),
        (event(people(6), pins=[["p0", "p0", 1]]), "'p0' with themselves"),
        (event(people(6), pins=[["p0", "p1", "one"]]), "'one' for a round"),
    ],
)
def test_a_malformed_event_is_refused(data: object, words: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_problem(data)

    assert words in str(refusal.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (event(people(1)), "at least 2 participants"),
        (event(people(3), rounds=4), "too few people for 4 rounds"),
        (
            event([person("ana", avoid=["bo"]), person("bo")], rounds=3),
            "can meet at most 0 different others here. Kept apart: ana and bo.",
        ),
        (event(people(6, **REMOTE)), "Everybody is asynchronous"),
        (event(people(6), rounds=0), "at least 1 round"),
        (
            event([person("a", avoid=["b"]), person("b"), *people(6)], pins=[["b", "a", 0]]),
            "The pin of a and b cannot be kept: these two must be kept apart",
        ),
        (
            event(people(6), pins=[["p0", "p1", 1]], forbids=[["p1", "p0"]]),
            "The pin of p0 and p1 cannot be kept: these two must be kept apart",
        ),
        (
            event(people(6), pins=[["p0", "p1", 1]], history=[["p1", "p0"]]),
            "they met at an earlier event",
        ),
        (
            event(people(6), pins=[["p0", "p1", 1], ["p2", "p0", 1]]),
            "p0 is pinned to p1 and p2 in round 1",
        ),
        (
            event(people(6), pins=[["p0", f"p{i}", 0] for i in range(1, 5)]),
            "p0 is pinned to 4 people (p1, p2, p3, p4), but can have at most 3",
        ),
        (event(people(6), pins=[["p0", "p1", 1], ["p1", "p0", 2]]), "given twice"),
        (event(people(6), pins=[["p0", "p1", 9]]), "there are 3 rounds"),
        (
            event([*people(6), person("x", away=[2])], pins=[["x", "p0", 2]]),
            "in which x is away",
        ),
        (
            event([*people(6), *[person(x, **REMOTE) for x in "ab"]], pins=[["a", "b", 0]]),
            "both are asynchronous",
        ),
        (
            event(
                [*people(6), *[person(x, **REMOTE) for x in "ab"]],
                pins=[["a", "p0", 0], ["b", "p0", 0]],
            ),
            "p0 is pinned to 2 asynchronous people (a, b), but may meet at most 1",
        ),
        (
            event(people(6), rounds=2, pins=[["p0", "p1", 0], ["p1", "p2", 0], ["p0", "p2", 0]]),
            "The pins of p0, p1, p2 cannot all be given a round",
        ),
        (
            event([*people(4), person("x", **REMOTE, k=9, promise=9)], per_round=9),
            "x is promised 9 matches, but can have at most 4",
        ),
        (
            event(
                [
                    *people(4),
                    *[person(x, **REMOTE, k=1, promise=1) for x in "abc"],
                    person("d", **REMOTE),
                ],
                pins=[["p0", "d", 0], ["p1", "d", 0]],
            ),
            "a, b, c are promised 3 viewers in all, but the live people can give only 2 beside",
        ),
        (
            event([*people(5), *[person(x, **REMOTE, k=3, promise=3) for x in "ab"]]),
            "a, b are promised 6 viewers in all, but the live people can give only 5",
        ),
    ],
)
def test_an_impossible_wish_is_refused(data: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused) as refusal:
        solve(read_problem(data))

    assert words in str(refusal.value)


def test_an_avoid_stays_secret_when_a_pin_breaks_it() -> None:
    one_sided = event([person("a", avoid=["b"]), person("b"), *people(6)], pins=[["a", "b", 0]])
    banned = event([person("a"), person("b"), *people(6)], pins=[["a", "b", 0]])
    banned["forbids"] = [["a", "b"]]

    sentences = []
    for data in (one_sided, json.loads(json.dumps(banned))):
        with pytest.raises(Refused) as refusal:
            solve(read_problem(data))
        sentences.append(str(refusal.value))

    assert sentences[0] == sentences[1]
