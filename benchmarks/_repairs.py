"""What a repair changed for whom, beside the published plan: for tests and benchmarks."""

from collections.abc import Iterator
from dataclasses import dataclass

from asyncnet.matching.measures import Plan, Scored, measure, sitting_out
from asyncnet.matching.problem import Problem
from asyncnet.matching.weights import score


@dataclass(frozen=True)
class Change:
    """One person whose meetings in one round (0 in an asynchronous event) are not as published.

    All people are numbered as in the changed event. `lost` are partners they no longer meet,
    those who left the event not among them.
    """

    person: int
    round: int
    lost: tuple[int, ...]
    gained: tuple[int, ...]
    forced: bool


@dataclass(frozen=True)
class Account:
    """The mended plan, whom it concerns, and what it is worth beside the published one.

    `sitting_out` has who meets nobody in an open round, with its number.
    """

    plan: Plan
    changes: tuple[Change, ...]
    sitting_out: tuple[tuple[int, int], ...]
    value: float
    value_before: float

    @property
    def forced(self) -> int:
        """How often a person lost a partner because that partner left."""
        return sum(change.forced for change in self.changes)

    @property
    def moved(self) -> int:
        """How often a person no longer meets somebody whom they were to meet."""
        return sum(bool(change.forced or change.lost) for change in self.changes)


def account_of(
    before: Problem, plan: Plan, after: Problem, found: Scored, first_open_round: int
) -> Account:
    """Return what came of `repair`, called with the same events, plan and round."""
    return Account(
        plan=found.plan,
        changes=tuple(_changes(before, plan, after, found.plan, first_open_round)),
        sitting_out=tuple(
            (i, number)
            for number in range(max(1, first_open_round), after.rounds + 1)
            for i in sitting_out(after, found.plan, number)
        ),
        value=measure(after, found.scores, found.plan).total,
        value_before=measure(before, score(before), plan).total,
    )


def _changes(
    before: Problem, plan: Plan, after: Problem, mended: Plan, first_open_round: int
) -> Iterator[Change]:
    """Yield who meets others than published, in the open rounds."""
    number_of = {someone.id: i for i, someone in enumerate(after.people)}
    old_rounds = plan.rounds if before.mixed else (plan.pairs,)
    new_rounds = mended.rounds if after.mixed else (mended.pairs,)
    for number, (old, new) in enumerate(zip(old_rounds, new_rounds, strict=False), 1):
        if before.mixed and number < first_open_round:
            continue
        partners: dict[int, set[str]] = {}
        for meeting in old:
            for i in meeting:
                names = {before.people[j].id for j in meeting if j != i}
                partners.setdefault(i, set()).update(names)
        now: dict[int, set[int]] = {}
        for meeting in new:
            for i in meeting:
                now.setdefault(i, set()).update(j for j in meeting if j != i)
        for old_number, someone in enumerate(before.people):
            if someone.id not in number_of:
                continue
            person = number_of[someone.id]
            had = partners.get(old_number, set())
            still = {number_of[name] for name in had if name in number_of}
            has = now.get(person, set())
            forced = len(still) < len(had)
            if forced or still != has:
                yield Change(
                    person=person,
                    round=number if before.mixed else 0,
                    lost=tuple(sorted(still - has)),
                    gained=tuple(sorted(has - still)),
                    forced=forced,
                )
