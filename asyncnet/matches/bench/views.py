"""The curator's bench: ask for plans, look at them person by person, change them, compare."""

from dataclasses import replace

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import ChangedMeanwhile, db, transaction
from asyncnet.events import queries as events
from asyncnet.events.actions.closing import change_closing
from asyncnet.events.model import Event
from asyncnet.events.rules import MentionKind
from asyncnet.matches.bench import queries
from asyncnet.matches.bench.actions import asking, editing
from asyncnet.matches.bench.actions.asking import CannotAsk
from asyncnet.matches.bench.actions.editing import NothingThere
from asyncnet.matches.bench.comparing import compared
from asyncnet.matches.bench.desk import Desk
from asyncnet.matches.bench.draft import Draft, changes
from asyncnet.matches.bench.edits import Act, CannotEdit, Edit, edited
from asyncnet.matches.bench.forms import EditForm, SeenForm, SuggestForm
from asyncnet.matches.bench.limits import breaches_of
from asyncnet.matches.bench.model import Plan, PlanOrigin
from asyncnet.matches.bench.swaps import joins, swaps
from asyncnet.matches.bench.worth import costs
from asyncnet.web.access import (
    LARGEST_ID,
    Role,
    actor,
    current_organizer,
    kept_from_me,
    organized_event,
    requires,
)
from asyncnet.web.forms import ButtonForm, number

pages = Blueprint("bench", __name__)

CHANGED = (
    "Somebody else changed the plan while this page was open, so nothing was done. Below is the "
    "plan as it is now."
)
BESIDE_A_PERSON = (Act.PIN, Act.UNPIN, Act.ALLOW)
"""Edits that the page of a person makes at once: it is shown again."""
SWAPS_SHOWN = 8


@pages.get("/events/<int:event_id>/plan/progress")
@requires(Role.ORGANIZER)
def progress(event_id: int) -> ResponseReturnValue:
    """Show how the plan that was last asked for is coming along."""
    event = organized_event(event_id)
    return render_template(
        "matches/bench/progress.html",
        event=event,
        asked=queries.newest_asked_for(db.session(), event.id),
        now=utc_now(),
    )


@pages.route("/events/<int:event_id>/plan/suggest", methods=["GET", "POST"])
@requires(Role.ORGANIZER)
def suggest(event_id: int) -> ResponseReturnValue:
    """Say what a plan should be like, and have it solved."""
    event = organized_event(event_id)
    desk = Desk(db.session(), event, unsaid=kept_from_me(event), now=utc_now())
    wanted = replace(desk.settings, repeat=desk.settings.repeat or "repeat" in request.args)
    form = SuggestForm() if request.method == "POST" else SuggestForm.about(event, wanted)
    form.fit(event)
    if not form.accepted():
        return render_template("matches/bench/suggest.html", event=event, form=form, desk=desk)
    try:
        return _ask(event, PlanOrigin.SUGGESTED, form)
    except ChangedMeanwhile:
        db.session.refresh(event)
        form.closing_now(event.closing_minutes)
        form.closing_minutes.errors = [
            f"Somebody else changed this meanwhile, to {event.closing_minutes}. Nothing was done "
            "yet; press the button once more to let yours stand."
        ]
        return render_template("matches/bench/suggest.html", event=event, form=form, desk=desk), 409


@pages.post("/events/<int:event_id>/plan/repair")
@requires(Role.ORGANIZER)
def repair(event_id: int) -> ResponseReturnValue:
    """Have the coming rounds mended, with as few changes as can be."""
    event = organized_event(event_id)
    if not ButtonForm().accepted():
        abort(400)
    return _ask(event, PlanOrigin.REPAIRED, None)


@pages.post("/events/<int:event_id>/plan/stop")
@requires(Role.ORGANIZER)
def stop(event_id: int) -> ResponseReturnValue:
    """End the solve that is under way, and keep the best plan so far."""
    event = organized_event(event_id)
    asked = queries.newest_asked_for(db.session(), event.id)
    if not ButtonForm().accepted() or asked is None:
        abort(400)
    with transaction() as session:
        asking.stop(session, asked, actor=actor(), now=utc_now())
    return redirect(url_for("matches.plan", event_id=event.id))


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
    return _step(organized_event(event_id), "undo")


@pages.post("/events/<int:event_id>/plan/redo")
@requires(Role.ORGANIZER)
def redo(event_id: int) -> ResponseReturnValue:
    return _step(organized_event(event_id), "redo")


@pages.post("/events/<int:event_id>/plan/lay")
@requires(Role.ORGANIZER)
def lay(event_id: int) -> ResponseReturnValue:
    """Go back to any earlier plan; 0 is what people see now."""
    return _step(organized_event(event_id), "lay")


@pages.get("/events/<int:event_id>/plan/compare")
@requires(Role.ORGANIZER)
def compare(event_id: int) -> ResponseReturnValue:
    """Show what changes for whom between two plans."""
    event = organized_event(event_id)
    desk = Desk(db.session(), event, unsaid=kept_from_me(event), now=utc_now())
    known = [plan.id for plan in desk.plans]
    first = _id("one", 0)
    second = _id("other", desk.seen or (known[0] if known else 0))
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


