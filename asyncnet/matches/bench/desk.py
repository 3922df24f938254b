"""What an organizer sees of a plan: its worth in words, everybody's share, one round at a time."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import islice

from sqlalchemy.orm import Session

from asyncnet.events.model import Event, Participant
from asyncnet.events.rules import EventMode
from asyncnet.listing import listed
from asyncnet.matches.bench import queries
from asyncnet.matches.bench.draft import Change, Draft, Meeting, changes
from asyncnet.matches.bench.edits import Act, Edit
from asyncnet.matches.bench.limits import NEARLY
from asyncnet.matches.bench.model import Plan, PlanOrigin, PlanState
from asyncnet.matches.bench.worth import Worth
from asyncnet.matches.instance import instance_of, reasons_of
from asyncnet.matches.rules import PlanSettings

ROWS = 50
"""How many meetings of a round stand on one page."""
UNDER_SERVED = 5
APART_NAMED = 3
LISTED = 500
"""How many people can be chosen from a list; in larger events they are found by name."""
PEOPLE_FOUND = 20
HEIGHT = 100
"""The height of the picture of shares, in its own units."""


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


@dataclass(frozen=True)
class Share:
    """What somebody gets, and which part of their own ideal that is."""

    person: int
    name: str
    share: float
    is_low: bool
    """Whether that is less than the plan was to give everybody."""


class Desk:
    """The bench of one event, read once for one page."""

    def __init__(
        self, session: Session, event: Event, *, unsaid: Set[int] = frozenset(), now: datetime
    ) -> None:
        self.session = session
        self.event = event
        self.plan = queries.current_of(session, event.id)
        self.asked = queries.newest_asked_for(session, event.id)
        self.first_open = queries.first_open_round(event, now)
        self.worth = Worth(
            instance_of(session, event, self.settings, with_left=True), unsaid=unsaid
        )
        self.draft = queries.draft_on(session, event, self.worth, self.plan)
        self.people = sorted(
            (p for p in self.worth.people.values() if self.worth.may_meet(p.id)),
            key=lambda person: (person.name, person.id),
        )
        self.live = [p.id for p in self.people if self.worth.is_live(p.id)]

    @property
    def seen(self) -> int:
        """The plan that forms are decided on, 0 for the published matches."""
        return self.plan.id if self.plan else 0

    @property
    def has_begun(self) -> bool:
        """Whether the first round has begun."""
        return self.first_open > 1

    @property
    def is_over(self) -> bool:
        """Whether the last round has begun, so that there is none to plan."""
        return self.first_open > len(self.event.rounds)

    @property
    def is_solving(self) -> bool:
        """Whether a plan is being worked out."""
        return self.asked is not None and self.asked.state is PlanState.SOLVING

    @property
    def has_failed(self) -> bool:
        """Whether the last solve found no plan, and nobody went on from another one since."""
        if self.asked is None or self.asked.state is not PlanState.FAILED:
            return False
        return self.plan is None or self.asked.based_on_id == self.plan.id

    @property
    def newer_ready(self) -> Plan | None:
        """The plan that was worked out while the one on the bench was changed, if there is one."""
        if self.asked is None or self.plan is None or self.asked.id <= self.plan.id:
            return None
        is_waiting = self.asked.state is PlanState.READY and self.asked.published_at is None
        return self.asked if is_waiting else None

    @cached_property
    def settings(self) -> PlanSettings:
        """What the plan on the bench was to be like, else what was last asked for."""
        plan = self.plan or self.asked
        return PlanSettings.of_data(plan.settings if plan else {})

    @cached_property
    def limits(self) -> PlanSettings | None:
        """What the plan on the bench was asked to keep to; None where nobody asked for anything."""
        plan = self.plan or self.asked
        return self.settings if plan and plan.settings else None

    @cached_property
    def published(self) -> Draft:
        """What people see now."""
        return queries.rows_as_draft(self.session, self.event, self.worth, known=self.draft)

    @cached_property
    def told(self) -> list[Change]:
        """Whom publishing the plan on the bench would concern, and how."""
        if self.plan is None:
            return []
        return [
            change
            for change in changes(self.published, self.draft)
            if self.worth.takes_part(change.person) and not 0 < change.number < self.first_open
        ]

    @property
    def concerned(self) -> list[int]:
        """Who is mailed about the plan on the bench when it is published."""
        return list(dict.fromkeys(change.person for change in self.told))

    @cached_property
    def part_of_best(self) -> float | None:
        """Which part of the best possible the plan reaches, at most 1; None while unknown."""
        if self.plan is None or not self.plan.bound or self.plan.value is None:
            return None
        known = {person.id for person in self.people}
        return (
            min(1.0, self.plan.value / self.plan.bound) if known == set(self.draft.ideals) else None
        )

    @cached_property
    def shares(self) -> list[Share]:
        """Everybody's share of their own ideal, the under-served first; empty while unknown."""
        floor = self.limits.floor if self.limits else 0.0
        found = [
            Share(person, self.worth.name(person), share, share < floor - NEARLY)
            for person, share in self.draft.shares().items()
            if self.worth.may_meet(person)
        ]
        return sorted(found, key=lambda one: (one.share, one.name, one.person))

    @property
    def under_served(self) -> list[Share]:
        return self.shares[:UNDER_SERVED]

    @property
    def below_floor(self) -> int:
        """How many people get less than the plan was to give everybody."""
        return sum(one.is_low for one in self.shares)

    @cached_property
    def median_share(self) -> float:
        return self.shares[len(self.shares) // 2].share

    @cached_property
    def picture(self) -> str:
        """The outline of everybody's share side by side, as an SVG path; one unit a person."""
        steps = [f"V{HEIGHT - min(1.0, s.share) * HEIGHT:.1f}h1" for s in self.shares]
        return f"M0 {HEIGHT}{''.join(steps)}V{HEIGHT}z"

    @cached_property
    def alone(self) -> list[tuple[int, list[int]]]:
        """Who of the live people meets nobody, by coming round; empty while nobody meets.

        Where nobody is live, who meets nobody in any coming window, as round 0.
        """
        if not any(self.draft.rounds):
            return []
        if not self.is_mixed:
            coming = self.draft.rounds[self.first_open - 1 :]
            busy = {i for meetings in coming for meeting in meetings for i in meeting.who}
            free = [person.id for person in self.people if person.id not in busy]
            return [(0, free)] if coming and free else []
        found = [
            (number, self.draft.sitting_out(number, self.live))
            for number in range(self.first_open, len(self.draft.rounds) + 1)
        ]
        return [(number, people) for number, people in found if people]

    @cached_property
    def met_before(self) -> int:
        """How many pairs of these people are kept from meeting because they met before."""
        if not self.worth.problem.no_repeat_history:
            return 0
        numbers = self.worth.instance.number_of
        here = {numbers[person.id] for person in self.people}
        return sum(
            one in here and other in here and self.worth.could_meet(one, other)
            for one, other in self.worth.problem.history
        )

    @property
    def seats(self) -> int:
        """How many places all live people have together in the coming rounds."""
        return len(self.live) * max(0, len(self.draft.rounds) - self.first_open + 1)

    @property
    def empty_seats(self) -> int:
        """How many of these stay empty: somebody is there and meets nobody."""
        return sum(len(people) for number, people in self.alone if number)

    @cached_property
    def broken(self) -> list[tuple[int, Meeting]]:
        """The meetings of coming rounds that cannot take place any more."""
        return [(n, m) for n, m in self.worth.broken(self.draft) if n >= self.first_open]

    @cached_property
    def apart_in_groups(self) -> list[tuple[int, int]]:
        """Which two sit in one closing group though they are kept apart."""
        return self.worth.apart_in_groups(self.draft)

    @cached_property
    def in_no_group(self) -> list[int]:
        """Who of the live people sits in no closing group though there are some."""
        seated = {person for who in self.draft.groups for person in who}
        return [person for person in self.live if person not in seated] if seated else []

    @cached_property
    def no_groups(self) -> str:
        """Why the plan has no closing groups though it was to have some; empty where it has."""
        smallest, largest = self.settings.group_size
        wanted = self.plan is not None and self.plan.settings and largest
        if not wanted or self.draft.groups or not any(self.draft.rounds) or not self.is_mixed:
            return ""
        if len(self.live) < 2:
            return "Closing groups need two people at least who are there live."
        apart = [
            self.names(duo) if self.worth.unsaid.isdisjoint(duo) else "two people"
            for duo in self.worth.kept_apart_among(self.live)
        ]
        if not apart:
            again = " Solve again to get them." if self.first_open == 1 else ""
            return (
                "The solver was stopped before it came to them, or coming rounds alone were filled."
                + again
            )
        more = [f"{len(apart) - APART_NAMED} more"] if len(apart) > APART_NAMED else []
        return (
            f"{len(self.live)} live people cannot be parted into groups of {smallest} to {largest} "
            "without bringing together who must be kept apart: "
            f"{'; '.join(apart[:APART_NAMED] + more)}. Ask for smaller groups."
        )

    @property
    def is_mixed(self) -> bool:
        """Whether anybody is there live."""
        return self.event.mode is EventMode.MIXED

    @cached_property
    def redo(self) -> Plan | None:
        """What redoing brings back."""
        plan_id = self.plan.id if self.plan else None
        found = queries.undone_from(self.session, self.event.id, plan_id)
        newer = self.plan is None and found is not None and self._older_than_published(found)
        return None if newer else found

    def _older_than_published(self, plan: Plan) -> bool:
        published = queries.last_published(self.session, self.event.id)
        return published is not None and plan.id <= published.id

    @cached_property
    def plans(self) -> Sequence[Plan]:
        """The plans that can be gone back to or compared, the newest first."""
        return queries.plans_of(self.session, self.event.id)

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

    def page_of(self, number: int, person: int, *, named: str = "") -> int:
        """Return how many meetings of a round stand on pages before the one with this person's."""
        whose = (person in meeting.who for meeting in self._sorted(number, named))
        place = next((place for place, theirs in enumerate(whose) if theirs), 0)
        return place - place % ROWS

    def called(self, name: str) -> list[Participant]:
        """Return the people whose name has these letters in it, a handful at most."""
        wanted = name.casefold()
        found = (person for person in self.people if wanted in person.name.casefold())
        return list(islice(found, PEOPLE_FOUND)) if wanted else []

    @property
    def is_large(self) -> bool:
        """Whether so many take part that a list to choose from is of no use."""
        return len(self.people) > LISTED

    def row(self, number: int, meeting: Meeting) -> Row:
        """Return one meeting as its row shows it, those who are there live first."""
        why = next((r for duo in meeting.pairs() if (r := self.worth.refusal(*duo))), "")
        seats = [self._seat(meeting, person) for person in meeting.who]
        seats.sort(key=lambda seat: (not seat.is_live, seat.name.casefold()))
        return Row(number, seats, meeting.pinned, why)

    def origin_of(self, plan: Plan) -> str:
        """Return where a plan comes from, in a few words."""
        return {
            PlanOrigin.SUGGESTED: "Suggested by the solver",
            PlanOrigin.REPAIRED: "Mended after a change",
            PlanOrigin.EDITED: "Changed by hand",
        }[plan.origin]

    def in_words(self, plan: Plan) -> str:
        """Return what made a plan, in a few words; of an edit, which one."""
        if plan.origin is not PlanOrigin.EDITED:
            return self.origin_of(plan)
        return self.edit_in_words(
            Edit(
                Act(plan.edit["act"]),
                plan.edit["number"],
                plan.edit["one"],
                plan.edit["other"],
                plan.edit["to"],
            )
        )

    def coming_edit(self, edit: Edit) -> str:
        """Return an edit of the plan on the bench that is still to be made, in such a sentence."""
        found = self.draft.find(edit.one, edit.other) if edit.act is Act.OUT else None
        if found and found[0] == edit.number and len(found[1].who) > 2:
            return f"{self.worth.name(edit.one)} leaves the three of round {edit.number}"
        return self.edit_in_words(edit)

    def edit_in_words(self, edit: Edit) -> str:
        """Return an edit in a sentence without its full stop."""
        one, other = self.worth.name(edit.one), self.worth.name(edit.other)
        return {
            Act.SWAP: f"{one} and {other} change places in round {edit.number}",
            Act.ADD: f"{one} and {other} meet in round {edit.number}",
            Act.OUT: f"{one} and {other} no longer meet in round {edit.number}",
            Act.MOVE: f"{one} and {other} meet in round {edit.to} instead of {edit.number}",
            Act.PIN: f"{one} and {other} stay together in round {edit.number}",
            Act.UNPIN: f"{one} and {other} are free again in round {edit.number}",
            Act.FORBID: f"{one} and {other} are kept apart",
            Act.ALLOW: f"{one} and {other} may meet again",
        }[edit.act]

    def names(self, people: Sequence[int], *, most: int | None = None) -> str:
        """Return the names of some people, listed, the `most` and how many more there are;
        "nobody" where there are none."""
        names = sorted(self.worth.name(person) for person in people)
        more = len(names) - most if most is not None else 0
        return listed([*names[:most], f"{more} more"] if more > 0 else names) or "nobody"

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
