"""The worker's part: claims, faults, killed workers, and storage cleared of what nobody needs."""

import secrets
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, current_app
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from asyncnet import tasks
from asyncnet.audit.actions import SYSTEM
from asyncnet.clock import utc_now
from asyncnet.database import transaction
from asyncnet.events.model import Participant
from asyncnet.intros import work
from asyncnet.intros.actions import processing, uploading, withdrawing
from asyncnet.intros.actions.processing import Claim, Prepared
from asyncnet.intros.model import Intro, IntroState
from asyncnet.intros.rules import Limits
from asyncnet.intros.video import isolate
from asyncnet.leases import MAX_ATTEMPTS, ClaimLost, NothingWaiting
from asyncnet.storage.port import FileMissing, Storage, StorageError
from config import CHECKOUT
from tests.intros.people import NOW, make_participant, make_video

Rows = Callable[[Any], Any]
PREPARED = Prepared(["720p.mp4", "360p.mp4", "poster.jpg"], 3.0, 640, 360, [])
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def in_app(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


@pytest.fixture
def storage(app: Flask) -> Storage:
    found: Storage = app.extensions["asyncnet"].storage
    return found


@pytest.fixture
def ana(session: Session) -> Participant:
    return make_participant(session)


def arrived(session: Session, owner: Participant, *, at: datetime = NOW, size: int = 9) -> Intro:
    """Return a committed intro whose file is said to have arrived."""
    intro = Intro(
        participant_id=owner.id,
        state=IntroState.UPLOADED,
        upload_key=f"uploads/{secrets.token_hex(16)}",
        bytes_announced=size,
        created_at=at,
        uploaded_at=at,
        wake_at=at,
    )
    session.add(intro)
    session.commit()
    return intro


def claim(*, now: datetime = NOW) -> Claim:
    with transaction() as writing:
        return processing.claim_next(writing, now=now)


def state_of(rows: Rows, intro: Intro) -> IntroState:
    [found] = rows(select(Intro).where(Intro.id == intro.id))
    state: IntroState = found.state
    return state


def process(storage: Storage, *, now: datetime = NOW) -> bool:
    scratch = current_app.extensions["asyncnet"].settings.instance / "work"
    return work.process_next(storage, scratch, limits=Limits(), clock=lambda: now)


@contextmanager
def another_worker(scratch: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Run a second process that holds a scratch folder with a copy in it; yield both."""
    program = (
        "import sys, pathlib; from asyncnet.intros import video\n"
        "with video.scratch(pathlib.Path(sys.argv[1])) as folder:\n"
        "    (folder / 'upload').write_bytes(b'a whole video')\n"
        "    print(folder, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(scratch)],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stdout
        try:
            yield worker, Path(worker.stdout.readline().strip())
        finally:
            worker.kill()


def test_the_one_that_waited_longest_is_taken_first(session: Session, ana: Participant) -> None:
    second = arrived(session, ana, at=NOW - MINUTE)
    first = arrived(session, ana, at=NOW - 2 * MINUTE)

    taken = [claim().id, claim().id]

    assert taken == [first.id, second.id]
    with pytest.raises(NothingWaiting):
        claim()


def test_every_intro_is_claimed_by_one_worker(
    app: Flask, session: Session, ana: Participant
) -> None:
    """CHECKLIST A6."""
    waiting = {arrived(session, ana).id for _ in range(6)}

    def take(_: int) -> int | None:
        with app.app_context():
            try:
                return claim().id
            except NothingWaiting:
                return None

    with ThreadPoolExecutor(8) as workers:
        taken = [found for found in workers.map(take, range(20)) if found is not None]

    assert sorted(taken) == sorted(waiting)


def test_a_killed_workers_claim_is_taken_over_within_a_minute(
    session: Session, ana: Participant, rows: Rows
) -> None:
    """CHECKLIST F2: and what the first one says later changes nothing."""
    intro = arrived(session, ana)
    dead = claim(now=NOW)

    with pytest.raises(NothingWaiting):
        claim(now=NOW + MINUTE / 2)
    heir = claim(now=NOW + MINUTE)
    with pytest.raises(ClaimLost), transaction() as writing:
        processing.mark_ready(writing, dead, PREPARED, now=NOW + MINUTE)

    assert (heir.id, heir.attempts) == (intro.id, 2)
    assert heir.folder != dead.folder
    assert state_of(rows, intro) is IntroState.PROCESSING


def test_a_renewed_claim_is_not_taken_over(session: Session, ana: Participant) -> None:
    arrived(session, ana)
    living = claim(now=NOW)

    with transaction() as writing:
        processing.renew(writing, living, now=NOW + MINUTE / 2)

    with pytest.raises(NothingWaiting):
        claim(now=NOW + MINUTE)


def test_what_a_killed_worker_copied_is_removed_and_a_living_ones_is_not(
    app: Flask,
) -> None:
    """CHECKLIST D4, F2: by the next task, whichever worker runs it."""
    scratch = app.extensions["asyncnet"].settings.instance / "work"
    with another_worker(scratch) as (killed, lost), another_worker(scratch) as (_, kept):
        killed.kill()
        killed.wait()
        assert (lost / "upload").exists()

        tasks.process_a_video()

        assert not lost.exists()
        assert (kept / "upload").read_bytes() == b"a whole video"
        assert scratch.stat().st_mode & 0o077 == 0


def test_a_worker_copies_into_its_scratch_folder_and_leaves_nothing(
    app: Flask,
    session: Session,
    ana: Participant,
    storage: Storage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """CHECKLIST D4: where nobody looks after it, no copy is ever written."""
    scratch = app.extensions["asyncnet"].settings.instance / "work"
    video = make_video(tmp_path / "intro.mp4")
    intro = arrived(session, ana, size=video.stat().st_size)
    storage.put(intro.upload_key, video, content_type="video/mp4")
    fetch, targets = type(storage).fetch, []

    def fetch_and_note(self: Storage, key: str, target: Path) -> None:
        targets.append(target)
        fetch(self, key, target)

    monkeypatch.setattr(type(storage), "fetch", fetch_and_note)
    process(storage)

    assert [target.parent.parent for target in targets] == [scratch]
    assert [path for path in scratch.iterdir() if path.is_dir()] == []


def test_a_file_that_kills_three_workers_is_set_aside(
    session: Session, ana: Participant, rows: Rows, storage: Storage
) -> None:
    """CHECKLIST F16: it is told to its owner and holds nobody up."""
    intro = arrived(session, ana)
    for number in range(MAX_ATTEMPTS):
        claim(now=NOW + number * MINUTE)

    found_work = process(storage, now=NOW + 10 * MINUTE)

    [found] = rows(select(Intro).where(Intro.id == intro.id))
    assert not found_work
    assert (found.state, found.reason) == (IntroState.REJECTED, processing.GAVE_UP)


def test_a_passing_fault_is_tried_again_later_each_time_and_then_told(
    session: Session, ana: Participant, rows: Rows
) -> None:
    intro = arrived(session, ana)
    now, pauses = NOW, []
    for _ in range(MAX_ATTEMPTS - 1):
        taken = claim(now=now)
        with transaction() as writing:
            processing.release(writing, taken, now=now)
        [found] = rows(select(Intro).where(Intro.id == intro.id))
        pauses.append(found.wake_at - now)
        now = found.wake_at
    last = claim(now=now)

    with transaction() as writing:
        processing.release(writing, last, now=now)

    [found] = rows(select(Intro).where(Intro.id == intro.id))
    assert pauses == [MINUTE, 4 * MINUTE]
    assert (found.state, found.reason) == (IntroState.REJECTED, processing.GAVE_UP)


def test_a_worker_that_is_asked_to_stop_hands_its_intro_back(
    session: Session,
    ana: Participant,
    rows: Rows,
    storage: Storage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """CHECKLIST F2: however often workers are stopped, no try is lost by it."""
    video = make_video(tmp_path / "intro.mp4")
    intro = arrived(session, ana, size=video.stat().st_size)
    storage.put(intro.upload_key, video, content_type="video/mp4")
    asked = threading.Event()
    monkeypatch.setattr(isolate, "stopping", asked)

    asked.set()
    for _ in range(MAX_ATTEMPTS + 1):
        process(storage)
    [stopped] = rows(select(Intro).where(Intro.id == intro.id))
    asked.clear()
    process(storage)

    assert (stopped.state, stopped.attempts, stopped.wake_at) == (IntroState.UPLOADED, 0, NOW)
    assert state_of(rows, intro) is IntroState.READY


def test_one_task_takes_one_intro_and_wakes_a_worker_for_the_next(
    app: Flask, session: Session, ana: Participant, rows: Rows
) -> None:
    """CHECKLIST F2: a worker that is asked to stop ends between tasks."""
    queue = app.extensions["asyncnet"].video_queue
    first, second = arrived(session, ana), arrived(session, ana, at=NOW + MINUTE)

    tasks.process_a_video(lambda: NOW + 2 * MINUTE)

    assert state_of(rows, first) is IntroState.REJECTED
    assert state_of(rows, second) is IntroState.UPLOADED
    [woken] = queue.pending()
    assert woken.name == "process_a_video"


def test_storage_out_of_reach_puts_the_intro_back(
    session: Session,
    ana: Participant,
    rows: Rows,
    storage: Storage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """CHECKLIST F4."""
    intro = arrived(session, ana)

    def fail(*_: object) -> None:
        raise StorageError("gone")

    monkeypatch.setattr(type(storage), "fetch", fail)
    process(storage)

    [found] = rows(select(Intro).where(Intro.id == intro.id))
    assert (found.state, found.wake_at) == (IntroState.UPLOADED, NOW + MINUTE)


def test_a_missing_file_is_told_to_its_owner(
    session: Session, ana: Participant, rows: Rows, storage: Storage
) -> None:
    intro = arrived(session, ana)

    assert process(storage)

    [found] = rows(select(Intro).where(Intro.id == intro.id))
    assert (found.state, found.reason) == (IntroState.REJECTED, work.NOTHING_CAME)


def test_a_file_of_another_size_is_not_opened(
    session: Session, ana: Participant, rows: Rows, storage: Storage, tmp_path: Path
) -> None:
    """CHECKLIST U1, the third of its three places: what is stored is measured again."""
    video = make_video(tmp_path / "intro.mp4")
    intro = arrived(session, ana, size=video.stat().st_size + 1)
    storage.put(intro.upload_key, video, content_type="video/mp4")

    process(storage)

    [found] = rows(select(Intro).where(Intro.id == intro.id))
    assert (found.state, found.reason) == (IntroState.REJECTED, work.NOTHING_CAME)


def test_withdrawn_while_it_is_prepared_leaves_nothing(
    session: Session,
    ana: Participant,
    rows: Rows,
    storage: Storage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """CHECKLIST D1: also when the worker puts its files after storage was cleared."""
    video = make_video(tmp_path / "intro.mp4")
    intro = arrived(session, ana, size=video.stat().st_size)
    storage.put(intro.upload_key, video, content_type="video/mp4")
    put = type(storage).put

    def put_after_withdrawal(self: Storage, key: str, *args: Any, **options: Any) -> None:
        with transaction() as writing:
            owner = writing.get_one(Participant, ana.id)
            withdrawing.withdraw(writing, owner, actor=SYSTEM, now=NOW)
        work.clear_settled(storage, now=NOW)
        put(self, key, *args, **options)

    monkeypatch.setattr(type(storage), "put", put_after_withdrawal)
    process(storage)
    monkeypatch.undo()

    assert state_of(rows, intro) is IntroState.WITHDRAWN
    with pytest.raises(FileMissing):
        storage.size(intro.upload_key)
    [found] = rows(select(Intro).where(Intro.id == intro.id))
    assert list(storage.files(f"{found.folder}/")) == []


@pytest.mark.parametrize("is_withdrawn", [True, False])
def test_what_a_killed_worker_stored_is_removed_with_the_rest(
    session: Session,
    ana: Participant,
    storage: Storage,
    tmp_path: Path,
    is_withdrawn: bool,
) -> None:
    """CHECKLIST D1, F2: within minutes, although another try has another folder."""
    arrived(session, ana)
    dead, heir = claim(now=NOW), claim(now=NOW + MINUTE)
    source = tmp_path / "file"
    source.write_bytes(b"something")
    for taken in (dead, heir):
        storage.put(f"{taken.folder}/720p.mp4", source, content_type="video/mp4")
    with transaction() as writing:
        processing.mark_ready(writing, heir, PREPARED, now=NOW + MINUTE)
    if is_withdrawn:
        with transaction() as writing:
            owner = writing.get_one(Participant, ana.id)
            withdrawing.withdraw(writing, owner, actor=SYSTEM, now=NOW + MINUTE)

    work.clear_settled(storage, now=NOW + MINUTE)

    kept = [file.key for taken in (dead, heir) for file in storage.files(f"{taken.folder}/")]
    assert kept == ([] if is_withdrawn else [f"{heir.folder}/720p.mp4"])


def test_the_newest_wins_whatever_is_ready_first(
    session: Session, ana: Participant, rows: Rows
) -> None:
    older = arrived(session, ana, at=NOW - MINUTE)
    newer = arrived(session, ana)
    slow, quick = claim(), claim()

    with transaction() as writing:
        processing.mark_ready(writing, quick, PREPARED, now=NOW)
    with pytest.raises(ClaimLost), transaction() as writing:
        processing.mark_ready(writing, slow, PREPARED, now=NOW)

    assert (slow.id, quick.id) == (older.id, newer.id)
    assert state_of(rows, older) is IntroState.REPLACED
    assert state_of(rows, newer) is IntroState.READY


def test_who_left_is_shown_no_more(
    session: Session, ana: Participant, rows: Rows, storage: Storage
) -> None:
    intro = arrived(session, ana)
    taken = claim()
    with transaction() as writing:
        processing.mark_ready(writing, taken, PREPARED, now=NOW)
    session.execute(update(Participant).where(Participant.id == ana.id).values(left_at=NOW))
    session.commit()

    work.clear_settled(storage, now=NOW)

    [found] = rows(select(Intro).where(Intro.id == intro.id))
    assert (found.state, found.bytes_removed_at) == (IntroState.WITHDRAWN, NOW)


def test_storage_is_cleared_again_when_it_was_out_of_reach(
    session: Session,
    ana: Participant,
    rows: Rows,
    storage: Storage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    intro = arrived(session, ana)
    with transaction() as writing:
        withdrawing.withdraw(writing, writing.get_one(Participant, ana.id), actor=SYSTEM, now=NOW)

    def fail(*_: object) -> None:
        raise StorageError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(type(storage), "delete", fail)
        work.clear_settled(storage, now=NOW)
    [before] = rows(select(Intro).where(Intro.id == intro.id))
    work.clear_settled(storage, now=NOW)
    [after] = rows(select(Intro).where(Intro.id == intro.id))

    assert (before.bytes_removed_at, before.wake_at) == (None, NOW)
    assert (after.bytes_removed_at, after.wake_at) == (NOW, None)


def test_the_sweep_removes_orphans_and_keeps_what_rows_need(
    session: Session, ana: Participant, rows: Rows, storage: Storage, tmp_path: Path
) -> None:
    """CHECKLIST F4: never a finished file that a row needs."""
    ready = arrived(session, ana, at=NOW - MINUTE)
    taken = claim()
    with transaction() as writing:
        processing.mark_ready(writing, taken, PREPARED, now=NOW)
    waiting = arrived(session, ana)
    source = tmp_path / "file"
    source.write_bytes(b"something")
    orphan_folder, orphan_upload = f"intros/{secrets.token_hex(16)}", secrets.token_hex(16)
    needed = [waiting.upload_key, f"{taken.folder}/720p.mp4"]
    orphans = [f"{orphan_folder}/720p.mp4", f"uploads/{orphan_upload}", ready.upload_key]
    for key in (*needed, *orphans):
        storage.put(key, source, content_type="video/mp4")

    at_once = work.sweep(storage, now=utc_now())
    later = work.sweep(storage, now=utc_now() + work.ORPHAN_AFTER + MINUTE)

    assert at_once == 0
    assert later >= len(orphans)
    assert [storage.size(key) for key in needed] == [9, 9]
    for key in orphans:
        with pytest.raises(FileMissing):
            storage.size(key)


def test_the_sweep_ends_uploads_that_nobody_went_on_with(
    session: Session, ana: Participant, rows: Rows, storage: Storage, tmp_path: Path
) -> None:
    """CHECKLIST F4, F10: one that is whole, though nobody told us, is taken over instead."""
    stale, whole, fresh = (arrived(session, ana, at=NOW) for _ in range(3))
    session.execute(update(Intro).values(state=IntroState.AWAITING_UPLOAD, wake_at=None))
    session.execute(
        update(Intro).where(Intro.id == fresh.id).values(created_at=NOW + timedelta(hours=2))
    )
    session.commit()
    source = tmp_path / "file"
    source.write_bytes(bytes(whole.bytes_announced))
    storage.put(whole.upload_key, source, content_type="video/mp4")

    work.sweep(storage, now=NOW + uploading.UNFINISHED_FOR + timedelta(hours=1))

    assert state_of(rows, stale) is IntroState.REJECTED
    assert state_of(rows, whole) is IntroState.UPLOADED
    assert state_of(rows, fresh) is IntroState.AWAITING_UPLOAD
