"""Pages about events and who takes part: the organizer's, and public registration."""

from datetime import timedelta

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import ChangedMeanwhile, NotFound, db, transaction
from asyncnet.events import queries
from asyncnet.events.actions import importing, linking, making, registering
from asyncnet.events.actions.importing import ImportGone
from asyncnet.events.actions.linking import MailedLately
from asyncnet.events.actions.making import ModeSettled, RoundsTaken
from asyncnet.events.actions.registering import AlreadyRegistered
from asyncnet.events.forms import (
    EventForm,
    LostLinkForm,
    RosterForm,
)
from asyncnet.events.registration.forms import ProfileForm, RegistrationForm
from asyncnet.events.roster import read_roster
from asyncnet.events.rules import Attendance
from asyncnet.events.understood import understand
from asyncnet.people.actions import remember_participant
from asyncnet.people.links import LinkInvalid
from asyncnet.web import access
from asyncnet.web.access import (
    LARGEST_ID,
    Role,
    actor,
    current_organizer,
    organized_event,
    requires,
    takes_up_to,
)
from asyncnet.web.forms import ButtonForm, number, text
from asyncnet.web.limits import limiter
from asyncnet.web.paging import place_after
from asyncnet.wiring import links

pages = Blueprint("events", __name__)
MAX_ROSTER_BYTES = 4_000_000
LATE_ENTRY = timedelta(days=1)
"""So long after its start an event may still be added, to write down who met."""


@pages.get("/events")
@requires(Role.ORGANIZER)
def index() -> ResponseReturnValue:
    events = queries.events_of(db.session(), current_organizer().id)
    return render_template("events/index.html", events=events, person=current_organizer())


@pages.route("/events/new", methods=["GET", "POST"])
@requires(Role.ORGANIZER)
def new() -> ResponseReturnValue:
    form = EventForm(earliest=utc_now() - LATE_ENTRY)
    if not form.accepted():
        return render_template("events/new.html", form=form)
    with transaction() as session:
        event = making.make_event(
            session,
            current_organizer().id,
            form.plan(),
            form_key=text(form.form_key),
            actor=actor(),
            now=utc_now(),
        )
    return redirect(url_for("followups.board", event_id=event.id))


@pages.route("/events/<int:event_id>/settings", methods=["GET", "POST"])
@requires(Role.ORGANIZER)
def change(event_id: int) -> ResponseReturnValue:
    event = organized_event(event_id)
    form = EventForm() if request.method == "POST" else EventForm.about(event)
    if not form.accepted():
        return render_template("events/settings.html", form=form, event=event)
    try:
        with transaction() as session:
            making.change_event(
                session,
                event,
                form.plan(),
                version=number(form.version),
                actor=actor(),
                now=utc_now(),
            )
    except (ModeSettled, RoundsTaken) as error:
        field = form.mode if isinstance(error, ModeSettled) else form.rounds
        field.errors = [str(error)]
        return render_template("events/settings.html", form=form, event=event), 409
    except ChangedMeanwhile:
        db.session.refresh(event)
        form.now_at(event.version)
        return render_template(
            "events/settings.html", form=form, event=event, theirs=EventForm.about(event)
        ), 409
    flash("Saved.", "good")
    return redirect(url_for("followups.board", event_id=event.id))


@pages.get("/events/<int:event_id>/participants")
@requires(Role.ORGANIZER)
def participants(event_id: int) -> ResponseReturnValue:
    event = organized_event(event_id)
    kind = request.args.get("attendance")
    attendance = Attendance(kind) if kind in set(Attendance) else None
    found, more = queries.participants_page(
        db.session(), event.id, attendance=attendance, after=place_after()
    )
    return render_template(
        "events/participants.html",
        event=event,
        participants=found,
        attendance=attendance,
        counts=queries.counts(db.session(), event.id),
        next_page=more
        and url_for(
            ".participants", event_id=event.id, attendance=kind, after=more[0], after_id=more[1]
        ),
    )


@pages.route("/events/<int:event_id>/participants/new", methods=["GET", "POST"])
@requires(Role.ORGANIZER)
def add_participant(event_id: int) -> ResponseReturnValue:
    event = organized_event(event_id)
    form = ProfileForm()
    form.asking(event.asks)
    words = queries.suggestions(db.session(), event.id)
    if not form.accepted():
        return render_template("events/participant_new.html", form=form, event=event, words=words)
    try:
        with transaction() as session:
            added = registering.register(
                session, event.id, form.profile(), consent=False, actor=actor(), now=utc_now()
            )
    except AlreadyRegistered:
        form.email.errors = ["Somebody with this address takes part already."]
        return render_template(
            "events/participant_new.html", form=form, event=event, words=words
        ), 409
    flash(f"{added.name} is in. Their personal link is on its way.", "good")
    return redirect(url_for(".participants", event_id=event.id))


