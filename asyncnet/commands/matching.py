"""Commands that match one event from a file: solve it, check a plan."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import isfinite, isnan
from pathlib import Path
from typing import Any, NoReturn

import click
from flask import Flask

from asyncnet.matching.check import Verdict, check
from asyncnet.matching.plan import solve
from asyncnet.matching.problem import Problem, Refused
from asyncnet.matching.reading import read_problem
from asyncnet.matching.solution import Solution

REFUSED = 2
LONGEST = 24 * 60 * 60.0

matching = click.Group("matching", help="Match the people of an event, from a file.")
app = Flask("asyncnet")
"""Knows these commands alone: nobody who matches a file needs an installation."""
app.cli.add_command(matching)


class Amount(click.FloatRange):
    """A number within limits, which "nan" is not."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number; fails as click does."""
        number: float = super().convert(value, param, ctx)
        if isnan(number):
            self.fail(f"{value} is not a number.", param, ctx)
        return number


readable = click.Path(exists=True, dir_okay=False, path_type=Path)


@matching.command("solve")
@click.argument("file", type=readable)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--floor",
    type=Amount(0, 1),
    default=0.5,
    show_default=True,
    help="The share of their own ideal that everybody gets at least, where that is possible.",
)
@click.option(
    "--time-limit",
    type=Amount(0, LONGEST),
    default=60.0,
    show_default=True,
    help="Seconds after which the best plan so far is taken.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Same seed, same plan."
)
def solve_file(file: Path, as_json: bool, floor: float, time_limit: float, seed: int) -> None:
    """Print a plan for the event in FILE (asyncnet-match/1)."""
    problem = _or_refuse(lambda: read_problem(_parsed(file)))
    with _quiet():
        solution = _or_refuse(lambda: solve(problem, floor=floor, time_limit=time_limit, seed=seed))
    if as_json:
        click.echo(json.dumps(solution.as_data(problem)))
    else:
        click.echo("\n".join(summary(problem, solution)))


@matching.command("check")
@click.argument("file", type=readable)
@click.argument("plan", type=readable)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check_file(file: Path, plan: Path, as_json: bool) -> None:
    """Verify that the plan in PLAN keeps every rule of the event in FILE."""
    verdict = _or_refuse(lambda: check(_parsed(file), _parsed(plan)))
    if as_json:
        click.echo(json.dumps(verdict.as_data()))
    else:
        click.echo("\n".join(judgement(verdict)))
    if verdict.breaches:
        raise SystemExit(1)


def summary(problem: Problem, solution: Solution) -> list[str]:
    """Return what an organizer wants to know of a plan, line by line."""
    found = solution.measures
    best = solution.upper_bound
    reached = 100 * found.total / best if best else 100.0
    worst = min(range(len(found.shares)), key=lambda i: (found.shares[i], i), default=0)
    lines = [
        f"{problem.name or 'This event'}: {len(problem.people)} people, "
        f"{len(problem.live)} of them live, {problem.rounds} rounds."
        if problem.mixed
        else f"{problem.name or 'This event'}: {len(problem.people)} people, all asynchronous.",
        f"The plan is worth {found.total:,.1f} points. No plan can have more than {best:,.1f}: "
        f"this one reaches {reached:.2f} %.",
        f"The worst-off person, {problem.people[worst].id}, gets {found.shares[worst]:.0%} of what "
        "they would have chosen themselves.",
    ]
    if solution.lowest < solution.floor:
        lines.append(
            f"You asked for {solution.floor:.0%} at least; no plan that seats as many can give "
            f"everybody more than {solution.floor_bound:.1%}."
            if solution.floor_bound is not None
            else f"You asked for {solution.floor:.0%} at least; no such plan was found, and that "
            "there is none is not proven."
        )
    if any(found.byes):
        waiting = ", ".join(
            f"{count} in round {r}" for r, count in enumerate(found.byes, 1) if count
        )
        lines.append(f"Sitting out: {waiting}.")
    elif problem.mixed:
        lines.append("Nobody sits out.")
    if found.async_filled is not None:
        lines.append(f"{found.async_filled:.0%} of the asynchronous seats have a viewer.")
    if solution.plan.groups:
        most = solution.groups_bound
        of_at_most = f" of at most {most:,.1f}" if isfinite(most) else ""
        lines.append(
            f"{len(solution.plan.groups)} closing groups, worth {solution.groups_value:,.1f}"
            f"{of_at_most} points."
        )
    lines.append(f"Found in {solution.seconds:.1f} seconds.")
    meetings = enumerate(solution.plan.rounds, 1)
    for number, found_here in meetings:
        lines += ["", f"Round {number}"]
        lines += [f"  {' with '.join(problem.ids(who))}" for who in found_here]
    if solution.plan.pairs:
        lines += ["", "Matches"]
        lines += [f"  {' with '.join(problem.ids(who))}" for who in solution.plan.pairs]
    if solution.plan.groups:
        lines += ["", "Closing groups"]
        lines += [f"  {', '.join(problem.ids(who))}" for who in solution.plan.groups]
    return lines


def judgement(verdict: Verdict) -> list[str]:
    """Return the verdict on a plan, line by line."""
    lines = [f"Breach: {sentence}" for sentence in verdict.breaches]
    lines.append(
        f"{len(lines)} breaches." if lines else "The plan keeps every rule.",
    )
    lines.append(
        f"Total {verdict.total:,.1f}, {verdict.coverage:.1%} of the seats filled, "
        f"lowest share {verdict.min_share:.1%}."
    )
    if verdict.group_value is not None:
        lines.append(f"Closing groups are worth {verdict.group_value:,.1f}.")
    return lines


def _parsed(file: Path) -> object:
    try:
        parsed: object = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise Refused(f"{file.name} is not readable JSON: {error}.") from error
    return parsed


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the solver's libraries print themselves out of standard output."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _or_refuse(act: Callable[[], Any]) -> Any:
    """Return what `act` returns; a refusal becomes a sentence and exit status 2."""
    try:
        return act()
    except Refused as refusal:
        _fail(str(refusal))


def _fail(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    raise SystemExit(REFUSED)
