"""Find the people who keep a choice of pairs from fitting into the rounds.

Of an odd number of people one is left over in every round, so that n of them have at most
(n - 1) / 2 meetings a round among themselves. Where a choice gives them more, no order of rounds
exists, and saying so for that set mends the choice.
"""

from collections import defaultdict
from collections.abc import Sequence

from asyncnet.matching.demand import room_of
from asyncnet.matching.problem import Pair, Problem

LARGEST = 60


def odd_set_around(
    problem: Problem, pairs: Sequence[Pair], trios: Sequence[tuple[int, ...]], duo: Pair
) -> tuple[int, ...] | None:
    """Return a set of people around this pair with more meetings than rounds can hold.

    The set grows by the person who has most meetings inside it. None comes back when no such set
    was met on the way.
    """
    partners: defaultdict[int, list[int]] = defaultdict(list)
    for a, b in pairs:
        partners[a].append(b)
        partners[b].append(a)
    inside: set[int] = set()
    touching: defaultdict[int, int] = defaultdict(int)
    meetings = 0
    waiting = list(duo)
    while waiting and len(inside) < LARGEST:
        person = waiting.pop(0)
        inside.add(person)
        meetings += touching.pop(person, 0)
        for other in partners[person]:
            if other not in inside:
                touching[other] += 1
        together = meetings + sum(1 for trio in trios if len(inside.intersection(trio)) > 1)
        if len(inside) > 2 and together > room_of(problem, tuple(inside)):
            return tuple(sorted(inside))
        if not waiting and touching:
            waiting.append(min(touching, key=lambda i: (-touching[i], i)))
    return None
