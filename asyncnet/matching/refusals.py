"""Wishes that no plan can grant, found before anything is solved."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import NoReturn

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

from asyncnet.matching.problem import Pair, Pin, Problem, Refused, pair
from asyncnet.matching.weights import Scores

STEPS = 100_000
APART_NAMED = 3


def refuse_impossible(problem: Problem) -> None:
    """Raise Refused, naming the people and the rule, when this event cannot be matched."""
    _refuse_empty(problem)
    _refuse_away(problem)
    _refuse_pins(problem)


def refuse_promises(problem: Problem, scores: Scores) -> None:
    """Raise Refused when the promised viewers are more than the live people can give."""
    promised = [i for i in problem.asynchronous if problem.people[i].promise]
    if not promised:
        return
    for i in promised:
        someone = problem.people[i]
        partners = int((scores.value[i] >= 0).sum())
        if someone.promise > min(problem.cap(i), partners):
            _refuse(
                f"{someone.id} is promised {someone.promise} matches, but can have at most "
                f"{min(problem.cap(i), partners)}."
            )
    if problem.mixed:
        _refuse_short_of_viewers(problem, scores, promised)


def pin_rounds(problem: Problem, rng: random.Random) -> dict[Pair, int]:
    """Return a round, counted from 1, for every pin. Raises Refused when there is none."""
    rounds = {(pin.a, pin.b): pin.round for pin in problem.pins}
    open_pins = [duo for duo, number in rounds.items() if not number]
    free = {i: _Places(problem, i) for duo in rounds for i in duo}
    for (a, b), number in rounds.items():
        if number:
            free[a].take(number)
            free[b].take(number)
    choices = {duo: _shuffled(problem, rng) for duo in open_pins}
    steps = [STEPS]

    def place(waiting: list[Pair]) -> bool:
        if not waiting or steps[0] <= 0:
            return not waiting
        steps[0] -= 1
        possible = {
            duo: [r for r in choices[duo] if free[duo[0]].has(r) and free[duo[1]].has(r)]
            for duo in waiting
        }
        tightest = min(waiting, key=lambda duo: len(possible[duo]))
        rest = [duo for duo in waiting if duo != tightest]
        for number in possible[tightest]:
            for i in tightest:
                free[i].take(number)
            rounds[tightest] = number
            if place(rest):
                return True
            for i in tightest:
                free[i].give_back(number)
        return False

    for part in _connected(open_pins):
        if not place(part):
            names = ", ".join(problem.ids(sorted({i for duo in part for i in duo})))
            _refuse(
                f"The pins of {names} cannot all be given a round: they get in each other's way."
            )
    return rounds


class _Places:
    """In which rounds a person can still be given a pin."""

    def __init__(self, problem: Problem, person: int) -> None:
        room = dict.fromkeys(problem.rounds_of(person), problem.width(person))
        self.left: Counter[int] = Counter(room)

    def has(self, number: int) -> bool:
        return self.left[number] > 0

    def take(self, number: int) -> None:
        self.left[number] -= 1

    def give_back(self, number: int) -> None:
        self.left[number] += 1


def _shuffled(problem: Problem, rng: random.Random) -> list[int]:
    rounds = list(range(1, problem.rounds + 1))
    rng.shuffle(rounds)
    return rounds


def _connected(pairs: Iterable[Pair]) -> list[list[Pair]]:
    """Return the pairs in bundles that share people, directly or through others."""
    root: dict[int, int] = {}

    def find(i: int) -> int:
        while root.setdefault(i, i) != i:
            i = root[i]
        return i

    found = list(pairs)
    for a, b in found:
        root[find(a)] = find(b)
    bundles: defaultdict[int, list[Pair]] = defaultdict(list)
    for duo in found:
        bundles[find(duo[0])].append(duo)
    return list(bundles.values())


def _refuse_empty(problem: Problem) -> None:
    n = len(problem.people)
    if n < 2:
        _refuse(f"An event needs at least 2 participants to be matched, but has {n}.")
    if not problem.mixed:
        return
    if not problem.rounds:
        _refuse("An event with live people needs at least 1 round, but has 0.")
    if not problem.live:
        _refuse(
            "Everybody is asynchronous, but this is an event with live rounds: somebody must be "
            "live, or the whole event asynchronous."
        )
    viewings = min(len(problem.asynchronous), problem.max_async_per_live)
    partners = len(problem.live) - 1 + viewings
    if partners < problem.rounds:
        _refuse_too_few(problem, viewings)


def _refuse_too_few(problem: Problem, viewings: int) -> NoReturn:
    """Say how many others a live person can meet at most, and who is kept apart among so few."""
    never = problem.never()
    most = 0
    for i in problem.live:
        allowed = [j for j in range(len(problem.people)) if j != i and pair(i, j) not in never]
        live = sum(map(problem.is_live, allowed))
        most = max(most, live + min(len(allowed) - live, viewings))
    bans = sorted(problem.bans())
    apart = "; ".join(" and ".join(problem.ids(duo)) for duo in bans[:APART_NAMED])
    _refuse(
        f"There are too few people for {problem.rounds} rounds: a live person can meet at most "
        f"{most} different others here{f'. Kept apart: {apart}' if apart else ''}.",
        bans,
    )


def _refuse_away(problem: Problem) -> None:
    for someone in problem.people:
        for number in sorted(someone.away):
            if not 1 <= number <= problem.rounds:
                _refuse(f"{someone.id} is away in round {number}, but there is no such round.")


def _refuse_pins(problem: Problem) -> None:
    rounds: dict[Pair, int] = {}
    for pin in problem.pins:
        a, b = problem.people[pin.a], problem.people[pin.b]
        which = f"The pin of {a.id} and {b.id}"
        earlier = rounds.setdefault((pin.a, pin.b), pin.round)
        if earlier != pin.round:
            _refuse(f"{which} is given twice: a pair meets at most once.")
        _refuse_banned_pin(problem, pin, which)
        if problem.mixed and a.is_async and b.is_async:
            _refuse(f"{which} cannot be kept: both are asynchronous, and one must be live.")
        if pin.round > problem.rounds:
            _refuse(f"{which} is for round {pin.round}, but there are {problem.rounds} rounds.")
        for someone in (a, b):
            if pin.round in someone.away:
                _refuse(f"{which} is for round {pin.round}, in which {someone.id} is away.")
    _refuse_too_many_pins(problem, rounds)
    if problem.mixed:
        pin_rounds(problem, random.Random(0))  # noqa: S311 no secret here


def _refuse_banned_pin(problem: Problem, pin: Pin, which: str) -> None:
    duo = (pin.a, pin.b)
    if duo in problem.bans():
        _refuse(f"{which} cannot be kept: these two must be kept apart.", [duo])
    if problem.no_repeat_history and duo in problem.history:
        _refuse(
            f"{which} cannot be kept: they met at an earlier event, and earlier pairs are not "
            "to meet again."
        )


def _refuse_too_many_pins(problem: Problem, rounds: Mapping[Pair, int]) -> None:
    partners: defaultdict[int, list[int]] = defaultdict(list)
    at: Counter[tuple[int, int]] = Counter()
    for (a, b), number in rounds.items():
        partners[a].append(b)
        partners[b].append(a)
        if number:
            at.update([(a, number), (b, number)])
    for i, others in partners.items():
        someone = problem.people[i]
        if len(others) > problem.cap(i):
            _refuse(
                f"{someone.id} is pinned to {len(others)} people "
                f"({', '.join(problem.ids(others))}), but can have at most "
                f"{problem.cap(i)} matches."
            )
        viewings = [j for j in others if problem.is_live(i) and not problem.is_live(j)]
        if len(viewings) > problem.max_async_per_live:
            _refuse(
                f"{someone.id} is pinned to {len(viewings)} asynchronous people "
                f"({', '.join(problem.ids(viewings))}), but may meet at most "
                f"{problem.max_async_per_live}."
            )
    for (i, number), times in sorted(at.items()):
        width = problem.width(i)
        if times > width:
            others = [duo[duo[0] == i] for duo, r in rounds.items() if i in duo and r == number]
            _refuse(
                f"{problem.people[i].id} is pinned to {' and '.join(problem.ids(others))} in "
                f"round {number}, but can meet at most {width} in one round."
            )


def _refuse_short_of_viewers(problem: Problem, scores: Scores, promised: list[int]) -> None:
    """Send viewers from live people to promises; what does not arrive cannot be kept.

    Pins are kept first: they fill seats of the live people, and promises where they lead there.
    """
    live = list(problem.live)
    pins = {(pin.a, pin.b) for pin in problem.pins}
    pinned = Counter(i for duo in pins for i in duo)
    viewings = Counter(
        i for duo in pins for i in duo if problem.is_live(i) and not all(map(problem.is_live, duo))
    )
    owed = {i: max(0, problem.people[i].promise - pinned[i]) for i in promised}
    source, sink = 0, 1
    rows, columns, sizes = [], [], []
    for place, i in enumerate(live):
        rows.append(source)
        columns.append(2 + place)
        free = min(problem.max_async_per_live - viewings[i], problem.cap(i) - pinned[i])
        sizes.append(max(0, free))
    for place, i in enumerate(promised):
        here = 2 + len(live) + place
        viewers = [
            row
            for row in np.flatnonzero(scores.value[i, live] >= 0).tolist()
            if pair(i, live[row]) not in pins
        ]
        rows.extend(2 + row for row in viewers)
        columns.extend([here] * len(viewers))
        sizes.extend([1] * len(viewers))
        rows.append(here)
        columns.append(sink)
        sizes.append(owed[i])
    nodes = 2 + len(live) + len(promised)
    graph = csr_array((np.array(sizes, dtype=np.int32), (rows, columns)), shape=(nodes, nodes))
    given = int(maximum_flow(graph, source, sink).flow_value)
    if given < sum(owed.values()):
        wanted = sum(problem.people[i].promise for i in promised)
        _refuse(
            f"{', '.join(problem.ids(promised))} are promised {wanted} viewers in all, but "
            f"the live people can give only {wanted - sum(owed.values()) + given}"
            f"{' beside what is pinned' if pins else ''}."
        )


def refuse_kept_promises(problem: Problem) -> NoReturn:
    """Say that no plan keeps the pins and the promises together."""
    promised = [i for i in problem.asynchronous if problem.people[i].promise]
    _refuse(
        f"The viewers promised to {', '.join(problem.ids(promised))} cannot all be had "
        "together with the pins and the rounds in which people are there."
    )


def _refuse(sentence: str, apart: Iterable[Pair] = ()) -> NoReturn:
    raise Refused(sentence, apart)
