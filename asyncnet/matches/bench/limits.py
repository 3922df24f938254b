"""Which promises of a plan an edit breaks, and for whom: nobody alone, or below the floor, and not
too many viewings."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from asyncnet.matches.bench.draft import Draft, Meeting, changes
from asyncnet.matches.bench.worth import Worth
from asyncnet.matches.rules import PlanSettings

NEARLY = 1e-9
"""So much below the floor is not below it: sums of halves and thirds are not exact."""


@dataclass(frozen=True, order=True)
class Breach:
    """What a plan was not to do to somebody, as a sentence for organizers."""

    person: int
    words: str


class Tally:
    """How often everybody of a plan meets, watches and is watched, and what they get.

    Without `settings` nobody asked for limits, and only being alone counts.
    """

    def __init__(self, draft: Draft, worth: Worth, settings: PlanSettings | None) -> None:
        self.worth = worth
        self.settings = settings
        self.ideals = draft.ideals
        self.points = draft.points()
        self.seats: Counter[tuple[int, int]] = Counter()
        self.watches: Counter[int] = Counter()
        self.watched: Counter[int] = Counter()
        for number, meeting in draft.meetings():
            self._count(number, meeting, 1)

    def new_breaches(
        self, number: int, old: Iterable[Meeting], new: Iterable[Meeting]
    ) -> list[Breach]:
        """Return what is broken anew when these meetings of a round take the place of others."""
        before, after = list(old), list(new)
        people = {i for meeting in (*before, *after) for i in meeting.who}
        was = self.breaches(people, number)
        for meetings, by in ((before, -1), (after, 1)):
            for meeting in meetings:
                self._count(number, meeting, by)
        found = self.breaches(people, number) - was
        for meetings, by in ((before, 1), (after, -1)):
            for meeting in meetings:
                self._count(number, meeting, by)
        now: dict[int, float] = {person: self.points[person] for person in people}
        for meetings, by in ((before, -1), (after, 1)):
            for meeting in meetings:
                for person in meeting.who:
                    now[person] += by * meeting.gain(person)
        return sorted(found | self.below_floor(now))

    def below_floor(self, points: Mapping[int, float]) -> set[Breach]:
        """Return who of these people, with so many points, gets less than before and less than
        the plan is to give everybody."""
        floor = self.settings.floor if self.settings else 0.0
        found = set()
        for person, now in points.items():
            ideal, was = self.ideals.get(person, 0), self.points[person]
            if ideal and now < was and now / ideal < floor - NEARLY:
                words = (
                    f"{self.worth.name(person)} would get {_below(now / ideal, floor)} % of their "
                    f"own ideal instead of {was / ideal * 100:.0f} %; this plan is to give "
                    f"everybody {floor * 100:.0f} % at least."
                )
                found.add(Breach(person, words))
        return found

    def breaches(self, people: Iterable[int], number: int) -> set[Breach]:
        """Return what the plan breaks for these people, being alone in one round only."""
        return {Breach(i, words) for i in people for words in self._words(i, number)}

    def _words(self, person: int, number: int) -> Iterable[str]:
        worth, limits, name = self.worth, self.settings, self.worth.name(person)
        here = self.seats[person, number]
        if worth.is_live(person):
            if not here and worth.may_meet(person):
                yield f"{name} would meet nobody in round {number}."
            if limits and self.watches[person] > limits.most_viewings:
                yield (
                    f"{name} would watch {_several(self.watches[person], 'intro')}; this plan is "
                    f"to have {limits.most_viewings} at most."
                )
        elif limits and worth.problem.mixed:
            count = self.watched[person]
            if count > limits.most_viewers:
                yield (
                    f"{name} would have {_several(count, 'viewer')}; this plan is to have "
                    f"{limits.most_viewers} at most."
                )
            if count < limits.promised_viewers and worth.may_meet(person):
                yield (
                    f"{name} would have {_several(count, 'viewer')}; "
                    f"{limits.promised_viewers} were promised."
                )
            if here > limits.viewers_at_once:
                yield (
                    f"{name} would have {_several(here, 'viewer')} in round {number}; this plan is "
                    f"to have {limits.viewers_at_once} at once at most."
                )

    def _count(self, number: int, meeting: Meeting, by: int) -> None:
        live = [person for person in meeting.who if self.worth.is_live(person)]
        for person in meeting.who:
            self.seats[person, number] += by
        if len(live) < len(meeting.who):
            for person in meeting.who:
                (self.watches if person in live else self.watched)[person] += by


def breaches_of(
    before: Draft, after: Draft, worth: Worth, settings: PlanSettings | None
) -> list[Breach]:
    """Return what an edit breaks anew, for everybody whom it concerns."""
    was, now = Tally(before, worth, settings), Tally(after, worth, settings)
    concerned = {(change.person, change.number) for change in changes(before, after)}
    found = {
        breach
        for person, number in concerned
        if number
        for breach in now.breaches([person], number) - was.breaches([person], number)
    }
    return sorted(found | was.below_floor({i: now.points[i] for i, number in concerned if number}))


def _below(share: float, floor: float) -> int:
    """Return a share in whole per cent, rounded, but never so that it reads as the floor."""
    return min(round(share * 100), int(floor * 100 - NEARLY))


def _several(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
