"""Edits the plan on the bench, goes back and forth among plans, and clears them away."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.database import ChangedMeanwhile, NotFound
from asyncnet.events.model import Event
from asyncnet.matches.actions import keep_apart, let_meet, overrule
from asyncnet.matches.bench import queries
from asyncnet.matches.bench.actions.asking import bench_of
from asyncnet.matches.bench.edits import Act, Edit, edited
from asyncnet.matches.bench.model import Bench, Plan, PlanOrigin, PlanState
from asyncnet.matches.bench.worth import Worth

PLANS_KEPT = 100
"""How many plans of an event can be gone back to; older ones are cleared away."""


class NothingThere(Exception):
    """There is no step back, or forth."""


def edit(
    session: Session,
    event: Event,
    wanted: Edit,
    worth: Worth,
    *,
    seen: int,
    person_id: int,
    actor: Actor,
    now: datetime,
) -> Plan:
    """Return the plan that an edit makes of the one on the bench, and lay it there instead.

    `seen` is the id of the plan that the organizer saw, 0 for the published matches. Raises
    ChangedMeanwhile, CannotEdit, and NotFound for somebody of another event.
    """
    if wanted.one not in worth.people or wanted.other not in worth.people:
        raise NotFound
    bench = _unchanged(session, event.id, seen)
    before = queries.current_of(session, event.id)
    after = edited(queries.draft_on(session, event, worth, before), wanted, worth)
    known = dict(after.ideals)
    for person in (wanted.one, wanted.other):
        if known and person not in known:
            known[person] = worth.ideal(person)
    after = replace(after, ideals=known)
    plan = Plan(
        event_id=event.id,
        based_on_id=bench.plan_id,
        origin=PlanOrigin.EDITED,
        state=PlanState.READY,
        settings=before.settings if before else queries.published_settings(session, event.id),
        edit=wanted.as_data(),
        content=after.as_data(),
        value=after.value(),
        bound=before.bound if before else None,
        min_share=min(after.shares().values(), default=None),
        created_by_id=person_id,
        created_at=now,
        finished_at=now,
    )
    session.add(plan)
    session.flush()
    bench.plan_id = plan.id
    _keep_apart(session, plan, undone=False, now=now)
    _clear_old(session, event.id)
    record(session, actor, f"plan.{wanted.act}", f"plan:{plan.id}", now=now)
    return plan


def undo(session: Session, event: Event, *, seen: int, actor: Actor, now: datetime) -> None:
    """Lay the plan on the bench that the present one was made from.

    Raises ChangedMeanwhile, and NothingThere when the published matches lie there already.
    """
    bench = _unchanged(session, event.id, seen)
    plan = queries.current_of(session, event.id)
    if plan is None:
        raise NothingThere
    bench.plan_id = plan.based_on_id
    _keep_apart(session, plan, undone=True, now=now)
    record(session, actor, "plan.undone", f"plan:{plan.id}", now=now)


def redo(session: Session, event: Event, *, seen: int, actor: Actor, now: datetime) -> None:
    """Lay the newest plan on the bench that was made from the present one.

    Raises ChangedMeanwhile, and NothingThere when there is none.
    """
    bench = _unchanged(session, event.id, seen)
    plan = queries.undone_from(session, event.id, bench.plan_id)
    if plan is None:
        raise NothingThere
    bench.plan_id = plan.id
    _keep_apart(session, plan, undone=False, now=now)
    record(session, actor, "plan.redone", f"plan:{plan.id}", now=now)


def lay(
    session: Session, event: Event, *, plan_id: int, seen: int, actor: Actor, now: datetime
) -> None:
    """Lay any earlier plan on the bench, or with 0 none: the published matches.

    Raises ChangedMeanwhile and NotFound.
    """
    plan = queries.plan_in(session, event.id, plan_id) if plan_id else None
    bench = _unchanged(session, event.id, seen)
    bench.plan_id = plan.id if plan else None
    record(session, actor, "plan.chosen", f"plan:{plan.id if plan else 0}", now=now)


def forget_plans(session: Session, *, now: datetime) -> int:
    """Remove all plans of the events whose promised day has come; return how many."""
    due = [
        event.id
        for event in session.scalars(select(Event).where(Event.ends_at <= now))
        if event.removed_at <= now
    ]
    return len(session.scalars(delete(Plan).where(Plan.event_id.in_(due)).returning(Plan.id)).all())


def _keep_apart(session: Session, plan: Plan, *, undone: bool, now: datetime) -> None:
    """Keep two people apart from now on, or no longer, if that is what an edit is about.

    The edit keeps what it changed in fact: undone, it takes back that, and nothing that somebody
    said before. One from before that was kept is taken to have changed what it is about.
    """
    act, by_id = plan.edit.get("act"), plan.created_by_id
    if act not in (Act.FORBID, Act.ALLOW):
        return
    who = (plan.edit["one"], plan.edit["other"])
    if act == Act.FORBID and not undone:
        said = keep_apart(session, plan.event_id, who, by_id=by_id, now=now)
        plan.edit = {**plan.edit, "said": said}
    elif act == Act.FORBID and plan.edit.get("said", True):
        let_meet(session, who, by_id=by_id)
    elif act == Act.ALLOW and not undone:
        plan.edit = {**plan.edit, "unsaid": overrule(session, who)}
    elif act == Act.ALLOW:
        for organizer_id in plan.edit.get("unsaid", [by_id]):
            keep_apart(session, plan.event_id, who, by_id=organizer_id, now=now)


def _unchanged(session: Session, event_id: int, seen: int) -> Bench:
    bench = bench_of(session, event_id)
    if (bench.plan_id or 0) != seen:
        raise ChangedMeanwhile
    return bench


def _clear_old(session: Session, event_id: int) -> None:
    kept = (
        select(Plan.id)
        .where(Plan.event_id == event_id)
        .order_by(Plan.id.desc())
        .limit(PLANS_KEPT)
        .subquery()
    )
    session.execute(
        delete(Plan).where(
            Plan.event_id == event_id,
            Plan.published_at.is_(None),
            Plan.state != PlanState.SOLVING,
            Plan.id.not_in(select(kept.c.id)),
        )
    )
