"""Into which round each chosen pair goes: a colouring of the edges with one colour per round.

Every live person has one place in each round, an asynchronous one as many as they may be met by
at a time. A pair whose two people share a free round takes it. Otherwise a chain of pairs that
alternate between two rounds is turned over (Kempe), so that they do. Where no chain helps, the
pair pushes a neighbour out and the neighbour looks for a place in turn.
"""

import random
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from asyncnet.matching.measures import Meeting
from asyncnet.matching.problem import Pair, Problem

PUSHES = 400
RESTARTS = 15
FIXED = -2
EMPTY = -1


@dataclass
class Colouring:
    """Rounds by pair, and the pairs for which no round was found."""

    rounds: list[list[Meeting]]
    left: list[Pair] = field(default_factory=list)


def colour(
    problem: Problem,
    pairs: Sequence[Pair],
    trios: Sequence[Meeting],
    pins: Mapping[Pair, int],
    *,
    seed: int,
    seconds: float = inf,
) -> Colouring:
    """Return the pairs and trios by round; the same seed gives the same rounds.

    `pins` maps pairs to the rounds they keep, counted from 1; trios go into different rounds. A
    few pairs may be left without a round where none can be had. There is one attempt at least, and
    more in `seconds`.
    """
    stop_at = time.monotonic() + seconds
    best: Colouring | None = None
    for attempt in range(RESTARTS):
        table = _Table(problem, random.Random(f"{seed}/{attempt}"))  # noqa: S311 no secret here
        found = table.fill(pairs, trios, pins)
        if best is None or len(found.left) < len(best.left):
            best = found
        if not best.left or time.monotonic() > stop_at:
            break
    assert best is not None  # noqa: S101 there is at least one attempt
    return best


