"""What an edit of a plan is worth, and to whom: the points of a few pairs, without the solver."""

from asyncnet.events.model import Participant
from asyncnet.matches.bench.draft import Draft, Meeting
from asyncnet.matches.instance import Instance
from asyncnet.matching.points import ideal, points
from asyncnet.matching.problem import pair


class Worth:
    """The people of an event with their points, as `Facts` for edits of a draft.

    Somebody who has left keeps their name and meets nobody.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
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

    def refusal(self, one: int, other: int) -> str:
        """Return why these two can never meet, empty when they can."""
        for person in (one, other):
            if not self.takes_part(person):
                return f"{self.name(person)} no longer takes part."
        duo = pair(self.instance.number_of[one], self.instance.number_of[other])
        names = f"{self.name(one)} and {self.name(other)}"
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
