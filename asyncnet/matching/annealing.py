"""Improve a partition of people into groups by swaps and moves, hot first, then cold.

One person at a time weighs a swap with everybody else at once and takes one by chance, the better
the likelier (the Gumbel trick). A person in a larger group may also move to a smaller one.
"""

import time

import numpy as np

from asyncnet.matching.weights import Reals

Group = tuple[int, ...]

HOT, COLD, KEEP = 2.0, 0.5, 1.0
MOVE_EVERY = 4
LOOK_EVERY = 512


class Annealing:
    """A partition into a fixed number of groups whose sizes differ by at most one."""

    def __init__(self, affinity: Reals, count: int, rng: np.random.Generator) -> None:
        m = len(affinity)
        self.affinity = affinity
        self.rng = rng
        self.at = rng.permutation(np.arange(m) % count)
        self.size = np.bincount(self.at, minlength=count)
        self.members: list[list[int]] = [[] for _ in range(count)]
        for person, place in enumerate(self.at.tolist()):
            self.members[place].append(person)
        self._weigh()
        self.smallest, self.largest = int(self.size.min()), int(self.size.max())
        member = np.zeros((count, m))
        member[self.at, np.arange(m)] = 1
        self.sums = member @ affinity
        self.own = self.sums[self.at, np.arange(m)].copy()
        self.noise = rng.gumbel(size=m + (1 << 16))

    def run(self, steps: int, stop_at: float, *, remember: bool = True) -> dict[Group, None]:
        """Cool down in so many steps; return the groups met on the cold half of the way, if any
        are to be remembered.

        Where the time until `stop_at` is too short for them, it cools down in fewer, since
        stopping while it is hot would leave a partition by chance.
        """
        m = len(self.at)
        seen: dict[Group, None] = {}
        pivots = self.rng.integers(0, m, size=steps).tolist()
        offsets = self.rng.integers(0, len(self.noise) - m, size=steps).tolist()
        heat, cooling, last = HOT, _cooling(HOT, steps), steps
        started = time.monotonic()
        for step in range(steps):
            if step % LOOK_EVERY == 0:
                now = time.monotonic()
                each = (now - started) / max(1, step)
                reached = step + int((stop_at - now) / each) if step else steps
                if reached < last:
                    last = reached
                    cooling = _cooling(heat, last - step)
            if step >= last:
                break
            heat *= cooling
            person = pivots[step]
            noise = heat * self.noise[offsets[step] : offsets[step] + m]
            if step % MOVE_EVERY == 0 and self.size[self.at[person]] > self.smallest:
                changed = self._move(person, noise)
            else:
                changed = self._swap(person, noise)
            if changed and remember and heat < KEEP:
                for place in changed:
                    seen[tuple(sorted(self.members[place]))] = None
        return seen

    def value(self) -> float:
        """Return the sum of everybody's mean affinity with their group."""
        return float((self.own / np.maximum(1, self.size[self.at] - 1)).sum())

    def partition(self) -> list[Group]:
        """Return the groups."""
        return [tuple(sorted(who)) for who in self.members]

    def _swap(self, i: int, noise: Reals) -> tuple[int, ...]:
        """Let a person change places with somebody, and return the two groups, if they did."""
        at, mine = self.at, self.affinity[i]
        a = int(at[i])
        row = self.sums[a]
        gain = (self.scale * self.sums[:, i])[at]
        gain -= self.scale_at * (mine + self.own)
        gain += self.scale[a] * (row - mine - row[i])
        gain[self.members[a]] = 0.0
        j = int((gain + noise).argmax())
        b = int(at[j])
        if b == a:
            return ()
        change = self.affinity[j] - mine
        self.sums[a] += change
        self.sums[b] -= change
        at[i], at[j] = b, a
        self.members[a][self.members[a].index(i)] = j
        self.members[b][self.members[b].index(j)] = i
        self.scale_at[i], self.scale_at[j] = self.scale[b], self.scale[a]
        return self._settle(a, b)

    def _move(self, i: int, noise: Reals) -> tuple[int, ...]:
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
            return ()
        self.sums[a] -= self.affinity[i]
        self.sums[b] += self.affinity[i]
        self.at[i] = b
        self.members[a].remove(i)
        self.members[b].append(i)
        size[a] -= 1
        size[b] += 1
        self._weigh()
        return self._settle(a, b)

    def _weigh(self) -> None:
        """Say what a point between two people is worth in the group of each size."""
        self.scale = 2.0 / np.maximum(1, self.size - 1)
        self.scale_at = self.scale[self.at]

    def _settle(self, *places: int) -> tuple[int, ...]:
        for place in places:
            who = self.members[place]
            self.own[who] = self.sums[place, who]
        return places


def _cooling(heat: float, steps: int) -> float:
    """Return the factor that brings this heat down to COLD in so many steps."""
    return float((COLD / heat) ** (1 / max(1, steps)))
