"""Where somebody without their link asks for one, on the very page that they wanted to open."""

from flask import Blueprint, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import transaction
from asyncnet.followups.actions.returning import mail_way_back
from asyncnet.web.access import Role, actor, requires
from asyncnet.web.forms import ButtonForm
from asyncnet.web.limits import limiter

pages = Blueprint("returning", __name__)


@pages.post("/me/<int:participant_id>/way-back")
@pages.post("/me/<int:participant_id>/matches/<int:match_id>/way-back")
@requires(Role.PUBLIC)
@limiter.limit("10 per 5 minutes")
def ask(participant_id: int, match_id: int | None = None) -> ResponseReturnValue:
    """Mail whoever owns a page the link to it; the answer is the same for pages of nobody (S3)."""
    if not ButtonForm().accepted():
        abort(400)
    with transaction() as session:
        mail_way_back(session, participant_id, match_id, actor=actor(), now=utc_now())
    return redirect(url_for(".asked"))


@pages.get("/way-back")
@requires(Role.PUBLIC)
def asked() -> ResponseReturnValue:
    return render_template("threads/way_back.html")