@pages.post("/events/<int:event_id>/participants/<int:person_id>/<any(link,withdraw,remove):act>")
@requires(Role.ORGANIZER)
def treat_participant(event_id: int, person_id: int, act: str) -> ResponseReturnValue:
    event = organized_event(event_id)
    participant = queries.participant_of(db.session(), event.id, person_id)
    if not ButtonForm().accepted():
        abort(400)
    name = participant.name
    try:
        with transaction() as session:
            if act == "remove":
                registering.remove_participant(session, participant, actor=actor(), now=utc_now())
                words = f"{name} no longer takes part. Their links have ended."
            elif act == "withdraw":
                linking.withdraw_links(session, participant, actor=actor(), now=utc_now())
                words = f"The links of {name} have ended. Send a new one when you like."
            else:
                linking.mail_link_again(session, participant, actor=actor(), now=utc_now())
                words = f"A new link for {name} is on its way."
        flash(words, "good")
    except MailedLately:
        flash(
            f"A link went to {name} a moment ago, or three times within six hours. Nothing more "
            "was sent; ask them to look in their spam folder.",
            "attention",
        )
    if act == "remove" and event.published_at and utc_now() < event.ends_at:
        return redirect(url_for("matches.plan", event_id=event.id))
    return redirect(url_for(".participants", event_id=event.id))


@pages.route("/events/<int:event_id>/import", methods=["GET", "POST"])
@requires(Role.ORGANIZER)
@takes_up_to(MAX_ROSTER_BYTES)
def import_list(event_id: int) -> ResponseReturnValue:
    """Show what a list would add; nothing is added before the organizer agrees."""
    event = organized_event(event_id)
    form = RosterForm()
    if not form.accepted():
        return render_template("events/import.html", form=form, event=event, roster=None)
    known, left = queries.addresses_in(db.session(), event.id)
    roster = read_roster(form.file.data.read(), known=known, left=left)
    kept, understood = None, []
    if roster.good and not roster.bad:
        understood = understand(
            roster.good,
            queries.people_called(db.session(), event.id),
            queries.spellings_of(db.session(), event.id),
        )
        with transaction() as session:
            kept = importing.keep_import(
                session,
                event.id,
                current_organizer().id,
                roster.good,
                actor=actor(),
                now=utc_now(),
            )
    return render_template(
        "events/import.html",
        form=form,
        event=event,
        roster=roster,
        kept=kept,
        understood=understood,
    )


@pages.post("/events/<int:event_id>/import/<int:import_id>")
@requires(Role.ORGANIZER)
def apply_import(event_id: int, import_id: int) -> ResponseReturnValue:
    event = organized_event(event_id)
    if not ButtonForm().accepted():
        abort(400)
    try:
        with transaction() as session:
            count = importing.apply_import(
                session, event.id, import_id, actor=actor(), now=utc_now()
            )
        flash(f"{count} people are in. Their personal links are on their way.", "good")
    except ImportGone:
        flash("This list was added already. Nothing was added twice.", "good")
    return redirect(url_for(".participants", event_id=event.id))


@pages.route("/join/<registration_key>", methods=["GET", "POST"])
@requires(Role.PUBLIC)
@limiter.limit("60 per 5 minutes", methods=["POST"])
def join(registration_key: str) -> ResponseReturnValue:
    """Let anybody with the address register. A known address gets the same page and a mail."""
    event = queries.event_registering(db.session(), registration_key)
    form = RegistrationForm()
    form.asking(event.asks)
    if utc_now() >= event.ends_at:
        return render_template("events/join_over.html", event=event), 410
    if not form.accepted():
        words = queries.suggestions(db.session(), event.id)
        return render_template(
            "events/join.html",
            form=form,
            event=event,
            words=words,
            readers=queries.readers_of(db.session(), event.id),
        )
    try:
        with transaction() as session:
            registering.register(
                session, event.id, form.profile(), consent=True, actor=actor(), now=utc_now()
            )
    except AlreadyRegistered:
        with transaction() as session:
            linking.remind(session, event.id, text(form.email), actor=actor(), now=utc_now())
    return redirect(url_for(".joined", registration_key=registration_key))


@pages.get("/join/<registration_key>/thanks")
@requires(Role.PUBLIC)
def joined(registration_key: str) -> ResponseReturnValue:
    event = queries.event_registering(db.session(), registration_key)
    return render_template("events/joined.html", event=event)


@pages.get("/hello/<token>")
@requires(Role.PUBLIC)
def hello(token: str) -> ResponseReturnValue:
    """Trade a personal link for a cookie, and go on at an address without the token (S8).

    `match` in the address leads on to what the participant and that match wrote.
    """
    try:
        participant_id, version = links().read_personal(token)
        participant = queries.participant(db.session(), participant_id)
    except (LinkInvalid, NotFound):
        abort(410)
    if version != participant.link_version or utc_now() >= participant.event.removed_at:
        abort(410)
    if request.method != "HEAD" and not access.knows(participant.id):
        with transaction() as session:
            key = remember_participant(
                session, participant.id, version, actor=actor(), now=utc_now()
            )
        access.remember_participant(participant.id, key)
    match_id = request.args.get("match", type=int)
    if match_id is not None and 0 < match_id <= LARGEST_ID:
        return redirect(url_for("threads.thread", participant_id=participant_id, match_id=match_id))
    leads_on = request.args.get("to") == "intro"
    there = "intros.studio" if leads_on else "day.me"
    return redirect(url_for(there, participant_id=participant_id))


@pages.route("/lost-link", methods=["GET", "POST"])
@requires(Role.PUBLIC)
@limiter.limit("10 per 5 minutes", methods=["POST"])
def lost_link() -> ResponseReturnValue:
    """Mail new personal links; the answer is the same for known and unknown addresses (S3)."""
    form = LostLinkForm()
    if not form.accepted():
        return render_template("events/lost_link.html", form=form, sent=False)
    with transaction() as session:
        linking.mail_links(session, text(form.email), actor=actor(), now=utc_now())
    return render_template("events/lost_link.html", form=form, sent=True)
