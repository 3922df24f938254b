"""A plan on the bench: who meets whom, what it gives them, and what changes between two.

People are known by their ids. A draft never changes.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any, Protocol

Who = tuple[int, ...]


class Facts(Protocol):
    """What the event says of its people."""

    def name(self, person: int) -> str:
        """Return what somebody is called."""

    def is_live(self, person: int) -> bool:
        """Return whether somebody sits in the live rounds."""

    def refusal(self, one: int, other: int) -> str:
        """Return why these two can never meet, empty when they can."""

    def gain(self, person: int, other: int) -> float:
        """Return the points that somebody gets from meeting another."""


@dataclass(frozen=True)
class Meeting:
    """Two people, or three, in one round, and what each of them gets from it."""

    who: Who
    points: tuple[float, ...]
    pinned: bool = False

    def others(self, person: int) -> Who:
        """Return whom one of them meets."""
        return tuple(other for other in self.who if other != person)

    def gain(self, person: int) -> float:
        """Return what one of them gets."""
        return self.points[self.who.index(person)]

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Yield each two of them, the smaller id first."""
        yield from combinations(self.who, 2)


@dataclass(frozen=True)
class Change:
    """What changes for one person in one round; round 0 is their closing group."""

    person: int
    number: int
    lost: Who
    gained: Who

    def as_data(self) -> dict[str, Any]:
        """Return the change as JSON keeps it."""
        return asdict(self)

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> "Change":
        """Return the change that `as_data` wrote."""
        return cls(data["person"], data["number"], tuple(data["lost"]), tuple(data["gained"]))


@dataclass(frozen=True)
class Draft:
    """A whole plan: meetings by round, closing groups, and everybody's own ideal in points."""

    rounds: tuple[tuple[Meeting, ...], ...]
    groups: tuple[Who, ...] = ()
    ideals: Mapping[int, float] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        """Return the draft as JSON keeps it."""
        return {
            "rounds": [
                [[list(m.who), list(m.points), int(m.pinned)] for m in meetings]
                for meetings in self.rounds
            ],
            "groups": [list(who) for who in self.groups],
            "ideals": [[person, ideal] for person, ideal in sorted(self.ideals.items())],
        }

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> "Draft":
        """Return the draft that `as_data` wrote."""
        return cls(
            rounds=tuple(
                tuple(
                    Meeting(tuple(who), tuple(points), bool(pinned))
                    for who, points, pinned in meetings
                )
                for meetings in data["rounds"]
            ),
            groups=tuple(map(tuple, data["groups"])),
            ideals=dict(data["ideals"]),
        )

    def meetings(self) -> Iterator[tuple[int, Meeting]]:
        """Yield every meeting with the number of its round."""
        for number, meetings in enumerate(self.rounds, 1):
            for meeting in meetings:
                yield number, meeting

    def people(self) -> set[int]:
        """Return everybody who meets somebody or sits in a group."""
        return {i for _, m in self.meetings() for i in m.who} | {i for g in self.groups for i in g}

    def points(self) -> Counter[int]:
        """Return what everybody gets in all."""
        total: Counter[int] = Counter()
        for _, meeting in self.meetings():
            total.update(dict(zip(meeting.who, meeting.points, strict=True)))
        return total

    def value(self) -> float:
        """Return the points of everybody together."""
        return float(sum(sum(meeting.points) for _, meeting in self.meetings()))

    def shares(self) -> dict[int, float]:
        """Return the part of their own ideal that everybody gets, where an ideal is known."""
        points = self.points()
        return {
            person: points[person] / ideal if ideal > 0 else 1.0
            for person, ideal in self.ideals.items()
        }

    def find(self, one: int, other: int) -> tuple[int, Meeting] | None:
        """Return the round and the meeting in which these two meet, if they do."""
        for number, meeting in self.meetings():
            if one in meeting.who and other in meeting.who:
                return number, meeting
        return None

    def of(self, person: int) -> list[tuple[int, Meeting]]:
        """Return somebody's meetings, each with its round."""
        return [(number, m) for number, m in self.meetings() if person in m.who]

    def sitting_out(self, number: int, live: Iterable[int]) -> list[int]:
        """Return who of these people meets nobody in a round."""
        busy = {i for meeting in self.rounds[number - 1] for i in meeting.who}
        return [person for person in live if person not in busy]


def changes(before: Draft, after: Draft) -> list[Change]:
    """Return what changes for whom between two plans, by person and round."""
    found = []
    for number in range(1, max(len(before.rounds), len(after.rounds)) + 1):
        had, has = _partners(before, number), _partners(after, number)
        for person in had.keys() | has.keys():
            lost, gained = had[person] - has[person], has[person] - had[person]
            if lost or gained:
                change = Change(person, number, tuple(sorted(lost)), tuple(sorted(gained)))
                found.append(change)
    old, new = ({i: set(g) for g in plan.groups for i in g} for plan in (before, after))
    for person in old.keys() | new.keys():
        had_group, has_group = old.get(person, {person}), new.get(person, {person})
        if had_group != has_group:
            lost, gained = had_group - has_group, has_group - had_group
            found.append(Change(person, 0, tuple(sorted(lost)), tuple(sorted(gained))))
    return sorted(found, key=lambda change: (change.person, change.number))


def meeting_of(who: Iterable[int], facts: Facts, *, pinned: bool = False) -> Meeting:
    """Return the meeting of these people: in a trio each gets the mean over the two others."""
    people = tuple(sorted(who))
    points = []
    for person in people:
        gains = [facts.gain(person, other) for other in people if other != person]
        points.append(sum(gains) / len(gains))
    return Meeting(people, tuple(points), pinned)


def _partners(draft: Draft, number: int) -> defaultdict[int, set[int]]:
    found: defaultdict[int, set[int]] = defaultdict(set)
    for meeting in draft.rounds[number - 1] if number <= len(draft.rounds) else ():
        for person in meeting.who:
            found[person].update(meeting.others(person))
    return found
