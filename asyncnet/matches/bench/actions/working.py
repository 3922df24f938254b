"""What the worker does to a plan: claim it, say how it goes, settle it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from asyncnet.audit.actions import SYSTEM, record
from asyncnet.events.model import Event
from asyncnet.events.rules import Attendance
from asyncnet.leases import LEASE, Claim, ClaimLost, claimed, is_held, take, used_up
from asyncnet.matches.bench import queries
from asyncnet.matches.bench.actions.asking import bench_of
from asyncnet.matches.bench.draft import Draft, Meeting
from asyncnet.matches.bench.job import Job
from asyncnet.matches.bench.model import Plan, PlanOrigin, PlanState
from asyncnet.matches.bench.worth import Worth
from asyncnet.matches.instance import Instance, instance_of
from asyncnet.matches.rules import PlanSettings
from asyncnet.matches.seating import regrouped
from asyncnet.matching.problem import Pair, Pin, Problem, pair

GAVE_UP = (
    "The solver was started three times and never came back; the fault is ours. Try a smaller "
    "event or fewer rounds, or pair by hand."
)
SECONDS_FOR = ((1_000, 60.0), (3_000, 120.0), (10_000, 300.0))
"""How long a solve may take at most, for up to so many people."""


@dataclass(frozen=True)
class Ordered:
    """A job with what its answer is read by: the participants' ids in the problem's order."""

    job: Job
    ids: Sequence[int]


def claim_next(session: Session, *, now: datetime) -> Claim:
    """Take the plan that has waited longest. Raises NothingWaiting."""
    solving = Plan.state == PlanState.SOLVING
    plan = take(session, Plan, solving, now=now, started_at=now, phase="starting")
    return Claim(plan.id, plan.attempts)


def give_up(session: Session, *, now: datetime) -> None:
    """Let plans fail that have used up their tries without a word (CHECKLIST F16)."""
    given_up = session.scalars(
        update(Plan)
        .where(used_up(Plan, now), Plan.state == PlanState.SOLVING)
        .values(state=PlanState.FAILED, reason=GAVE_UP, wake_at=None, finished_at=now)
        .returning(Plan.id)
    ).all()
    for plan_id in given_up:
        record(session, SYSTEM, "plan.failed", f"plan:{plan_id}", now=now)


def job_of(session: Session, claim: Claim, *, now: datetime) -> Ordered:
    """Return what a claimed plan asks of the solver. Raises ClaimLost."""
    plan = _claimed(session, claim)
    event = plan.event
    wanted = PlanSettings.of_data(plan.settings)
    after = instance_of(session, event, wanted)
    base = _base(session, plan, after)
    order = Job(
        problem=after.problem,
        floor=wanted.floor,
        time_limit=_seconds_for(len(after.people)),
        windows=len(event.rounds),
        at=_windows(base, after),
        first_open_round=queries.first_open_round(event, now),
    )
    if plan.origin is PlanOrigin.REPAIRED:
        before = instance_of(session, event, wanted, with_left=True)
        order = _mending(order, base, before, after, most_viewings=wanted.most_viewings)
    elif plan.based_on_id is not None:
        order = replace(order, problem=replace(after.problem, pins=_pins(base, after)))
    return Ordered(order, [person.id for person in after.people])


def note(
    session: Session,
    claim: Claim,
    *,
    phase: str | None,
    value: float | None,
    bound: float | None,
    now: datetime,
) -> bool:
    """Say how a solve goes and renew its claim; return whether it is asked to stop.

    Raises ClaimLost.
    """
    known = {"phase": phase, "value": value, "bound": bound}
    told = {name: word for name, word in known.items() if word is not None}
    row = session.execute(
        update(Plan)
        .where(is_held(Plan, claim), Plan.state == PlanState.SOLVING)
        .values(wake_at=now + LEASE, **told)
        .returning(Plan.stop_asked_at)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if row is None:
        raise ClaimLost
    return row.stop_asked_at is not None


def settle(
    session: Session, claim: Claim, ids: Sequence[int], found: Mapping[str, Any], *, now: datetime
) -> None:
    """Keep the plan that was found, and lay it on the bench if nobody changed that meanwhile.

    Raises ClaimLost.
    """
    plan = _claimed(session, claim)
    event = plan.event
    draft = _draft(session, plan, ids, found["plan"], now=now)
    plan.content = draft.as_data()
    plan.value = draft.value()
    plan.bound = found["bound"]
    plan.min_share = min(draft.shares().values(), default=None)
    plan.state = PlanState.READY
    plan.wake_at = None
    plan.finished_at = now
    bench = bench_of(session, event.id)
    if bench.plan_id == plan.based_on_id:
        bench.plan_id = plan.id
    record(session, SYSTEM, "plan.ready", f"plan:{plan.id}", now=now)


def fail(
    session: Session, claim: Claim, reason: str, *, apart: list[list[int]], now: datetime
) -> None:
    """Say why there is no plan, and who is thereby told to be kept apart. Raises ClaimLost."""
    plan = _claimed(session, claim)
    plan.state = PlanState.FAILED
    plan.reason = reason[:500]
    plan.apart = apart
    plan.wake_at = None
    plan.finished_at = now
    record(session, SYSTEM, "plan.failed", f"plan:{plan.id}", now=now)


def hand_back(session: Session, claim: Claim, *, now: datetime) -> None:
    """Let another worker begin anew, the try not counted. Raises ClaimLost."""
    plan = _claimed(session, claim)
    plan.attempts -= 1
    plan.wake_at = now


def _claimed(session: Session, claim: Claim) -> Plan:
    return claimed(session, Plan, claim, Plan.state == PlanState.SOLVING)


def _seconds_for(people: int) -> float:
    return next((seconds for most, seconds in SECONDS_FOR if people <= most), SECONDS_FOR[-1][1])


def _base(session: Session, plan: Plan, instance: Instance) -> Draft:
    """Return the plan that this one starts from, else what is published."""
    if plan.based_on_id is not None:
        based_on = queries.plan_in(session, plan.event_id, plan.based_on_id)
        return Draft.of_data(based_on.content)
    return queries.rows_as_draft(session, plan.event, Worth(instance))


def _pins(base: Draft, instance: Instance) -> tuple[Pin, ...]:
    numbers, mixed = instance.number_of, instance.problem.mixed
    return tuple(
        Pin(*pair(numbers[meeting.who[0]], numbers[meeting.who[1]]), number if mixed else 0)
        for number, meeting in base.meetings()
        if meeting.pinned and all(person in numbers for person in meeting.who)
    )


def _windows(base: Draft, instance: Instance) -> dict[Pair, int]:
    numbers = instance.number_of
    return {
        pair(numbers[one], numbers[other]): number
        for number, meeting in base.meetings()
        for one, other in meeting.pairs()
        if one in numbers and other in numbers
    }


def _mending(
    order: Job, base: Draft, before: Instance, after: Instance, *, most_viewings: int
) -> Job:
    """Return the job of changing as little as can be of a plan.

    `before` has everybody who was ever in the event, `after` who is there now. What is published
    already may exceed the limits that a new plan keeps to; they are widened, so that nobody loses
    a match by them.
    """
    numbers = before.number_of
    seats: Counter[int] = Counter()
    viewers: Counter[tuple[int, int]] = Counter()
    viewings: Counter[int] = Counter()
    for number, meeting in base.meetings():
        seats.update(meeting.who)
        viewers.update((person, number) for person in meeting.who)
        if any(not _is_live(before, i) for i in meeting.who):
            viewings.update(i for i in meeting.who if _is_live(before, i))
    at_once: Counter[int] = Counter()
    for (person, _), count in viewers.items():
        at_once[person] = max(at_once[person], count)

    def widened(instance: Instance, less: Counter[int]) -> Problem:
        people = tuple(
            replace(
                someone,
                k=max(someone.k, seats[person.id]) - less[person.id],
                per_round=max(someone.per_round, at_once[person.id]),
                promise=0,
            )
            if someone.is_async
            else someone
            for someone, person in zip(instance.problem.people, instance.people, strict=True)
        )
        most = max([most_viewings, *viewings.values()])
        return replace(instance.problem, people=people, max_async_per_live=most, pins=())

    return replace(
        order,
        problem=widened(after, Counter(i for duo in after.watched for i in duo)),
        before=widened(before, Counter()),
        published=tuple(
            tuple(tuple(sorted(numbers[i] for i in m.who if i in numbers)) for m in meetings)
            for meetings in base.rounds
        ),
    )


def _watched(session: Session, event: Event, instance: Instance) -> list[tuple[int, Meeting]]:
    """Return the viewings of people who had to leave, each with the number of its round."""
    if not instance.watched:
        return []
    everybody = Worth(instance_of(session, event, with_left=True))
    published = queries.rows_as_draft(session, event, everybody)
    return [
        (number, meeting)
        for number, meeting in published.meetings()
        if meeting.who in instance.watched
    ]


def _is_live(instance: Instance, person: int) -> bool:
    number = instance.number_of.get(person)
    return number is not None and instance.problem.is_live(number)


def _draft(
    session: Session, plan: Plan, ids: Sequence[int], found: Mapping[str, Any], *, now: datetime
) -> Draft:
    """Return the answer of the solver in participants' ids; rounds that are over stay as they
    were, pins stay pinned, and people who had to leave keep what they may still watch."""
    event = plan.event
    instance = instance_of(session, event, PlanSettings.of_data(plan.settings))
    base = _base(session, plan, instance)
    pinned = {meeting.who for _, meeting in base.meetings() if meeting.pinned}
    rounds = []
    for meetings in found["rounds"]:
        here = []
        for who, points in meetings:
            seats = sorted(zip((ids[i] for i in who), points, strict=True))
            people = tuple(person for person, _ in seats)
            here.append(Meeting(people, tuple(gain for _, gain in seats), people in pinned))
        rounds.append(tuple(sorted(here, key=lambda meeting: meeting.who)))
    groups = [tuple(sorted(ids[i] for i in who)) for who in found["groups"]]
    for number, meeting in _watched(session, event, instance):
        rounds[number - 1] = tuple(
            sorted((*rounds[number - 1], meeting), key=lambda meeting: meeting.who)
        )
    if plan.origin is PlanOrigin.REPAIRED:
        over = queries.first_open_round(event, now) - 1
        rounds[:over] = base.rounds[:over]
        live = [person.id for person in instance.people if person.attendance is Attendance.LIVE]
        apart = Worth(instance).kept_apart_among(live)
        groups = regrouped(base.groups, live, PlanSettings.of_data(plan.settings).group_size, apart)
    ideals = dict(zip(ids, found["ideals"], strict=True))
    return Draft(tuple(rounds), tuple(groups), ideals)
