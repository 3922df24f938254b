"""Shows two plans beside each other."""

from flask import render_template
from flask.typing import ResponseReturnValue

from asyncnet.matches.bench import queries
from asyncnet.matches.bench.comparing import compared
from asyncnet.matches.bench.desk import Desk
from asyncnet.matches.bench.draft import Draft
from asyncnet.matches.bench.model import Plan
from asyncnet.matches.bench.views.place import desk_of, id_in_address, pages
from asyncnet.matches.bench.worth import costs
from asyncnet.web.access import (
    Role,
    organized_event,
    requires,
)


@pages.get("/events/<int:event_id>/plan/compare")
@requires(Role.ORGANIZER)
def compare(event_id: int) -> ResponseReturnValue:
    """Show what changes for whom between two plans."""
    event = organized_event(event_id)
    desk = desk_of(event)
    known = [plan.id for plan in desk.plans]
    first = id_in_address("one", 0)
    second = id_in_address("other", desk.seen or (known[0] if known else 0))
    sides = [_side(desk, plan_id) for plan_id in (first, second)]
    before, after = sides[0][1], sides[1][1]
    return render_template(
        "matches/bench/compare.html",
        event=event,
        desk=desk,
        first=first,
        second=second,
        plans=[plan for plan, _ in sides],
        drafts=[draft for _, draft in sides],
        found=compared(before, after),
        costs=[cost for cost in costs(before, after) if cost.points],
    )


def _side(desk: Desk, plan_id: int) -> tuple[Plan | None, Draft]:
    """Return one of the plans to compare; 0 is what people see now."""
    if not plan_id:
        return None, queries.rows_as_draft(desk.session, desk.event, desk.worth, known=desk.draft)
    plan = queries.plan_in(desk.session, desk.event.id, plan_id)
    return plan, Draft.of_data(plan.content)
