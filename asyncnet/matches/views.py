"""The organizer's plan: who meets whom in which round."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.events import queries as events
from asyncnet.events.actions.registering import AlreadyRegistered
from asyncnet.events.forms import ProfileForm
from asyncnet.events.model import Event
from asyncnet.intros import queries as intros
from asyncnet.matches import actions, queries
from asyncnet.matches.actions import CannotPair, HasMatches
from asyncnet.matches.forms import PairForm
from asyncnet.web.access import Role, actor, organized_event, requires
from asyncnet.web.forms import ButtonForm

pages = Blueprint("matches", __name__)


@pages.route("/events/<int:event_id>/plan", methods=["GET", "POST"])
@requires(Role.ORGANIZER)
def plan(event_id: int) -> ResponseReturnValue:
    """Show who meets whom in which round, and pair two more people by hand."""
    event = organized_event(event_id)
    people = events.everyone(db.session(), event.id)
    form = _pair_form(
        event, {person.id: f"{person.name} ({person.attendance})" for person in people}
    )
    if form.accepted():
        try:
            _pair(event, form)
        except CannotPair as error:
            form.other.errors = [str(error)]
        else:
            return redirect(url_for(".plan", event_id=event.id))
    return render_template(
        "matches/plan.html",
        event=event,
        form=form,
        people=people,
        matches=queries.plan_of(db.session(), event.id),
        intros=intros.states_in(db.session(), event.id),
    )


@pages.post("/events/<int:event_id>/plan/publish")
@requires(Role.ORGANIZER)
def publish(event_id: int) -> ResponseReturnValue:
    event = organized_event(event_id)
    if not ButtonForm().accepted():
        abort(400)
    with transaction() as session:
        count = actions.publish(session, event, actor=actor(), now=utc_now())
    flash(
        f"Published: {count} new {'match is' if count == 1 else 'matches are'} on people's "
        "own pages now.",
        "good",
    )
    return redirect(url_for(".plan", event_id=event.id))


@pages.post("/events/<int:event_id>/plan/<int:match_id>/withdraw")
@requires(Role.ORGANIZER)
def withdraw(event_id: int, match_id: int) -> ResponseReturnValue:
    event = organized_event(event_id)
    match = queries.match_in(db.session(), event.id, match_id)
    if not ButtonForm().accepted():
        abort(400)
    with transaction() as session:
        actions.withdraw(session, match, actor=actor(), now=utc_now())
    flash("Taken out of the plan. If a mail about it was waiting, it is cancelled.", "good")
    return redirect(url_for(".plan", event_id=event.id))


@pages.route("/events/<int:event_id>/participants/<int:person_id>", methods=["GET", "POST"])
@requires(Role.ORGANIZER)
def change_participant(event_id: int, person_id: int) -> ResponseReturnValue:
    """Change what is known of a participant; how they take part only while they meet nobody."""
    event = organized_event(event_id)
    participant = events.participant_of(db.session(), event.id, person_id)
    form = ProfileForm() if request.method == "POST" else ProfileForm.about(participant)
    status = 200
    if form.accepted():
        try:
            with transaction() as session:
                actions.change_participant(
                    session, participant, form.profile(), actor=actor(), now=utc_now()
                )
        except AlreadyRegistered:
            form.email.errors = ["Somebody else with this address takes part already."]
            status = 409
        except HasMatches as error:
            form.attendance.errors = [str(error)]
            status = 409
        else:
            flash("Saved.", "good")
            return redirect(url_for("events.participants", event_id=event.id))
    return render_template(
        "events/participant.html", form=form, event=event, participant=participant
    ), status


def _pair_form(event: Event, names: dict[int, str]) -> PairForm:
    form = PairForm()
    form.slot.choices = [(slot.id, f"Round {slot.number}") for slot in event.rounds]
    form.one.choices = form.other.choices = [("", "Choose a person"), *names.items()]
    return form


def _pair(event: Event, form: PairForm) -> None:
    with transaction() as session:
        actions.pair(
            session,
            event,
            events.round_of(session, event.id, form.slot.data),
            events.participant_of(session, event.id, form.one.data),
            events.participant_of(session, event.id, form.other.data),
            actor=actor(),
            now=utc_now(),
        )
