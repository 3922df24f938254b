"""With whom somebody can change places in a plan, and what that is worth."""

from collections import Counter
from dataclasses import dataclass
from itertools import combinations

from asyncnet.matches.bench.draft import Draft, meeting_of
from asyncnet.matches.bench.limits import Tally
from asyncnet.matches.bench.worth import Worth
from asyncnet.matches.rules import PlanSettings
from asyncnet.matching.problem import pair


@dataclass(frozen=True)
class Swap:
    """Somebody with whom a person may change places, the points that all get more by it, and
    what it breaks, in sentences."""

    other: int
    points: float
    breaks: tuple[str, ...]


def swaps(
    draft: Draft, number: int, person: int, worth: Worth, settings: PlanSettings | None
) -> list[Swap]:
    """Return with whom somebody can change places in a round, the best first; those that break
    what the plan was asked for come last."""
    here = draft.rounds[number - 1]
    mine = [meeting for meeting in here if person in meeting.who]
    if len(mine) > 1 or (mine and mine[0].pinned):
        return []
    met = {duo for _, meeting in draft.meetings() for duo in meeting.pairs()}
    seats = Counter(i for meeting in here for i in meeting.who)
    idle = [i for i in worth.people if not seats[i] and worth.is_live(i) and worth.may_meet(i)]
    options = [(i, m) for m in here if not m.pinned for i in m.who if seats[i] == 1]
    tally = Tally(draft, worth, settings)
    found = []
    for other, theirs in [*options, *((i, None) for i in idle)]:
        if other == person or (mine and theirs is mine[0]) or not (mine or theirs):
            continue
        old = [meeting for meeting in (*mine, theirs) if meeting is not None]
        crossed = {person: other, other: person}
        new = [tuple(crossed.get(i, i) for i in meeting.who) for meeting in old]
        duos = [pair(a, b) for who in new for a, b in combinations(who, 2)]
        kept = {duo for meeting in old for duo in meeting.pairs()}
        if any((duo in met and duo not in kept) or worth.refusal(*duo) for duo in duos):
            continue
        made = [meeting_of(who, worth) for who in new]
        gained = sum(sum(meeting.points) for meeting in made)
        lost = sum(sum(meeting.points) for meeting in old)
        breaks = tuple(breach.words for breach in tally.new_breaches(number, old, made))
        found.append(Swap(other, gained - lost, breaks))
    return sorted(found, key=lambda swap: (bool(swap.breaks), -swap.points, swap.other))
