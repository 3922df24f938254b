"""Why two people meet, in words that give nothing away."""

from typing import Any

from asyncnet.matching.reading import read_problem
from asyncnet.matching.reasons import Because, reasons
from tests.matching.events import event, people, person


def said(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    problem = read_problem(event([one, other, *people(20, type=1, region=1)]))
    return [reason.text("Ana") for reason in reasons(problem, 0, 1)]


def test_what_brought_most_points_is_said_first() -> None:
    me = person("me", tags=[1], offers=[0, 1], wishes=["ana"], region=1)
    ana = person("ana", tags=[1], seeks=[0], wishes=["me"])

    assert said(me, ana) == [
        "You and Ana asked for each other.",
        "Ana seeks what you offer: onboarding.",
        "You both work on ocean data.",
        "You are both from the same kind of community: red.",
    ]


def test_only_the_author_of_a_wish_hears_of_it() -> None:
    me = person("me", wishes=["ana"], type=1)
    ana = person("ana")

    assert said(me, ana) == ["You asked to meet Ana."]
    assert said({**ana, "id": "me"}, {**me, "id": "ana", "wishes": ["me"]}) == []


def test_avoids_acquaintances_and_others_preferences_never_show() -> None:
    me = person("me", type=1)
    ana = person("ana", known=["me"], avoid=["p3"], cross=1, near=1, wish_roles=[0])

    assert said(me, ana) == []


def test_several_topics_are_named_rarest_first() -> None:
    tags = [0, 1]
    crowd = [person(f"c{i}", tags=[0], type=1) for i in range(9)]
    both = [person("me", tags=tags), person("ana", tags=tags, type=1)]
    problem = read_problem(event([*both, *crowd]))

    [topics] = [r for r in reasons(problem, 0, 1) if r.because is Because.TOPICS]

    assert topics.text("Ana") == "You both work on ocean data and open data."
    assert topics.points == 2 * (3 + 2)
