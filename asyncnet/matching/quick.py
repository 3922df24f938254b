"""A whole valid plan within moments, so that there is one whenever a solve is ended."""

import random
from dataclasses import replace

from asyncnet.matching.greedy import greedy_pairs, greedy_rounds
from asyncnet.matching.groups import group
from asyncnet.matching.measures import Plan, plan_of
from asyncnet.matching.problem import Problem
from asyncnet.matching.refusals import pin_rounds
from asyncnet.matching.weights import Scores

GROUPS_SECONDS = 1.0


def quick_plan(problem: Problem, scores: Scores, *, seed: int) -> Plan:
    """Return the best plan that one look at every pair gives, with groups where some are asked."""
    if not problem.mixed:
        return Plan(pairs=greedy_pairs(problem, scores))
    pins = pin_rounds(problem, random.Random(seed))  # noqa: S311 no secret here
    plan = plan_of(greedy_rounds(problem, scores, pins))
    if not problem.group_size[1]:
        return plan
    found = group(problem, plan.met(), seed=seed, seconds=GROUPS_SECONDS)
    return replace(plan, groups=found.groups)
