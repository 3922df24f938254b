"""Closing groups after a change: everybody stays where they sit, as far as that is possible."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set

Who = tuple[int, ...]


def regrouped(
    groups: Iterable[Who],
    people: Iterable[int],
    size: tuple[int, int],
    apart: Iterable[tuple[int, int]],
) -> list[Who]:
    """Return closing groups in which these people sit, others left out; no group holds two who
    are kept apart.

    Everybody keeps their group; of two who are kept apart in one, the one leaves it who is kept
    apart from most of it. Whoever has no group joins one as `place_in` says. A group that became
    too small joins the smallest other one where the two together are allowed and not too large.
    """
    foes = _by_person(apart)
    wanted = dict.fromkeys(people)
    kept = [_parted([i for i in who if i in wanted], foes) for who in groups]
    kept = [who for who in kept if who]
    if not kept:
        return []
    smallest, largest = size
    seated = set().union(*kept)
    standing = [person for person in wanted if person not in seated]
    standing.sort(key=lambda person: len(_free(kept, foes[person])))
    for person in standing:
        place = place_in(kept, foes[person])
        if place is not None:
            kept[place].add(person)
    return _merged(kept, smallest, largest, foes)


def place_in(groups: Sequence[Set[int]], foes: Set[int]) -> int | None:
    """Return the place in the list of the group that somebody joins who is kept apart from `foes`.

    It is the smallest that holds none of those, even where that one is full: nobody sits alone
    for the sake of a number. Where there is none at all it is None: they sit in no group.
    """
    return min(_free(groups, foes), key=lambda place: _by_size(groups[place]), default=None)


def _free(groups: Sequence[Set[int]], foes: Set[int]) -> list[int]:
    """Return the places of the groups that hold none of these."""
    return [place for place, who in enumerate(groups) if foes.isdisjoint(who)]


def _parted(who: list[int], foes: Mapping[int, Set[int]]) -> set[int]:
    """Return those of a group who can stay, so that no two of them are kept apart."""
    staying = set(who)
    while True:
        among = {person: len(foes[person] & staying) for person in staying}
        leaves = max(staying, key=lambda person: (among[person], person), default=None)
        if leaves is None or not among[leaves]:
            return staying
        staying.discard(leaves)


def _merged(
    groups: list[set[int]], smallest: int, largest: int, foes: Mapping[int, Set[int]]
) -> list[Who]:
    """Return the groups after those that are too small have joined others, where they may."""
    done: list[set[int]] = []
    left = sorted(groups, key=_by_size)
    while left:
        small = left.pop(0)
        foreign = set().union(*(foes[person] for person in small))
        host = next(
            (
                who
                for who in (*left, *done)
                if len(small) + len(who) <= largest and foreign.isdisjoint(who)
            ),
            None,
        )
        if len(small) >= smallest or host is None:
            done.append(small)
        else:
            host |= small
            left.sort(key=_by_size)
    return sorted(tuple(sorted(who)) for who in done)


def _by_person(apart: Iterable[tuple[int, int]]) -> defaultdict[int, set[int]]:
    found: defaultdict[int, set[int]] = defaultdict(set)
    for one, other in apart:
        found[one].add(other)
        found[other].add(one)
    return found


def _by_size(who: Set[int]) -> tuple[int, int]:
    return len(who), min(who, default=0)
