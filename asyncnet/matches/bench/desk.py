"""What an organizer sees of a plan: its worth in words, everybody's share, one round at a time."""

from collections.abc import Sequence, Set
from datetime import datetime
from functools import cached_property
from itertools import islice

from sqlalchemy.orm import Session

from asyncnet.events.model import Event, Participant
from asyncnet.events.rules import EventMode
from asyncnet.matches.bench import queries
from asyncnet.matches.bench.draft import Change, Draft, Meeting, changes
from asyncnet.matches.bench.model import Plan, PlanState
from asyncnet.matches.bench.rows import Rows
from asyncnet.matches.bench.shares import Shares
from asyncnet.matches.bench.wording import Words, why_none
from asyncnet.matches.bench.worth import Worth
from asyncnet.matches.instance import instance_of
from asyncnet.matches.rules import PlanSettings

APART_NAMED = 3
LISTED = 500
"""How many people can be chosen from a list; in larger events they are found by name."""
PEOPLE_FOUND = 20


class Desk:
    """The bench of one event, read once for one page."""

    def __init__(
        self, session: Session, event: Event, *, unsaid: Set[int] = frozenset(), now: datetime
    ) -> None:
        self.session = session
        self.event = event
        self.plan = queries.current_of(session, event.id)
        self.asked = queries.newest_asked_for(session, event.id)
        self.wishes = queries.wishes_of(session, event.id)
        self.settings = PlanSettings.of_data(self.wishes)
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
        self.words = Words(self.draft, self.worth)
        self.rows = Rows(self.draft, self.worth)
        self.shares = Shares(self.draft, self.worth, self.limits.floor if self.limits else 0.0)

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
    def why_none(self) -> str:
        """Why the last solve found no plan, in a sentence; empty where it did, or goes on."""
        return why_none(self.asked, self.worth.unsaid) if self.asked else ""

    @property
    def newer_ready(self) -> Plan | None:
        """The plan that was worked out while the one on the bench was changed, if there is one."""
        if self.asked is None or self.plan is None or self.asked.id <= self.plan.id:
            return None
        is_waiting = self.asked.state is PlanState.READY and self.asked.published_at is None
        return self.asked if is_waiting else None

    @property
    def limits(self) -> PlanSettings | None:
        """What the plan on the bench was asked to keep to; None where nobody asked for anything."""
        return self.settings if self.wishes else None

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
            self.words.names(duo) if self.worth.unsaid.isdisjoint(duo) else "two people"
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

    def called(self, name: str) -> list[Participant]:
        """Return the people whose name has these letters in it, a handful at most."""
        wanted = name.casefold()
        found = (person for person in self.people if wanted in person.name.casefold())
        return list(islice(found, PEOPLE_FOUND)) if wanted else []

    @property
    def is_large(self) -> bool:
        """Whether so many take part that a list to choose from is of no use."""
        return len(self.people) > LISTED
