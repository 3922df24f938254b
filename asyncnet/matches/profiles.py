"""What is known of a participant, changed by the organizers or by themselves."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import ChangedMeanwhile, db, transaction
from asyncnet.events import queries as events
from asyncnet.events.actions.mentioning import choose_meant
from asyncnet.events.actions.registering import AlreadyRegistered
from asyncnet.events.model import Event, Participant
from asyncnet.events.registration.forms import ProfileForm
from asyncnet.events.rules import Ask, MentionKind
from asyncnet.matches import actions
from asyncnet.matches.announcing import announce
from asyncnet.matches.queries import coming_of
from asyncnet.web.access import (
    Role,
    actor,
    current_participant,
    kept_from_me,
    organized_event,
    requires,
)
from asyncnet.web.forms import ButtonForm, number
from asyncnet.web.limits import limiter

pages = Blueprint("profiles", __name__)


@pages.route("/me/<int:participant_id>/profile", methods=["GET", "POST"])
@requires(Role.PARTICIPANT)
@limiter.limit("20 per 5 minutes", methods=["POST"])
def change_mine(participant_id: int) -> ResponseReturnValue:
    """Let a participant change what they said of themselves, before the event and after."""
    participant = current_participant(participant_id)
    form = _form_about(participant)
    form.own()
    status = 200
    if form.accepted():
        if _saved(participant, form):
            flash("Saved. New matches are made with what you say now.", "good")
            return redirect(url_for(".change_mine", participant_id=participant_id))
        status = 409
    return _page("events/profile.html", participant, form), status


@pages.route("/events/<int:event_id>/participants/<int:person_id>", methods=["GET", "POST"])
@requires(Role.ORGANIZER)
def change_participant(event_id: int, person_id: int) -> ResponseReturnValue:
    """Change what is known of a participant; another way to take part may end matches."""
    event = organized_event(event_id)
    participant = events.participant_of(db.session(), event.id, person_id)
    silent = _is_silent(event, participant)
    form = _form_about(participant, silent=silent)
    status = 200
    if form.accepted():
        if _saved(participant, form):
            flash("Saved.", "good")
            return redirect(url_for("events.participants", event_id=event.id))
        status = 409
    coming = len(coming_of(db.session(), participant.id, now=utc_now()))
    return _page("events/participant.html", participant, form, silent=silent, coming=coming), status


@pages.post("/events/<int:event_id>/participants/<int:person_id>/names/<int:mention_id>")
@requires(Role.ORGANIZER)
def settle_name(event_id: int, person_id: int, mention_id: int) -> ResponseReturnValue:
    """Say whom a participant means by a name that several people have.

    Only organizers do, and see which names were found: a participant could learn who takes part.
    """
    event = organized_event(event_id)
    participant = events.participant_of(db.session(), event.id, person_id)
    mention = events.mention_of(db.session(), participant.id, mention_id)
    if mention.kind is MentionKind.AVOID and _is_silent(event, participant):
        abort(404)
    chosen = request.form.get("person", type=int)
    if not ButtonForm().accepted() or chosen is None:
        abort(400)
    try:
        with transaction() as session:
            choose_meant(session, mention, chosen, actor=actor(), now=utc_now())
    except ValueError:
        abort(404)
    flash("Thank you, that is clear now.", "good")
    return redirect(url_for(".change_participant", event_id=event.id, person_id=person_id))


def _is_silent(event: Event, participant: Participant) -> bool:
    """Return whether the page of a participant says nothing of whom they avoid: to an organizer
    who takes part, so that what is missing tells nothing either."""
    return bool(kept_from_me(event) - {participant.id})


def _form_about(participant: Participant, *, silent: bool = False) -> ProfileForm:
    """Return the form with what is known of somebody, or with what was just sent in."""
    asks = [ask for ask in participant.event.asks if not (silent and ask == Ask.AVOID)]
    if request.method == "GET":
        mentions = events.mentions_of(db.session(), participant.id)
        return ProfileForm.about(participant, mentions, asks)
    form = ProfileForm()
    form.asking(asks)
    return form


def _saved(participant: Participant, form: ProfileForm) -> bool:
    """Save what was filled in; what stands against it is written beside its field."""
    said = form.profile(participant)
    try:
        now = utc_now()
        with transaction() as session:
            concerned = actions.change_participant(
                session,
                participant,
                said,
                version=number(form.version),
                actor=actor(),
                now=now,
            )
            announce(
                session,
                participant.event,
                [person for match in concerned for person in (match.first, match.second)],
                cause=f"attendance:{participant.id}:{participant.version}",
                now=now,
            )
    except AlreadyRegistered:
        form.email.errors = ["Somebody else with this address takes part already."]
    except ChangedMeanwhile:
        db.session.refresh(participant)
        form.now_at(participant.version)
        form.form_errors.append(
            "Somebody else saved this while you had the page open. What you typed is below and "
            "not saved yet; save once more to replace what they wrote."
        )
    else:
        return True
    return False


def _page(
    template: str,
    participant: Participant,
    form: ProfileForm,
    *,
    silent: bool = False,
    coming: int = 0,
) -> str:
    """Draw a page with the form, and whom the names mean that somebody wrote."""
    session = db.session()
    mentions = [
        mention
        for mention in events.mentions_of(session, participant.id)
        if not (silent and mention.kind is MentionKind.AVOID)
    ]
    theirs = ProfileForm.about(participant, mentions, participant.event.asks)
    return render_template(
        template,
        form=form,
        theirs=theirs if form.form_errors else None,
        event=participant.event,
        participant=participant,
        mentions=mentions,
        people=events.people_meant(session, mentions),
        words=events.suggestions(session, participant.event_id),
        readers=events.readers_of(session, participant.event_id),
        coming=coming,
    )
