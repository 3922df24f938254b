"""Keeps captions: written by their speaker, or drafted by a recognizer for them to correct."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from asyncnet import leases
from asyncnet.audit.actions import Actor, record
from asyncnet.database import ChangedMeanwhile
from asyncnet.intros.actions.withdrawing import lock, wake_worker
from asyncnet.intros.cues import Cue
from asyncnet.intros.model import Captions, CaptionsState, Intro, IntroState

LEASE = timedelta(minutes=10)
"""Longer than listening to an intro ever takes, so a claim needs no renewal."""
HEARD_WITHIN = timedelta(hours=12)
"""Who has waited so long for a draft is told to write by hand."""


@dataclass(frozen=True)
class Claim(leases.Claim):
    """The right to draft the captions of one intro, with what is listened to."""

    key: str
    """Where storage keeps it."""
    seconds: float


def save(
    session: Session,
    intro: Intro,
    cues: Sequence[Cue],
    *,
    show: bool,
    version: int,
    actor: Actor,
    now: datetime,
) -> None:
    """Keep what a speaker wrote or corrected; only what they `show` is seen by others.

    `version` is what they saw, 0 for none. Raises ChangedMeanwhile when it has changed
    since, or when the intro is shown no more.
    """
    lock(session, intro.participant_id)
    session.refresh(intro, ["state"])
    kept = session.scalar(select(Captions).where(Captions.intro_id == intro.id).with_for_update())
    if (kept.version if kept else 0) != version or intro.state is not IntroState.READY:
        raise ChangedMeanwhile
    if kept is None:
        kept = Captions(intro_id=intro.id, version=0, created_at=now)
        session.add(kept)
    kept.cues = [cue.as_json() for cue in cues]
    kept.state = CaptionsState.SHOWN if show else CaptionsState.DRAFT
    kept.shown_at = now if show else None
    kept.wake_at = None
    kept.version += 1
    done = "captions.shown" if show else "captions.kept"
    record(session, actor, done, f"intro:{intro.id}", now=now, detail=f"{len(cues)} lines")


def remove(session: Session, intro: Intro, *, actor: Actor, now: datetime) -> None:
    """Take the captions away; twice changes nothing."""
    gone = session.scalars(
        delete(Captions).where(Captions.intro_id == intro.id).returning(Captions.id)
    ).all()
    if gone:
        record(session, actor, "captions.removed", f"intro:{intro.id}", now=now)


def ask(session: Session, intro_id: int, *, now: datetime) -> None:
    """Have a worker listen to what has just become ready, unless it was replaced."""
    if session.get_one(Intro, intro_id).state is not IntroState.READY:
        return
    session.add(
        Captions(intro_id=intro_id, state=CaptionsState.WAITING, wake_at=now, created_at=now)
    )
    wake_worker(session)


def claim_next(session: Session, *, now: datetime) -> Claim:
    """Take what has waited longest to be listened to. Raises NothingWaiting."""
    give_up(session, now=now)
    captions = leases.take(
        session,
        Captions,
        Captions.state == CaptionsState.WAITING,
        Captions.intro.has(Intro.state == IntroState.READY),
        lease=LEASE,
        now=now,
    )
    intro = captions.intro
    # the smallest file that has the sound: the second of the two videos, or the sound alone
    name = intro.files[min(1, len(intro.files) - 1)]
    return Claim(captions.id, captions.attempts, f"{intro.folder}/{name}", intro.seconds or 0)


def give_up(session: Session, *, now: datetime) -> None:
    """Leave to be written by hand what has used up its tries, or what no worker listens to."""
    session.execute(
        update(Captions)
        .where(
            Captions.state == CaptionsState.WAITING,
            Captions.wake_at <= now,
            or_(Captions.attempts >= leases.MAX_ATTEMPTS, Captions.wake_at <= now - HEARD_WITHIN),
        )
        .values(state=CaptionsState.EMPTY, wake_at=None, version=Captions.version + 1)
    )


def keep_draft(session: Session, claim: Claim, cues: Sequence[Cue]) -> None:
    """Keep what was heard for its speaker to correct, unless they have written it meanwhile."""
    session.execute(
        update(Captions)
        .where(leases.is_held(Captions, claim), Captions.state == CaptionsState.WAITING)
        .values(
            cues=[cue.as_json() for cue in cues],
            state=CaptionsState.DRAFT if cues else CaptionsState.EMPTY,
            wake_at=None,
            version=Captions.version + 1,
        )
    )


def put_back(session: Session, claim: Claim, *, tries: int = 1, now: datetime) -> None:
    """Give a claim back, to be tried again in a minute; `tries` 0 when it was none."""
    session.execute(
        update(Captions)
        .where(leases.is_held(Captions, claim), Captions.state == CaptionsState.WAITING)
        .values(wake_at=now + timedelta(minutes=tries), attempts=Captions.attempts - (1 - tries))
    )
