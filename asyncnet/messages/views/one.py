"""One mail: what it says, what organizers decide about it, and words of its own."""

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import ChangedMeanwhile, db, transaction
from asyncnet.messages import actions, queries
from asyncnet.messages.model import Message
from asyncnet.messages.queue import REWORDABLE, SUPPRESSED, UNSUBSCRIBED, BeingSent, TakesNoMail
from asyncnet.messages.rules import LEAVING, Act, acts_on, manner_of
from asyncnet.messages.views.place import content, pages, wording_form
from asyncnet.messages.wording import WORDABLE
from asyncnet.web.access import (
    Role,
    actor,
    current_organizer,
    kept_mails,
    organized_event,
    requires,
)
from asyncnet.web.forms import number
from asyncnet.web.frame import SANDBOX, framed


@pages.get("/events/<int:event_id>/messages/<int:message_id>")
@requires(Role.ORGANIZER)
def show(event_id: int, message_id: int) -> ResponseReturnValue:
    event = organized_event(event_id)
    if message_id in kept_mails(event):
        message = queries.message_of(db.session(), event.id, message_id)
        return render_template("messages/kept.html", event=event, message=message)
    return _page(event_id, _message(event.id, message_id))


@pages.get("/events/<int:event_id>/messages/<int:message_id>/html")
@requires(Role.ORGANIZER)
def html(event_id: int, message_id: int) -> ResponseReturnValue:
    event = organized_event(event_id)
    return framed(content(_message(event.id, message_id)).html)


@pages.post(
    "/events/<int:event_id>/messages/<int:message_id>/<any({acts}):wish>".format(
        acts=", ".join(Act)
    )
)
@requires(Role.ORGANIZER)
def decide(event_id: int, message_id: int, wish: str) -> ResponseReturnValue:
    event = organized_event(event_id)
    message = _message(event.id, message_id)
    try:
        with transaction() as session:
            actions.decide(
                session,
                message.id,
                Act(wish),
                version=request.form.get("version", 0, type=int),
                actor=actor(),
                now=utc_now(),
            )
    except BeingSent:
        flash(BEING_SENT, "bad")
        return _page(event_id, _message(event_id, message_id)), 409
    except ChangedMeanwhile:
        flash(CHANGED, "bad")
        return _page(event_id, _message(event_id, message_id)), 409
    except TakesNoMail as reason:
        flash(f"{reason} {WHAT_HELPS[str(reason)]}", "bad")
        return _page(event_id, _message(event_id, message_id)), 409
    flash(DONE[Act(wish)], "good")
    return redirect(url_for(".show", event_id=event.id, message_id=message.id))


WHAT_HELPS = {
    SUPPRESSED: "Ask for another address and change it under Participants.",
    UNSUBSCRIBED: "Only they can change that, with the link at the end of any mail they got.",
}
DONE = {
    Act.HOLD: "Held back. It stays here until you let it go.",
    Act.CANCEL: "Cancelled. Nothing will be sent.",
    Act.RELEASE: "Let go. It will be sent when it is due.",
    Act.SEND_NOW: "On its way within a minute.",
    Act.SEND_AGAIN: "On its way again within a minute.",
    Act.ARRIVED: "Noted: it arrived.",
}


@pages.route("/events/<int:event_id>/messages/<int:message_id>/words", methods=["GET", "POST"])
@requires(Role.ORGANIZER)
def reword(event_id: int, message_id: int) -> ResponseReturnValue:
    """Let an organizer write this one mail anew, seeing how it will read."""
    event = organized_event(event_id)
    message = _message(event.id, message_id)
    if message.kind not in WORDABLE:
        abort(404)
    words = queries.words_of(db.session(), message) or abort(404)
    form = wording_form(event.id, message.kind, version=message.version, words=words)
    late = BEING_SENT if message.state in LEAVING else ""
    if not late and form.accepted() and "preview" not in request.form:
        usual = queries.words_for(db.session(), event.id, message.kind)[0]
        try:
            with transaction() as session:
                actions.reword(
                    session,
                    message.id,
                    None if form.words() == usual else form.words(),
                    version=number(form.version),
                    actor=actor(),
                    now=utc_now(),
                )
        except ChangedMeanwhile as error:
            late = BEING_SENT if isinstance(error, BeingSent) else CHANGED
            message = _message(event.id, message_id)
            form.now_at(message.version)
        else:
            flash("Saved. This is how it reads now.", "good")
            return redirect(url_for(".show", event_id=event.id, message_id=message.id))
    if late:
        flash(late, "bad")
    page = render_template(
        "messages/words.html",
        event=event,
        message=message,
        wordable=WORDABLE[message.kind],
        form=form,
        may_change=message.state in REWORDABLE,
        is_private=manner_of(message.kind).private,
        theirs=queries.words_of(db.session(), message) if late else None,
        shown=content(message, form.words()) if form.is_submitted() and not form.errors else None,
    )
    return (page, 409) if late and form.is_submitted() else page


BEING_SENT = "It is being sent at this very moment, so it is too late for that."
CHANGED = "It has changed since you opened this page. Here is how it stands now."


def _page(event_id: int, message: Message) -> str:
    return render_template(
        "messages/show.html",
        event=organized_event(event_id),
        message=message,
        content=content(message),
        gone=message.state in LEAVING,
        may_reword=message.kind in WORDABLE and message.state in REWORDABLE,
        history=queries.history(db.session(), message.id),
        acts=acts_on(message.state),
        me=f"person:{current_organizer().id}",
        sandbox=SANDBOX,
    )


def _message(event_id: int, message_id: int) -> Message:
    """Return a mail of an event, or answer 404; so, too, where it is kept from this organizer."""
    if message_id in kept_mails(organized_event(event_id)):
        abort(404)
    return queries.message_of(db.session(), event_id, message_id)
