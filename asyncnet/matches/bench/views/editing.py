"""Changes the plan on the bench, first as a question; and goes back and forth among plans."""

from collections.abc import Callable
from functools import partial

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import ChangedMeanwhile, db, transaction
from asyncnet.events.model import Event
from asyncnet.matches.bench import queries
from asyncnet.matches.bench.actions import editing
from asyncnet.matches.bench.actions.editing import NothingThere
from asyncnet.matches.bench.comparing import compared
from asyncnet.matches.bench.edits import Act, CannotEdit, Edit, edited
from asyncnet.matches.bench.forms import EditForm, SeenForm
from asyncnet.matches.bench.limits import breaches_of
from asyncnet.matches.bench.views.place import desk_of, id_in_address, pages
from asyncnet.matches.bench.worth import costs
from asyncnet.web.access import (
    Role,
    actor,
    current_organizer,
    kept_from_me,
    organized_event,
    requires,
)
from asyncnet.web.forms import number

CHANGED = (
    "Somebody else changed the plan while this page was open, so nothing was done. Below is the "
    "plan as it is now."
)
STEPS = {
    "undo": "Taken back. Redo, above, makes it again.",
    "redo": "Made again.",
    "lay": "This plan is on the bench now.",
}
BESIDE_A_PERSON = (Act.PIN, Act.UNPIN, Act.ALLOW)
"""Edits that the page of a person makes at once: it is shown again."""


@pages.route("/events/<int:event_id>/plan/edit", methods=["GET", "POST"])
@requires(Role.ORGANIZER)
def edit(event_id: int) -> ResponseReturnValue:
    """Show what an edit would cost and whom; once it is agreed to, make it."""
    event = organized_event(event_id)
    form = EditForm(request.form if request.method == "POST" else request.args)
    if request.method == "POST":
        if not form.accepted():
            abort(400)
        return _edit(event, form.edit(), seen=number(form.seen))
    wanted = _asked_in_address()
    if wanted is None:
        return redirect(url_for("matches.plan", event_id=event.id))
    return _preview(event, wanted)


@pages.post("/events/<int:event_id>/plan/undo")
@requires(Role.ORGANIZER)
def undo(event_id: int) -> ResponseReturnValue:
    """Go back to the plan that this one was made from."""
    return _step(event_id, SeenForm(), editing.undo, at="undo")


@pages.post("/events/<int:event_id>/plan/redo")
@requires(Role.ORGANIZER)
def redo(event_id: int) -> ResponseReturnValue:
    """Go forth to the plan that was last made from this one."""
    return _step(event_id, SeenForm(), editing.redo, at="redo")


@pages.post("/events/<int:event_id>/plan/lay")
@requires(Role.ORGANIZER)
def lay(event_id: int) -> ResponseReturnValue:
    """Go back to any earlier plan; 0 is what people see now."""
    form = SeenForm()
    chosen = partial(editing.lay, plan_id=number(form.plan))
    return _step(event_id, form, chosen, at="lay")


def _edit(event: Event, wanted: Edit, *, seen: int) -> ResponseReturnValue:
    person_id = current_organizer().id
    try:
        with transaction() as session:
            before = queries.current_of(session, event.id)
            worth = queries.worth_of(session, event, before, unsaid=kept_from_me(event))
            old = queries.draft_on(session, event, worth, before)
            plan = editing.edit(
                session,
                event,
                wanted,
                worth,
                seen=seen,
                person_id=person_id,
                actor=actor(),
                now=utc_now(),
            )
            gained = (plan.value or 0) - old.value()
    except ChangedMeanwhile:
        return _preview(event, wanted, status=409)
    except CannotEdit as error:
        flash(str(error), "bad")
    else:
        flash(f"Done: {_points(gained)}. You can undo it.", "good")
    return redirect(_place_of(event, wanted))


def _place_of(event: Event, wanted: Edit) -> str:
    """Return the address where an edit was asked for, so that nobody has to look for it again."""
    if "person" in request.args and wanted.act in BESIDE_A_PERSON:
        return url_for(
            ".person",
            event_id=event.id,
            person_id=id_in_address("person", 0),
            round=wanted.number,
            near=wanted.other,
            _anchor="near",
        )
    return url_for(
        "matches.plan",
        event_id=event.id,
        round=wanted.to if wanted.act is Act.MOVE else wanted.number,
        named=request.args.get("named", "")[:100] or None,
        near=wanted.one,
        at=wanted.act,
        _anchor="near",
    )


def _preview(event: Event, wanted: Edit, *, status: int = 200) -> ResponseReturnValue:
    """Show what an edit of the plan as it is now would do, and to whom."""
    db.session().expire_all()
    desk = desk_of(event)
    refused = ""
    after = desk.draft
    for one in (wanted.one, wanted.other):
        if one not in desk.worth.people:
            abort(404)
    try:
        after = edited(desk.draft, wanted, desk.worth)
    except CannotEdit as error:
        refused = str(error)
    return render_template(
        "matches/bench/edit.html",
        event=event,
        desk=desk,
        edit=wanted,
        refused=refused,
        costs=costs(desk.draft, after),
        gained=after.value() - desk.draft.value(),
        breaches=breaches_of(desk.draft, after, desk.worth, desk.limits),
        found=compared(desk.draft, after),
        meanwhile=status == 409,
    ), status


def _step(
    event_id: int, form: SeenForm, step: Callable[..., None], *, at: str
) -> ResponseReturnValue:
    """Lay another plan on the bench; the page then begins `at` the button for that."""
    event = organized_event(event_id)
    if not form.accepted():
        abort(400)
    try:
        with transaction() as session:
            step(session, event, seen=number(form.seen), actor=actor(), now=utc_now())
    except ChangedMeanwhile:
        flash(CHANGED, "bad")
    except NothingThere:
        flash("There is no step further in this direction.", "notice")
    else:
        flash(STEPS[at], "good")
    shown = id_in_address("round", 1)
    return redirect(url_for("matches.plan", event_id=event.id, round=shown, at=at, _anchor="near"))


def _asked_in_address() -> Edit | None:
    """Return the edit that the address of a page asks about, if it is a whole one."""
    values = {name: id_in_address(name, 0) for name in ("number", "one", "other", "to")}
    act = request.args.get("act", "")
    if act not in set(Act) or not (values["number"] and values["one"] and values["other"]):
        return None
    return Edit(Act(act), **values)


def _points(gained: float) -> str:
    if not gained:
        return "it costs nothing"
    points = f"{gained:+g} {'point' if abs(gained) == 1 else 'points'}"
    return f"{points} for all together".replace("-", "−")
