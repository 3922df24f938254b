"""Improve a partition of people into groups by swaps and moves, hot first, then cold.

One person at a time weighs a swap with everybody else at once and takes one by chance, the better
the likelier (the Gumbel trick). A person in a larger group may also move to a smaller one.
"""

import time

import numpy as np

from asyncnet.matching.weights import Reals

Group = tuple[int, ...]

HOT, COLD, KEEP = 1.5, 0.35, 1.0
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
        self.smallest, self.largest = int(self.size.min()), int(self.size.max())
        member = np.zeros((count, m))
        member[self.at, np.arange(m)] = 1
        self.sums = member @ affinity
        self.own = self.sums[self.at, np.arange(m)].copy()
        self.noise = rng.gumbel(size=m + (1 << 16))

    def run(self, steps: int, stop_at: float) -> dict[Group, None]:
        """Cool down in so many steps, and return the groups met on the cold half of the way."""
        m = len(self.at)
        seen: dict[Group, None] = {}
        pivots = self.rng.integers(0, m, size=steps).tolist()
        offsets = self.rng.integers(0, len(self.noise) - m, size=steps).tolist()
        cooling = (COLD / HOT) ** (1 / max(1, steps))
        heat = HOT
        for step in range(steps):
            if step % LOOK_EVERY == 0 and time.monotonic() > stop_at:
                break
            heat *= cooling
            person = pivots[step]
            noise = heat * self.noise[offsets[step] : offsets[step] + m]
            if step % MOVE_EVERY == 0 and self.size[self.at[person]] > self.smallest:
                changed = self._move(person, noise)
            else:
                changed = self._swap(person, noise)
            if changed and heat < KEEP:
                for place in changed:
                    seen[tuple(np.flatnonzero(self.at == place).tolist())] = None
        return seen

    def value(self) -> float:
        """Return the sum of everybody's mean affinity with their group."""
        return float((self.own / np.maximum(1, self.size[self.at] - 1)).sum())

    def partition(self) -> list[Group]:
        """Return the groups."""
        return [tuple(np.flatnonzero(self.at == place).tolist()) for place in range(len(self.size))]

    def _swap(self, i: int, noise: Reals) -> tuple[int, ...]:
        """Let a person change places with somebody, and return the two groups, if they did."""
        at = self.at
        a = int(at[i])
        row, mine = self.sums[a], self.affinity[i]
        scale = 2.0 / np.maximum(1, self.size - 1)
        gain = scale[a] * (row - mine - row[i])
        gain += scale[at] * (self.sums[at, i] - mine - self.own)
        gain[at == a] = 0.0
        j = int((gain + noise).argmax())
        b = int(at[j])
        if b == a:
            return ()
        change = self.affinity[j] - mine
        self.sums[a] += change
        self.sums[b] -= change
        at[i], at[j] = b, a
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
        size[a] -= 1
        size[b] += 1
        return self._settle(a, b)

    def _settle(self, *places: int) -> tuple[int, ...]:
        for place in places:
            who = np.flatnonzero(self.at == place)
            self.own[who] = self.sums[place, who]
        return places
