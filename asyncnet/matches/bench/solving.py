"""One solve in a process of its own: the job comes on standard input, what is known goes out.

Run by the worker as `python -m asyncnet.matches.bench.solving`. A process of its own can be
stopped at any moment and gives its memory back; the libraries of the solver are never loaded
where pages are served. Each line that it writes is one JSON object: a phase (`phase`, `value`,
`bound`), a plan (`plan`, the best so far), or a refusal (`refused`, and in `apart` the pairs of
which it tells that they are kept apart).
"""

import json
import os
import pickle
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from asyncnet.matches.bench.job import Job, Rounds
from asyncnet.matching.measures import Meeting, Plan, Scored, gains, measure, plan_of
from asyncnet.matching.plan import solve
from asyncnet.matching.problem import Pair, Problem, Refused, pair
from asyncnet.matching.repair import repair
from asyncnet.matching.rounds import colour
from asyncnet.matching.solution import Progress


def main() -> None:
    """Read the job, do it, and write down how it goes."""
    os.nice(5)
    job: Job = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our own worker
    try:
        if job.before is not None and job.published is not None:
            _mend(job, job.before, job.published)
        else:
            _suggest(job)
    except Refused as refused:
        _tell(refused=str(refused), apart=refused.apart)


def _suggest(job: Job) -> None:
    def report(progress: Progress) -> None:
        _tell(phase=progress.phase, value=progress.value, bound=progress.upper_bound)
        if progress.best:
            _tell_plan(job, progress.best, bound=progress.upper_bound)

    solution = solve(
        job.problem,
        floor=job.floor,
        time_limit=job.time_limit,
        seed=job.seed,
        report=report,
        quick=True,
    )
    _tell_plan(job, Scored(solution.plan, solution.scores), bound=solution.upper_bound)


def _mend(job: Job, before: Problem, rounds: Rounds) -> None:
    _tell(phase="mending")
    published = plan_of(rounds)
    if not before.mixed:
        published = Plan(pairs=tuple((who[0], who[1]) for found in rounds for who in found))
    found = repair(before, published, job.problem, job.first_open_round)
    _tell_plan(job, found, bound=None)


def _tell_plan(job: Job, found: Scored, *, bound: float | None) -> None:
    plan, scores = found.plan, found.scores
    rounds: Iterable[Sequence[Meeting]] = plan.rounds
    if not job.problem.mixed:
        rounds = spread(job.problem, plan.pairs, job.windows, job.at)
    measures = measure(job.problem, scores, plan)
    _tell(
        plan={
            "rounds": [
                [[list(who), [gain for _, gain in gains(scores, who)]] for who in meetings]
                for meetings in rounds
            ],
            "groups": [list(who) for who in plan.groups if len(who) > 1],
            "ideals": scores.ideal.tolist(),
        },
        value=measures.total,
        bound=bound,
    )


def spread(
    problem: Problem, pairs: Iterable[Pair], windows: int, at: Mapping[Pair, int]
) -> list[list[Pair]]:
    """Return the pairs of an asynchronous event by window, so that nobody has two at once where
    that can be; `at` says in which window, counted from 1, a pair meets already."""
    found = sorted(pair(*who) for who in pairs)
    busy: Counter[tuple[int, int]] = Counter()
    kept: dict[Pair, int] = {}
    for who in found:
        number = at.get(who, 0)
        if 0 < number <= windows and not any(busy[person, number] for person in who):
            kept[who] = number
            busy.update((person, number) for person in who)
    people = tuple(replace(someone, is_async=False) for someone in problem.people)
    one_at_a_time = replace(problem, mixed=True, rounds=windows, people=people, pins=())
    coloured = colour(one_at_a_time, found, (), kept, seed=0)
    rounds: list[list[Pair]] = [[(who[0], who[1]) for who in ones] for ones in coloured.rounds]
    for one, other in coloured.left:
        load = [sum(one in who or other in who for who in ones) for ones in rounds]
        rounds[load.index(min(load))].append((one, other))
    return [sorted(ones) for ones in rounds]


def _tell(**words: Any) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
