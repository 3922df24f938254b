"""The captions page: a speaker writes or corrects what is said, line by line, and shows it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import ChangedMeanwhile, db, transaction
from asyncnet.events.model import Participant
from asyncnet.intros import queries
from asyncnet.intros.actions import captioning
from asyncnet.intros.cues import MAX_CUES, write_time
from asyncnet.intros.forms import CaptionsForm
from asyncnet.intros.model import Captions, CaptionsState, Intro, IntroKind
from asyncnet.intros.playing import playback
from asyncnet.web.access import Role, actor, current_participant, requires
from asyncnet.web.forms import ButtonForm, number

pages = Blueprint("captions", __name__)

FREE_LINES = 4
"""How many empty lines the page offers; without scripts saving brings as many more."""


@dataclass(frozen=True)
class Spoken:
    """Something ready to be played whose speaker sees to its captions, and where they do."""

    speaker: Participant
    recording: Intro
    what: str
    readers: str
    back: tuple[str, str]
    """The page it belongs to: its name and address."""
    edit_at: str
    remove_at: str


@pages.route("/me/<int:participant_id>/intro/captions", methods=["GET", "POST"])
@requires(Role.PARTICIPANT)
def edit(participant_id: int) -> ResponseReturnValue:
    """Show the captions of one's own intro beside it, and keep what is written."""
    participant = current_participant(participant_id)
    spoken = _own(participant)
    if spoken is None:
        flash("Captions belong to a video or a sound. Make your intro first.", "notice")
        return redirect(url_for("intros.studio", participant_id=participant_id))
    return edited(spoken, lambda: _own(participant))


@pages.post("/me/<int:participant_id>/intro/captions/remove")
@requires(Role.PARTICIPANT)
def remove(participant_id: int) -> ResponseReturnValue:
    """Take the captions of one's own intro away."""
    spoken = _own(current_participant(participant_id))
    return removed(spoken, url_for(".edit", participant_id=participant_id))


def edited(spoken: Spoken, read_again: Callable[[], Spoken | None]) -> ResponseReturnValue:
    """Show the captions of a recording beside it, or keep what is written.

    `read_again` finds the recording as it is once others have changed it.
    """
    kept = queries.captions_of(db.session(), spoken.recording.id)
    if request.method == "GET":
        return _page(spoken, kept, _filled(kept))
    form = CaptionsForm()
    cues = form.lines(spoken.recording.seconds or 0)
    show = request.form.get("act") == "show"
    if cues == [] and show:
        form.form_errors.append("Write at least one line, so that there is something to show.")
        cues = None
    if cues is None:
        return _page(spoken, kept, form), 400
    try:
        with transaction() as session:
            captioning.save(
                session,
                spoken.recording,
                cues,
                show=show,
                version=number(form.version),
                actor=actor(),
                now=utc_now(),
            )
    except ChangedMeanwhile:
        return _again(read_again() or abort(404), form), 409
    flash(
        "Your captions are shown from now on."
        if show
        else "Kept for you alone. Nobody else sees them until you show them.",
        "good",
    )
    return redirect(spoken.edit_at)


def removed(spoken: Spoken | None, edit_at: str) -> ResponseReturnValue:
    """Take the captions of a recording away, if it is still there."""
    if not ButtonForm().accepted():
        abort(400)
    if spoken is not None:
        with transaction() as session:
            captioning.remove(session, spoken.recording, actor=actor(), now=utc_now())
        flash(f"Your {spoken.what} has no captions any more.", "notice")
    return redirect(edit_at)


def _own(participant: Participant) -> Spoken | None:
    """Return a participant's own intro, if there is one to be heard."""
    ready = queries.ready_of(db.session(), participant.id)
    if ready is None or ready.kind is IntroKind.TEXT:
        return None
    here: dict[str, Any] = {"participant_id": participant.id}
    return Spoken(
        participant,
        ready,
        what="intro",
        readers="your matches",
        back=("Your intro", url_for("intros.studio", **here)),
        edit_at=url_for("captions.edit", **here),
        remove_at=url_for("captions.remove", **here),
    )


def _again(spoken: Spoken, form: CaptionsForm) -> str:
    """Show what was written once more, since the captions had changed under it (F9)."""
    kept = queries.captions_of(db.session(), spoken.recording.id)
    form.now_at(kept.version if kept else 0)
    form.form_errors.append(
        "Your captions have changed since you opened this page, in another window or by a new "
        "draft. Below is what you wrote here: save it once more to put it in their place."
    )
    return _page(spoken, kept, form)


def _filled(kept: Captions | None) -> CaptionsForm:
    """Return the form as the captions are."""
    return CaptionsForm(
        formdata=None,
        data={
            "version": kept.version if kept else 0,
            "cues": [
                {
                    "start": write_time(cue["start"]),
                    "end": write_time(cue["end"]),
                    "text": cue["text"],
                }
                for cue in (kept.cues if kept else [])
            ],
        },
    )


def _page(spoken: Spoken, kept: Captions | None, form: CaptionsForm) -> str:
    while len(form.cues) < MAX_CUES and _free_lines(form) < FREE_LINES:
        form.cues.append_entry()
    return render_template(
        "intros/captions.html",
        participant=spoken.speaker,
        event=spoken.speaker.event,
        spoken=spoken,
        form=form,
        state=kept.state if kept else None,
        is_waiting=kept is not None and kept.state is CaptionsState.WAITING,
        kept=kept,
        playback=playback(spoken.recording),
        most=MAX_CUES,
    )


def _free_lines(form: CaptionsForm) -> int:
    """Return how many lines without words the form ends in."""
    words = [entry.form.text.data for entry in form.cues]
    return next((n for n, said in enumerate(reversed(words)) if said), len(words))
