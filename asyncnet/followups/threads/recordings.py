"""Where one of the two of a match sends a recorded reply, sees how far it is, and takes it back."""

from functools import partial
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import NotFound, db, transaction
from asyncnet.events.model import Participant
from asyncnet.followups import queries
from asyncnet.followups.actions import recording
from asyncnet.followups.actions.replying import Closed
from asyncnet.followups.threads.queries import Thread, has_left, thread_of
from asyncnet.intros.actions import uploading
from asyncnet.intros.actions.uploading import NotAllowed
from asyncnet.intros.captions import Spoken, edited, removed
from asyncnet.intros.model import UNDER_WAY, IntroState
from asyncnet.intros.playing import Playback, playbacks
from asyncnet.intros.queries import intro_of
from asyncnet.intros.signing import (
    begin_upload,
    for_uploading,
    sign_step,
    take_over,
)
from asyncnet.web.access import Role, actor, current_participant, requires
from asyncnet.web.forms import ButtonForm
from asyncnet.web.limits import limiter
from asyncnet.web.pages import allow_recording

pages = Blueprint("recordings", __name__)
RECORDINGS = "/me/<int:participant_id>/matches/<int:match_id>/thread/recordings"
RECORDING = f"{RECORDINGS}/<int:intro_id>"


@pages.get(f"{RECORDINGS}/state")
@requires(Role.PARTICIPANT)
def state(participant_id: int, match_id: int) -> ResponseReturnValue:
    """Show how far one's recordings are; the page asks for it while one is prepared."""
    me = current_participant(participant_id)
    shown = thread_of(db.session(), me, match_id)
    return render_template(
        "threads/recordings.html", participant=me, other=shown.other, **for_recording(shown)
    )


@pages.post(RECORDINGS)
@requires(Role.PARTICIPANT)
@limiter.limit("30 per 5 minutes")
def begin(participant_id: int, match_id: int) -> ResponseReturnValue:
    """Open an upload for one recording; the answer carries its id."""
    me = current_participant(participant_id)
    shown = thread_of(db.session(), me, match_id)
    if not shown.is_open(utc_now()):
        return {"error": "You can send this from the moment your round begins."}, 409
    try:
        return begin_upload(partial(recording.begin, author=me, match_id=match_id))
    except Closed:
        return {"error": "This conversation is closed, so nothing was sent."}, 409


@pages.post(f"{RECORDING}/sign")
@requires(Role.PARTICIPANT)
def sign(participant_id: int, match_id: int, intro_id: int) -> ResponseReturnValue:
    """Sign the next request of this participant's own upload, or its next parts."""
    current_participant(participant_id)
    return sign_step(intro_of(db.session(), participant_id, intro_id, match_id=match_id))


@pages.post(f"{RECORDING}/arrived")
@requires(Role.PARTICIPANT)
def arrived(participant_id: int, match_id: int, intro_id: int) -> ResponseReturnValue:
    """Look whether the file is there, whatever the browser says; saying it twice is harmless."""
    current_participant(participant_id)
    return take_over(intro_of(db.session(), participant_id, intro_id, match_id=match_id))


@pages.post(f"{RECORDING}/as-audio")
@requires(Role.PARTICIPANT)
def take_as_audio(participant_id: int, match_id: int, intro_id: int) -> ResponseReturnValue:
    """Send the sound of a video that turned out to have no pictures."""
    me = current_participant(participant_id)
    shown = thread_of(db.session(), me, match_id)
    if not ButtonForm().accepted():
        abort(400)
    try:
        with transaction() as session:
            uploading.take_as_audio(
                session, me, intro_id, match_id=match_id, actor=actor(), now=utc_now()
            )
    except NotAllowed as error:
        flash(str(error), "bad")
    else:
        flash(f"We prepare its sound, and send it to {shown.other.name} then.", "notice")
    return redirect(url_for("threads.thread", participant_id=me.id, match_id=match_id))


