"""Find many groups that are worth more than the prices of their members, fast but not all.

From everybody a few of the most promising beginnings are kept and grown by one person at a time,
all people at once in the same few array operations. What it misses, the search in `pricing` finds.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from asyncnet.matching.annealing import Group
from asyncnet.matching.weights import Reals

WIDTH = 3
ENDS = 2
PEOPLE_AT_ONCE = 256
EPSILON = 1e-6

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


def likely_groups(affinity: Reals, prices: Reals, size: int) -> list[Group]:
    """Return groups of this size that are worth more than their members' prices, each once."""
    m = len(prices)
    if not 2 <= size <= m:
        return []
    surplus = (2 * affinity - prices[:, None] - prices[None, :]) / (size - 1)
    np.fill_diagonal(surplus, -np.inf)
    beams = list(_beams(surplus.astype(np.float32), size))
    found = np.unique(np.sort(np.concatenate(beams), axis=1), axis=0)
    return [tuple(who) for who in found.tolist()]


def _beams(surplus: Floats, size: int) -> Iterator[Numbers]:
    """Yield the groups found from some people at a time, one row each."""
    m = len(surplus)
    for start in range(0, m, PEOPLE_AT_ONCE):
        who: Numbers = np.arange(start, min(m, start + PEOPLE_AT_ONCE))[:, None]
        first, now, gain = len(who), np.zeros(len(who), np.float32), surplus[who[:, 0]]
        for more in range(size - 1, 0, -1):
            wide = min(WIDTH if more > 1 else ENDS, m - 1)
            chosen = np.argpartition(-gain, wide - 1, axis=1)[:, :wide]
            came_from = np.repeat(np.arange(len(who)), wide)
            who = np.concatenate([who[came_from], chosen.reshape(-1, 1)], axis=1)
            now = now[came_from] + np.take_along_axis(gain, chosen, axis=1).ravel()
            if more == 1:
                yield who[now > EPSILON]
                break
            gain = gain[came_from] + surplus[chosen.ravel()]
            hope = now + gain.max(axis=1) * (more / 2)
            best = _best_each(who, hope, first, m)
            who, now, gain = who[best], now[best], gain[best]


def _best_each(who: Numbers, hope: Floats, first: int, m: int) -> Numbers:
    """Return the rows to go on with: the most hopeful of each first person, none twice."""
    code = np.zeros(len(who), dtype=np.int64)
    for column in np.sort(who[:, 1:], axis=1).T:
        code = code * m + column
    codes, hopes = code.reshape(first, -1), hope.reshape(first, -1)
    order = np.argsort(codes, axis=1, kind="stable")
    codes = np.take_along_axis(codes, order, axis=1)
    hopes = np.take_along_axis(hopes, order, axis=1)
    hopes[:, 1:][codes[:, 1:] == codes[:, :-1]] = -np.inf
    best = np.argsort(-hopes, axis=1, kind="stable")[:, :WIDTH]
    places = np.take_along_axis(order, best, axis=1)
    rows: Numbers = (places + np.arange(first)[:, None] * codes.shape[1]).ravel()
    return rows
