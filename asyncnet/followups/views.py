"""A viewing: the intro, and the match form beneath it."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.events.queries import counts, questions_of
from asyncnet.followups import queries
from asyncnet.followups.actions.answering import AlreadySent, answer_match
from asyncnet.followups.actions.mailing import may_change
from asyncnet.followups.forms import match_form
from asyncnet.followups.letters import readable
from asyncnet.intros.faces import faces
from asyncnet.intros.views import playback
from asyncnet.matches.queries import published_match
from asyncnet.web.access import Role, actor, current_participant, organized_event, requires
from asyncnet.wiring import links

pages = Blueprint("followups", __name__)


@pages.get("/events/<int:event_id>")
@requires(Role.ORGANIZER)
def board(event_id: int) -> ResponseReturnValue:
    """Show an organizer who is waiting for what, and what goes out next."""
    event = organized_event(event_id)
    return render_template(
        "followups/board.html",
        event=event,
        counts=counts(db.session(), event.id),
        waiting=queries.waiting_in(db.session(), event.id),
        registration=links().to(url_for("events.join", registration_key=event.registration_key)),
    )


@pages.route("/me/<int:participant_id>/matches/<int:match_id>", methods=["GET", "POST"])
@requires(Role.PARTICIPANT)
def viewing(participant_id: int, match_id: int) -> ResponseReturnValue:
    """Show a live participant the intro of their match, and take what they write."""
    viewer = current_participant(participant_id)
    viewing = queries.viewing_by(db.session(), viewer, match_id)
    questions = questions_of(db.session(), viewing.match.event_id)
    form = match_form(questions, address=viewer.email, answer=viewing.answer)
    if form.accepted():
        items, contact = form.items(questions), form.contact(questions)
        try:
            with transaction() as session:
                answer_match(
                    session,
                    match_id,
                    items=items,
                    contact=contact,
                    actor=actor(),
                    now=utc_now(),
                )
        except AlreadySent:
            flash("Your words have gone out already, so they stay as they were.", "bad")
        return redirect(url_for(".thanks", participant_id=participant_id, match_id=match_id))
    return render_template(
        "followups/viewing.html",
        participant=viewer,
        event=viewer.event,
        match=viewing.match,
        form=form,
        answer=viewing.answer,
        written=readable(viewing.answer) if viewing.answer else [],
        message=viewing.message,
        may_change=may_change(viewing.message),
        playback=playback(viewing.intro) if viewing.intro else None,
        photos=faces([viewing.match.viewed]),
    )


@pages.get("/me/<int:participant_id>/matches/<int:match_id>/thanks")
@requires(Role.PARTICIPANT)
def thanks(participant_id: int, match_id: int) -> ResponseReturnValue:
    viewer = current_participant(participant_id)
    match = published_match(db.session(), viewer.id, match_id)
    message = queries.message_bringing(db.session(), match.id, viewer.id)
    if message is None:
        return redirect(url_for(".viewing", participant_id=viewer.id, match_id=match.id))
    return render_template(
        "followups/thanks.html",
        participant=viewer,
        event=viewer.event,
        match=match,
        message=message,
        may_change=may_change(message),
    )


@pages.get("/me/<int:participant_id>/letters")
@requires(Role.PARTICIPANT)
def received(participant_id: int) -> ResponseReturnValue:
    """Show an asynchronous participant what their matches wrote, once it has been mailed."""
    participant = current_participant(participant_id)
    answers = queries.sent_to(db.session(), participant.id)
    return render_template(
        "followups/received.html",
        participant=participant,
        event=participant.event,
        letters=[(answer, readable(answer)) for answer in answers],
        photos=faces([answer.author for answer in answers]),
    )
