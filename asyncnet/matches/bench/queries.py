"""Reads the bench: which plan lies on it, what became of others, and the published matches."""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, undefer

from asyncnet.database import there
from asyncnet.events.model import Event
from asyncnet.matches.bench.draft import Change, Draft, Facts, Meeting, Who, meeting_of
from asyncnet.matches.bench.model import Bench, Plan, PlanState
from asyncnet.matches.bench.worth import Worth
from asyncnet.matches.instance import instance_of
from asyncnet.matches.model import Forbid, Group, GroupMember, Match, MatchState
from asyncnet.matches.rules import PlanSettings

PLANS_LISTED = 30


def current_of(session: Session, event_id: int) -> Plan | None:
    """Return the plan that the organizers are working on, or None for the published matches."""
    return session.scalar(
        select(Plan)
        .join(Bench, Bench.plan_id == Plan.id)
        .where(Bench.event_id == event_id)
        .options(undefer(Plan.content))
    )


def plan_in(session: Session, event_id: int, plan_id: int) -> Plan:
    """Return one ready plan of an event with its content. Raises NotFound."""
    return there(
        session.scalar(
            select(Plan)
            .where(Plan.id == plan_id, Plan.event_id == event_id, Plan.state == PlanState.READY)
            .options(undefer(Plan.content))
        )
    )


def is_published(session: Session, event_id: int, plan_id: int) -> bool:
    """Return whether this plan of an event was published; 0 is what people see now."""
    found = session.scalar(
        select(Plan.id).where(
            Plan.id == plan_id, Plan.event_id == event_id, Plan.published_at.is_not(None)
        )
    )
    return plan_id == 0 or found is not None


def newest_asked_for(session: Session, event_id: int) -> Plan | None:
    """Return the plan that was last asked of the solver, however far it has come."""
    return session.scalar(
        select(Plan)
        .where(Plan.event_id == event_id, Plan.started_at.is_not(None) | Plan.wake_at.is_not(None))
        .order_by(Plan.id.desc())
        .limit(1)
    )


def undone_from(session: Session, event_id: int, plan_id: int | None) -> Plan | None:
    """Return the newest ready plan made from another one: where redoing leads."""
    made_from = Plan.based_on_id.is_(None) if plan_id is None else Plan.based_on_id == plan_id
    return session.scalar(
        select(Plan)
        .where(
            Plan.event_id == event_id,
            made_from,
            Plan.state == PlanState.READY,
            Plan.published_at.is_(None),
        )
        .order_by(Plan.id.desc())
        .limit(1)
    )


def plans_of(session: Session, event_id: int) -> Sequence[Plan]:
    """Return the newest ready plans of an event without their content, newest first."""
    return session.scalars(
        select(Plan)
        .where(Plan.event_id == event_id, Plan.state == PlanState.READY)
        .order_by(Plan.id.desc())
        .limit(PLANS_LISTED)
    ).all()


def last_published(session: Session, event_id: int) -> Plan | None:
    """Return the plan that was published last, with its content, if any was."""
    return session.scalar(
        select(Plan)
        .where(Plan.event_id == event_id, Plan.published_at.is_not(None))
        .order_by(Plan.published_at.desc(), Plan.id.desc())
        .limit(1)
        .options(undefer(Plan.content))
    )


def wishes_of(session: Session, event_id: int) -> dict[str, Any]:
    """Return what the plan on the bench was to be like, as `Plan.settings` has it.

    Without one it is what people see that counts, else what was last asked for; empty where
    nobody asked for anything.
    """
    on_bench = session.scalar(
        select(Plan).join(Bench, Bench.plan_id == Plan.id).where(Bench.event_id == event_id)
    )
    if on_bench is not None:
        return on_bench.settings
    asked = newest_asked_for(session, event_id)
    return published_settings(session, event_id) or (asked.settings if asked else {})


def told_of(session: Session, plan_id: int) -> list[Change]:
    """Return what people were told has changed when a plan was published; nothing where no plan
    is known any more."""
    told = session.scalar(select(Plan.told).where(Plan.id == plan_id))
    return [Change.of_data(data) for data in told or ()]


def published_settings(session: Session, event_id: int) -> dict[str, Any]:
    """Return what was asked of the plan that people see, as `Plan.settings` has it; empty where
    nobody asked for anything."""
    asked = session.scalar(
        select(Plan.settings)
        .where(Plan.event_id == event_id, Plan.published_at.is_not(None))
        .order_by(Plan.published_at.desc(), Plan.id.desc())
        .limit(1)
    )
    return asked or {}


