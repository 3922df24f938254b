"""Where somebody finds what they wrote and recorded for a match that is no longer in the plan."""

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import NotFound, db, transaction
from asyncnet.events.model import Participant
from asyncnet.followups import queries
from asyncnet.followups.actions.forgetting import StillShared, forget_words
from asyncnet.followups.threads.queries import words_left_by
from asyncnet.intros.model import IntroState
from asyncnet.intros.playing import playbacks
from asyncnet.web.access import Role, actor, current_participant, requires
from asyncnet.web.forms import ButtonForm

pages = Blueprint("leftovers", __name__)


@pages.post("/me/<int:participant_id>/matches/<int:match_id>/left/forget")
@requires(Role.PARTICIPANT)
def forget(participant_id: int, match_id: int) -> ResponseReturnValue:
    """Remove one's own words about a match that is no longer in the plan."""
    me = current_participant(participant_id)
    if not ButtonForm().accepted():
        abort(400)
    try:
        with transaction() as session:
            forget_words(session, match_id, me.id, actor=actor(), now=utc_now())
    except StillShared:
        flash(
            "This match is in the plan, so your words stay where the two of you read them.", "bad"
        )
        return redirect(url_for("threads.thread", participant_id=me.id, match_id=match_id))
    flash("Removed. A mail that brought your words before is not ours to take back.", "notice")
    if queries.kept_recordings(db.session(), me.id, match_id):
        return redirect(url_for("threads.thread", participant_id=me.id, match_id=match_id))
    return redirect(url_for("day.me", participant_id=me.id))


def left_behind(me: Participant, match_id: int) -> str:
    """Return the page of a conversation that is gone, for who has something of theirs in it.

    Raises NotFound for who has nothing.
    """
    kept = queries.kept_recordings(db.session(), me.id, match_id)
    words = words_left_by(db.session(), me, match_id)
    if not kept and not words:
        raise NotFound
    return render_template(
        "threads/left_behind.html",
        participant=me,
        event=me.event,
        match_id=match_id,
        kept=kept,
        words=words,
        plays=playbacks([one for one in kept if one.state is IntroState.READY]),
    )
