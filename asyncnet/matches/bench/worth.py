"""What an edit of a plan is worth, and to whom: the points of a few pairs, without the solver."""

from collections.abc import Collection, Set
from dataclasses import dataclass

from asyncnet.events.model import Participant
from asyncnet.matches.bench.draft import Draft, Meeting, changes
from asyncnet.matches.instance import Instance
from asyncnet.matching.points import ideal, points
from asyncnet.matching.problem import pair


class Worth:
    """The people of an event with their points, as `Facts` for edits of a draft.

    Somebody who has left keeps their name and meets nobody; who had to leave meets nobody new.
    That one of the `unsaid` is kept apart from somebody is not put into words.
    """

    def __init__(self, instance: Instance, *, unsaid: Set[int] = frozenset()) -> None:
        self.instance = instance
        self.unsaid = unsaid
        self.problem = instance.problem
        self.people: dict[int, Participant] = {person.id: person for person in instance.people}
        self.bans = self.problem.bans()
        self.never = frozenset(self.problem.never())

    def name(self, person: int) -> str:
        """Return what somebody is called."""
        known = self.people.get(person)
        return known.name if known else "Somebody who has left"

    def is_live(self, person: int) -> bool:
        """Return whether somebody sits in the live rounds."""
        number = self.instance.number_of.get(person)
        return number is not None and self.problem.is_live(number)

    def takes_part(self, person: int) -> bool:
        """Return whether somebody is there and has not left."""
        known = self.people.get(person)
        return known is not None and known.left_at is None

    def may_meet(self, person: int) -> bool:
        """Return whether somebody is there to meet people: has not left, nor had to leave."""
        return self.takes_part(person) and self.people[person].away_from_at is None

    def kept_apart_among(self, people: Collection[int]) -> list[tuple[int, int]]:
        """Return which two of these people somebody, or an organizer, keeps apart."""
        among = {self.instance.number_of[person]: person for person in people}
        return [(among[i], among[j]) for i, j in sorted(self.bans) if i in among and j in among]

    def apart_in_groups(self, draft: Draft) -> list[tuple[int, int]]:
        """Return which two sit in one closing group though somebody keeps them apart."""
        numbers, people = self.instance.number_of, self.instance.people
        group_of = {
            numbers[person]: place
            for place, who in enumerate(draft.groups)
            for person in who
            if person in numbers
        }
        return [
            (people[i].id, people[j].id)
            for i, j in sorted(self.bans)
            if i in group_of and group_of[i] == group_of.get(j)
        ]

    def apart_in_words(self, one: int, other: int) -> str:
        """Return that two are kept apart and sit in one closing group all the same."""
        if not self.unsaid.isdisjoint((one, other)):
            return "Two people are kept apart, but sit in one closing group."
        return (
            f"{self.name(one)} and {self.name(other)} are kept apart, but sit in one closing group."
        )

    def kept_apart_from(self, person: int) -> list[int]:
        """Return whom somebody, or an organizer, keeps apart from a person; nobody where the
        reader takes part, so that what is missing tells nothing either."""
        if self.unsaid:
            return []
        number = self.instance.number_of[person]
        duos = (duo for duo in sorted(self.bans) if number in duo)
        return [self.instance.people[i].id for duo in duos for i in duo if i != number]

    def could_meet(self, one: int, other: int) -> bool:
        """Return whether two numbers of the problem may sit together but for their history."""
        live = not self.problem.mixed or self.problem.is_live(one) or self.problem.is_live(other)
        return live and pair(one, other) not in self.bans

    def refusal(self, one: int, other: int) -> str:
        """Return why these two can never meet, empty when they can."""
        for person in (one, other):
            if not self.takes_part(person):
                return f"{self.name(person)} no longer takes part."
            if not self.may_meet(person) and pair(one, other) not in self.instance.watched:
                return f"{self.name(person)} had to leave, and meets nobody new."
        duo = pair(self.instance.number_of[one], self.instance.number_of[other])
        names = f"{self.name(one)} and {self.name(other)}"
        if duo in self.never and not self.unsaid.isdisjoint((one, other)):
            return f"{names} cannot meet: they have met before, or are kept apart."
        if duo in self.bans:
            return f"{names} are kept apart."
        if duo in self.never:
            return f"{names} have met at an earlier event, and earlier pairs are not to meet again."
        if self.problem.mixed and not self.is_live(one) and not self.is_live(other):
            return (
                f"{names} both take part asynchronously. Pair each of them with somebody who is "
                "there live."
            )
        return ""

    def gain(self, person: int, other: int) -> float:
        """Return the points that somebody gets from meeting another."""
        numbers = self.instance.number_of
        if person not in numbers or other not in numbers:
            return 0.0
        return float(points(self.problem, numbers[person], numbers[other]))

    def ideal(self, person: int) -> float:
        """Return the most that somebody could get from as many meetings as they can have."""
        return ideal(self.problem, self.instance.number_of[person], self.never)

    def broken(self, draft: Draft) -> list[tuple[int, Meeting]]:
        """Return the meetings that cannot take place any more: somebody left or cannot be there."""
        return [
            (number, meeting)
            for number, meeting in draft.meetings()
            if any(self.refusal(one, other) for one, other in meeting.pairs())
        ]


@dataclass(frozen=True)
class Cost:
    """What an edit changes for one person: points, and share of their own ideal if known."""

    person: int
    before: float
    after: float
    share_before: float | None
    share_after: float | None

    @property
    def points(self) -> float:
        """How many points they get more; negative for fewer."""
        return self.after - self.before


def costs(before: Draft, after: Draft) -> list[Cost]:
    """Return what changes for whom between two plans, those who lose most first."""
    had, has = before.points(), after.points()
    shares, new_shares = before.shares(), after.shares()
    met = {change.person for change in changes(before, after)}
    found = [
        Cost(i, had[i], has[i], shares.get(i), new_shares.get(i))
        for i in had.keys() | has.keys()
        if had[i] != has[i] or i in met
    ]
    return sorted(found, key=lambda cost: (cost.points, cost.person))