def first_open_round(event: Event, now: datetime) -> int:
    """Return the number of the first round that has not begun; one more than the last if none."""
    moment = min(now, event.paused_at) if event.paused_at else now
    coming = [slot.number for slot in event.rounds if slot.starts_at > moment]
    return min(coming, default=len(event.rounds) + 1)


def worth_of(
    session: Session, event: Event, plan: Plan | None, *, unsaid: Set[int] = frozenset()
) -> Worth:
    """Return what the people of an event are worth to each other, by the settings of a plan."""
    settings = PlanSettings.of_data(plan.settings if plan else {})
    return Worth(instance_of(session, event, settings, with_left=True), unsaid=unsaid)


def draft_on(session: Session, event: Event, worth: Worth, plan: Plan | None) -> Draft:
    """Return what lies on the bench: a plan, or the published matches."""
    if plan is not None:
        return Draft.of_data(plan.content)
    published = last_published(session, event.id)
    known = Draft.of_data(published.content) if published else None
    return rows_as_draft(session, event, worth, known=known)


def rows_as_draft(
    session: Session,
    event: Event,
    facts: Facts,
    *,
    known: Draft | None = None,
) -> Draft:
    """Return the published matches and groups of an event as a draft.

    `known` is a plan from which the points of the same meetings and everybody's ideal are taken.
    """
    points = {meeting.who: meeting for _, meeting in known.meetings()} if known else {}
    numbers = {slot.id: slot.number for slot in event.rounds}
    rounds: list[list[Meeting]] = [[] for _ in event.rounds]
    for round_id, who, pinned in _meetings(session, event.id):
        same = points.get(who)
        meeting = (
            Meeting(who, same.points, pinned) if same else meeting_of(who, facts, pinned=pinned)
        )
        rounds[numbers[round_id] - 1].append(meeting)
    return Draft(
        rounds=tuple(tuple(sorted(found, key=lambda m: m.who)) for found in rounds),
        groups=_groups(session, event.id),
        ideals=known.ideals if known else {},
    )


def _meetings(session: Session, event_id: int) -> list[tuple[int, Who, bool]]:
    """Return round, people and pin of every meeting: matches that share a room are a trio.

    Of ids alone: the people of ten thousand matches take a second to be read.
    """
    found = session.execute(
        select(Match.round_id, Match.first_id, Match.second_id, Match.room, Match.pinned)
        .where(Match.event_id == event_id, Match.state == MatchState.PUBLISHED)
        .order_by(Match.round_id, Match.id)
    ).all()
    rooms: defaultdict[tuple[int, int], list[Any]] = defaultdict(list)
    single: list[Any] = []
    for match in found:
        if match.room is None:
            single.append(match)
        else:
            rooms[match.round_id, match.room].append(match)
    meetings = []
    for (round_id, _), inside in rooms.items():
        people = {i for match in inside for i in (match.first_id, match.second_id)}
        if len(inside) == 3 == len(people):
            meetings.append((round_id, tuple(sorted(people)), False))
        else:
            single.extend(inside)
    meetings += [(m.round_id, (m.first_id, m.second_id), m.pinned) for m in single]
    return meetings


def _groups(session: Session, event_id: int) -> tuple[Who, ...]:
    rows = session.execute(
        select(Group.id, GroupMember.participant_id)
        .join(GroupMember, GroupMember.group_id == Group.id)
        .where(Group.event_id == event_id)
        .order_by(Group.number, Group.id, GroupMember.participant_id)
    )
    members: defaultdict[int, list[int]] = defaultdict(list)
    for group_id, participant_id in rows:
        members[group_id].append(participant_id)
    return tuple(map(tuple, members.values()))


def rows_by_pair(session: Session, event_id: int) -> Mapping[Who, Match]:
    """Return every match that an event has ever had, withdrawn ones too, by its two people."""
    rows = session.scalars(select(Match).where(Match.event_id == event_id))
    return {(match.first_id, match.second_id): match for match in rows}


def kept_apart_from(
    session: Session, participant_id: int, *, unsaid: Set[int] = frozenset()
) -> Mapping[int, bool]:
    """Return the ids of those who are kept apart from a participant, and whether one of the two
    wants it; else organizers alone do. Who is uneasy about one of the `unsaid` is left out."""
    rows = session.scalars(
        select(Forbid).where(
            or_(Forbid.first_id == participant_id, Forbid.second_id == participant_id)
        )
    )
    found: dict[int, bool] = {}
    for row in rows:
        other = row.second_id if row.first_id == participant_id else row.first_id
        if row.uneasy_id is not None and row.first_id + row.second_id - row.uneasy_id in unsaid:
            continue
        found[other] = found.get(other, False) or row.uneasy_id is not None
    return dict(sorted(found.items()))