@pages.route(f"{RECORDING}/captions", methods=["GET", "POST"])
@requires(Role.PARTICIPANT)
def caption(participant_id: int, match_id: int, intro_id: int) -> ResponseReturnValue:
    """Show the captions of one's own recorded reply beside it, and keep what is written."""
    me = current_participant(participant_id)
    spoken = _spoken(me, match_id, intro_id)
    if spoken is None:
        flash("Captions belong to a recording that can be played.", "notice")
        return redirect(url_for("threads.thread", participant_id=me.id, match_id=match_id))
    return edited(spoken, lambda: _spoken(me, match_id, intro_id))


@pages.post(f"{RECORDING}/captions/remove")
@requires(Role.PARTICIPANT)
def uncaption(participant_id: int, match_id: int, intro_id: int) -> ResponseReturnValue:
    """Take the captions of one's own recorded reply away."""
    spoken = _spoken(current_participant(participant_id), match_id, intro_id)
    page = url_for("threads.thread", participant_id=participant_id, match_id=match_id)
    return removed(spoken, spoken.edit_at if spoken else page)


@pages.post(f"{RECORDING}/withdraw")
@requires(Role.PARTICIPANT)
def withdraw(participant_id: int, match_id: int, intro_id: int) -> ResponseReturnValue:
    """Take a recorded reply back, whether it was sent already or not."""
    me = current_participant(participant_id)
    if not ButtonForm().accepted():
        abort(400)
    with transaction() as session:
        recording.withdraw(session, me, match_id, intro_id, actor=actor(), now=utc_now())
    flash(
        "Taken back. No page shows it any more, and its bytes are removed within minutes; until "
        "then, a page that was open before may still play it.",
        "notice",
    )
    if has_left(db.session(), me, match_id) or _goes_on(me, match_id):
        return redirect(url_for("threads.thread", participant_id=me.id, match_id=match_id))
    return redirect(url_for("day.me", participant_id=me.id))


def _goes_on(me: Participant, match_id: int) -> bool:
    try:
        thread_of(db.session(), me, match_id)
    except NotFound:
        return False
    return True


def for_recording(shown: Thread) -> dict[str, Any]:
    """Return what the page of two shows of recordings that are not sent, and needs for new ones."""
    allow_recording()
    found = queries.recordings_under_way(db.session(), shown.me.id, shown.match.id)
    return {
        "match_id": shown.match.id,
        "under_way": found,
        "sound_only": {one.id for one in found if uploading.may_become_audio(one, now=utc_now())},
        "waiting": any(one.state in (*UNDER_WAY[1:], IntroState.READY) for one in found),
        "upload_at": url_for(
            "recordings.begin", participant_id=shown.me.id, match_id=shown.match.id
        ),
        "upload_owner": f"{shown.me.id}-{shown.match.id}",
        "upload_done": "It has arrived. We check it now.",
        **for_uploading(),
    }


def plays(shown: Thread) -> dict[int, Playback]:
    """Return what plays each recording that was sent, by its id; call it after an access check."""
    sent = [words.recording for words in shown.words if words.recording]
    return playbacks([one for one in sent if one.state is IntroState.READY])


def _spoken(me: Participant, match_id: int, intro_id: int) -> Spoken | None:
    """Return one's own recorded reply, if it can be heard by now. Raises NotFound."""
    other = thread_of(db.session(), me, match_id).other
    recording = intro_of(db.session(), me.id, intro_id, match_id=match_id)
    if recording.state is not IntroState.READY:
        return None
    page: dict[str, Any] = {"participant_id": me.id, "match_id": match_id}
    here = page | {"intro_id": intro_id}
    return Spoken(
        me,
        recording,
        what="recording",
        readers=other.name,
        back=(f"You and {other.name}", url_for("threads.thread", **page)),
        edit_at=url_for("recordings.caption", **here),
        remove_at=url_for("recordings.uncaption", **here),
    )