class _Table:
    """Who is busy in which round with which pair, as one row of rounds per place."""

    def __init__(self, problem: Problem, rng: random.Random) -> None:
        self.problem = problem
        self.rng = rng
        self.colours = problem.rounds
        self.rows: list[list[int]] = []
        self.first: list[int] = []
        self.width: list[int] = []
        for i in range(len(problem.people)):
            self.first.append(len(self.rows))
            places = max(1, min(problem.width(i), problem.cap(i), len(problem.people)))
            self.width.append(places)
            here = set(problem.rounds_of(i))
            for _ in range(places):
                row = [EMPTY if r + 1 in here else FIXED for r in range(self.colours)]
                self.rows.append(row)
        self.load = [0] * len(self.rows)
        self.ends: list[tuple[int, int]] = []
        self.round_of: list[int] = []
        self.pairs: list[Pair] = []

    def fill(
        self, pairs: Sequence[Pair], trios: Sequence[Meeting], pins: Mapping[Pair, int]
    ) -> Colouring:
        """Give every pair and trio a round."""
        rounds: list[list[Meeting]] = [[] for _ in range(self.colours)]
        waiting = [duo for duo in pairs if duo not in pins]
        for duo, number in pins.items():
            for person in duo:
                self._fix(person, number - 1)
            rounds[number - 1].append(duo)
        self._seat_trios(trios, rounds)
        self.rng.shuffle(waiting)
        waiting.sort(key=self._freedom)
        left: list[int] = []
        for duo in waiting:
            a, b = duo
            edge = len(self.pairs)
            self.pairs.append(duo)
            self.ends.append((self._place(a), self._place(b)))
            self.round_of.append(EMPTY)
            if not self._seat(edge):
                left.append(edge)
        for edge in left:
            self._push(edge)
        stuck = [edge for edge in range(len(self.pairs)) if self.round_of[edge] == EMPTY]
        for edge, number in enumerate(self.round_of):
            if number != EMPTY:
                rounds[number].append(self.pairs[edge])
        return Colouring([sorted(found) for found in rounds], [self.pairs[e] for e in stuck])

    def _freedom(self, duo: Pair) -> int:
        return sum(
            row == EMPTY
            for person in duo
            for place in range(self.width[person])
            for row in self.rows[self.first[person] + place]
        )

    def _fix(self, person: int, number: int) -> None:
        for place in range(self.width[person]):
            row = self.rows[self.first[person] + place]
            if row[number] == EMPTY:
                row[number] = FIXED
                return

    def _seat_trios(self, trios: Iterable[Meeting], rounds: list[list[Meeting]]) -> None:
        taken: set[int] = set()
        for trio in trios:
            free = [
                number
                for number in range(self.colours)
                if number not in taken
                and all(self.rows[self.first[person]][number] == EMPTY for person in trio)
            ]
            if not free:
                continue
            number = self.rng.choice(free)
            taken.add(number)
            for person in trio:
                self._fix(person, number)
            rounds[number].append(trio)

    def _place(self, person: int) -> int:
        """Return the place of this person that fewest pairs have so far; live people have one."""
        first = self.first[person]
        place = min(range(first, first + self.width[person]), key=self.load.__getitem__)
        self.load[place] += 1
        return place

    def _seat(self, edge: int) -> bool:
        """Give the edge a round, turning over one chain if need be."""
        u, v = self.ends[edge]
        at_u, at_v = self.rows[u], self.rows[v]
        free_u = [c for c in range(self.colours) if at_u[c] == EMPTY]
        free_v = [c for c in range(self.colours) if at_v[c] == EMPTY]
        both = [c for c in free_u if at_v[c] == EMPTY]
        if both:
            self._set(edge, self.rng.choice(both))
            return True
        for a in free_u:
            for b in free_v:
                if self._turn(u, a, b, stop=v) or self._turn(v, b, a, stop=u):
                    shared = next(
                        c for c in (a, b) if self.rows[u][c] == EMPTY and self.rows[v][c] == EMPTY
                    )
                    self._set(edge, shared)
                    return True
        return False

    def _turn(self, start: int, a: int, b: int, *, stop: int) -> bool:
        """Turn over the chain of rounds b, a, b … from `start`, where a is free.

        Nothing happens, and False comes back, where the chain reaches `stop` or a fixed meeting.
        """
        chain: list[int] = []
        here, wanted = start, b
        while True:
            edge = self.rows[here][wanted]
            if edge == EMPTY:
                break
            if edge == FIXED:
                return False
            chain.append(edge)
            one, other = self.ends[edge]
            here = other if here == one else one
            if here == stop:
                return False
            wanted = a if wanted == b else b
        for edge in chain:
            number = self.round_of[edge]
            one, other = self.ends[edge]
            self.rows[one][number] = self.rows[other][number] = EMPTY
        for edge in chain:
            number = b if self.round_of[edge] == a else a
            self.round_of[edge] = number
            one, other = self.ends[edge]
            self.rows[one][number] = self.rows[other][number] = edge
        return True

    def _push(self, edge: int) -> bool:
        """Let the edge push a neighbour out, and the neighbour another, until one finds a place."""
        for _ in range(PUSHES):
            if self.round_of[edge] != EMPTY or self._seat(edge):
                return True
            u, v = self.ends[edge]
            if self.rng.random() < 0.5:
                u, v = v, u
            free = [c for c in range(self.colours) if self.rows[u][c] == EMPTY]
            movable = [c for c in free if self.rows[v][c] >= 0]
            if not movable:
                continue
            number = self.rng.choice(movable)
            neighbour = self.rows[v][number]
            self._clear(neighbour)
            self._set(edge, number)
            edge = neighbour
        return False

    def _set(self, edge: int, number: int) -> None:
        one, other = self.ends[edge]
        self.rows[one][number] = self.rows[other][number] = edge
        self.round_of[edge] = number

    def _clear(self, edge: int) -> None:
        one, other = self.ends[edge]
        number = self.round_of[edge]
        self.rows[one][number] = self.rows[other][number] = EMPTY
        self.round_of[edge] = EMPTY
