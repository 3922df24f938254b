"""What is different for whom between two plans: other people, or the same in another round."""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from asyncnet.matches.bench.draft import Change, Draft, changes

At = Mapping[int, Mapping[int, int]]
"""In which round each person, by their id, meets each of the people whom they meet."""


Seat = tuple[int, int]
"""A person and a round; round 0 is their closing group."""


@dataclass(frozen=True)
class Comparison:
    """The changes from one plan to another, by person and round."""

    changes: list[Change]
    before: At
    after: At
    staying: frozenset[Seat]
    """Where people meet somebody of those whom they meet there in the other plan."""

    @property
    def by_person(self) -> list[tuple[int, list[Change]]]:
        """The changes of each person together, round by round."""
        found: defaultdict[int, list[Change]] = defaultdict(list)
        for change in sorted(self.changes, key=lambda each: each.number or math.inf):
            found[change.person].append(change)
        return sorted(found.items())

    @property
    def meet_others(self) -> set[int]:
        """Who meets somebody whom they do not meet in the other plan."""
        people = {change.person for change in self.changes}
        return {i for i in people if self.before[i].keys() != self.after[i].keys()}

    @property
    def meet_the_same(self) -> set[int]:
        """Who meets the same people, some of them in another round."""
        moved = {change.person for change in self.changes if change.number}
        return moved - self.meet_others

    @property
    def only_regrouped(self) -> set[int]:
        """Whose rounds are the same, though not their closing group."""
        return {c.person for c in self.changes} - self.meet_others - self.meet_the_same

    def stays(self, change: Change) -> bool:
        """Return whether somebody of the same round or group is there in both plans."""
        return (change.person, change.number) in self.staying

    def then(self, change: Change) -> dict[int, int]:
        """Return in which round the people that are lost in a change are met instead."""
        return self._elsewhere(self.after, change.person, change.lost, change.number)

    def so_far(self, change: Change) -> dict[int, int]:
        """Return in which round the people that are gained in a change are met without it."""
        return self._elsewhere(self.before, change.person, change.gained, change.number)

    @staticmethod
    def _elsewhere(at: At, person: int, others: tuple[int, ...], number: int) -> dict[int, int]:
        return {i: at[person][i] for i in others if number and i in at[person]}


def compared(before: Draft, after: Draft) -> Comparison:
    """Return what changes for whom from one plan to another."""
    had, has = _company(before), _company(after)
    staying = frozenset(seat for seat, people in had.items() if people & has.get(seat, set()))
    return Comparison(changes(before, after), _rounds(before), _rounds(after), staying)


def _company(draft: Draft) -> Mapping[Seat, set[int]]:
    """Return whom people meet in each of their rounds, and in their closing groups."""
    found: defaultdict[Seat, set[int]] = defaultdict(set)
    for number, meeting in draft.meetings():
        for person in meeting.who:
            found[person, number].update(meeting.others(person))
    for group in draft.groups:
        for person in group:
            found[person, 0].update(set(group) - {person})
    return found


def _rounds(draft: Draft) -> At:
    found: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for number, meeting in draft.meetings():
        for person in meeting.who:
            found[person].update(dict.fromkeys(meeting.others(person), number))
    return found
