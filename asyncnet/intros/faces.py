"""Faces: everybody's photo page, and the addresses of the photos that other pages show."""

from collections.abc import Iterable, Mapping
from threading import BoundedSemaphore

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.events.model import Participant
from asyncnet.intros import portraits, queries
from asyncnet.intros.actions import portraying
from asyncnet.intros.forms import PhotoForm
from asyncnet.intros.rules import Unusable
from asyncnet.intros.video.photo import MAX_BYTES
from asyncnet.web.access import Role, actor, current_participant, requires, takes_up_to
from asyncnet.web.forms import ButtonForm
from asyncnet.web.limits import limiter
from asyncnet.wiring import settings, storage

pages = Blueprint("faces", __name__)
FORM_BYTES = 100_000
"""What a form may have beside the picture."""
AT_ONCE = BoundedSemaphore(2)
"""Pictures that one process reads at once, so that they never hold all of its threads."""


def faces(people: Iterable[Participant]) -> dict[int, str]:
    """Return addresses of these people's photos by participant id, good for some minutes.

    One query for a whole page; call it only after an access check (CHECKLIST U7).
    """
    return addresses(queries.photos_among(db.session(), {person.id for person in people}))


def addresses(keys: Mapping[int, str]) -> dict[int, str]:
    """Return addresses of the photos that storage keeps under these keys, by participant id."""
    return {
        participant_id: storage().link(
            key, content_type=portraits.JPEG, valid_for=settings().playback_valid_for
        )
        for participant_id, key in keys.items()
    }


@pages.route("/me/<int:participant_id>/photo", methods=["GET", "POST"])
@requires(Role.PARTICIPANT)
@takes_up_to(MAX_BYTES + FORM_BYTES)
@limiter.limit("20 per 5 minutes", methods=["POST"])
def photo(participant_id: int) -> ResponseReturnValue:
    """Show how somebody looks to others, and take another picture of them."""
    participant = current_participant(participant_id)
    form = PhotoForm()
    if not form.accepted():
        return _page(participant, form)
    db.session.rollback()  # nothing stays open while the picture is read and stored
    if not AT_ONCE.acquire(blocking=False):
        abort(
            503, "Many pictures come in just now. Send yours again in a few seconds.", retry_after=5
        )
    try:
        key = portraits.store(storage(), settings().instance / "work", form.picture.data.save)
    except Unusable as refusal:
        form.picture.errors = [refusal.reason]
        return _page(participant, form)
    finally:
        AT_ONCE.release()
    with transaction() as session:
        former = portraying.keep_photo(session, participant_id, key, actor=actor(), now=utc_now())
    portraits.discard(storage(), former)
    flash("This is how people see you from now on.", "good")
    return redirect(url_for(".photo", participant_id=participant_id))


@pages.post("/me/<int:participant_id>/photo/remove")
@requires(Role.PARTICIPANT)
def remove(participant_id: int) -> ResponseReturnValue:
    current_participant(participant_id)
    if not ButtonForm().accepted():
        abort(400)
    with transaction() as session:
        former = portraying.remove_photo(session, participant_id, actor=actor(), now=utc_now())
    portraits.discard(storage(), former)
    flash("Removed. People see your initials instead.", "good")
    return redirect(url_for(".photo", participant_id=participant_id))


def _page(participant: Participant, form: PhotoForm) -> ResponseReturnValue:
    return render_template(
        "intros/photo.html",
        participant=participant,
        event=participant.event,
        form=form,
        photo=faces([participant]).get(participant.id),
    ), 400 if form.errors else 200
