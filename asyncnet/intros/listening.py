"""The worker's other part: listen to what has become ready, and draft its captions."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy.orm import Session

from asyncnet.database import transaction
from asyncnet.intros import video
from asyncnet.intros.actions import captioning
from asyncnet.intros.actions.captioning import Claim
from asyncnet.intros.cues import drafted
from asyncnet.intros.video import speech
from asyncnet.leases import NothingWaiting
from asyncnet.stopping import WorkerStops
from asyncnet.storage.port import Storage, StorageError

log = structlog.get_logger()
Clock = Callable[[], datetime]


def draft_next(storage: Storage, scratch: Path, *, clock: Clock) -> bool:
    """Draft the captions of the intro that has waited longest; return whether there was one.

    A worker without the recognizer leaves them to others.
    """
    if not speech.is_installed():
        return False
    try:
        with transaction() as session:
            claim = captioning.claim_next(session, now=clock())
    except NothingWaiting:
        return False
    settle = _heard(storage, scratch, claim, clock)
    with transaction() as session:
        settle(session)
    return True


def _heard(
    storage: Storage, scratch: Path, claim: Claim, clock: Clock
) -> Callable[[Session], None]:
    """Listen to an intro; return the one change that settles it."""
    try:
        with video.scratch(scratch) as folder:
            recording, job = folder / "recording", folder / "job"
            job.mkdir()
            storage.fetch(claim.key, recording)
            cues = drafted(speech.heard(recording, job), claim.seconds)
    except WorkerStops:
        return lambda session: captioning.put_back(session, claim, tries=0, now=clock())
    except (StorageError, OSError) as error:
        log.warning("captions put back", captions=claim.id, error=repr(error))
        return lambda session: captioning.put_back(session, claim, now=clock())
    return lambda session: captioning.keep_draft(session, claim, cues)
