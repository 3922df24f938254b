"""Takes an intro from consent through upload and processing to ready, replaced or withdrawn."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import String, func, select, type_coerce, update
from sqlalchemy.orm import Session

from asyncnet.audit.actions import SYSTEM, Actor, record
from asyncnet.database import wake
from asyncnet.events.model import Consent, Participant
from asyncnet.intros import queries
from asyncnet.intros.model import ENDED, UNDER_WAY, Intro, IntroState
from asyncnet.intros.rules import Limits, judge_bytes
from asyncnet.storage.port import Part, UploadRequest

CONSENT_VERSION = "2026-11"
"""The version of the words beside the consent box of the intro."""

PART_BYTES = 8 << 20
PARTS_AT_ONCE = 16
"""How many parts are signed by one request: a phone far away saves as many round trips."""
UPLOADS_A_DAY = 20
LEASE = timedelta(minutes=1)
"""How long a claim lasts unless it is renewed: so soon the work of a killed worker goes on."""
MAX_ATTEMPTS = 3
UNFINISHED_FOR = timedelta(days=1)

GAVE_UP = (
    "We tried three times and could not prepare this video; the fault is ours or the file's. "
    "Try another file, or save it once more as MP4 in your video app."
)
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


class NotAllowed(Exception):
    """This upload, or this step of it, is refused; says why to its owner."""


class NothingWaiting(Exception):
    """No intro is waiting to be processed."""


class ClaimLost(Exception):
    """Somebody withdrew or replaced the intro meanwhile, or another worker took it over."""


@dataclass(frozen=True)
class Claim:
    """The right to process one intro, as long as `attempts` is still the row's."""

    intro_id: int
    attempts: int
    upload_key: str
    bytes_announced: int
    folder: str


@dataclass(frozen=True)
class Prepared:
    """What a worker made of an upload; `files` are names in the claim's folder."""

    files: Sequence[str]
    seconds: float
    width: int
    height: int
    warnings: Sequence[str]


def give_consent(
    session: Session, participant: Participant, *, actor: Actor, now: datetime
) -> None:
    """Keep that a participant agreed to the words shown now (CHECKLIST D1); once is enough."""
    _lock(session, participant.id)
    if queries.consent_of(session, participant.id, CONSENT_VERSION):
        return
    session.add(
        Consent(
            participant_id=participant.id,
            purpose=queries.CONSENT_PURPOSE,
            text_version=CONSENT_VERSION,
            given_at=now,
        )
    )
    record(
        session,
        actor,
        "intro.consented",
        f"participant:{participant.id}",
        now=now,
        detail=CONSENT_VERSION,
    )


def begin(
    session: Session,
    participant: Participant,
    *,
    size: int,
    content_type: str,
    limits: Limits,
    actor: Actor,
    now: datetime,
) -> Intro:
    """Open an upload of `size` bytes under a random key of ours; an unfinished one before it ends.

    `content_type` is what the browser says; it can only rule a file out. Raises NotAllowed.
    """
    _lock(session, participant.id)
    if not queries.consent_of(session, participant.id, CONSENT_VERSION):
        raise NotAllowed("Please tick the box above first, so that we may show your video.")
    refusal = judge_bytes(size, limits)
    if refusal:
        raise NotAllowed(refusal)
    if content_type and not content_type.startswith(("video/", "application/octet-stream")):
        raise NotAllowed("This is not a video. Choose a video file, or record a new one.")
    if queries.begun_since(session, participant.id, now - timedelta(days=1)) >= UPLOADS_A_DAY:
        raise NotAllowed(
            f"You have started {UPLOADS_A_DAY} uploads since yesterday. Please try again tomorrow."
        )
    _end(session, participant.id, (IntroState.AWAITING_UPLOAD,), IntroState.REPLACED, now=now)
    intro = Intro(
        participant_id=participant.id,
        upload_key=f"uploads/{secrets.token_hex(16)}",
        bytes_announced=size,
        created_at=now,
    )
    session.add(intro)
    session.flush()
    record(session, actor, "intro.begun", f"intro:{intro.id}", now=now, detail=f"{size} bytes")
    return intro


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
    _wake_worker(session)


