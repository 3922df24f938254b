"""The organizer's plan: who meets whom in which round."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.events import queries as events
from asyncnet.events.model import Event
from asyncnet.intros import queries as intros
from asyncnet.matches import actions, queries
from asyncnet.matches.actions import CannotPair
from asyncnet.matches.bench import queries as bench
from asyncnet.matches.bench.actions.announcing import announce
from asyncnet.matches.bench.actions.asking import settings_of
from asyncnet.matches.bench.actions.editing import ChangedMeanwhile, edit
from asyncnet.matches.bench.actions.publishing import CannotPublish, publish_plan
from asyncnet.matches.bench.desk import ROWS, Desk
from asyncnet.matches.bench.draft import Act, CannotEdit, Edit
from asyncnet.matches.bench.worth import Worth
from asyncnet.matches.forms import PairForm
from asyncnet.matches.instance import instance_of
from asyncnet.matches.model import MatchState
from asyncnet.matches.profiles import form_about, profile_page, saved
from asyncnet.web.access import (
    Role,
    actor,
    current_organizer,
    organized_event,
    requires,
)
from asyncnet.web.filters import plural
from asyncnet.web.forms import ButtonForm, number

pages = Blueprint("matches", __name__)


@pages.route("/events/<int:event_id>/plan", methods=["GET", "POST"])
@requires(Role.ORGANIZER)
def plan(event_id: int) -> ResponseReturnValue:
    """Show the plan on the bench round by round, and pair two more people by hand."""
    event = organized_event(event_id)
    form = _pair_form(event)
    status = 200
    if form.accepted():
        try:
            _pair(event, form)
        except (CannotPair, CannotEdit) as error:
            form.other.errors = [str(error)]
        except ChangedMeanwhile:
            form.other.errors = [
                "Somebody else changed the plan while this page was open. Look at it once more."
            ]
            status = 409
        else:
            return redirect(url_for(".plan", event_id=event.id, round=_round_of(event, form)))
    now = utc_now()
    desk = Desk(db.session(), event, now=now)
    form.seen.process_data(desk.seen)
    number = _shown_round(desk)
    named = request.args.get("named", "")[:100]
    rows = desk.rows(number, named=named)
    first = max(0, request.args.get("from", 0, type=int))
    return render_template(
        "matches/plan.html",
        event=event,
        form=form,
        desk=desk,
        asked=desk.asked,
        number=number,
        named=named,
        rows=rows[first : first + ROWS],
        first=first,
        count=len(rows),
        page_size=ROWS,
        drafts=[row.match for row in rows if row.match and row.match.state == "draft"],
        waiting=queries.drafts_in(db.session(), event.id),
        intros=intros.states_in(db.session(), event.id),
        now=now,
    ), status


@pages.post("/events/<int:event_id>/plan/publish")
@requires(Role.ORGANIZER)
def publish(event_id: int) -> ResponseReturnValue:
    """Let everybody see what lies on the bench, and tell those whom a change concerns."""
    event = organized_event(event_id)
    if not ButtonForm().accepted():
        abort(400)
    told = 0
    try:
        with transaction() as session:
            on_bench = bench.current_of(session, event.id)
            if on_bench is None:
                told = _publish_drafts(session, event)
            else:
                seen = request.form.get("seen", on_bench.id, type=int)
                if seen != on_bench.id:
                    raise ChangedMeanwhile
                settings = settings_of(on_bench.settings)
                worth = Worth(instance_of(session, event, settings, with_left=True))
                told = publish_plan(session, event, on_bench, worth, actor=actor(), now=utc_now())
    except CannotPublish as error:
        flash(str(error), "bad")
    except ChangedMeanwhile:
        flash("Somebody else changed the plan meanwhile. Look at it once more.", "bad")
    else:
        flash(
            "Published: everybody sees it on their own page now."
            + (f" {plural(told, 'person', 'people')} get a mail about the change." if told else ""),
            "good",
        )
    return redirect(url_for(".plan", event_id=event.id))


@pages.post("/events/<int:event_id>/plan/<int:match_id>/withdraw")
@requires(Role.ORGANIZER)
def withdraw(event_id: int, match_id: int) -> ResponseReturnValue:
    """Take one match out at once; those who knew of it are told."""
    event = organized_event(event_id)
    match = queries.match_in(db.session(), event.id, match_id)
    if not ButtonForm().accepted():
        abort(400)
    now = utc_now()
    with transaction() as session:
        was_known = match.state is MatchState.PUBLISHED and match.round.starts_at > now
        actions.withdraw(session, match, actor=actor(), now=now)
        if was_known:
            announce(
                session,
                event,
                [match.first, match.second],
                cause=f"match:{match.id}:{int(now.timestamp())}",
                now=now,
            )
    flash("Taken out of the plan.", "good")
    return redirect(url_for(".plan", event_id=event.id))


@pages.route("/events/<int:event_id>/participants/<int:person_id>", methods=["GET", "POST"])
@requires(Role.ORGANIZER)
def change_participant(event_id: int, person_id: int) -> ResponseReturnValue:
    """Change what is known of a participant; another way to take part may end matches."""
    event = organized_event(event_id)
    participant = events.participant_of(db.session(), event.id, person_id)
    form = form_about(participant)
    status = 200
    if form.accepted():
        if saved(participant, form):
            flash("Saved.", "good")
            return redirect(url_for("events.participants", event_id=event.id))
        status = 409
    return profile_page("events/participant.html", participant, form), status


def _pair_form(event: Event) -> PairForm:
    people = events.everyone(db.session(), event.id)
    names = {person.id: f"{person.name} ({person.attendance})" for person in people}
    form = PairForm()
    form.slot.choices = [(slot.id, f"Round {slot.number}") for slot in event.rounds]
    form.one.choices = form.other.choices = [("", "Choose a person"), *names.items()]
    return form


def _pair(event: Event, form: PairForm) -> None:
    """Let two people meet: on the bench where a plan lies there, else as a draft."""
    person_id = current_organizer().id
    with transaction() as session:
        slot = events.round_of(session, event.id, form.slot.data)
        people = [
            events.participant_of(session, event.id, field.data) for field in (form.one, form.other)
        ]
        on_bench = bench.current_of(session, event.id)
        if on_bench is None:
            actions.pair(session, event, slot, *people, actor=actor(), now=utc_now())
        else:
            settings = settings_of(on_bench.settings)
            edit(
                session,
                event,
                Edit(Act.ADD, slot.number, people[0].id, people[1].id),
                Worth(instance_of(session, event, settings, with_left=True)),
                seen=number(form.seen),
                person_id=person_id,
                actor=actor(),
                now=utc_now(),
            )


def _publish_drafts(session: Session, event: Event) -> int:
    """Publish the matches paired by hand; return how many people are told of a change."""
    now = utc_now()
    was_published = event.published_at is not None
    new = queries.drafts_in(session, event.id)
    actions.publish(session, event, actor=actor(), now=now)
    concerned = [
        person
        for match in new
        if match.round.starts_at > now
        for person in (match.first, match.second)
        if person.left_at is None
    ]
    if not was_published or not concerned:
        return 0
    announce(session, event, concerned, cause=f"drafts:{int(now.timestamp())}", now=now)
    return len({person.id for person in concerned})


def _round_of(event: Event, form: PairForm) -> int:
    return next((slot.number for slot in event.rounds if slot.id == form.slot.data), 1)


def _shown_round(desk: Desk) -> int:
    """Return the round that the address names, else the first that has not begun."""
    last = max(1, len(desk.draft.rounds))
    asked_for = request.args.get("round", min(desk.first_open, last), type=int)
    return min(max(1, asked_for), last)
