"""A plan on the bench: who meets whom, what it gives them, and what an edit does to it.

People are known by their ids. A draft never changes; an edit returns another one.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from itertools import combinations
from typing import Any, Protocol

from asyncnet.listing import listed

Who = tuple[int, ...]


class CannotEdit(Exception):
    """This edit cannot be made; the message says why."""


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


class Act(StrEnum):
    """What an organizer can do to a plan."""

    SWAP = "swap"
    ADD = "add"
    OUT = "out"
    MOVE = "move"
    PIN = "pin"
    UNPIN = "unpin"
    FORBID = "forbid"
    ALLOW = "allow"


@dataclass(frozen=True)
class Edit:
    """One act on the meeting of `one` and `other` in round `number`, counted from 1.

    SWAP gives `one` the seat of `other`, and the other way round. ADD lets them meet; where one
    of them is in a chat already, the other joins it as a third. MOVE takes their meeting to
    round `to`. FORBID keeps the two apart from now on, whichever round is named; ALLOW ends that.
    """

    act: Act
    number: int
    one: int
    other: int
    to: int = 0

    def as_data(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Change:
    """What changes for one person in one round; round 0 is their closing group."""

    person: int
    number: int
    lost: Who
    gained: Who


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


def edited(draft: Draft, edit: Edit, facts: Facts) -> Draft:
    """Return the draft after an edit. Raises CannotEdit."""
    if not 1 <= edit.number <= len(draft.rounds):
        raise CannotEdit("There is no such round.")
    if edit.one == edit.other:
        raise CannotEdit(f"{facts.name(edit.one)} cannot meet themselves.")
    return {
        Act.SWAP: _swapped,
        Act.ADD: _added,
        Act.OUT: _taken_out,
        Act.MOVE: _moved,
        Act.PIN: _pinned,
        Act.UNPIN: _pinned,
        Act.FORBID: _forbidden,
        Act.ALLOW: _allowed,
    }[edit.act](draft, edit, facts)


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


def _there(draft: Draft, edit: Edit, facts: Facts) -> Meeting:
    for meeting in draft.rounds[edit.number - 1]:
        if edit.one in meeting.who and edit.other in meeting.who:
            return meeting
    raise CannotEdit(
        f"{facts.name(edit.one)} and {facts.name(edit.other)} do not meet in round "
        f"{edit.number} (any more)."
    )


def _only_seat(draft: Draft, number: int, person: int, facts: Facts) -> Meeting | None:
    """Return the meeting of a round whose seat somebody can give away, if they have one."""
    found = [meeting for meeting in draft.rounds[number - 1] if person in meeting.who]
    if len(found) > 1:
        raise CannotEdit(
            f"{facts.name(person)} has {len(found)} viewers in round {number}, so it is not clear "
            "which one to exchange. Swap the viewer instead."
        )
    return found[0] if found else None


def _swapped(draft: Draft, edit: Edit, facts: Facts) -> Draft:
    seats = [_only_seat(draft, edit.number, person, facts) for person in (edit.one, edit.other)]
    one, other = seats
    names = f"{facts.name(edit.one)} and {facts.name(edit.other)}"
    if one is other:
        what = "meet nobody" if one is None else "meet each other"
        raise CannotEdit(f"{names} {what} in round {edit.number}: there is nothing to swap.")
    taken = tuple(meeting for meeting in seats if meeting is not None)
    for meeting in taken:
        if meeting.pinned:
            raise CannotEdit(f"{_names(meeting, facts)} are pinned. Unpin them first.")
    crossed = {edit.one: edit.other, edit.other: edit.one}
    rest = _without(draft, edit.number, *taken)
    for meeting in taken:
        rest = _with(rest, edit.number, [crossed.get(i, i) for i in meeting.who], facts)
    return rest


def _added(draft: Draft, edit: Edit, facts: Facts) -> Draft:
    found = draft.find(edit.one, edit.other)
    if found:
        raise CannotEdit(
            f"{facts.name(edit.one)} and {facts.name(edit.other)} meet in round {found[0]} already."
        )
    busy = [
        meeting
        for meeting in draft.rounds[edit.number - 1]
        for person in (edit.one, edit.other)
        if person in meeting.who and facts.is_live(person)
    ]
    if not busy:
        return _with(draft, edit.number, (edit.one, edit.other), facts)
    everybody = {edit.one, edit.other, *busy[0].who}
    if len(busy) > 1 or len(everybody) > 3 or not all(map(facts.is_live, everybody)):
        person = next(p for p in (edit.one, edit.other) if p in busy[0].who)
        raise CannotEdit(
            f"{facts.name(person)} has a match in round {edit.number} already. Choose another "
            "round, or take that match out first."
        )
    if busy[0].pinned:
        raise CannotEdit(f"{_names(busy[0], facts)} are pinned. Unpin them first.")
    return _with(_without(draft, edit.number, busy[0]), edit.number, everybody, facts)


def _taken_out(draft: Draft, edit: Edit, facts: Facts) -> Draft:
    """Take the match out; of a trio only `one`, so that the two others still meet."""
    meeting = _there(draft, edit, facts)
    rest = _without(draft, edit.number, meeting)
    if len(meeting.who) < 3:
        return rest
    return _with(rest, edit.number, meeting.others(edit.one), facts)


def _forbidden(draft: Draft, edit: Edit, facts: Facts) -> Draft:
    found = draft.find(edit.one, edit.other)
    if found is None:
        return draft
    number, meeting = found
    if meeting.pinned:
        raise CannotEdit(f"{_names(meeting, facts)} are pinned. Unpin them first.")
    return _taken_out(draft, replace(edit, number=number), facts)


def _allowed(draft: Draft, edit: Edit, facts: Facts) -> Draft:
    return draft


def _moved(draft: Draft, edit: Edit, facts: Facts) -> Draft:
    meeting = _there(draft, edit, facts)
    if not 1 <= edit.to <= len(draft.rounds):
        raise CannotEdit("There is no such round.")
    rest = _without(draft, edit.number, meeting)
    return _with(rest, edit.to, meeting.who, facts, pinned=meeting.pinned)


def _pinned(draft: Draft, edit: Edit, facts: Facts) -> Draft:
    meeting = _there(draft, edit, facts)
    if len(meeting.who) > 2:
        raise CannotEdit(f"{_names(meeting, facts)} are three; only two people can be pinned.")
    pinned = replace(meeting, pinned=edit.act is Act.PIN)
    rest = _without(draft, edit.number, meeting)
    return _placed(rest, edit.number, (*rest.rounds[edit.number - 1], pinned))


def _with(
    draft: Draft, number: int, who: Iterable[int], facts: Facts, *, pinned: bool = False
) -> Draft:
    """Return the draft with one more meeting. Raises CannotEdit."""
    people = tuple(sorted(who))
    for one, other in combinations(people, 2):
        refusal = facts.refusal(one, other)
        if refusal:
            raise CannotEdit(refusal)
        found = draft.find(one, other)
        if found:
            raise CannotEdit(
                f"{facts.name(one)} and {facts.name(other)} meet in round {found[0]} already."
            )
    for meeting in draft.rounds[number - 1]:
        for person in meeting.who:
            if person in people and facts.is_live(person):
                others = listed([facts.name(other) for other in meeting.others(person)])
                raise CannotEdit(
                    f"{facts.name(person)} meets {others} in round {number}. Take that match out "
                    "first."
                )
    meeting = meeting_of(people, facts, pinned=pinned)
    return _placed(draft, number, (*draft.rounds[number - 1], meeting))


def _without(draft: Draft, number: int, *taken: Meeting) -> Draft:
    kept = tuple(meeting for meeting in draft.rounds[number - 1] if meeting not in taken)
    return _placed(draft, number, kept)


def _placed(draft: Draft, number: int, meetings: Iterable[Meeting]) -> Draft:
    rounds = list(draft.rounds)
    rounds[number - 1] = tuple(sorted(meetings, key=lambda meeting: meeting.who))
    return replace(draft, rounds=tuple(rounds))


def _names(meeting: Meeting, facts: Facts) -> str:
    return listed([facts.name(person) for person in meeting.who])
