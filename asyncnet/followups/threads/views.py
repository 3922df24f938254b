"""The page that the two people of a match share after the event."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.events.model import Participant
from asyncnet.followups.actions.replying import Closed, reply
from asyncnet.followups.actions.telling import take_back, tell
from asyncnet.followups.rules import Told
from asyncnet.followups.threads.forms import ReplyForm
from asyncnet.followups.threads.queries import Thread, thread_of
from asyncnet.intros.faces import faces
from asyncnet.messages.rules import next_daylight
from asyncnet.web.access import Role, actor, current_participant, requires
from asyncnet.web.forms import ButtonForm, text
from asyncnet.zones import zone_named

pages = Blueprint("threads", __name__)
THREAD = "/me/<int:participant_id>/matches/<int:match_id>/thread"


@pages.route(THREAD, methods=["GET", "POST"])
@requires(Role.PARTICIPANT)
def thread(participant_id: int, match_id: int) -> ResponseReturnValue:
    """Show what the two wrote to each other, and take the next words."""
    me = current_participant(participant_id)
    shown = thread_of(db.session(), me, match_id)
    form = ReplyForm(data={"by_mail": shown.my_contact is not None})
    if not form.accepted():
        return _page(me, shown, form)
    if not shown.is_open(utc_now()):
        abort(409, "You can write to each other from the moment your round begins.")
    try:
        with transaction() as session:
            reply(
                session,
                match_id,
                me.id,
                words=text(form.words).strip(),
                contact=me.email if form.by_mail.data else None,
                form_key=text(form.form_key),
                actor=actor(),
                now=utc_now(),
            )
    except Closed:
        flash("This conversation is closed, so your words were not sent.", "attention")
    else:
        flash(_promise(shown), "good")
    return redirect(url_for(".thread", participant_id=me.id, match_id=match_id))


@pages.post(f"{THREAD}/<any({', '.join(Told)}):told>")
@requires(Role.PARTICIPANT)
def note(participant_id: int, match_id: int, told: str) -> ResponseReturnValue:
    """Take what a participant tells of their match, or takes back."""
    me = current_participant(participant_id)
    if not ButtonForm().accepted():
        abort(400)
    what = Told(told)
    undo = request.form.get("undo") == "yes"
    with transaction() as session:
        (take_back if undo else tell)(session, match_id, me.id, what, actor=actor(), now=utc_now())
    flash(_DONE[what, undo], "good")
    return redirect(url_for(".thread", participant_id=me.id, match_id=match_id))


_DONE = {
    (Told.WATCHED, False): "Noted: you watched it.",
    (Told.WATCHED, True): "Taken back.",
    (Told.MET, False): "Wonderful. It stands here for both of you.",
    (Told.MET, True): "Taken back.",
    (Told.CLOSED, False): "Closed. You get no more mails about this match.",
    (Told.CLOSED, True): "Open again. You can both write from now on.",
}


def _promise(shown: Thread) -> str:
    """Say when the other one gets it."""
    now = utc_now()
    if next_daylight(zone_named(shown.other.zone), now) == now:
        return f"Sent. {shown.other.name} gets a mail within minutes."
    return f"Kept. {shown.other.name} gets a mail when their morning has come."


def _page(me: Participant, shown: Thread, form: ReplyForm) -> str:
    now = utc_now()
    return render_template(
        "threads/thread.html",
        participant=me,
        event=me.event,
        other=shown.other,
        photo=faces([shown.other]).get(shown.other.id),
        thread=shown,
        form=form,
        is_open=shown.is_open(now),
        now=now,
    )
