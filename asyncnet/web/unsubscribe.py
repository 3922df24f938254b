"""The way out of our mails: a page with buttons, and one click for mail programs (RFC 8058).

The address is signed for one reader and one event; it needs no sign-in and no anti-forgery
token, since mail programs have neither. Looking at it changes nothing: scanners follow links.
"""

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.events.model import Event
from asyncnet.messages.actions import let_mail_come, stop_mail
from asyncnet.messages.queue import EVERYTHING, scope_of, stopped_by
from asyncnet.people.links import LinkInvalid
from asyncnet.web.access import Role, actor, requires
from asyncnet.web.forms import csrf
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
    scopes = {"event": scope_of(event_id), "all": EVERYTHING}
    if request.method == "POST":
        one_click = request.form.get("List-Unsubscribe") == ONE_CLICK
        wish, _, which = ("stop", "", "event") if one_click else _wish()
        scope = scopes.get(which) or abort(400)
        act = {"stop": stop_mail, "again": let_mail_come}.get(wish) or abort(400)
        with transaction() as session:
            act(session, address_hash, scope, actor=actor(), now=utc_now())
        if one_click:
            return {"stopped": scope}
        return redirect(url_for(".choose", token=token))
    event = db.session.get(Event, event_id)
    stopped = stopped_by(db.session(), address_hash)
    return render_template(
        "pages/unsubscribe.html",
        title=event.title if event else "this event",
        token=token,
        event_stopped=scopes["event"] in stopped,
        all_stopped=EVERYTHING in stopped,
    )


def _wish() -> tuple[str, str, str]:
    return request.form.get("wish", "").partition(":")
