"""Make a partition from an ideal mixture of groups: dive for what it has most of.

The groups that the mixture has whole, or nearly, are taken; the others are priced anew among the
people who are left, until those are few enough to be grouped otherwise.
"""

from dataclasses import dataclass

import numpy as np

from asyncnet.matching.annealing import Group, greedily
from asyncnet.matching.covering import Covering, counts_for

PART_OF_PEOPLE = 6
WHOLE = 1 - 1e-3
ROUNDS = 1


@dataclass(frozen=True)
class Dive:
    """The groups taken, and the people who are left."""

    taken: list[Group]
    left: list[int]


def dive(covering: Covering, until: int) -> Dive:
    """Return groups from this priced mixture; at most `until` people are left, or more where the
    time is over."""
    people = np.arange(len(covering.prices))
    taken: list[Group] = []
    while len(people) > until and covering.left() > 0:
        fixed = _most_of(covering)
        if not fixed:
            break
        taken += [tuple(people[list(who)].tolist()) for who in fixed]
        away = {row for who in fixed for row in who}
        stay = np.array([row for row in range(len(people)) if row not in away], dtype=np.int64)
        people = people[stay]
        if not len(people):
            break
        covering = _without(covering, away, stay)
        if not covering.settle(ROUNDS):
            break
    return Dive(taken, people.tolist())


def _most_of(covering: Covering) -> list[Group]:
    """Return groups without a person in common: the whole ones, and those next to whole until a
    part of the people is in them."""
    m = len(covering.prices)
    wanted, left = m - max(m // PART_OF_PEOPLE, 2 * covering.own[-1]), m
    fixed: list[Group] = []
    busy: set[int] = set()
    for who, amount in covering.mixture():
        if amount < WHOLE and left <= wanted:
            break
        if busy.isdisjoint(who) and _parts_well(left - len(who), covering.own):
            fixed.append(who)
            busy.update(who)
            left -= len(who)
    return fixed


def _parts_well(people: int, sizes: list[int]) -> bool:
    """Whether so many people make groups of these sizes."""
    return -(-people // sizes[-1]) <= people // sizes[0]


def _without(covering: Covering, away: set[int], stay: np.ndarray) -> Covering:
    """Return the same for those who stay."""
    place = {row: at for at, row in enumerate(stay.tolist())}
    affinity = covering.affinity[np.ix_(stay, stay)]
    count = counts_for(len(stay), covering.own[0], covering.own[-1])[-1]
    start = greedily(affinity, count, np.arange(len(stay)))
    pool = {
        tuple(place[row] for row in who): worth
        for who, worth in covering.pool.items()
        if away.isdisjoint(who)
    }
    partition = [tuple(sorted(who)) for who in start]
    return Covering(
        affinity, covering.limits, pool, partition, covering.stop_at, covering.prices[stay]
    )
