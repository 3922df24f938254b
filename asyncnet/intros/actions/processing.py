"""What a worker does to a row: claim, renew, settle."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import String, func, select, update
from sqlalchemy.orm import Session

from asyncnet import leases
from asyncnet.audit.actions import SYSTEM, record
from asyncnet.intros.actions.telling import tell
from asyncnet.intros.actions.withdrawing import end
from asyncnet.intros.model import ENDED, PROPER, Intro, IntroKind, IntroState, IntroStep
from asyncnet.intros.rules import NOT_SEEN
from asyncnet.messages.rules import MessageKind

SOUND_KEPT_FOR = timedelta(days=1)
"""How long the bytes of a video that is sound only stay."""
GAVE_UP = (
    "We tried three times and could not prepare this file; the fault is ours or the file's. "
    "Try another file, or save it once more in the app that made it."
)


@dataclass(frozen=True)
class Claim(leases.Claim):
    """The right to process one intro, with what a worker needs to know of it."""

    kind: IntroKind
    upload_key: str
    bytes_announced: int
    folder: str


@dataclass(frozen=True)
class Prepared:
    """What a worker made of an upload; `files` are names in the claim's folder."""

    files: Sequence[str]
    seconds: float
    width: int | None
    height: int | None
    """None for sound alone."""
    warnings: Sequence[str]
    checksums: Mapping[str, str] = field(default_factory=dict)
    """What storage says of the files, by name."""


def claim_next(session: Session, *, now: datetime) -> Claim:
    """Take the intro that has waited longest. Raises NothingWaiting."""
    named_after = func.replace(Intro.upload_key, "uploads/", "intros/", type_=String)
    taken = leases.take(
        session,
        Intro,
        Intro.state.in_((IntroState.UPLOADED, IntroState.PROCESSING)),
        now=now,
        state=IntroState.PROCESSING,
        step=IntroStep.CHECKING,
        folder=named_after.concat(f"-{secrets.token_hex(16)}"),
    )
    return Claim(
        taken.id,
        taken.attempts,
        taken.kind,
        taken.upload_key,
        taken.bytes_announced,
        taken.folder or "",  # set just now, so never empty
    )


def folders_of(upload_key: str) -> str:
    """Return how the folder of every try to prepare an upload begins, a killed worker's too."""
    return upload_key.replace("uploads/", "intros/", 1) + "-"


def give_up(session: Session, *, now: datetime) -> None:
    """Reject what has used up its tries without a word: a file that kills its workers (F16)."""
    given_up = session.scalars(
        update(Intro)
        .where(leases.used_up(Intro, now), Intro.state == IntroState.PROCESSING)
        .values(state=IntroState.REJECTED, step=None, reason=GAVE_UP, wake_at=now)
        .returning(Intro)
        .execution_options(populate_existing=True)
    ).all()
    for intro in given_up:
        record(session, SYSTEM, "intro.rejected", f"intro:{intro.id}", now=now, detail=GAVE_UP)
    tell(session, given_up, MessageKind.INTRO_REFUSED, now=now)


def renew(session: Session, claim: Claim, *, now: datetime) -> None:
    """Make a claim last on from now; nothing happens if it is lost."""
    session.execute(
        update(Intro)
        .where(leases.is_held(Intro, claim), Intro.state == IntroState.PROCESSING)
        .values(wake_at=now + leases.LEASE)
    )


def note_step(session: Session, claim: Claim, step: IntroStep) -> None:
    """Say where the worker is; nothing happens if its claim is lost."""
    session.execute(
        update(Intro)
        .where(leases.is_held(Intro, claim), Intro.state == IntroState.PROCESSING)
        .values(step=step)
    )


def mark_ready(session: Session, claim: Claim, prepared: Prepared, *, now: datetime) -> None:
    """Show what was made, and end every older intro of this person. Raises ClaimLost.

    When a newer one became ready meanwhile, this one is replaced before anybody saw it. A
    recorded reply neither replaces anything nor is replaced.
    """
    intro = _claimed(session, claim)
    newer = intro.match_id is None and session.scalar(
        select(func.count()).where(
            Intro.participant_id == intro.participant_id,
            PROPER,
            Intro.id > intro.id,
            Intro.state == IntroState.READY,
        )
    )
    intro.files = list(prepared.files)
    intro.checksums = dict(prepared.checksums)
    intro.seconds = prepared.seconds
    intro.width = prepared.width
    intro.height = prepared.height
    intro.warnings = list(prepared.warnings)
    intro.ready_at = now
    intro.wake_at = now
    intro.step = None
    intro.state = IntroState.REPLACED if newer else IntroState.READY
    record(session, SYSTEM, f"intro.{intro.state}", f"intro:{intro.id}", now=now)
    if intro.match_id is not None:
        return
    if intro.state is IntroState.READY:
        tell(session, [intro], MessageKind.INTRO_READY, now=now)
    end(
        session,
        intro.participant_id,
        (IntroState.UPLOADED, IntroState.PROCESSING, IntroState.READY),
        IntroState.REPLACED,
        now=now,
        before_id=intro.id,
    )


def reject(
    session: Session, claim: Claim, reason: str, *, is_sound_only: bool = False, now: datetime
) -> None:
    """Refuse an upload, with a sentence for its owner. Raises ClaimLost.

    The bytes of a video that is sound only stay for a while: its owner may take it as audio.
    """
    intro = _claimed(session, claim)
    if is_sound_only and intro.match_id is not None:
        reason = NOT_SEEN  # it is no intro
    intro.state = IntroState.REJECTED
    intro.step = None
    intro.reason = reason[:300]
    intro.is_sound_only = is_sound_only
    intro.wake_at = now + SOUND_KEPT_FOR if is_sound_only else now
    record(session, SYSTEM, "intro.rejected", f"intro:{intro.id}", now=now, detail=reason)
    tell(session, [intro], MessageKind.INTRO_REFUSED, now=now)


def release(session: Session, claim: Claim, *, now: datetime) -> None:
    """Give an intro back after a passing fault, to be tried later; the last try rejects it.

    Raises ClaimLost.
    """
    if claim.attempts >= leases.MAX_ATTEMPTS:
        reject(session, claim, GAVE_UP, now=now)
        return
    intro = _claimed(session, claim)
    intro.state = IntroState.UPLOADED
    intro.step = None
    intro.wake_at = now + timedelta(minutes=4 ** (claim.attempts - 1))


def hand_back(session: Session, claim: Claim, *, now: datetime) -> None:
    """Give back an intro that its worker, asked to stop, leaves to another; it was no try.

    The next claim has the same number; its worker must do nothing more with this one.
    Raises ClaimLost.
    """
    intro = _claimed(session, claim)
    intro.state = IntroState.UPLOADED
    intro.step = None
    intro.wake_at = now
    intro.attempts -= 1


def mark_cleared(session: Session, intro_id: int, *, seen: IntroState, now: datetime) -> None:
    """Note that storage holds nothing more of an intro than its state `seen` allows."""
    session.execute(
        update(Intro)
        .where(Intro.id == intro_id, Intro.state == seen, Intro.wake_at <= now)
        .values(wake_at=None, **({"bytes_removed_at": now} if seen in ENDED else {}))
    )


def _claimed(session: Session, claim: Claim) -> Intro:
    return leases.claimed(session, Intro, claim, Intro.state == IntroState.PROCESSING)
