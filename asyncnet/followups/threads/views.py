"""The page that the two people of a match share after the event."""

from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from asyncnet.calendars import calendar_of
from asyncnet.clock import utc_now
from asyncnet.database import ChangedMeanwhile, NotFound, db, transaction
from asyncnet.events.model import Participant
from asyncnet.followups.actions import arranging
from asyncnet.followups.actions.replying import Closed, OtherWords, reply
from asyncnet.followups.actions.telling import take_back, tell
from asyncnet.followups.rules import BETWEEN_MAILS, HEARD_BEFORE, Told, both_awake, soonest_talk
from asyncnet.followups.threads.forms import AnswerForm, ReplyForm, TimesForm
from asyncnet.followups.threads.leftovers import left_behind
from asyncnet.followups.threads.letters import talk_of
from asyncnet.followups.threads.queries import Thread, thread_of
from asyncnet.followups.threads.recordings import for_recording, plays
from asyncnet.intros.faces import faces
from asyncnet.messages.model import Message
from asyncnet.messages.rules import MessageState, next_daylight
from asyncnet.web.access import Role, actor, current_participant, requires
from asyncnet.web.downloads import download
from asyncnet.web.filters import local_time
from asyncnet.web.forms import ButtonForm, number, text
from asyncnet.web.limits import limiter
from asyncnet.wiring import links
from asyncnet.zones import city_of, zone_named

pages = Blueprint("threads", __name__)
DAYS = 8
NOTICE = timedelta(hours=12)
"""Times to talk are offered so long ahead, so that the other one reads of them in time."""
SCARCE = 4 * DAYS
"""Two hours a day, or less, in which both are awake: at the edges of somebody's day."""
THREAD = "/me/<int:participant_id>/matches/<int:match_id>/thread"


@pages.route(THREAD, methods=["GET", "POST"])
@requires(Role.PARTICIPANT)
@limiter.limit("30 per 5 minutes", methods=["POST"])
def thread(participant_id: int, match_id: int) -> ResponseReturnValue:
    """Show what the two wrote to each other, and take the next words."""
    me = current_participant(participant_id)
    try:
        shown = thread_of(db.session(), me, match_id)
    except NotFound:
        if request.method == "POST":
            raise
        return left_behind(me, match_id)
    form = ReplyForm(data={"by_mail": shown.my_contact is not None})
    if not form.accepted():
        return _page(me, shown, form)
    _refuse_early(shown)
    try:
        with transaction() as session:
            written = reply(
                session,
                match_id,
                me.id,
                words=text(form.words).strip(),
                contact=me.email if form.by_mail.data else None,
                form_key=text(form.form_key),
                actor=actor(),
                now=utc_now(),
            )
            promise = _promise(shown, written.message)
    except Closed:
        flash("This conversation is closed, so your words were not sent.", "attention")
    except OtherWords:
        form.another()
        form.form_errors.append(
            "This page had sent other words before. What you typed now is below and not sent yet; "
            "send it once more to add it."
        )
        return _page(me, thread_of(db.session(), me, match_id), form), 409
    else:
        flash(promise, "good")
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
    if what is Told.MET and not undo:
        _refuse_early(thread_of(db.session(), me, match_id))
    with transaction() as session:
        (take_back if undo else tell)(session, match_id, me.id, what, actor=actor(), now=utc_now())
    flash(_DONE[what, undo], "good")
    page = "followups.viewing" if what is Told.WATCHED else ".thread"
    return redirect(url_for(page, participant_id=me.id, match_id=match_id))


@pages.post(f"{THREAD}/times")
@requires(Role.PARTICIPANT)
@limiter.limit("30 per 5 minutes")
def propose(participant_id: int, match_id: int) -> ResponseReturnValue:
    """Offer the other one some times to talk."""
    me = current_participant(participant_id)
    shown = thread_of(db.session(), me, match_id)
    form = _times(shown)
    if not form.accepted():
        return _page(me, shown, ReplyForm(formdata=None), form), 400
    _refuse_early(shown)
    try:
        with transaction() as session:
            arranging.propose(
                session,
                match_id,
                me.id,
                form.chosen(),
                version=number(form.version),
                actor=actor(),
                now=utc_now(),
            )
    except (Closed, ChangedMeanwhile):
        flash(_OUTDATED, "bad")
    else:
        flash(f"Offered. {shown.other.name} gets a mail at a good hour and chooses one.", "good")
    return redirect(url_for(".thread", participant_id=me.id, match_id=match_id))


