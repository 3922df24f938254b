"""The closing groups in the organizers' hands: who sits where, their rooms, and a place for all."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.day.forms import MoveForm
from asyncnet.day.zoom import problems_of
from asyncnet.events.model import Event
from asyncnet.events.queries import everyone, participant_of
from asyncnet.events.rules import Attendance
from asyncnet.matches.closing import CannotMove, move
from asyncnet.matches.exports import closing_rooms
from asyncnet.matches.queries import groups_of
from asyncnet.web.access import Role, actor, kept_from_me, organized_event, requires
from asyncnet.web.forms import choices_of

pages = Blueprint("groups", __name__)


@pages.route("/events/<int:event_id>/show/groups", methods=["GET", "POST"])
@requires(Role.ORGANIZER)
def index(event_id: int) -> ResponseReturnValue:
    """Show the closing groups as rooms for Zoom, and move somebody to another one."""
    event = organized_event(event_id)
    form = _form(event)
    if form.accepted():
        who = participant_of(db.session(), event.id, form.who.data)
        try:
            with transaction() as session:
                move(
                    session,
                    event.id,
                    who,
                    form.group.data,
                    unsaid=kept_from_me(event),
                    actor=actor(),
                    now=utc_now(),
                )
        except CannotMove as refusal:
            form.group.errors = [str(refusal)]
        else:
            flash(f"{who.name} sits in group {form.group.data} now, and sees it there.", "good")
            return redirect(url_for(".index", event_id=event.id))
    return _page(event, form), 400 if form.errors else 200


def _form(event: Event) -> MoveForm:
    session = db.session()
    form = MoveForm()
    people = [one for one in everyone(session, event.id) if one.attendance is Attendance.LIVE]
    form.who.choices = choices_of(
        [("", "Choose a person"), *((one.id, one.name) for one in people)]
    )
    numbers = [group.number for group in groups_of(session, event.id)]
    form.group.choices = choices_of([("", "Choose a group"), *((n, f"Group {n}") for n in numbers)])
    return form


def _page(event: Event, form: MoveForm) -> str:
    session = db.session()
    seats = closing_rooms(groups_of(session, event.id))
    seated = {person.id for _, person in seats}
    return render_template(
        "day/groups.html",
        event=event,
        form=form,
        seats=seats,
        without=[
            one
            for one in everyone(session, event.id)
            if one.attendance is Attendance.LIVE
            and one.away_from_at is None
            and one.id not in seated
        ],
        problems=problems_of(seats),
    )
