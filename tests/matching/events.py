"""Small events in the format of the solver, filled with what a test does not care about."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from asyncnet.matching.measures import Plan
from asyncnet.matching.problem import Problem
from benchmarks._matching_events import GROUP_WEIGHTS, WEIGHTS

DATA = Path(__file__).parent.parent / "data" / "matching"
PUBLIC = sorted(path.stem for path in DATA.glob("pub-????.json"))


def public(name: str) -> Any:
    """Return one of the public events, or its sidecar (`NAME.best`)."""
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


def person(name: str, **answers: Any) -> dict[str, Any]:
    """Return a participant who says nothing but what is given."""
    return {"id": name, "tags": [], "role": 0, "type": 0, "region": 0, "utc": 0, **answers}


def people(count: int, **answers: Any) -> list[dict[str, Any]]:
    """Return participants p0, p1 and so on who all say the same."""
    return [person(f"p{i}", **answers) for i in range(count)]


def event(participants: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """Return an event of these people; `changes` replace its fields."""
    return {
        "format": "asyncnet-match/1",
        "name": "small",
        "mode": "mixed",
        "rounds": 3,
        "k": 3,
        "per_round": 2,
        "max_async_per_live": 1,
        "odd": "trio",
        "group_size": [4, 6],
        "no_repeat_history": True,
        "roles": ["one", "two", "three"],
        "types": ["red", "green"],
        "regions": ["here", "there"],
        "tags": ["open data", "ocean data", "astronomy", "policy"],
        "skills": ["onboarding", "mentoring", "metrics"],
        "weights": WEIGHTS,
        "group_weights": GROUP_WEIGHTS,
        "history": [],
        "forbids": [],
        "pins": [],
        "participants": participants,
        **changes,
    }


def read_plan(problem: Problem, data: Mapping[str, Any]) -> Plan:
    """Return the plan that `as_data` wrote. Raises KeyError for somebody not taking part."""
    number_of = {someone.id: i for i, someone in enumerate(problem.people)}

    def meetings(entries: Iterable[Iterable[str]]) -> tuple[tuple[int, ...], ...]:
        return tuple(sorted(tuple(sorted(number_of[name] for name in who)) for who in entries))

    return Plan(
        rounds=tuple(meetings(found) for found in data.get("rounds", ())),
        pairs=tuple((a, b) for a, b in meetings(data.get("pairs", ()))),
        groups=meetings(data.get("groups", ())),
    )
