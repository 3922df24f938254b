"""Improve a partition of people into groups by swaps and moves, hot first, then cold.

The partition starts greedily. Then some people at a time weigh a swap with everybody else at once
and take one by chance, the better the likelier (the Gumbel trick); of swaps that touch the same
group only the first takes place, so that each brings what it promised. A person in a larger group
may also move to a smaller one.
"""

import time
from collections.abc import Sequence

import numpy as np

from asyncnet.matching.weights import Reals

Group = tuple[int, ...]

HOT, COLD, KEEP = 2.0, 0.5, 1.0
PEOPLE_PER_PIVOT = 25
LOOK_EVERY = 16
AT_LEAST = 2
NOISE = 1 << 16


class Annealing:
    """A partition into a fixed number of groups whose sizes differ by at most one."""

    def __init__(self, affinity: Reals, count: int, rng: np.random.Generator) -> None:
        m = len(affinity)
        self.affinity = affinity
        self.rng = rng
        self.pivots = max(1, m // PEOPLE_PER_PIVOT)
        self.members = greedily(affinity, count, rng.permutation(m))
        self.size = np.array([len(who) for who in self.members])
        self.at = np.empty(m, dtype=np.int64)
        for place, who in enumerate(self.members):
            self.at[who] = place
        self._weigh()
        self.smallest, self.largest = int(self.size.min()), int(self.size.max())
        member = np.zeros((count, m))
        member[self.at, np.arange(m)] = 1
        self.sums = member @ affinity
        self.own = self.sums[self.at, np.arange(m)].copy()
        self.noise = rng.gumbel(size=self.pivots * m + NOISE)

    def run(self, steps: int, stop_at: float) -> dict[Group, None]:
        """Cool down in so many steps; return the groups met on the cold half of the way.

        Where the time until `stop_at` is too short for them, it cools down in fewer, since
        stopping while it is hot would leave a partition by chance; a few it always takes, to part
        those who must be kept apart.
        """
        m = len(self.at)
        seen: dict[Group, None] = {}
        turns = max(1, steps // self.pivots)
        least = min(turns, AT_LEAST * m // self.pivots)
        offsets = self.rng.integers(0, NOISE, size=turns).tolist()
        heat, cooling, last = HOT, _cooling(HOT, turns), turns
        started = time.monotonic()
        for turn in range(turns):
            if turn % LOOK_EVERY == 0:
                now = time.monotonic()
                each = (now - started) / max(1, turn)
                in_time = int((stop_at - now) / each) if turn else turns if now < stop_at else 0
                reached = max(least, turn + in_time)
                if reached < last:
                    last = reached
                    cooling = _cooling(heat, last - turn)
            if turn >= last:
                break
            heat *= cooling
            noise = heat * self.noise[offsets[turn] : offsets[turn] + self.pivots * m]
            people = self.rng.integers(0, m, size=self.pivots)
            changed = self._swap(people, noise.reshape(self.pivots, m))
            first = int(people[0])
            if self.size[self.at[first]] > self.smallest:
                changed += self._move(first, noise[:m])
            if changed and heat < KEEP:
                for place in changed:
                    seen[tuple(sorted(self.members[place]))] = None
        return seen

    def value(self) -> float:
        """Return the sum of everybody's mean affinity with their group."""
        return float((self.own / np.maximum(1, self.size[self.at] - 1)).sum())

    def partition(self) -> list[Group]:
        """Return the groups."""
        return [tuple(sorted(who)) for who in self.members]

    def _swap(self, people: Sequence[int] | np.ndarray, noise: Reals) -> list[int]:
        """Let people change places with somebody, and return the groups of those who did."""
        at, own = self.at, self.own
        mine = self.affinity[people]
        homes = at[people]
        here = self.scale[homes, None]
        gain = (self.scale[:, None] * self.sums[:, people]).T[:, at]
        gain -= (self.scale_at + here) * mine
        gain -= self.scale_at * own
        gain += here * (self.sums[homes] - own[people, None])
        gain[at[None, :] == homes[:, None]] = 0.0
        gain += noise
        chosen = gain.argmax(axis=1)
        leaving = np.flatnonzero(at[chosen] != homes)
        touched: list[int] = []
        for row in leaving.tolist():
            i, j = int(people[row]), int(chosen[row])
            a, b = int(at[i]), int(at[j])
            if a in touched or b in touched:
                continue
            touched += [a, b]
            change = self.affinity[j] - self.affinity[i]
            self.sums[a] += change
            self.sums[b] -= change
            at[i], at[j] = b, a
            self.members[a][self.members[a].index(i)] = j
            self.members[b][self.members[b].index(j)] = i
            self.scale_at[i], self.scale_at[j] = self.scale[b], self.scale[a]
            self._settle(a, b)
        return touched

    def _move(self, i: int, noise: Reals) -> list[int]:
        """Let a person leave a larger group for a smaller one."""
        size = self.size
        a = int(self.at[i])
        inside = np.bincount(self.at, weights=self.own, minlength=len(size)) / 2
        before = 2 * inside / np.maximum(1, size - 1)
        gain = 2 * (inside + self.sums[:, i]) / size - before
        gain += 2 * (inside[a] - self.own[i]) / max(1, int(size[a]) - 2) - before[a]
        gain[size >= self.largest] = -np.inf
        gain[a] = 0.0
        b = int((gain + noise[: len(gain)]).argmax())
        if b == a:
            return []
        self.sums[a] -= self.affinity[i]
        self.sums[b] += self.affinity[i]
        self.at[i] = b
        self.members[a].remove(i)
        self.members[b].append(i)
        size[a] -= 1
        size[b] += 1
        self._weigh()
        self._settle(a, b)
        return [a, b]

    def _weigh(self) -> None:
        """Say what a point between two people is worth in the group of each size."""
        self.scale = 2.0 / np.maximum(1, self.size - 1)
        self.scale_at = self.scale[self.at]

    def _settle(self, *places: int) -> None:
        for place in places:
            who = self.members[place]
            self.own[who] = self.sums[place, who]


def greedily(affinity: Reals, count: int, order: np.ndarray) -> list[list[int]]:
    """Return groups of near equal sizes: whoever comes first in `order` takes the best of those
    who are left, one after the other."""
    m = len(affinity)
    free = np.zeros(m)
    groups: list[list[int]] = []
    waiting = iter(order.tolist())
    for place in range(count):
        first = next(i for i in waiting if free[i] == 0)
        who = [first]
        free[first] = -np.inf
        drawn = affinity[first] + free
        while len(who) < m // count + (place < m % count):
            j = int(drawn.argmax())
            who.append(j)
            free[j] = drawn[j] = -np.inf
            drawn += affinity[j]
        groups.append(who)
    return groups


def _cooling(heat: float, steps: int) -> float:
    """Return the factor that brings this heat down to COLD in so many steps."""
    return float((COLD / heat) ** (1 / max(1, steps)))
