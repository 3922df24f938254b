"""What the pages that send files share: signs each request of an upload, and takes over its end."""

from collections.abc import Callable
from typing import Any

from flask import abort
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.intros.actions import uploading
from asyncnet.intros.actions.uploading import NotAllowed
from asyncnet.intros.forms import BeginForm, StepForm
from asyncnet.intros.model import Intro, IntroKind, IntroState
from asyncnet.intros.rules import Limits
from asyncnet.storage.port import FileMissing, UploadRequest
from asyncnet.web.access import actor
from asyncnet.web.forms import ButtonForm, Form, text
from asyncnet.wiring import settings, storage


def begin_upload(begin: Callable[..., Intro]) -> ResponseReturnValue:
    """Open an upload as an action `begin` does, in one transaction; the answer carries its id."""
    form = BeginForm()
    if not form.accepted():
        return refused(form)
    try:
        with transaction() as session:
            begun = begin(
                session,
                kind=IntroKind(text(form.kind)),
                size=form.size.data or 0,
                content_type=form.content_type.data or "",
                limits=Limits.of(settings()),
                actor=actor(),
                now=utc_now(),
            )
            begun_id = begun.id
    except NotAllowed as error:
        return {"error": str(error)}, 409
    return {"id": begun_id}, 201


def sign_step(intro: Intro) -> ResponseReturnValue:
    """Return the signed request, or parts, that the owner's browser asks for (CHECKLIST U2)."""
    form = StepForm()
    if not form.accepted():
        return refused(form)
    method, upload_id = form.method.data or "", form.upload_id.data or None
    if upload_id and intro.upload_id is None:
        with transaction() as session:
            uploading.note_upload(session, intro.id, upload_id)
    try:
        if method == "PUT":
            parts = uploading.permitted_parts(intro, upload_id, form.part_number.data or 0)
            return {"parts": {part.part_number: _signed(part) for part in parts}}
        wanted = uploading.permitted(intro, method=method, upload_id=upload_id, part_number=None)
        if uploading.is_completion(wanted):
            db.session.rollback()  # nothing stays open while storage is asked
            uploading.check_parts(intro, storage().parts(wanted.key, upload_id or ""))
    except NotAllowed as error:
        return {"error": str(error)}, 409
    except FileMissing:
        return {"error": "This upload is not there any more. Choose the file again."}, 410
    return _signed(wanted)


def take_over(intro: Intro) -> ResponseReturnValue:
    """Look whether the file is there, whatever the browser says; return where it stands."""
    if not ButtonForm().accepted():
        abort(400)
    intro_id, key = intro.id, intro.upload_key
    if intro.state is IntroState.AWAITING_UPLOAD:
        db.session.rollback()  # nothing stays open while storage is asked
        try:
            size = storage().size(key)
        except FileMissing:
            return {"error": "The file has not arrived whole yet."}, 409
        with transaction() as session:
            uploading.mark_arrived(session, intro_id, size=size, actor=actor(), now=utc_now())
    return {"state": db.session.get_one(Intro, intro_id).state}


def for_uploading() -> dict[str, Any]:
    """Return what upload.js must know on any page."""
    return {
        "limits": Limits.of(settings()),
        "part_bytes": uploading.PART_BYTES,
        "signed_for": settings().signature_valid_for,
    }


def refused(form: Form) -> ResponseReturnValue:
    """Return what is wrong with a form, for a script to say."""
    sentences = [sentence for errors in form.errors.values() for sentence in errors]
    return {"error": " ".join(map(str, sentences))}, 400


def _signed(wanted: UploadRequest) -> dict[str, Any]:
    signed = storage().sign(wanted, valid_for=settings().signature_valid_for)
    return {"url": signed.url, "headers": dict(signed.headers)}
