"""Opens an upload, says which request may come next, takes over what arrived."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from asyncnet.audit.actions import SYSTEM, Actor, record
from asyncnet.events.model import Participant
from asyncnet.intros import queries
from asyncnet.intros.actions.consenting import CONSENT_VERSION
from asyncnet.intros.actions.telling import tell
from asyncnet.intros.actions.withdrawing import end, lock, wake_worker
from asyncnet.intros.model import Intro, IntroKind, IntroState
from asyncnet.intros.rules import Limits, judge_bytes
from asyncnet.messages.rules import MessageKind
from asyncnet.storage.port import Part, UploadRequest

PART_BYTES = 8 << 20
PARTS_AT_ONCE = 16
"""How many parts are signed by one request: a phone far away saves as many round trips."""
UPLOADS_A_DAY = 20
UNFINISHED_FOR = timedelta(days=1)
CLEARED_SOON = timedelta(minutes=1)
"""So shortly before bytes are removed, nobody is offered them any more."""
NOT_FINISHED = "The upload was not finished within a day. Choose the file again to start anew."
OTHER_SIZE = (
    "What arrived has another size than the file you chose. Please choose it again and upload it "
    "once more."
)
OTHER_UPLOAD = (
    "This upload was begun anew elsewhere. Reload the page and choose the file again to start "
    "afresh."
)
STEPS = {
    ("POST", True),
    ("PUT", False),
    ("GET", False),
    ("POST", False),
    ("DELETE", False),
}
"""The five requests of an upload: each method, and whether it comes before there is an id."""


TYPES = {
    IntroKind.VIDEO: ("video/", "application/octet-stream"),
    IntroKind.AUDIO: ("audio/", "video/", "application/octet-stream"),
}
"""What a browser may call a file; some call sound in a video's container a video."""
OTHER_TYPE = {
    IntroKind.VIDEO: "This is not a video. Choose a video file, or record a new one.",
    IntroKind.AUDIO: "This is not a sound file. Choose another one, or record a new one.",
}


class NotAllowed(Exception):
    """This upload, or this step of it, is refused; says why to its owner."""


def begin(
    session: Session,
    participant: Participant,
    *,
    kind: IntroKind = IntroKind.VIDEO,
    match_id: int | None = None,
    size: int,
    content_type: str,
    limits: Limits,
    actor: Actor,
    now: datetime,
) -> Intro:
    """Open an upload of `size` bytes under a random key of ours; an unfinished one before it ends.

    `content_type` is what the browser says; it can only rule a file out. With a `match_id` it is
    a recorded reply, which the caller allows. Raises NotAllowed.
    """
    lock(session, participant.id)
    if match_id is None:
        check_consent(session, participant.id)
    check_may_begin(session, participant.id, now=now)
    refusal = judge_bytes(size, limits)
    if refusal:
        raise NotAllowed(refusal)
    if content_type and not content_type.startswith(TYPES[kind]):
        raise NotAllowed(OTHER_TYPE[kind])
    end(
        session,
        participant.id,
        (IntroState.AWAITING_UPLOAD,),
        IntroState.REPLACED,
        among=Intro.match_id == match_id,
        now=now,
    )
    intro = Intro(
        participant_id=participant.id,
        match_id=match_id,
        kind=kind,
        upload_key=f"uploads/{secrets.token_hex(16)}",
        bytes_announced=size,
        created_at=now,
    )
    session.add(intro)
    session.flush()
    record(session, actor, "intro.begun", f"intro:{intro.id}", now=now, detail=f"{size} bytes")
    return intro


def check_consent(session: Session, participant_id: int) -> None:
    """Raise NotAllowed unless a participant has agreed that their intro is shown."""
    if not queries.consent_of(session, participant_id, CONSENT_VERSION):
        raise NotAllowed("Please tick the box above first, so that we may show your intro.")


def check_may_begin(session: Session, participant_id: int, *, now: datetime) -> None:
    """Raise NotAllowed unless a participant has made few intros and recorded replies of late."""
    if queries.begun_since(session, participant_id, now - timedelta(days=1)) >= UPLOADS_A_DAY:
        raise NotAllowed(
            f"You have made {UPLOADS_A_DAY} recordings since yesterday. Please try again tomorrow."
        )


def note_upload(session: Session, intro_id: int, upload_id: str) -> None:
    """Keep the first upload id that the owner's browser names; later ones change nothing.

    A key can be given many uploads while its address is good, and each would take in a whole
    file, so only one of them is ever signed for (CHECKLIST U1).
    """
    session.execute(
        update(Intro)
        .where(
            Intro.id == intro_id,
            Intro.upload_id.is_(None),
            Intro.state == IntroState.AWAITING_UPLOAD,
        )
        .values(upload_id=upload_id)
    )


