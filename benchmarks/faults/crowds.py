"""Two who want the same at once."""

import signal
import time

from sqlalchemy import func, select

from asyncnet.app import create_app
from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.events.model import Participant
from asyncnet.events.rules import Attendance
from asyncnet.intros.model import Intro, IntroState
from asyncnet.messages.model import Message
from asyncnet.wiring import storage
from benchmarks.faults.counting import Outcome, count
from benchmarks.faults.installation import Bench, plan, plan_all
from benchmarks.faults.workers import PATIENCE_SECONDS, PROCESSES, consumer, finish, wait_for_mail
from config import Settings
from tests.intros.people import make_video


def two_planners(bench: Bench, mails: int, times: int) -> Outcome:
    """Plan the same mails in two processes at once."""
    keys = [f"twice:{number}" for number in range(mails)]
    planners = [
        PROCESSES.Process(target=_plan, args=(bench.settings, bench.participant_id, keys))
        for _ in range(2)
    ]
    for planner in planners:
        planner.start()
    for planner in planners:
        planner.join()
    finish(bench, [])
    with bench.app.app_context():
        rows = db.session.scalar(select(func.count()).select_from(Message))
    seen = count(bench, keys, 1)
    seen.duplicates += (rows or 0) - mails
    return seen


def _plan(settings: Settings, participant_id: int, keys: list[str]) -> None:
    app = create_app(settings)
    with app.app_context():
        for key in keys:
            plan_all(participant_id, [key])


def videos_in_the_way(bench: Bench, mails: int, times: int) -> Outcome:
    """Fill the video queue, keep its worker busy, and see how long a due mail waits."""
    for number in range(30):
        upload(bench, number)
    workers = [consumer(bench, part) for part in ("mail", "video")]
    keys, waits = plan(bench, 1), []
    wait_for_mail(bench)  # by now the consumers have started
    for _ in range(20):
        before, asked = len(bench.server.received), time.monotonic()
        keys += plan(bench, 1)
        while len(bench.server.received) == before:
            if time.monotonic() - asked > PATIENCE_SECONDS:
                break
            time.sleep(0.01)
        waits.append(time.monotonic() - asked)
    with bench.app.app_context():
        waiting = db.session.scalar(
            select(func.count()).where(Intro.state == IntroState.UPLOADED).select_from(Intro)
        )
    for worker in workers:
        worker.send_signal(signal.SIGINT)
        worker.wait(PATIENCE_SECONDS)
    finish(bench, [])
    seen = count(bench, keys, 1)
    seen.note = f"longest wait {max(waits):.2f} s, {waiting} videos still waiting"
    return seen


def upload(bench: Bench, number: int) -> None:
    """Leave one more uploaded video to the workers, from a participant of its own."""
    key = f"uploads/{number:032x}"
    with bench.app.app_context():
        film = bench.settings.instance / "film.mp4"
        if not film.exists():
            make_video(film, seconds=20, megabits=4)
        storage().put(key, film, content_type="video/mp4")
        with transaction() as session:
            known = session.get_one(Participant, bench.participant_id)
            person = Participant(
                event_id=known.event_id,
                name=f"Person {number}",
                email=f"person{number}@example.org",
                zone="Europe/Berlin",
                attendance=Attendance.ASYNC,
                registered_at=utc_now(),
            )
            session.add(person)
            session.flush()
            session.add(
                Intro(
                    participant_id=person.id,
                    state=IntroState.UPLOADED,
                    upload_key=key,
                    bytes_announced=film.stat().st_size,
                    wake_at=utc_now(),
                    created_at=utc_now(),
                )
            )
