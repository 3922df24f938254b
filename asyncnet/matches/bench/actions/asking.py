"""Asks the worker for a plan, and tells it to stop."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.database import wake
from asyncnet.events.model import Event, Participant
from asyncnet.matches.bench.model import Bench, Plan, PlanOrigin, PlanState
from asyncnet.matches.bench.queries import first_open_round
from asyncnet.matches.rules import PlanSettings

QUEUE = "plans"


class CannotAsk(Exception):
    """Nothing can be solved now; the message says why and what to do."""


def ask(
    session: Session,
    event: Event,
    origin: PlanOrigin,
    settings: PlanSettings,
    *,
    person_id: int,
    actor: Actor,
    now: datetime,
) -> Plan:
    """Return the plan that a worker solves next; asked for twice, the one that is being solved.

    A suggestion keeps the pins of what lies on the bench. A repair starts from it and changes
    coming rounds only. Raises CannotAsk.
    """
    on_bench = bench_of(session, event.id)
    running = session.scalar(
        select(Plan).where(Plan.event_id == event.id, Plan.state == PlanState.SOLVING)
    )
    if running is not None:
        if (running.origin, PlanSettings.of_data(running.settings)) != (origin, settings):
            raise CannotAsk(
                "A plan is being worked out already, and by other wishes. Wait for it, or stop it "
                "on the page of the plan; then ask again."
            )
        record(session, actor, "plan.asked", f"plan:{running.id}", now=now, detail="again")
        return running
    _refuse(session, event, origin, now=now)
    plan = Plan(
        event_id=event.id,
        based_on_id=on_bench.plan_id,
        origin=origin,
        state=PlanState.SOLVING,
        settings=asdict(settings),
        wake_at=now,
        created_by_id=person_id,
        created_at=now,
    )
    session.add(plan)
    session.flush()
    record(session, actor, "plan.asked", f"plan:{plan.id}", now=now, detail=origin.value)
    wake(session, QUEUE)
    return plan


def stop(session: Session, plan: Plan, *, actor: Actor, now: datetime) -> None:
    """Have the worker end this solve and keep the best plan that it has found so far."""
    session.execute(
        update(Plan)
        .where(Plan.id == plan.id, Plan.state == PlanState.SOLVING)
        .values(stop_asked_at=now)
    )
    record(session, actor, "plan.stopped", f"plan:{plan.id}", now=now)


def bench_of(session: Session, event_id: int) -> Bench:
    """Return an event's bench, held until the end of the transaction."""
    session.execute(select(Event.id).where(Event.id == event_id).with_for_update())
    found = session.get(Bench, event_id, populate_existing=True)
    if found is None:
        found = Bench(event_id=event_id)
        session.add(found)
        session.flush()
    return found


def _refuse(session: Session, event: Event, origin: PlanOrigin, *, now: datetime) -> None:
    begun = first_open_round(event, now) > 1
    if origin is PlanOrigin.SUGGESTED and begun:
        raise CannotAsk(
            "The first round has begun, so a whole new plan would pull people out of their talks. "
            "Mend the coming rounds instead."
        )
    if first_open_round(event, now) > len(event.rounds):
        raise CannotAsk("The last round has begun: there is no coming round to plan.")
    people = session.scalar(
        select(func.count()).where(
            Participant.event_id == event.id,
            Participant.left_at.is_(None),
            Participant.away_from_at.is_(None),
        )
    )
    if (people or 0) < 2:
        raise CannotAsk("A plan needs at least two people who take part.")
