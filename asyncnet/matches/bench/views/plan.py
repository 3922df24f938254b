"""The organizer's plan: who meets whom in which round."""

from collections.abc import Iterable

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import ChangedMeanwhile, db, transaction
from asyncnet.events import queries as events
from asyncnet.events.model import Event, Participant
from asyncnet.intros import queries as intros
from asyncnet.matches.bench import queries as bench
from asyncnet.matches.bench.actions.editing import edit
from asyncnet.matches.bench.actions.publishing import CannotPublish, publish_plan
from asyncnet.matches.bench.desk import Desk
from asyncnet.matches.bench.edits import Act, CannotEdit, Edit
from asyncnet.matches.bench.forms import PairForm, PublishForm
from asyncnet.matches.bench.views.place import desk_of
from asyncnet.web.access import (
    Role,
    actor,
    current_organizer,
    kept_from_me,
    organized_event,
    requires,
)
from asyncnet.web.filters import plural
from asyncnet.web.forms import choices_of, number

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
        except CannotEdit as error:
            form.other.errors = [str(error)]
        except ChangedMeanwhile:
            form.other.errors = [
                "Somebody else changed the plan while this page was open. Look at it once more."
            ]
            status = 409
        else:
            shown, near = _round_of(event, form), form.one.data
            return redirect(
                url_for(".plan", event_id=event.id, round=shown, near=near, _anchor="near")
            )
    return _plan_page(event, form), status


def _plan_page(event: Event, form: PairForm, *, meanwhile: bool = False) -> str:
    """Draw the plan as it is now; `meanwhile` when it is not the one that was to be published."""
    desk = desk_of(event)
    form.seen.process_data(desk.seen)
    _choose_among(form, [] if desk.is_large else desk.people)
    shown = _shown_round(desk)
    named = request.args.get("named", "")[:100]
    near = request.args.get("near", 0, type=int)
    first = max(0, request.args.get("from", desk.rows.before(shown, near, named=named), type=int))
    page = desk.rows.page(shown, named=named, first=first)
    states = intros.states_in(db.session(), event.id)
    away = {i for i in desk.draft.people() if not desk.worth.is_live(i)}
    return render_template(
        "matches/plan.html",
        event=event,
        form=form,
        desk=desk,
        number=shown,
        named=named,
        page=page,
        near=near,
        near_row=page.row_of(near),
        at=request.args.get("at", ""),
        intros=states,
        unseen=[p.id for p in desk.people if p.id in away and states.get(p.id) != "ready"],
        publish=PublishForm(formdata=None),
        meanwhile=meanwhile,
        found=desk.called(named),
        now=utc_now(),
    )


@pages.post("/events/<int:event_id>/plan/publish")
@requires(Role.ORGANIZER)
def publish(event_id: int) -> ResponseReturnValue:
    """Let everybody see what lies on the bench, and tell those whom a change concerns."""
    event = organized_event(event_id)
    form = PublishForm()
    if not form.accepted():
        abort(400)
    first, minutes = event.published_at is None, event.closing_minutes
    try:
        with transaction() as session:
            plan = bench.current_of(session, event.id)
            if plan is None and bench.is_published(session, event.id, number(form.seen)):
                raise CannotPublish("Nothing waits to be published: everybody sees this already.")
            if plan is None or number(form.seen) != plan.id:
                raise ChangedMeanwhile
            worth = bench.worth_of(session, event, plan, unsaid=kept_from_me(event))
            told = publish_plan(
                session, event, plan, worth, tell=form.tell.data, actor=actor(), now=utc_now()
            )
    except CannotPublish as error:
        flash(str(error), "bad")
    except ChangedMeanwhile:
        db.session.expire_all()
        return _plan_page(event, _pair_form(event, sent=False), meanwhile=True), 409
    else:
        flash(
            "Published: everybody sees it on their own page now."
            + (f" {plural(told, 'person gets', 'people get')} a mail about " if told else "")
            + ("" if not told else "their rounds." if first else "the change.")
            + (
                " There are no closing groups in it, so the event ends with its last round."
                if event.closing_minutes < minutes
                else ""
            ),
            "good",
        )
    return redirect(url_for(".plan", event_id=event.id))


def _pair_form(event: Event, *, sent: bool = True) -> PairForm:
    """Return the form with the rounds that have not begun; once sent in, with everybody.

    `sent` is false where what was sent in was another form.
    """
    form = PairForm() if sent else PairForm(formdata=None)
    coming = [s for s in event.rounds if s.number >= bench.first_open_round(event, utc_now())]
    form.slot.choices = choices_of((slot.id, f"Round {slot.number}") for slot in coming)
    _choose_among(form, events.everyone(db.session(), event.id) if form.is_submitted() else [])
    return form


def _choose_among(form: PairForm, people: Iterable[Participant]) -> None:
    names = {person.id: f"{person.name} ({person.attendance})" for person in people}
    form.one.choices = form.other.choices = choices_of([("", "Choose a person"), *names.items()])


def _pair(event: Event, form: PairForm) -> None:
    """Let two people meet in the plan on the bench."""
    person_id = current_organizer().id
    with transaction() as session:
        slot = events.round_of(session, event.id, form.slot.data)
        people = [
            events.participant_of(session, event.id, field.data) for field in (form.one, form.other)
        ]
        edit(
            session,
            event,
            Edit(Act.ADD, slot.number, people[0].id, people[1].id),
            bench.worth_of(
                session,
                event,
                bench.current_of(session, event.id),
                unsaid=kept_from_me(event),
            ),
            seen=number(form.seen),
            person_id=person_id,
            actor=actor(),
            now=utc_now(),
        )


def _round_of(event: Event, form: PairForm) -> int:
    return next((slot.number for slot in event.rounds if slot.id == form.slot.data), 1)


def _shown_round(desk: Desk) -> int:
    """Return the round that the address names, else the first that has not begun."""
    last = max(1, len(desk.draft.rounds))
    asked_for = request.args.get("round", min(desk.first_open, last), type=int)
    return min(max(1, asked_for), last)
