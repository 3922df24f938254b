"""Asks for a plan: what it should be like, how it comes along, and when to stop."""

from dataclasses import replace

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import ChangedMeanwhile, db, transaction
from asyncnet.events.actions.closing import change_closing
from asyncnet.events.model import Event
from asyncnet.matches.bench import queries
from asyncnet.matches.bench.actions import asking
from asyncnet.matches.bench.actions.asking import CannotAsk
from asyncnet.matches.bench.forms import SuggestForm
from asyncnet.matches.bench.model import PlanOrigin
from asyncnet.matches.bench.views.place import pages
from asyncnet.matches.bench.wording import why_none
from asyncnet.matches.rules import PlanSettings
from asyncnet.web.access import (
    Role,
    actor,
    current_organizer,
    kept_from_me,
    organized_event,
    requires,
)
from asyncnet.web.forms import ButtonForm, number


@pages.get("/events/<int:event_id>/plan/progress")
@requires(Role.ORGANIZER)
def progress(event_id: int) -> ResponseReturnValue:
    """Show how the plan that was last asked for is coming along."""
    event = organized_event(event_id)
    asked = queries.newest_asked_for(db.session(), event.id)
    return render_template(
        "matches/bench/progress.html",
        event=event,
        asked=asked,
        why_none=why_none(asked, kept_from_me(event)) if asked else "",
        now=utc_now(),
    )


@pages.route("/events/<int:event_id>/plan/suggest", methods=["GET", "POST"])
@requires(Role.ORGANIZER)
def suggest(event_id: int) -> ResponseReturnValue:
    """Say what a plan should be like, and have it solved."""
    event = organized_event(event_id)
    wanted = PlanSettings.of_data(queries.wishes_of(db.session(), event.id))
    wanted = replace(wanted, repeat=wanted.repeat or "repeat" in request.args)
    form = SuggestForm() if request.method == "POST" else SuggestForm.about(event, wanted)
    form.fit(event)
    if not form.accepted():
        return render_template("matches/bench/suggest.html", event=event, form=form)
    try:
        return _ask(event, PlanOrigin.SUGGESTED, form.settings(), form)
    except CannotAsk as error:
        flash(str(error), "bad")
        return render_template("matches/bench/suggest.html", event=event, form=form), 409
    except ChangedMeanwhile:
        db.session.refresh(event)
        form.closing_now(event.closing_minutes)
        form.closing_minutes.errors = [
            f"Somebody else changed this meanwhile, to {event.closing_minutes}. Nothing was done "
            "yet; press the button once more to let yours stand."
        ]
        return render_template("matches/bench/suggest.html", event=event, form=form), 409


@pages.post("/events/<int:event_id>/plan/repair")
@requires(Role.ORGANIZER)
def repair(event_id: int) -> ResponseReturnValue:
    """Have the coming rounds mended, with as few changes as can be."""
    event = organized_event(event_id)
    if not ButtonForm().accepted():
        abort(400)
    wanted = PlanSettings.of_data(queries.wishes_of(db.session(), event.id))
    try:
        return _ask(event, PlanOrigin.REPAIRED, wanted)
    except CannotAsk as error:
        flash(str(error), "bad")
        return redirect(url_for("matches.plan", event_id=event.id))


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


def _ask(
    event: Event, origin: PlanOrigin, wanted: PlanSettings, form: SuggestForm | None = None
) -> ResponseReturnValue:
    person_id = current_organizer().id
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
    return redirect(url_for("matches.plan", event_id=event.id))
