"""The way out of our mails: a page with buttons, and one click for mail programs (RFC 8058).

The address is signed for one reader and one event; it needs no sign-in and no anti-forgery
token, since mail programs have neither. Looking at it changes nothing: scanners follow links.
Mails that their reader may answer lead to a page of the reader's own instead, since an answer
quotes them.
"""

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.events.model import Event
from asyncnet.messages.actions import let_mail_come, stop_mail
from asyncnet.messages.queue import EVERYTHING, hash_of, scope_of, stopped_by
from asyncnet.people.links import LinkInvalid
from asyncnet.web.access import Role, actor, current_participant, requires
from asyncnet.web.forms import ButtonForm, csrf
from asyncnet.wiring import links

pages = Blueprint("unsubscribe", __name__)
ONE_CLICK = "One-Click"


@pages.route("/unsubscribe/<token>", methods=["GET", "POST"])
@csrf.exempt  # type: ignore[untyped-decorator]  # Flask-WTF has no types
@requires(Role.SIGNED)
def choose(token: str) -> ResponseReturnValue:
    """Show which mails a reader may stop, and stop them or let them come again."""
    try:
        address_hash, event_id = links().read_unsubscribe(token)
    except LinkInvalid:
        abort(404)
    if request.method == "POST":
        one_click = request.form.get("List-Unsubscribe") == ONE_CLICK
        wish = "stop:event" if one_click else request.form.get("wish", "")
        scope = _grant(wish, address_hash, event_id)
        return {"stopped": scope} if one_click else redirect(url_for(".choose", token=token))
    event = db.session.get(Event, event_id)
    return render_template(
        "pages/unsubscribe.html",
        title=event.title if event else "this event",
        action=url_for(".choose", token=token),
        **_stopped(address_hash, event_id),
    )


@pages.route("/me/<int:participant_id>/mails", methods=["GET", "POST"])
@requires(Role.PARTICIPANT)
def mine(participant_id: int) -> ResponseReturnValue:
    """Show a participant which mails they may stop, and stop them or let them come again."""
    me = current_participant(participant_id)
    form = ButtonForm()
    if form.is_submitted():
        if not form.accepted():
            abort(400)
        _grant(request.form.get("wish", ""), hash_of(me.email), me.event_id)
        return redirect(url_for(".mine", participant_id=me.id))
    return render_template(
        "pages/unsubscribe.html",
        title=me.event.title,
        action=url_for(".mine", participant_id=me.id),
        participant=me,
        **_stopped(hash_of(me.email), me.event_id),
    )


def _grant(wish: str, address_hash: bytes, event_id: int) -> str:
    """Do what a reader chose, `stop:event` or `again:all`; return the scope that it is about."""
    what, _, which = wish.partition(":")
    scope = {"event": scope_of(event_id), "all": EVERYTHING}.get(which) or abort(400)
    act = {"stop": stop_mail, "again": let_mail_come}.get(what) or abort(400)
    with transaction() as session:
        act(session, address_hash, scope, actor=actor(), now=utc_now())
    return scope


def _stopped(address_hash: bytes, event_id: int) -> dict[str, Any]:
    stopped = stopped_by(db.session(), address_hash)
    return {"event_stopped": scope_of(event_id) in stopped, "all_stopped": EVERYTHING in stopped}