@pages.get("/events/<int:event_id>/plan/people/<int:person_id>")
@requires(Role.ORGANIZER)
def person(event_id: int, person_id: int) -> ResponseReturnValue:
    """Show whom somebody meets and how well that suits them, and offer what can be changed."""
    event = organized_event(event_id)
    someone = events.participant_of(db.session(), event.id, person_id)
    desk = Desk(db.session(), event, unsaid=kept_from_me(event), now=utc_now())
    chosen = _id("round", min(desk.first_open, max(1, len(desk.draft.rounds))))
    chosen = min(chosen, max(1, len(desk.draft.rounds)))
    rows = [desk.row(number, meeting) for number, meeting in desk.draft.of(someone.id)]
    possible = (
        swaps(desk.draft, chosen, someone.id, desk.worth, desk.limits) if desk.draft.rounds else []
    )
    mentions = events.mentions_of(db.session(), someone.id)
    named = request.args.get("named", "")[:100]
    listed = desk.called(named) if desk.is_large else desk.people
    return render_template(
        "matches/bench/person.html",
        event=event,
        desk=desk,
        someone=someone,
        chosen=chosen,
        rows=rows,
        share=desk.draft.shares().get(someone.id),
        swaps=possible[:SWAPS_SHOWN],
        named=named,
        near=_id("near", 0),
        others=[p for p in listed if p.id != someone.id],
        may_swap=[swap.other for swap in possible],
        may_join=joins(desk.draft, chosen, someone.id, desk.worth) if desk.draft.rounds else set(),
        kept_apart=desk.worth.kept_apart_from(someone.id),
        avoids=[m for m in mentions if m.kind is MentionKind.AVOID and not desk.worth.unsaid],
        asked_for=[m for m in mentions if m.kind is MentionKind.MEET],
        meant=events.people_meant(db.session(), mentions),
        apart=queries.kept_apart_from(db.session(), someone.id, unsaid=desk.worth.unsaid),
    )


def _ask(event: Event, origin: PlanOrigin, form: SuggestForm | None) -> ResponseReturnValue:
    person_id = current_organizer().id
    wanted = (
        form.settings()
        if form
        else Desk(db.session(), event, unsaid=kept_from_me(event), now=utc_now()).settings
    )
    try:
        with transaction() as session:
            if form and "groups" in form:
                change_closing(
                    session, event, form.minutes(), seen=number(form.closing_seen), now=utc_now()
                )
            asking.ask(
                session,
                event,
                origin,
                wanted,
                person_id=person_id,
                actor=actor(),
                now=utc_now(),
            )
    except CannotAsk as error:
        flash(str(error), "bad")
    return redirect(url_for("matches.plan", event_id=event.id))


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
            gained = Draft.of_data(plan.content).value() - old.value()
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
            person_id=_id("person", 0),
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
    desk = Desk(db.session(), event, unsaid=kept_from_me(event), now=utc_now())
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
        changed=changes(desk.draft, after),
        meanwhile=status == 409,
    ), status


def _step(event: Event, which: str) -> ResponseReturnValue:
    form = SeenForm()
    if not form.accepted():
        abort(400)
    seen = number(form.seen)
    try:
        with transaction() as session:
            if which == "lay":
                wanted = number(form.plan)
                plan = queries.plan_in(session, event.id, wanted) if wanted else None
                editing.lay(session, event, plan, seen=seen, actor=actor(), now=utc_now())
            elif which == "redo":
                editing.redo(session, event, seen=seen, actor=actor(), now=utc_now())
            else:
                editing.undo(session, event, seen=seen, actor=actor(), now=utc_now())
    except ChangedMeanwhile:
        flash(CHANGED, "bad")
    except NothingThere:
        flash("There is no step further in this direction.", "notice")
    shown = _id("round", 1)
    return redirect(
        url_for("matches.plan", event_id=event.id, round=shown, at=which, _anchor="near")
    )


def _side(desk: Desk, plan_id: int) -> tuple[Plan | None, Draft]:
    """Return one of the plans to compare; 0 is what people see now."""
    if not plan_id:
        return None, queries.rows_as_draft(desk.session, desk.event, desk.worth, known=desk.draft)
    plan = queries.plan_in(desk.session, desk.event.id, plan_id)
    return plan, Draft.of_data(plan.content)


def _asked_in_address() -> Edit | None:
    """Return the edit that the address of a page asks about, if it is a whole one."""
    values = {name: _id(name, 0) for name in ("number", "one", "other", "to")}
    act = request.args.get("act", "")
    if act not in set(Act) or not (values["number"] and values["one"] and values["other"]):
        return None
    return Edit(Act(act), **values)


def _id(name: str, otherwise: int) -> int:
    found = request.args.get(name, type=int)
    return found if found is not None and 0 <= found <= LARGEST_ID else otherwise


def _points(gained: float) -> str:
    if not gained:
        return "it costs nothing"
    points = f"{gained:+g} {'point' if abs(gained) == 1 else 'points'}"
    return f"{points} for all together".replace("-", "−")