def permitted(
    intro: Intro, *, method: str, upload_id: str | None, part_number: int | None
) -> UploadRequest:
    """Return the request that the owner's browser may make next, with a part's exact length.

    Raises NotAllowed.
    """
    if intro.state is not IntroState.AWAITING_UPLOAD:
        raise NotAllowed("This upload has ended. Reload the page to see where your intro stands.")
    if (method, upload_id is None) not in STEPS:
        raise NotAllowed("An upload has no such step.")
    if upload_id is not None and upload_id != intro.upload_id:
        raise NotAllowed(OTHER_UPLOAD)
    if method == "PUT":
        length = _part_length(intro.bytes_announced, part_number or 0)
        offset = ((part_number or 0) - 1) * PART_BYTES
        return UploadRequest("PUT", intro.upload_key, upload_id, part_number, length, offset)
    return UploadRequest(method, intro.upload_key, upload_id)


def permitted_parts(intro: Intro, upload_id: str | None, first: int) -> list[UploadRequest]:
    """Return the requests for part `first` and those after it, as many as are signed at once.

    Raises NotAllowed.
    """
    last = -(-intro.bytes_announced // PART_BYTES)
    following = range(first + 1, min(first + PARTS_AT_ONCE, last + 1))
    return [
        permitted(intro, method="PUT", upload_id=upload_id, part_number=number)
        for number in (first, *following)
    ]


def is_completion(request: UploadRequest) -> bool:
    """Return whether this request would make a file of the parts."""
    return request.method == "POST" and request.upload_id is not None


def check_parts(intro: Intro, parts: Sequence[Part]) -> None:
    """Raise NotAllowed unless the stored parts are the whole announced file (CHECKLIST U1)."""
    numbers = [part.number for part in parts]
    whole = sum(part.size for part in parts) == intro.bytes_announced
    if numbers != list(range(1, len(parts) + 1)) or not whole:
        raise NotAllowed("Some of the file has not arrived yet.")


def mark_arrived(
    session: Session, intro_id: int, *, size: int, actor: Actor, now: datetime
) -> None:
    """Note that storage holds `size` bytes of a finished upload; telling twice changes nothing."""
    intro = session.get_one(Intro, intro_id, with_for_update=True)
    if intro.state is not IntroState.AWAITING_UPLOAD:
        return
    intro.uploaded_at = now
    intro.wake_at = now
    if size == intro.bytes_announced:
        intro.state = IntroState.UPLOADED
        record(session, actor, "intro.arrived", f"intro:{intro.id}", now=now)
    else:
        intro.state = IntroState.REJECTED
        intro.reason = OTHER_SIZE
        record(session, actor, "intro.rejected", f"intro:{intro.id}", now=now, detail=OTHER_SIZE)
        tell(session, [intro], MessageKind.INTRO_REFUSED, now=now)
    wake_worker(session)


def may_become_audio(intro: Intro, *, now: datetime) -> bool:
    """Return whether the bytes of a refused video are still there to make an audio intro of."""
    return (
        intro.state is IntroState.REJECTED
        and intro.is_sound_only
        and intro.wake_at is not None
        and now < intro.wake_at - CLEARED_SOON
    )


def take_as_audio(
    session: Session,
    participant: Participant,
    intro_id: int,
    *,
    match_id: int | None = None,
    actor: Actor,
    now: datetime,
) -> None:
    """Process a video that is sound only once more, as sound; twice changes nothing.

    With a `match_id` it is a recorded reply. Raises NotFound, and NotAllowed when its bytes
    are gone.
    """
    lock(session, participant.id)
    intro = queries.intro_of(session, participant.id, intro_id, match_id=match_id)
    if intro.kind is IntroKind.AUDIO:
        return
    if not may_become_audio(intro, now=now):
        raise NotAllowed(
            "This file is not stored any more. Choose it again, as a sound file this time."
        )
    intro.kind = IntroKind.AUDIO
    intro.state = IntroState.UPLOADED
    intro.is_sound_only = False
    intro.reason = ""
    intro.attempts = 0
    intro.wake_at = now
    record(session, actor, "intro.taken_as_audio", f"intro:{intro.id}", now=now)
    wake_worker(session)


def expire(session: Session, intro_id: int, *, now: datetime) -> None:
    """Tell the owner of an upload that nobody went on with that it has ended."""
    intro = session.get_one(Intro, intro_id, with_for_update=True)
    if intro.state is IntroState.AWAITING_UPLOAD:
        intro.state = IntroState.REJECTED
        intro.reason = NOT_FINISHED
        intro.wake_at = now
        record(session, SYSTEM, "intro.rejected", f"intro:{intro.id}", now=now, detail=NOT_FINISHED)
        tell(session, [intro], MessageKind.INTRO_REFUSED, now=now)


def _part_length(size: int, number: int) -> int:
    """Return the bytes of part `number`, counted from 1. Raises NotAllowed."""
    length = min(PART_BYTES, size - (number - 1) * PART_BYTES)
    if number < 1 or length < 1:
        raise NotAllowed("This file has no such part.")
    return length