@pages.post(f"{THREAD}/times/<any(accept,decline,withdraw,cancel):step>")
@requires(Role.PARTICIPANT)
def arrange(participant_id: int, match_id: int, step: str) -> ResponseReturnValue:
    """Take what somebody says to the times that were offered or agreed on."""
    me = current_participant(participant_id)
    form = AnswerForm()
    if not form.accepted():
        abort(400)
    said: dict[str, Any] = {"version": number(form.version), "actor": actor(), "now": utc_now()}
    try:
        with transaction() as session:
            if step == "accept":
                arranging.accept(session, match_id, me.id, form.moment(), **said)
            else:
                _STEPS[step](session, match_id, me.id, **said)
    except (Closed, ChangedMeanwhile, ValueError):
        flash(_OUTDATED, "bad")
    except arranging.TooSoon:
        flash(_too_soon(thread_of(db.session(), me, match_id).other), "bad")
    else:
        flash(_ARRANGED[step], "good")
    return redirect(url_for(".thread", participant_id=me.id, match_id=match_id))


@pages.get(f"{THREAD}/meeting.ics")
@requires(Role.PARTICIPANT)
def meeting(participant_id: int, match_id: int) -> ResponseReturnValue:
    """Return the agreed time as a file for any calendar; without one, go back to the page."""
    me = current_participant(participant_id)
    shown = thread_of(db.session(), me, match_id)
    agreed = shown.meeting if shown.meeting and shown.meeting.is_agreed else None
    talk = talk_of(agreed, me.event, me, shown.their_contact, links()) if agreed else None
    if talk is None:
        return redirect(url_for(".thread", participant_id=me.id, match_id=match_id))
    return download(calendar_of([talk]), "text/calendar", "meeting.ics")


_STEPS = {
    "decline": arranging.decline,
    "withdraw": arranging.withdraw,
    "cancel": arranging.cancel,
}
_ARRANGED = {
    "accept": "Agreed. Both of you get it by mail, with an entry for the calendar.",
    "decline": "Told. You can suggest other times below.",
    "withdraw": "Taken back.",
    "cancel": "Called off. Both calendars are told by mail.",
}
_OUTDATED = "That has changed since you opened this page. Here is how it stands now."


_DONE = {
    (Told.WATCHED, False): "Noted: you watched it.",
    (Told.WATCHED, True): "Taken back.",
    (Told.MET, False): "Wonderful. It stands here for both of you.",
    (Told.MET, True): "Taken back.",
    (Told.CLOSED, False): "Closed. You get no more mails about this match.",
    (Told.CLOSED, True): "Open again. You can both write from now on.",
}


def _refuse_early(shown: Thread) -> None:
    if not shown.is_open(utc_now()):
        abort(409, "You can write to each other from the moment your round begins.")


def _promise(shown: Thread, mail: Message | None) -> str:
    """Say when the other one gets it."""
    now, name, zone = utc_now(), shown.other.name, shown.me.zone
    if mail is not None and mail.state is MessageState.HELD:
        return (
            f"Kept: it goes with a mail of yours that the organizers hold back. {name} reads both "
            "as soon as they let it go."
        )
    due_at = next_daylight(zone_named(shown.other.zone), max(now, mail.due_at) if mail else now)
    if mail is None or due_at <= now:
        return f"Sent. {name} gets a mail within minutes."
    if next_daylight(zone_named(shown.other.zone), now) == now < due_at < now + BETWEEN_MAILS:
        return (
            f"Sent: {name} had a mail with words of yours a short while ago; this one follows "
            f"at {local_time(mail.due_at, zone)} in {city_of(zone)}."
        )
    return f"Sent: {name} gets a mail when their morning has come."


def _too_soon(other: Participant) -> str:
    """Say why a time cannot be taken any more, and what can be done."""
    reads_at = soonest_talk(zone_named(other.zone), now=utc_now()) - HEARD_BEFORE
    clock = f"{local_time(reads_at, other.zone)} in {city_of(other.zone)}"
    return (
        f"That is too soon now: the mail to {other.name} goes at {clock}, less than an hour "
        "before. Take a later time, or say that none suits you and suggest others."
    )


def _times(shown: Thread) -> TimesForm:
    """Return the form that offers times at which both are awake."""
    form = TimesForm(data={"version": shown.meeting.version if shown.meeting else 0})
    form.offer(_free_times(shown), shown.me, shown.other)
    return form


def _free_times(shown: Thread) -> list[datetime]:
    """Return when the two could talk within DAYS, and before all of this is removed."""
    both = both_awake(
        zone_named(shown.me.zone), zone_named(shown.other.zone), after=utc_now() + NOTICE, days=DAYS
    )
    return [at for at in both if at < shown.me.event.removed_at]


def _page(me: Participant, shown: Thread, form: ReplyForm, times: TimesForm | None = None) -> str:
    now = utc_now()
    free = _free_times(shown)
    return render_template(
        "threads/thread.html",
        participant=me,
        event=me.event,
        other=shown.other,
        photo=faces([shown.other]).get(shown.other.id),
        thread=shown,
        form=form,
        times=times or _times(shown),
        free=len(free),
        scarce=len(free) <= SCARCE,
        is_open=shown.is_open(now),
        now=now,
        soonest=soonest_talk(zone_named(shown.other.zone), now=now),
        plays=plays(shown),
        **for_recording(shown),
    )