def claim_next(session: Session, *, now: datetime) -> Claim:
    """Take the intro that has waited longest, in one statement. Raises NothingWaiting."""
    due = (
        select(Intro.id)
        .where(
            Intro.wake_at <= now,
            Intro.state.in_((IntroState.UPLOADED, IntroState.PROCESSING)),
            Intro.attempts < MAX_ATTEMPTS,
        )
        .order_by(Intro.wake_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    named_after = func.replace(Intro.upload_key, "uploads/", "intros/", type_=String)
    taken = session.execute(
        update(Intro)
        .where(Intro.id == due)
        .values(
            state=IntroState.PROCESSING,
            attempts=Intro.attempts + 1,
            wake_at=now + LEASE,
            folder=named_after.concat(f"-{secrets.token_hex(16)}"),
        )
        .returning(
            Intro.id,
            Intro.attempts,
            Intro.upload_key,
            Intro.bytes_announced,
            type_coerce(Intro.folder, String),  # set just now, so never NULL
        )
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if taken is None:
        raise NothingWaiting
    return Claim(*taken)


def folders_of(upload_key: str) -> str:
    """Return how the folder of every try to prepare an upload begins, a killed worker's too."""
    return upload_key.replace("uploads/", "intros/", 1) + "-"


def give_up(session: Session, *, now: datetime) -> None:
    """Reject what has used up its tries without a word: a file that kills its workers (F16)."""
    given_up = session.scalars(
        update(Intro)
        .where(
            Intro.wake_at <= now,
            Intro.state == IntroState.PROCESSING,
            Intro.attempts >= MAX_ATTEMPTS,
        )
        .values(state=IntroState.REJECTED, reason=GAVE_UP, wake_at=now)
        .returning(Intro.id)
    ).all()
    for intro_id in given_up:
        record(session, SYSTEM, "intro.rejected", f"intro:{intro_id}", now=now, detail=GAVE_UP)


def renew(session: Session, claim: Claim, *, now: datetime) -> None:
    """Make a claim last on from now; nothing happens if it is lost."""
    session.execute(
        update(Intro)
        .where(
            Intro.id == claim.intro_id,
            Intro.attempts == claim.attempts,
            Intro.state == IntroState.PROCESSING,
        )
        .values(wake_at=now + LEASE)
    )


def mark_ready(session: Session, claim: Claim, prepared: Prepared, *, now: datetime) -> None:
    """Show what was made, and end every older intro of this person. Raises ClaimLost.

    When a newer one became ready meanwhile, this one is replaced before anybody saw it.
    """
    intro = _claimed(session, claim)
    newer = session.scalar(
        select(func.count()).where(
            Intro.participant_id == intro.participant_id,
            Intro.id > intro.id,
            Intro.state == IntroState.READY,
        )
    )
    intro.files = list(prepared.files)
    intro.seconds = prepared.seconds
    intro.width = prepared.width
    intro.height = prepared.height
    intro.warnings = list(prepared.warnings)
    intro.ready_at = now
    intro.wake_at = now
    intro.state = IntroState.REPLACED if newer else IntroState.READY
    record(session, SYSTEM, f"intro.{intro.state}", f"intro:{intro.id}", now=now)
    _end(
        session,
        intro.participant_id,
        (IntroState.UPLOADED, IntroState.PROCESSING, IntroState.READY),
        IntroState.REPLACED,
        now=now,
        before_id=intro.id,
    )


def reject(session: Session, claim: Claim, reason: str, *, now: datetime) -> None:
    """Refuse an upload, with a sentence for its owner. Raises ClaimLost."""
    intro = _claimed(session, claim)
    intro.state = IntroState.REJECTED
    intro.reason = reason[:300]
    intro.wake_at = now
    record(session, SYSTEM, "intro.rejected", f"intro:{intro.id}", now=now, detail=reason)


def release(session: Session, claim: Claim, *, now: datetime) -> None:
    """Give an intro back after a passing fault, to be tried later; the last try rejects it.

    Raises ClaimLost.
    """
    if claim.attempts >= MAX_ATTEMPTS:
        reject(session, claim, GAVE_UP, now=now)
        return
    intro = _claimed(session, claim)
    intro.state = IntroState.UPLOADED
    intro.wake_at = now + timedelta(minutes=4 ** (claim.attempts - 1))


def hand_back(session: Session, claim: Claim, *, now: datetime) -> None:
    """Give back an intro that its worker, asked to stop, leaves to another; it was no try.

    The next claim has the same number; its worker must do nothing more with this one.
    Raises ClaimLost.
    """
    intro = _claimed(session, claim)
    intro.state = IntroState.UPLOADED
    intro.wake_at = now
    intro.attempts -= 1


def withdraw(session: Session, participant: Participant, *, actor: Actor, now: datetime) -> None:
    """Take back every intro of a participant and the consent to it; storage is cleared next."""
    _lock(session, participant.id)
    ended = _end(
        session,
        participant.id,
        (*UNDER_WAY, IntroState.READY, IntroState.REJECTED),
        IntroState.WITHDRAWN,
        now=now,
    )
    consents = session.execute(
        update(Consent)
        .where(
            Consent.participant_id == participant.id,
            Consent.purpose == queries.CONSENT_PURPOSE,
            Consent.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=now)
        .returning(Consent.id)
    ).all()
    if ended or consents:
        record(session, actor, "intro.withdrawn", f"participant:{participant.id}", now=now)


def withdraw_departed(session: Session, *, now: datetime) -> None:
    """Withdraw the intros of people who left their event."""
    open_states = (*UNDER_WAY, IntroState.READY)
    gone = session.scalars(
        select(Participant)
        .where(
            Participant.id.in_(select(Intro.participant_id).where(Intro.state.in_(open_states))),
            Participant.left_at.is_not(None),
        )
        .limit(100)
    ).all()
    for participant in gone:
        withdraw(session, participant, actor=SYSTEM, now=now)


def expire(session: Session, intro_id: int, *, now: datetime) -> None:
    """Tell the owner of an upload that nobody went on with that it has ended."""
    intro = session.get_one(Intro, intro_id, with_for_update=True)
    if intro.state is IntroState.AWAITING_UPLOAD:
        intro.state = IntroState.REJECTED
        intro.reason = NOT_FINISHED
        intro.wake_at = now
        record(session, SYSTEM, "intro.rejected", f"intro:{intro.id}", now=now, detail=NOT_FINISHED)


def mark_cleared(session: Session, intro_id: int, *, seen: IntroState, now: datetime) -> None:
    """Note that storage holds nothing more of an intro than its state `seen` allows."""
    session.execute(
        update(Intro)
        .where(Intro.id == intro_id, Intro.state == seen, Intro.wake_at <= now)
        .values(wake_at=None, **({"bytes_removed_at": now} if seen in ENDED else {}))
    )


def _claimed(session: Session, claim: Claim) -> Intro:
    """Return the row of a claim, locked. Raises ClaimLost."""
    intro = session.scalar(
        select(Intro)
        .where(
            Intro.id == claim.intro_id,
            Intro.attempts == claim.attempts,
            Intro.state == IntroState.PROCESSING,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if intro is None:
        raise ClaimLost
    return intro


def _end(
    session: Session,
    participant_id: int,
    states: Sequence[IntroState],
    end: IntroState,
    *,
    now: datetime,
    before_id: int | None = None,
) -> bool:
    """Move a participant's intros in these states to `end`; return whether there was any.

    Their claims are lost, and a worker clears storage after them.
    """
    wanted = [Intro.participant_id == participant_id, Intro.state.in_(states)]
    if before_id is not None:
        wanted.append(Intro.id < before_id)
    ended = session.execute(
        update(Intro)
        .where(*wanted)
        .values(state=end, wake_at=now, attempts=Intro.attempts + 1)
        .returning(Intro.id)
    ).all()
    if ended:
        _wake_worker(session)
    return bool(ended)


def _part_length(size: int, number: int) -> int:
    """Return the bytes of part `number`, counted from 1. Raises NotAllowed."""
    length = min(PART_BYTES, size - (number - 1) * PART_BYTES)
    if number < 1 or length < 1:
        raise NotAllowed("This file has no such part.")
    return length


def _lock(session: Session, participant_id: int) -> None:
    """Let one request at a time change a participant's intros (CHECKLIST A6)."""
    session.execute(
        select(Participant.id).where(Participant.id == participant_id).with_for_update()
    )


def _wake_worker(session: Session) -> None:
    wake(session, "video")
