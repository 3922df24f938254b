"""Signing in and out."""

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import transaction
from asyncnet.people import actions
from asyncnet.people.actions import LinkUsedUp
from asyncnet.people.forms import SignInForm
from asyncnet.people.rules import may_organize
from asyncnet.web.access import (
    Role,
    actor,
    end_sign_in,
    forget_organizer,
    forget_participant,
    remember_organizer,
    requires,
)
from asyncnet.web.forms import ButtonForm, text
from asyncnet.web.limits import limiter
from asyncnet.web.pages import safe_path
from asyncnet.wiring import settings

pages = Blueprint("people", __name__)


@pages.route("/sign-in", methods=["GET", "POST"])
@requires(Role.PUBLIC)
@limiter.limit("10 per 5 minutes", methods=["POST"])
@limiter.limit("1000 per 5 minutes", methods=["POST"], key_func=lambda: "everybody")
def ask_sign_in() -> ResponseReturnValue:
    """Mail a one-time link; the answer is the same for every address (CHECKLIST S3)."""
    form = SignInForm()
    if request.method == "GET":
        form.next.data = safe_path(request.args.get("next"), "")
    if not form.accepted():
        return render_template("people/sign_in.html", form=form)
    with transaction() as writing:
        actions.request_sign_in(
            writing,
            text(form.email),
            welcome=may_organize(text(form.email), settings().organizers),
            actor=actor(),
            now=utc_now(),
        )
    session["next"] = safe_path(form.next.data, "")
    return redirect(url_for(".mailed"))


@pages.get("/sign-in/mailed")
@requires(Role.PUBLIC)
def mailed() -> ResponseReturnValue:
    return render_template("people/mailed.html")


@pages.get("/sign-in/<token>")
@requires(Role.PUBLIC)
def open_sign_in(token: str) -> ResponseReturnValue:
    """Keep the token in the browser and go on at an address without it (CHECKLIST S6, S8)."""
    session["sign_in"] = token[:100]
    return redirect(url_for(".confirm"))


@pages.route("/sign-in/confirm", methods=["GET", "POST"])
@requires(Role.PUBLIC)
@limiter.limit("10 per 5 minutes", methods=["POST"])
def confirm() -> ResponseReturnValue:
    """Show the button that signs in; only pressing it uses the link up."""
    form = ButtonForm()
    token = session.get("sign_in", "")
    if not form.accepted():
        return render_template("people/confirm.html", form=form, has_token=bool(token))
    session.pop("sign_in", None)
    try:
        with transaction() as writing:
            _, key = actions.sign_in(
                writing, token, address=request.remote_addr or "", now=utc_now()
            )
    except LinkUsedUp:
        with transaction() as writing:
            actions.refuse_sign_in(writing, actor=actor(), now=utc_now())
        flash(
            "This link has been used, replaced by a newer one, or is older than ten minutes. "
            "We can send you a new one.",
            "bad",
        )
        return redirect(url_for(".ask_sign_in"))
    end_sign_in()
    target = safe_path(session.get("next"), url_for("events.index"))
    remember_organizer(key)
    return redirect(target)


@pages.post("/sign-out")
@requires(Role.PUBLIC)
def sign_out() -> ResponseReturnValue:
    """End the organizer's session here and on the server."""
    if ButtonForm().accepted():
        forget_organizer()
    response = redirect(url_for("pages.home"))
    response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    return response


@pages.post("/me/<int:participant_id>/close")
@requires(Role.PARTICIPANT)
def close_pages(participant_id: int) -> ResponseReturnValue:
    """End one participant's pages in this browser; their link opens them again."""
    if ButtonForm().accepted():
        forget_participant(participant_id)
        flash("Closed. The link in your mail opens your page again.", "good")
    response = redirect(url_for("pages.home"))
    response.headers["Clear-Site-Data"] = '"storage"'  # what was typed or recorded (CHECKLIST B9)
    return response
