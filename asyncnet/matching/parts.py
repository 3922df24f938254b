"""Choose the pairs of a very large event from its relaxation, some hundred people at a time.

An integer programme of ten thousand people takes no notice of the clock, and most of it is settled:
where the relaxation has whole meetings, they are taken. The others are rounded, and then chosen
anew part by part among those who could meet, while everybody else's meetings stay.
"""

import time
from collections import deque
from collections.abc import Iterator

import numpy as np

from asyncnet.matching.bound import Edges, Relaxation, edges_of, pinned, rules_of
from asyncnet.matching.choice import Choice, choose
from asyncnet.matching.demand import EPSILON, Demand, rewards
from asyncnet.matching.problem import Pair, Problem
from asyncnet.matching.weights import Scores

GAP = 1e-3
PART = 700
SEEDS = 6
"""So many people behind their floor are helped at once: with all whom they could meet and the
partners of these, some six hundred people."""
TURNS = 2


def rounded(problem: Problem, scores: Scores, relaxed: Relaxation) -> Choice:
    """Return the pairs of which the relaxation has most, as many as the hard rules let through.

    For when there is no time for an integer programme. Promised viewers may be missing.
    """
    n = len(problem.people)
    edges, rules = relaxed.edges, rules_of(problem)
    fixed = pinned(edges, rules, n)
    value = scores.value[edges.a, edges.b].astype(np.int64)
    used = np.flatnonzero((relaxed.amount > EPSILON) | fixed)
    order = used[np.lexsort((-value[used], -relaxed.amount[used], ~fixed[used]))]
    cap, views, live = rules.cap.tolist(), rules.viewings.tolist(), rules.live.tolist()
    found: list[Pair] = []
    for a, b in zip(edges.a[order].tolist(), edges.b[order].tolist(), strict=True):
        viewers = [i for i, other in ((a, b), (b, a)) if live[i] and not live[other]]
        if cap[a] > 0 and cap[b] > 0 and all(views[i] > 0 for i in viewers):
            found.append((a, b))
            cap[a] -= 1
            cap[b] -= 1
            for i in viewers:
                views[i] -= 1
    return Choice(tuple(sorted(found)))


def completed(
    problem: Problem,
    scores: Scores,
    edges: Edges,
    demand: Demand,
    relaxed: Relaxation,
    *,
    seconds: float,
) -> Choice:
    """Return the rounded relaxation, its torn parts chosen anew as long as there is time.

    Seats, viewings and floors are wishes here: the parts get as many of them as they can.
    """
    stop_at = time.monotonic() + seconds
    n = len(problem.people)
    reward = rewards(problem, scores)
    near_by = _near_by(edges, n)
    points = GAP * float(scores.ideal.sum()) / max(1, n)
    in_all = float(reward @ rules_of(problem).cap) + 1.0

    def again(pairs: set[Pair], people: list[int]) -> set[Pair]:
        inside = np.zeros(n, dtype=bool)
        inside[people] = True
        own = inside[edges.a] & inside[edges.b]
        kept = edges_of([(a, b) for a, b in pairs if not (inside[a] and inside[b])], n)
        open_pairs = Edges(edges.a[own], edges.b[own]).union(kept, n)
        left = stop_at - time.monotonic()
        better = choose(
            *(problem, scores, open_pairs, demand),
            gap=points * len(people) / in_all,
            seconds=left,
            reward=reward,
            given=kept,
        )
        return set(better.pairs) if better else pairs

    pairs = set(rounded(problem, scores, relaxed).pairs)
    for people in _parts(relaxed.torn().tolist(), near_by):
        if time.monotonic() >= stop_at:
            break
        pairs = again(pairs, people)
    for _ in range(TURNS):
        behind = _behind(scores, demand, pairs)
        for place in range(0, len(behind), SEEDS):
            if time.monotonic() >= stop_at:
                break
            pairs = again(pairs, _around(behind[place : place + SEEDS], pairs, near_by))
    return Choice(tuple(sorted(pairs)))


def _behind(scores: Scores, demand: Demand, pairs: set[Pair]) -> list[int]:
    """Return the people who have less than their floor."""
    gained = np.zeros(len(demand.floors))
    for a, b in pairs:
        gained[a] += scores.points[a, b]
        gained[b] += scores.points[b, a]
    behind: list[int] = np.flatnonzero(gained < demand.floors - EPSILON).tolist()
    return behind


def _near_by(edges: Edges, n: int) -> list[list[int]]:
    near_by: list[list[int]] = [[] for _ in range(n)]
    for a, b in zip(edges.a.tolist(), edges.b.tolist(), strict=True):
        near_by[a].append(b)
        near_by[b].append(a)
    return near_by


def _around(people: list[int], pairs: set[Pair], near_by: list[list[int]]) -> list[int]:
    """Return these people with all whom they could meet, and with the partners of all of them:
    whoever is to meet one of them has to give up somebody."""
    partners: list[list[int]] = [[] for _ in near_by]
    for a, b in pairs:
        partners[a].append(b)
        partners[b].append(a)
    wanted = {other for person in people for other in (*near_by[person], *partners[person])}
    wanted.update(people)
    return sorted(wanted.union(*(partners[person] for person in wanted)))


def _parts(waiting: list[int], near_by: list[list[int]]) -> Iterator[list[int]]:
    """Yield these people in parts of those who could meet each other."""
    left = set(waiting)
    part: list[int] = []
    for person in waiting:
        queue = deque([person])
        while queue:
            here = queue.popleft()
            if here in left:
                left.remove(here)
                part.append(here)
                queue.extend(near_by[here])
            if len(part) >= PART:
                yield part
                part = []
                queue.clear()
    if part:
        yield part
