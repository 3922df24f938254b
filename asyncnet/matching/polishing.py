"""Better a partition by making a few groups at a time anew, as well as can be.

With a price per person, what some groups lack to their members' prices is all that can be won
among them. No group that lacks more than that alone can be part of something better, and of the
others an integer programme finds the best choice.
"""

import numpy as np

from asyncnet.matching.annealing import Group
from asyncnet.matching.covering import Covering, worths
from asyncnet.matching.pricing import paying_groups

PART = 28
STEPS = 2_000
COLUMNS = 300
NODES = 5
HARDLY = 0.05


def polished(covering: Covering, partition: list[Group], turns: int) -> list[Group]:
    """Return the partition after so many turns, or fewer where the time is over.

    Each turn starts from the group that stays furthest behind its members' prices, and takes in
    those who could be with them instead.
    """
    mixed = [who for who, _ in covering.mixture()]
    prices = covering.prices
    worth = worths(covering.affinity, partition)
    tried: set[Group] = set()
    for _ in range(turns):
        lacking = {
            who: float(prices[list(who)].sum()) - worth[who] for who in worth if who not in tried
        }
        if not lacking or covering.left() <= 0:
            break
        worst = max(lacking, key=lambda who: (lacking[who], who))
        tried.add(worst)
        near_by = _around(covering, worst, list(worth), mixed)
        rows = np.array(sorted(row for who in near_by for row in who))
        loss = float(prices[rows].sum()) - sum(worth[who] for who in near_by)
        if loss < HARDLY:
            continue
        place = dict(zip(rows.tolist(), range(len(rows)), strict=True))
        part = Covering(
            covering.affinity[np.ix_(rows, rows)],
            covering.limits,
            {},
            [tuple(place[row] for row in who) for who in near_by],
            covering.stop_at,
            prices[rows],
        )
        options = (covering.own, STEPS, covering.stop_at, loss)
        part.add(paying_groups(part.affinity, part.prices, *options).groups)
        found, _ = part.picked(COLUMNS, NODES)
        for who in near_by:
            del worth[who]
        worth.update({tuple(rows[list(who)].tolist()): part.pool[who] for who in found})
    return list(worth)


def _around(
    covering: Covering, worst: Group, partition: list[Group], mixed: list[Group]
) -> list[Group]:
    """Return this group and others whose members an ideal mixture would put with its own."""
    home = {row: who for who in partition for row in who}
    chosen = {worst: None}
    people = len(worst)
    grown = True
    while grown and people < PART:
        grown = False
        inside = {row for who in chosen for row in who}
        for who in mixed:
            if inside.isdisjoint(who):
                continue
            for row in who:
                if home[row] not in chosen and people < PART:
                    chosen[home[row]] = None
                    people += len(home[row])
                    grown = True
    drawn = covering.affinity[list(worst)].sum(axis=0)
    others = [who for who in partition if who not in chosen]
    for who in sorted(others, key=lambda who: (-drawn[list(who)].mean(), who)):
        if people >= PART:
            break
        chosen[who] = None
        people += len(who)
    return list(chosen)
