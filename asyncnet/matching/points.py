"""What one person gets from meeting another, in plain Python: for a page that asks for a few.

The same points as `weights` has for all pairs at once, without the libraries that it needs.
"""

from asyncnet.matching.problem import (
    DAY_HALF_HOURS,
    NEAR_HALF_HOURS,
    UNKNOWN,
    WINDOW_HALF_HOURS,
    Participant,
    Problem,
    pair,
)


def points(problem: Problem, i: int, j: int) -> int:
    """Return the points that i gets from j."""
    w = problem.weights
    me, they = problem.people[i], problem.people[j]
    total = w.base + _wishes(problem, i, j) + (w.known if j in me.known else 0)
    total += min(w.seeks_cap, w.seeks * len(set(me.seeks) & set(they.offers)))
    total += min(w.gives_cap, w.gives * len(set(me.offers) & set(they.seeks)))
    total += min(w.tag_cap, sum(problem.rarity[tag] for tag in set(me.tags) & set(they.tags)))
    total += w.role if they.role in me.wish_roles else 0
    if me.cross is not None and UNKNOWN not in (me.type, they.type):
        same = me.type == they.type
        total += (w.cross * (not same)) if me.cross else w.same_type * same
    total += _place(problem, me, they)
    total = max(0, total)
    return total // w.video_div if problem.mixed and they.is_async and not me.is_async else total


def ideal(problem: Problem, i: int, apart: frozenset[tuple[int, int]]) -> float:
    """Return the most that i could get from as many meetings as they can have.

    `apart` are the pairs that must not be matched.
    """
    rounds = set(problem.rounds_of(i))
    found = sorted(
        (
            points(problem, i, j)
            for j in range(len(problem.people))
            if j != i
            and pair(i, j) not in apart
            and not (problem.mixed and problem.people[i].is_async and problem.people[j].is_async)
            and (not problem.mixed or rounds.intersection(problem.rounds_of(j)))
        ),
        reverse=True,
    )
    return float(sum(found[: problem.cap(i)]))


def _wishes(problem: Problem, i: int, j: int) -> int:
    w = problem.weights
    if j not in problem.people[i].wishes:
        return 0
    return w.wish + (w.mutual if i in problem.people[j].wishes else 0)


def _place(problem: Problem, me: Participant, they: Participant) -> int:
    w = problem.weights
    apart = abs(2 * me.utc - 2 * they.utc) % DAY_HALF_HOURS
    apart = min(apart, DAY_HALF_HOURS - apart)
    total = 0
    if me.near and me.region == they.region != UNKNOWN:
        total += w.near_region
    elif me.near and apart <= NEAR_HALF_HOURS:
        total += w.near_tz
    if me.is_async or they.is_async:
        shared = max(0, WINDOW_HALF_HOURS - apart) + max(
            0, apart - (DAY_HALF_HOURS - WINDOW_HALF_HOURS)
        )
        total += min(w.overlap_cap, int(shared // (2 * w.overlap_step)))
    return total
