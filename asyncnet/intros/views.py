"""The studio: where a participant gives consent, uploads, watches, replaces and withdraws."""

from functools import partial
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.events.model import Participant
from asyncnet.intros import portraits, queries
from asyncnet.intros.actions import consenting, portraying, uploading, withdrawing, writing
from asyncnet.intros.actions.consenting import CONSENT_VERSION
from asyncnet.intros.actions.uploading import NotAllowed
from asyncnet.intros.faces import faces
from asyncnet.intros.forms import ConsentForm, QuestionForm, WordsForm
from asyncnet.intros.model import UNDER_WAY
from asyncnet.intros.playing import playback
from asyncnet.intros.signing import (
    begin_upload,
    for_uploading,
    sign_step,
    take_over,
)
from asyncnet.web.access import Role, actor, current_participant, requires
from asyncnet.web.forms import ButtonForm, text
from asyncnet.web.limits import limiter
from asyncnet.web.pages import allow_recording
from asyncnet.wiring import storage

pages = Blueprint("intros", __name__)


@pages.get("/me/<int:participant_id>/intro")
@requires(Role.PARTICIPANT)
def studio(participant_id: int) -> ResponseReturnValue:
    participant = current_participant(participant_id)
    return render_template("intros/studio.html", **_shown(participant))


@pages.get("/me/<int:participant_id>/intro/state")
@requires(Role.PARTICIPANT)
def state(participant_id: int) -> ResponseReturnValue:
    """Show the part of the studio that changes by itself; the page asks for it while waiting."""
    participant = current_participant(participant_id)
    return render_template("intros/state.html", **_shown(participant))


@pages.post("/me/<int:participant_id>/intro/consent")
@requires(Role.PARTICIPANT)
def consent(participant_id: int) -> ResponseReturnValue:
    participant = current_participant(participant_id)
    form = ConsentForm()
    if not form.accepted():
        return render_template("intros/studio.html", **_shown(participant, consent=form)), 400
    with transaction() as session:
        consenting.give_consent(session, participant, actor=actor(), now=utc_now())
    return redirect(url_for(".studio", participant_id=participant_id))


@pages.post("/me/<int:participant_id>/intro/uploads")
@requires(Role.PARTICIPANT)
@limiter.limit("30 per 5 minutes")
def begin(participant_id: int) -> ResponseReturnValue:
    """Open an upload for one file; the answer carries its id."""
    participant = current_participant(participant_id)
    return begin_upload(partial(uploading.begin, participant=participant))


@pages.post("/me/<int:participant_id>/intro/uploads/<int:intro_id>/sign")
@requires(Role.PARTICIPANT)
def sign(participant_id: int, intro_id: int) -> ResponseReturnValue:
    """Sign the next request of this participant's own upload, or its next parts (CHECKLIST U2)."""
    current_participant(participant_id)
    return sign_step(queries.intro_of(db.session(), participant_id, intro_id))


@pages.post("/me/<int:participant_id>/intro/uploads/<int:intro_id>/arrived")
@requires(Role.PARTICIPANT)
def arrived(participant_id: int, intro_id: int) -> ResponseReturnValue:
    """Look whether the file is there, whatever the browser says; saying it twice is harmless."""
    current_participant(participant_id)
    return take_over(queries.intro_of(db.session(), participant_id, intro_id))


@pages.post("/me/<int:participant_id>/intro/<int:intro_id>/as-audio")
@requires(Role.PARTICIPANT)
def take_as_audio(participant_id: int, intro_id: int) -> ResponseReturnValue:
    """Make an audio intro of a video that turned out to be sound only."""
    participant = current_participant(participant_id)
    if not ButtonForm().accepted():
        abort(400)
    try:
        with transaction() as session:
            uploading.take_as_audio(session, participant, intro_id, actor=actor(), now=utc_now())
    except NotAllowed as error:
        flash(str(error), "bad")
    else:
        flash("We take its sound as your audio intro. That usually takes a minute.", "notice")
    return redirect(url_for(".studio", participant_id=participant_id))


@pages.post("/me/<int:participant_id>/intro/words")
@requires(Role.PARTICIPANT)
def write(participant_id: int) -> ResponseReturnValue:
    """Take an intro in words; it is ready at once."""
    participant = current_participant(participant_id)
    form = WordsForm()
    if not form.accepted():
        return render_template("intros/studio.html", **_shown(participant, words=form)), 400
    try:
        with transaction() as session:
            writing.write(session, participant, text(form.words), actor=actor(), now=utc_now())
    except NotAllowed as error:
        flash(str(error), "bad")
    else:
        flash("Your intro is ready. This is what your matches see from now on.", "good")
    return redirect(url_for(".studio", participant_id=participant_id))


@pages.post("/me/<int:participant_id>/intro/question")
@requires(Role.PARTICIPANT)
def ask_matches(participant_id: int) -> ResponseReturnValue:
    """Keep the one question that this participant adds to their matches' form."""
    participant = current_participant(participant_id)
    form = QuestionForm()
    if not form.accepted():
        return render_template("intros/studio.html", **_shown(participant, question=form)), 400
    question = text(form.own_question)
    with transaction() as session:
        writing.ask_matches(session, participant, question, actor=actor(), now=utc_now())
    flash("Your matches are asked this." if question else "Your question is taken out.", "good")
    return redirect(url_for(".studio", participant_id=participant_id))


@pages.post("/me/<int:participant_id>/intro/withdraw")
@requires(Role.PARTICIPANT)
def withdraw(participant_id: int) -> ResponseReturnValue:
    """Take the intro back, and the photo with it, before or after the event."""
    participant = current_participant(participant_id)
    if not ButtonForm().accepted():
        abort(400)
    with transaction() as session:
        withdrawing.withdraw(session, participant, actor=actor(), now=utc_now())
        photo = portraying.drop_photo(session, participant_id)
    portraits.discard(storage(), photo)
    flash(
        "Withdrawn. Nobody can open your intro from now on, and its bytes are removed within "
        "minutes.",
        "notice",
    )
    return redirect(url_for(".studio", participant_id=participant_id))


def _shown(
    participant: Participant,
    *,
    consent: ConsentForm | None = None,
    words: WordsForm | None = None,
    question: QuestionForm | None = None,
) -> dict[str, Any]:
    """Return what the studio shows of a participant's intros; a form given is one to correct."""
    allow_recording()
    newest = queries.newest_of(db.session(), participant.id)
    ready = queries.ready_of(db.session(), participant.id)
    kept = {
        "words": ready.words if ready else "",
        "own_question": participant.own_question,
    }
    return {
        "participant": participant,
        "event": participant.event,
        "consent": consent or ConsentForm(formdata=None),
        "words": words or WordsForm(formdata=None, data=kept),
        "question": question or QuestionForm(formdata=None, data=kept),
        "agreed": queries.consent_of(db.session(), participant.id, CONSENT_VERSION) is not None,
        "newest": newest,
        "ready": ready,
        "make_title": "Replace it" if ready else "Choose your way",
        "may_become_audio": newest is not None
        and uploading.may_become_audio(newest, now=utc_now()),
        "waiting": newest is not None and newest.state in UNDER_WAY[1:],
        "playback": playback(ready) if ready else None,
        "photo": faces([participant]).get(participant.id),
        "upload_at": url_for(".begin", participant_id=participant.id),
        "upload_owner": participant.id,
        "upload_done": "Your intro has arrived.",
        **for_uploading(),
    }
