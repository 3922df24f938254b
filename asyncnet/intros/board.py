"""The organizers' board of intros: how far everybody is, and a reminder for who has not begun."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.intros import queries
from asyncnet.intros.actions import telling
from asyncnet.intros.actions.telling import TooLate
from asyncnet.intros.forms import NudgeForm
from asyncnet.intros.model import IntroState
from asyncnet.web.access import Role, actor, organized_event, requires
from asyncnet.web.paging import place_after

pages = Blueprint("intro_board", __name__)

NOT_BEGUN = "not_begun"


@pages.get("/events/<int:event_id>/intros")
@requires(Role.ORGANIZER)
def index(event_id: int) -> ResponseReturnValue:
    """Show an organizer how far everybody's intro is, and which reminders are planned."""
    event = organized_event(event_id)
    which = request.args.get("state", "")
    standings, more = queries.standings(
        db.session(),
        event.id,
        state=IntroState(which) if which in {*IntroState} else None,
        not_begun=which == NOT_BEGUN,
        after=place_after(),
    )
    counts = queries.standing_counts(db.session(), event.id)
    waiting = [standing.person.id for standing in standings if standing.intro is None]
    return render_template(
        "intros/board.html",
        event=event,
        standings=standings,
        counts=counts,
        shown=which,
        nudges=queries.nudges_of(db.session(), waiting) if waiting else {},
        may_nudge=utc_now() < event.ends_at,
        next_page=more
        and url_for(".index", event_id=event.id, state=which, after=more[0], after_id=more[1]),
    )


@pages.post("/events/<int:event_id>/intros/nudge")
@requires(Role.ORGANIZER)
def nudge(event_id: int) -> ResponseReturnValue:
    """Remind one person, or everybody, who has not begun an intro."""
    event = organized_event(event_id)
    form = NudgeForm()
    if not form.accepted():
        abort(400)
    only = form.person_id.data
    try:
        with transaction() as session:
            people = queries.not_begun(session, event.id, only=only)
            telling.nudge(session, event, people, actor=actor(), now=utc_now())
            named = people[0].name if people and only is not None else None
            count = len(people)
    except TooLate:
        flash("The event is over, so nobody is asked for an intro any more.", "bad")
        return redirect(url_for(".index", event_id=event_id))
    if named:
        flash(f"A reminder to {named} is planned; it arrives in their daytime.", "notice")
    elif count:
        flash(
            "Reminders are planned, each for its reader's own daytime; nobody gets more than one "
            "a day.",
            "notice",
        )
    else:
        flash("Everybody has begun, so there is nobody to remind.", "notice")
    return redirect(url_for(".index", event_id=event_id))
