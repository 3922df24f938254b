"""Mend a published plan after somebody left, came or changed, with as few changes as can be.

Rounds that are over stay as they were, apart from the people who left. In every open round, the
published pairs that still can meet are worth so much that an exact matching keeps nearly all of
them; those without a partner find each other, a free viewing, or a chat to join as a third.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np
import rustworkx as rx

from asyncnet.matching.bound import relax
from asyncnet.matching.candidates import near
from asyncnet.matching.choice import choose
from asyncnet.matching.demand import demand_of, rewards
from asyncnet.matching.measures import Meeting, Plan, Scored, plan_of
from asyncnet.matching.problem import Pair, Pin, Problem, pair
from asyncnet.matching.weights import Scores, score

NEIGHBOURS = 6
PINNED = 400.0
"""What a pin that is asked for counts beside the points. These weights are in best meetings."""
SEAT = 40.0
"""A filled seat of somebody who is there: seats come first."""
JOINED = 38.5
"""A place as the third of a chat: two who are free rather meet each other than that one of them
takes a viewing and the other joins a chat."""
PROMISED = 3.0
"""A viewer whom somebody was promised, worth a trio elsewhere."""
KEPT = 2.5
"""A published pair that stays: whoever is left alone joins a chat before pairs are parted."""
VIEWED = 0.25
"""Any other viewer."""
GAP = 1e-4
SECONDS = 30.0


def repair(before: Problem, plan: Plan, after: Problem, first_open_round: int) -> Scored:
    """Return the plan for the event as it is `after` a change, with its points.

    `plan` was published for the event `before`; rounds before `first_open_round`, counted from 1,
    are over. Groups are left out: they are formed anew once the rounds are known.
    """
    scores = score(after)
    table = _Table(before, plan, after, scores, first_open_round)
    if after.mixed:
        for number in range(max(1, first_open_round), after.rounds + 1):
            table.mend(number)
        mended = plan_of(table.rounds)
    else:
        mended = Plan(pairs=_more_pairs(after, scores, table.rounds[0]))
    return Scored(mended, scores)


def _more_pairs(problem: Problem, scores: Scores, kept: list[Meeting]) -> tuple[Pair, ...]:
    """Return the kept pairs of an asynchronous event, and the best ones for the free seats."""
    pins = tuple(Pin(min(who), max(who), 0) for who in kept)
    fixed = replace(problem, pins=(*pins, *problem.pins))
    relaxed = relax(fixed, scores, reward=rewards(fixed, scores))
    demand = demand_of(fixed, scores, relaxed, np.zeros(len(problem.people)))
    edges = near(fixed, scores, relaxed, float(scores.value.max(initial=1)))
    for reward in (None, rewards(fixed, scores)):
        choice = choose(fixed, scores, edges, demand, gap=GAP, seconds=SECONDS, reward=reward)
        if choice:
            return tuple(sorted(choice.pairs))
    return tuple(sorted(pair(*who) for who in kept))


class _Table:
    """The published rounds in the numbers of the changed event, and who can still meet whom."""

    def __init__(
        self,
        before: Problem,
        plan: Plan,
        after: Problem,
        scores: Scores,
        first_open_round: int,
    ) -> None:
        self.problem = after
        self.scores = scores
        self.most = int(scores.value.max(initial=1))
        number_of = {someone.id: i for i, someone in enumerate(after.people)}
        published = plan.rounds if before.mixed else (plan.pairs,)
        self.rounds: list[list[Meeting]] = [[] for _ in range(max(1, after.rounds))]
        self.met: Counter[Pair] = Counter()
        self.seats: Counter[int] = Counter()
        self.viewings: Counter[int] = Counter()
        for number, meetings in enumerate(published[: len(self.rounds)], 1):
            over = number < first_open_round and after.mixed
            busy: Counter[int] = Counter()
            for meeting in meetings:
                names = before.ids(meeting)
                who = tuple(sorted(number_of[name] for name in names if name in number_of))
                if len(who) > 1 and (over or self.possible(who, number, busy)):
                    self.put(who, number)
                    busy.update(who)

    def possible(self, who: Meeting, number: int, busy: Counter[int]) -> bool:
        """Whether a published meeting can still take place."""
        people = self.problem.people
        if any(number in people[i].away or self.seats[i] >= self.problem.cap(i) for i in who):
            return False
        if not all(self.scores.allowed(a, b) for a, b in combinations(who, 2)):
            return False
        if any(self.met[duo] for duo in combinations(who, 2)):
            return False
        if not self.problem.mixed:
            return True
        width = {i: self.problem.width(i) for i in who}
        if any(busy[i] >= width[i] for i in who):
            return False
        remote = [i for i in who if not self.problem.is_live(i)]
        if not remote:
            return True
        viewers = [i for i in who if self.problem.is_live(i)]
        limit = self.problem.max_async_per_live
        return len(who) == 2 and all(self.viewings[i] < limit for i in viewers)

    def put(self, who: Meeting, number: int, by: int = 1) -> None:
        """Write a meeting down, or with `by` -1 strike it out."""
        found = self.rounds[number - 1]
        if by > 0:
            found.append(who)
        else:
            found.remove(who)
        for duo in combinations(who, 2):
            self.met[duo] += by
        for i in who:
            self.seats[i] += by
            if self.problem.is_live(i) and not all(self.problem.is_live(j) for j in who):
                self.viewings[i] += by

    def mend(self, number: int) -> None:
        """Match this round exactly, the published pairs at a premium."""
        problem = self.problem
        kept = {who for who in self.rounds[number - 1] if len(who) == 2}
        busy = {i for who in self.rounds[number - 1] for i in who}
        pinned = {(pin.a, pin.b): pin.round for pin in problem.pins if not self.met[pin.a, pin.b]}
        needed = [duo for duo, wanted in pinned.items() if wanted in (0, number)]
        free = [i for i in problem.live if i not in busy and number not in problem.people[i].away]
        spare = self.spare(number)
        if not free and not spare and not needed:
            return
        weights: dict[Pair, int] = {}
        for a, b in kept:
            weights[a, b] = self.worth(a, b) + int(KEPT * self.most)
        for a, b in self.candidates(number, free, spare):
            weights.setdefault((a, b), self.worth(a, b))
        for a, b in needed:
            weights[a, b] = int(PINNED * self.most)
        third = problem.trio and not any(len(who) > 2 for who in self.rounds[number - 1])
        for a, b in self.matched(number, weights, kept, free if third else []):
            if (a, b) not in kept:
                self.put((a, b), number)

    def worth(self, a: int, b: int) -> int:
        """Return the points of a pair, and what its seats are worth."""
        return int(self.scores.value[a, b]) + int(self.most * (self.seat_of(a) + self.seat_of(b)))

    def seat_of(self, person: int) -> float:
        """Return what a seat of this person counts, in best meetings."""
        if self.problem.is_live(person):
            return SEAT
        owed = self.seats[person] < self.problem.people[person].promise
        return PROMISED if owed else VIEWED

    def spare(self, number: int) -> list[int]:
        """Return the asynchronous people who can have one more viewer in this round."""
        people = self.problem.people
        busy = Counter(i for who in self.rounds[number - 1] for i in who)
        return [
            i
            for i in self.problem.asynchronous
            if number not in people[i].away
            and busy[i] < people[i].per_round
            and self.seats[i] < self.problem.cap(i)
        ]

    def candidates(self, number: int, free: list[int], spare: list[int]) -> Iterator[Pair]:
        """Yield new pairs that may meet in this round: all of the free, the best of the others."""
        problem = self.problem
        chats = {i for who in self.rounds[number - 1] if len(who) == 2 for i in who}
        open_live = [i for i in problem.live if i in chats or i in set(free)]
        pool = np.array(open_live + spare, dtype=np.int64)
        spared, wide = set(spare), set(free)
        for a in open_live:
            values = self.scores.value[a, pool]
            few = min(NEIGHBOURS, len(pool))
            near_by = pool if a in wide else pool[np.argsort(-values, kind="stable")[:few]]
            for b in near_by.tolist():
                if self.scores.value[a, b] < 0 or self.met[pair(a, b)]:
                    continue
                if b in spared and not self.may_view(a, number):
                    continue
                yield pair(a, b)

    def may_view(self, person: int, number: int) -> bool:
        """Whether a live person can take a viewing in this round, giving up what they have."""
        mine = next((who for who in self.rounds[number - 1] if person in who), ())
        here = any(not self.problem.is_live(i) for i in mine)
        return self.viewings[person] - here < self.problem.max_async_per_live

    def matched(
        self, number: int, weights: dict[Pair, int], kept: set[Pair], thirds: list[int]
    ) -> list[Pair]:
        """Return the best pairs of this round; pairs that are given up are struck out.

        An asynchronous person stands for as many places as they have viewers and room for one
        more. One of `thirds` may join a chat where no partner is left.
        """
        places: list[int] = []
        at: dict[tuple[int, Pair | None], int] = {}

        def place(person: int, duo: Pair) -> int:
            live = self.problem.is_live(person)
            key = (person, duo if not live and duo in kept else None)
            if key not in at:
                at[key] = len(places)
                places.append(person)
            return at[key]

        edges = [
            (place(a, (a, b)), place(b, (a, b)), weight)
            for (a, b), weight in sorted(weights.items())
        ]
        join = len(places)
        if thirds:
            places.append(-1)
            joined = int(JOINED * self.most)
            edges += [(at[i, None], join, joined) for i in thirds if (i, None) in at]
        graph: rx.PyGraph[int, int] = rx.PyGraph(multigraph=False)
        graph.add_nodes_from(places)
        graph.add_edges_from(edges)
        found: set[Pair] = set()
        joining: list[int] = []
        for one, other in rx.max_weight_matching(graph, weight_fn=int):
            who = places[one], places[other]
            if -1 in who:
                joining.append(max(who))
            else:
                found.add(pair(*who))
        for duo in sorted(kept - found):
            self.put(duo, number, by=-1)
        for person in joining:
            self.join(person, number, found & kept)
        return sorted(found)

    def join(self, person: int, number: int, chats: set[Pair]) -> None:
        """Let a person join the chat of two live people as a third, if anybody has one."""
        possible = [
            duo
            for duo in sorted(chats)
            if all(
                self.problem.is_live(i)
                and self.scores.allowed(person, i)
                and not self.met[pair(person, i)]
                for i in duo
            )
        ]
        if possible:
            best = max(possible, key=lambda duo: self.gain_of_joining(person, duo))
            self.put(best, number, by=-1)
            self.put(tuple(sorted((person, *best))), number)
            chats.discard(best)

    def gain_of_joining(self, person: int, duo: Pair) -> int:
        """Return twice the points that a chat gains when this person joins it, or loses."""
        a, b = duo
        value = self.scores.value
        return int(value[person, a]) + int(value[person, b]) - int(value[a, b])
