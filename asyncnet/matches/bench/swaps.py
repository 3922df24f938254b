"""With whom somebody can change places in a plan, at what price, and whom they can meet too."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import combinations

from asyncnet.matches.bench.draft import Draft, Meeting, meeting_of
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
    what the plan was asked for come last.

    Those that bring together one of the `unsaid` and who is kept apart from them are among them:
    that they were missing would tell it.
    """
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
        said = [duo for duo in duos if worth.unsaid.isdisjoint(duo)]
        if any(duo in met and duo not in kept for duo in duos) or any(
            worth.refusal(*duo) for duo in said
        ):
            continue
        made = [meeting_of(who, worth) for who in new]
        gained = sum(sum(meeting.points) for meeting in made)
        lost = sum(sum(meeting.points) for meeting in old)
        breaks = tuple(breach.words for breach in tally.new_breaches(number, old, made))
        found.append(Swap(other, gained - lost, breaks))
    return sorted(found, key=lambda swap: (bool(swap.breaks), -swap.points, swap.other))


def joins(draft: Draft, number: int, person: int, worth: Worth) -> set[int]:
    """Return whom somebody could meet in a round as well: both are free, or one of them joins a
    chat of the other as a third.

    Who is kept apart from one of the `unsaid` is among them: that they were missing would tell it.
    """
    seats: defaultdict[int, list[Meeting]] = defaultdict(list)
    for meeting in draft.rounds[number - 1]:
        for one in meeting.who:
            seats[one].append(meeting)
    met = {duo for _, meeting in draft.meetings() for duo in meeting.pairs()}
    found = set()
    for other in filter(worth.may_meet, worth.people.keys() - {person}):
        busy = [m for i in (person, other) if worth.is_live(i) for m in seats[i]]
        together = {person, other}.union(*(meeting.who for meeting in busy))
        there = {duo for meeting in busy for duo in meeting.pairs()}
        duos = [duo for duo in combinations(sorted(together), 2) if duo not in there]
        full = busy and (
            len(busy) > 1
            or len(together) > 3
            or busy[0].pinned
            or not all(map(worth.is_live, together))
        )
        said = [duo for duo in duos if worth.unsaid.isdisjoint(duo)]
        if not full and met.isdisjoint(duos) and not any(worth.refusal(*duo) for duo in said):
            found.add(other)
    return found
