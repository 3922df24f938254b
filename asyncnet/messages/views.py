"""The organizers' board: every mail of an event, what it says, and what they decide about it."""

from datetime import UTC, datetime

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.messages import actions, queries
from asyncnet.messages.drain import NotNeeded, preview
from asyncnet.messages.model import Message
from asyncnet.messages.queue import BeingSent, Copy, Stale, TakesNoMail, copy_of
from asyncnet.messages.rules import Act, MessageState, acts_on
from asyncnet.web.access import (
    LARGEST_ID,
    Role,
    actor,
    current_organizer,
    organized_event,
    requires,
)
from asyncnet.web.frame import SANDBOX, framed

pages = Blueprint("messages", __name__)


@pages.get("/events/<int:event_id>/messages")
@requires(Role.ORGANIZER)
def index(event_id: int) -> ResponseReturnValue:
    event = organized_event(event_id)
    state = _state(request.args.get("state", ""))
    messages, following = queries.board(
        db.session(), event.id, state=state, after=_cursor(request.args.get("after", ""))
    )
    return render_template(
        "messages/index.html",
        event=event,
        messages=messages,
        counts=queries.counts(db.session(), event.id),
        state=state,
        states=list(MessageState),
        next_url=following
        and url_for(
            ".index",
            event_id=event.id,
            state=state,
            after=f"{following[0].isoformat()}~{following[1]}",
        ),
    )


@pages.get("/events/<int:event_id>/messages/<int:message_id>")
@requires(Role.ORGANIZER)
def show(event_id: int, message_id: int) -> ResponseReturnValue:
    event = organized_event(event_id)
    message = _message(event.id, message_id)
    return _page(event_id, message)


@pages.get("/events/<int:event_id>/messages/<int:message_id>/html")
@requires(Role.ORGANIZER)
def html(event_id: int, message_id: int) -> ResponseReturnValue:
    event = organized_event(event_id)
    return framed(_content(_message(event.id, message_id)).html)


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
        flash("It is being sent at this very moment, so it is too late for that.", "bad")
        return _page(event_id, _message(event_id, message_id)), 409
    except Stale:
        flash("It has changed since you opened this page. Here is how it stands now.", "bad")
        return _page(event_id, _message(event_id, message_id)), 409
    except TakesNoMail:
        flash(
            "Mail to this address came back, so none is sent there. "
            "Ask for another address and change it under Participants.",
            "bad",
        )
        return _page(event_id, _message(event_id, message_id)), 409
    flash(DONE[Act(wish)], "good")
    return redirect(url_for(".show", event_id=event.id, message_id=message.id))


DONE = {
    Act.HOLD: "Held back. It stays here until you let it go.",
    Act.CANCEL: "Cancelled. Nothing will be sent.",
    Act.RELEASE: "Let go. It will be sent when it is due.",
    Act.SEND_NOW: "On its way within a minute.",
    Act.SEND_AGAIN: "On its way again within a minute.",
    Act.ARRIVED: "Noted: it arrived.",
}


def _page(event_id: int, message: Message) -> str:
    return render_template(
        "messages/show.html",
        event=organized_event(event_id),
        message=message,
        content=_content(message),
        history=queries.history(db.session(), message.id),
        acts=acts_on(message.state),
        me=f"person:{current_organizer().id}",
        sandbox=SANDBOX,
    )


def _content(message: Message) -> Copy:
    """Return what went out, or what would go out now."""
    if message.sent_text is not None:
        return copy_of(message)
    try:
        return preview(current_app.extensions["asyncnet.compose"], message.id)
    except NotNeeded as reason:
        return Copy("", f"There is nothing to send any more: {reason}", "")


def _message(event_id: int, message_id: int) -> Message:
    return queries.message_of(db.session(), event_id, message_id)


def _state(name: str) -> MessageState | None:
    return MessageState(name) if name in set(MessageState) else None


def _cursor(text: str) -> tuple[datetime, int] | None:
    due_at, _, message_id = text.partition("~")
    try:
        at, number = datetime.fromisoformat(due_at).astimezone(UTC), int(message_id)
    except (ValueError, OverflowError):
        return None
    return (at, number) if 0 < number <= LARGEST_ID else None
