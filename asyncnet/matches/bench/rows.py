"""The meetings of a plan as its pages show them: by round and name, some on each page."""

from collections.abc import Sequence
from dataclasses import dataclass

from asyncnet.events.model import Participant
from asyncnet.matches.bench.draft import Draft, Meeting
from asyncnet.matches.bench.worth import Worth
from asyncnet.matches.instance import reasons_of

ROWS = 50
"""How many meetings of a round stand on one page."""


@dataclass(frozen=True)
class Seat:
    """One person of a meeting: what they get from it, and why, as it is said to them."""

    person: Participant | None
    id: int
    name: str
    is_live: bool
    points: float
    reasons: Sequence[str]


@dataclass(frozen=True)
class Row:
    """One meeting of a round."""

    number: int
    seats: Sequence[Seat]
    pinned: bool
    broken: str
    """Why it cannot take place any more, empty when it can."""


@dataclass(frozen=True)
class Page:
    """Some meetings of a round, and how many it has in all."""

    rows: Sequence[Row]
    count: int
    previous: int | None
    """How many meetings stand before the page before this one, None on the first."""
    next: int | None
    """How many stand before the one after, None on the last."""

    def row_of(self, person: int) -> Row | None:
        """Return the first meeting of somebody on this page."""
        return next((row for row in self.rows if person in [seat.id for seat in row.seats]), None)


class Rows:
    """The meetings of a plan, to be shown."""

    def __init__(self, draft: Draft, worth: Worth) -> None:
        self.draft = draft
        self.worth = worth

    def page(self, number: int, *, named: str = "", first: int = 0) -> Page:
        """Return some of the meetings of a round by name.

        `first` is how many stand on earlier pages; with `named`, those of people called so alone.
        """
        found = self._sorted(number, named)
        return Page(
            [self.row(number, meeting) for meeting in found[first : first + ROWS]],
            len(found),
            previous=max(0, first - ROWS) if first else None,
            next=first + ROWS if first + ROWS < len(found) else None,
        )

    def before(self, number: int, person: int, *, named: str = "") -> int:
        """Return how many meetings of a round stand on pages before the one with this person's."""
        whose = (person in meeting.who for meeting in self._sorted(number, named))
        place = next((place for place, theirs in enumerate(whose) if theirs), 0)
        return place - place % ROWS

    def row(self, number: int, meeting: Meeting) -> Row:
        """Return one meeting as its row shows it, those who are there live first."""
        why = next((r for duo in meeting.pairs() if (r := self.worth.refusal(*duo))), "")
        seats = [self._seat(meeting, person) for person in meeting.who]
        seats.sort(key=lambda seat: (not seat.is_live, seat.name.casefold()))
        return Row(number, seats, meeting.pinned, why)

    def _sorted(self, number: int, named: str) -> list[Meeting]:
        found = []
        for meeting in self.draft.rounds[number - 1] if number <= len(self.draft.rounds) else ():
            names = [self.worth.name(person).casefold() for person in meeting.who]
            if not named or any(named.casefold() in name for name in names):
                found.append((names, meeting))
        return [meeting for _, meeting in sorted(found, key=lambda row: row[0])]

    def _seat(self, meeting: Meeting, person: int) -> Seat:
        people = self.worth.people
        reasons: list[str] = []
        if len(meeting.who) == 2 and all(i in people for i in meeting.who):
            other = meeting.others(person)[0]
            reasons = reasons_of(self.worth.instance, people[person], people[other])[0]
        return Seat(
            people.get(person),
            person,
            self.worth.name(person),
            self.worth.is_live(person),
            meeting.gain(person),
            reasons,
        )
