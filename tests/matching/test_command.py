"""`flask matching`: one object out, a sentence and status 2 for what cannot be."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from asyncnet.commands.matching import matching
from benchmarks._matching_events import make_event
from tests.matching.events import DATA, event, people, person


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(matching, [str(word) for word in words])


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def write(name: str, data: object) -> Path:
        path = tmp_path / name
        path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("name", ["pub-0007", "pub-0024", "pub-0061"])
def test_what_solve_prints_passes_the_check(name: str, file: Any) -> None:
    solved = run("solve", DATA / f"{name}.json", "--json", "--seed", "3")

    printed = json.loads(solved.stdout)
    checked = run("check", DATA / f"{name}.json", file("plan.json", printed), "--json")

    meetings = "pairs" if name == "pub-0024" else "rounds"
    figures = {"value", "upper_bound", "gap", "min_share", "seconds"}
    groups = set() if name == "pub-0024" else {"groups"}
    verdict = json.loads(checked.stdout)
    assert (solved.exit_code, checked.exit_code) == (0, 0)
    assert set(printed) == figures | groups | {meetings}
    assert verdict["valid"]
    assert (verdict["total"], verdict["min_share"]) == (printed["value"], printed["min_share"])
    assert printed["gap"] == pytest.approx(1 - printed["value"] / printed["upper_bound"], abs=1e-6)


@pytest.mark.long
def test_every_process_finds_the_same_plan_for_a_seed_without_an_installation(file: Any) -> None:
    made = file("event.json", make_event(30, 3, seed=5))

    first, second = (_solved_apart(made, hash_seed) for hash_seed in ("1", "2"))

    assert first["rounds"]
    assert first == second


def _solved_apart(made: Path, hash_seed: str) -> dict[str, Any]:
    """Return the plan that a process of its own finds, without the time it took."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "matching", "solve", made, "--json"],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "ASYNCNET_BASE_URL": "nowhere"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
    )
    plan: dict[str, Any] = json.loads(done.stdout)
    del plan["seconds"]
    return plan


def test_without_json_an_organizer_can_read_the_plan() -> None:
    solved = run("solve", DATA / "pub-0007.json")

    assert solved.exit_code == 0
    assert "The plan is worth 283.0 points. No plan can have more than 292.0" in solved.stdout
    assert "Nobody sits out." in solved.stdout
    assert "Round 3" in solved.stdout
    assert "Closing groups" in solved.stdout


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("{not json", "event.json is not readable JSON"),
        ({"format": "asyncnet-match/1"}, '"mode" must be'),
        (event(people(6), pins=[["p0", "ghost", 1]]), "\"pins\" names 'ghost'"),
        (event(people(3), rounds=4), "too few people for 4 rounds"),
    ],
)
def test_what_cannot_be_is_a_sentence_and_status_2(data: object, sentence: str, file: Any) -> None:
    refused = run("solve", file("event.json", data), "--json")

    assert refused.exit_code == 2
    assert sentence in refused.stderr
    assert refused.stdout == ""
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--seed=-1", "-1 is not in the range"),
        ("--floor=nan", "nan is not a number"),
        ("--time-limit=nan", "nan is not a number"),
        ("--time-limit=inf", "inf is not in the range"),
    ],
)
def test_an_option_that_is_no_amount_is_a_sentence_and_status_2(option: str, sentence: str) -> None:
    refused = run("solve", DATA / "pub-0007.json", option)

    assert refused.exit_code == 2
    assert sentence in refused.stderr


def test_an_id_that_no_line_can_show_is_refused(file: Any) -> None:
    refused = run("solve", file("event.json", event([person("a\n\x1b[31m"), *people(3)])))

    assert refused.exit_code == 2
    assert "needs an id in words" in refused.stderr
    assert "\x1b" not in refused.stderr


def test_a_plan_that_breaks_a_rule_is_named_and_fails(file: Any) -> None:
    data = file("event.json", event(people(4), rounds=1, forbids=[["p0", "p1"]]))
    plan = file("plan.json", {"rounds": [[["p0", "p1"], ["p2", "p3"]]]})

    checked = run("check", data, plan)

    assert checked.exit_code == 1
    assert "Breach: p0 and p1 meet, but must be kept apart." in checked.stdout


def test_a_plan_with_a_stranger_is_a_sentence_and_status_2(file: Any) -> None:
    data = file("event.json", event(people(4), rounds=1))
    plan = file("plan.json", {"rounds": [[["p0", "ghost"]]]})

    checked = run("check", data, plan)

    assert checked.exit_code == 2
    assert "'ghost', who is not a participant" in checked.stderr
