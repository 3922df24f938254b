"""The worker's part: process what was uploaded, and clear storage of what nobody needs.

Everything here may be killed at any line and run again (CHECKLIST F2): the table says what is
to be done, and no transaction is open while storage or the encoder works.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from asyncnet.audit.actions import SYSTEM
from asyncnet.database import WRITES, db, transaction
from asyncnet.intros import portraits, queries, video
from asyncnet.intros.actions import captioning, processing, uploading, withdrawing
from asyncnet.intros.actions.processing import Claim, Prepared
from asyncnet.intros.model import ENDED, IntroKind, IntroStep
from asyncnet.intros.rules import FILE_TYPES, Limits, Unusable
from asyncnet.intros.video import speech
from asyncnet.leases import LEASE, ClaimLost, NothingWaiting
from asyncnet.stopping import WorkerStops
from asyncnet.storage.port import FileMissing, Storage, StorageError

log = structlog.get_logger()
Clock = Callable[[], datetime]

RENEW_EVERY = LEASE / 4
ORPHAN_AFTER = timedelta(hours=2)
"""Longer than any worker writes files before a row says that they are needed."""
LOOKED_UP_AT_ONCE = 500
NOTHING_CAME = "The file did not reach us whole. Please choose it again and upload it once more."


def process_next(storage: Storage, scratch: Path, *, limits: Limits, clock: Clock) -> bool:
    """Process the intro that has waited longest; return whether there was one.

    The upload is copied into a folder inside `scratch`; what killed workers left there goes first.
    Asked to stop meanwhile, it ends at once and hands the intro back for another worker.
    """
    video.remove_leftovers(scratch)
    with transaction() as session:
        processing.give_up(session, now=clock())
    try:
        with transaction() as session:
            claim = processing.claim_next(session, now=clock())
    except NothingWaiting:
        return False
    settle = _worked_through(storage, scratch, claim, limits, clock)
    try:
        with transaction() as session:
            settle(session)
    except ClaimLost:
        log.info("claim lost", intro=claim.id)
        _delete_folder(storage, claim.folder)
    return True


def clear_settled(storage: Storage, *, now: datetime) -> None:
    """Remove from storage what settled intros no longer need: withdrawn ones within minutes."""
    with transaction() as session:
        withdrawing.withdraw_departed(session, now=now)
    _clear_photos(storage)
    while True:
        with transaction() as session:
            settled = [
                (intro.id, intro.state, intro.upload_key, intro.folder)
                for intro in queries.to_clear(session, now=now)
            ]
        if not settled:
            return
        for intro_id, state, upload_key, folder in settled:
            try:
                storage.abort(upload_key)
                storage.delete(upload_key)
                kept = None if state in ENDED else folder
                _delete_tries(storage, upload_key, kept=kept)
            except StorageError as error:
                log.warning("storage not cleared", intro=intro_id, error=type(error).__name__)
                return
            with transaction() as session:
                processing.mark_cleared(session, intro_id, seen=state, now=now)


def sweep(storage: Storage, *, now: datetime) -> int:
    """End uploads that nobody went on with, and remove orphans; return how many orphans.

    An orphan is a file that no row needs, left by a worker that was killed. A file that a row
    needs is never touched (CHECKLIST F4).
    """
    before = now - uploading.UNFINISHED_FOR
    with transaction() as session:
        captioning.give_up(session, now=now)
        unfinished = queries.unfinished(session, begun_before=before)
    for intro_id, upload_key in unfinished:
        _end_unfinished(storage, intro_id, upload_key, now=now)
    storage.abort_unfinished(started_before=before)
    old = [
        file.key
        for prefix in ("uploads/", "intros/", portraits.PREFIX)
        for file in storage.files(prefix)
        if file.changed_at < now - ORPHAN_AFTER
    ]
    orphans = [
        key
        for start in range(0, len(old), LOOKED_UP_AT_ONCE)
        for key in _not_needed(old[start : start + LOOKED_UP_AT_ONCE])
    ]
    for key in orphans:
        storage.delete(key)
    return len(orphans)


def _worked_through(
    storage: Storage, scratch: Path, claim: Claim, limits: Limits, clock: Clock
) -> Callable[[Session], None]:
    """Do the long part of a job; return the one change that settles it."""
    try:
        with _renewed(claim, clock):
            prepared = _prepare(storage, scratch, claim, limits)
    except Unusable as unusable:
        refusal = unusable
    except FileMissing:
        refusal = Unusable(NOTHING_CAME)
    except WorkerStops:
        log.info("intro handed back", intro=claim.id)
        return lambda session: processing.hand_back(session, claim, now=clock())
    except (StorageError, OSError) as error:
        log.warning("intro put back", intro=claim.id, error=repr(error))
        return lambda session: processing.release(session, claim, now=clock())
    else:
        return lambda session: _ready(session, claim, prepared, clock)
    return lambda session: processing.reject(
        session, claim, refusal.reason, is_sound_only=refusal.is_sound_only, now=clock()
    )


def _ready(session: Session, claim: Claim, prepared: Prepared, clock: Clock) -> None:
    now = clock()
    processing.mark_ready(session, claim, prepared, now=now)
    if speech.is_installed():
        captioning.ask(session, claim.id, now=now)


def _prepare(storage: Storage, scratch: Path, claim: Claim, limits: Limits) -> Prepared:
    """Fetch, process and store one upload.

    Raises Unusable, StorageError, OSError and WorkerStops.
    """
    with video.scratch(scratch) as folder:
        source, out = folder / "upload", folder / "out"
        out.mkdir()
        storage.fetch(claim.upload_key, source)
        if source.stat().st_size != claim.bytes_announced:
            raise Unusable(NOTHING_CAME)
        prepared = _made(source, out, claim, limits)
        for name in prepared.files:
            path = out / name
            storage.put(f"{claim.folder}/{name}", path, content_type=FILE_TYPES[path.suffix])
        return replace(prepared, checksums=storage.checksums(claim.folder))


def _made(source: Path, out: Path, claim: Claim, limits: Limits) -> Prepared:
    """Make what is played of an upload, by its kind. Raises Unusable, OSError and WorkerStops."""

    def accepted() -> None:
        try:
            with transaction() as session:
                processing.note_step(session, claim, IntroStep.PREPARING)
        except SQLAlchemyError as error:  # people only see it later then
            log.warning("step not noted", intro=claim.id, error=type(error).__name__)

    if claim.kind is IntroKind.AUDIO:
        heard = video.process_sound(source, out, limits, accepted=accepted)
        return Prepared([heard.sound.path.name], heard.seconds, None, None, [])
    made = video.process(source, out, limits, accepted=accepted)
    return Prepared(
        files=[made.large.path.name, made.small.path.name, made.poster.path.name],
        seconds=made.seconds,
        width=made.width,
        height=made.height,
        warnings=made.warnings,
    )


@contextmanager
def _renewed(claim: Claim, clock: Clock) -> Iterator[None]:
    """Keep a claim alive, from a thread of its own, for as long as the block works."""
    done = threading.Event()
    engine = db.engine.execution_options(**{WRITES: True})

    def renew() -> None:
        while not done.wait(RENEW_EVERY.total_seconds()):
            try:
                with Session(engine) as session, session.begin():
                    processing.renew(session, claim, now=clock())
            except SQLAlchemyError as error:
                log.warning("claim not renewed", intro=claim.id, error=type(error).__name__)

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _delete_tries(storage: Storage, upload_key: str, *, kept: str | None) -> None:
    """Remove what was made of an upload in any try, save in the folder that is kept."""
    for file in list(storage.files(processing.folders_of(upload_key))):
        if file.key.rsplit("/", 1)[0] != kept:
            storage.delete(file.key)


def _clear_photos(storage: Storage) -> None:
    try:
        portraits.clear_departed(storage)
    except StorageError as error:
        log.warning("photos not cleared", error=type(error).__name__)


def _delete_folder(storage: Storage, folder: str) -> None:
    for file in list(storage.files(f"{folder}/")):
        storage.delete(file.key)


def _end_unfinished(storage: Storage, intro_id: int, upload_key: str, *, now: datetime) -> None:
    """Take over an upload that is whole, though nobody told us; end one that is not."""
    try:
        size = storage.size(upload_key)
    except FileMissing:
        with transaction() as session:
            uploading.expire(session, intro_id, now=now)
    else:
        with transaction() as session:
            uploading.mark_arrived(session, intro_id, size=size, actor=SYSTEM, now=now)


def _not_needed(keys: Sequence[str]) -> list[str]:
    folders = {key.rsplit("/", 1)[0] for key in keys}
    with transaction() as session:
        needed = queries.needed(session, folders, set(keys))
        needed |= queries.photos_needed(session, set(keys))
    return [key for key in keys if key not in needed and key.rsplit("/", 1)[0] not in needed]
