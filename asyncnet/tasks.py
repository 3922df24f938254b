"""The background tasks by name. They carry nothing: the tables say what is to be done."""

import math
from collections.abc import Callable
from datetime import datetime

import structlog
from flask import Flask, current_app
from flask_sqlalchemy.session import Session as FlaskSession
from huey import Huey, crontab
from huey.storage import BaseSqlStorage
from sqlalchemy import event
from sqlalchemy.orm import Session

from asyncnet.clock import utc_now
from asyncnet.database import WAKE, db, transaction
from asyncnet.events import letters as events
from asyncnet.events.actions.forgetting import forget_people
from asyncnet.followups import letters as followups
from asyncnet.followups.actions.arranging import call_off_abandoned
from asyncnet.followups.actions.mailing import plan_unmailed
from asyncnet.followups.actions.recording import send_ready
from asyncnet.followups.actions.reminding import plan_reminders
from asyncnet.followups.threads import letters as threads
from asyncnet.followups.windows import letters as windows
from asyncnet.followups.windows.actions import mind_windows
from asyncnet.followups.windows.queries import running
from asyncnet.intros import letters as intros
from asyncnet.intros import work
from asyncnet.intros.listening import draft_next
from asyncnet.intros.rules import Limits
from asyncnet.mail.port import Letter
from asyncnet.matches.bench import letters as bench
from asyncnet.matches.bench.actions.editing import forget_plans
from asyncnet.matches.bench.work import solve_next
from asyncnet.messages.drain import Drained, drain
from asyncnet.messages.letters import Draft, render
from asyncnet.messages.model import Message
from asyncnet.messages.queries import words_of
from asyncnet.messages.rules import MessageKind
from asyncnet.people import letters as people
from asyncnet.web.limits import forget_old_attempts
from asyncnet.wiring import Parts, links, mailer, settings, storage

log = structlog.get_logger()
SEND_SECONDS = 5.0

LETTERS: dict[str, Callable[..., Draft]] = {
    MessageKind.SIGN_IN: people.sign_in,
    MessageKind.PERSONAL_LINK: events.personal_link,
    MessageKind.WAY_BACK: threads.way_back,
    MessageKind.FOLLOW_UP: followups.follow_up,
    MessageKind.INTRO_READY: intros.intro_ready,
    MessageKind.INTRO_REFUSED: intros.intro_refused,
    MessageKind.INTRO_NUDGE: intros.intro_nudge,
    MessageKind.REPLY: followups.reply,
    MessageKind.VIEWING_NUDGE: windows.viewing_nudge,
    MessageKind.STAND_IN: windows.stand_in,
    MessageKind.ROUNDS_READY: bench.rounds_ready,
    MessageKind.PLAN_CHANGE: bench.plan_change,
    MessageKind.MEETING: threads.meeting,
    MessageKind.MEETING_OFF: threads.meeting,
    MessageKind.REMINDER: followups.reminder,
}


def register(app: Flask) -> None:
    """Name the tasks on every queue, so that workers know them and a commit can wake them."""
    wired: Parts = app.extensions["asyncnet"]

    def in_app(work_through: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            with app.app_context():
                work_through()

        return run

    app.extensions["asyncnet.compose"] = compose_by(utc_now)
    app.extensions["asyncnet.wake"] = {
        "mail": _task(wired.mail_queue, "send_a_while", in_app(send_a_while)),
        "video": _task(wired.video_queue, "process_a_video", in_app(process_a_video)),
        "plans": _task(wired.plan_queue, "solve_a_plan", in_app(solve_a_plan)),
    }
    _every_minute(wired.mail_queue, "mail_tick", in_app(mail_tick))
    _every_minute(wired.video_queue, "video_tick", in_app(process_a_video))
    _every_minute(wired.plan_queue, "plan_tick", in_app(solve_a_plan))
    wired.mail_queue.periodic_task(crontab(minute="37"), name="remind_readers")(
        in_app(remind_readers)
    )
    wired.plan_queue.periodic_task(crontab(minute="*/10"), name="mind_silence")(
        in_app(mind_silence)
    )
    wired.video_queue.periodic_task(crontab(minute="7"), name="keep_promises")(
        in_app(keep_promises)
    )
    wired.video_queue.periodic_task(crontab(minute="17", hour="3"), name="sweep_storage")(
        in_app(sweep_storage)
    )


def drain_mail(clock: Callable[[], datetime] = utc_now, *, seconds: float = math.inf) -> Drained:
    """Send whatever is due by the clock, for so many seconds; return what became of it."""
    return drain(mailer(), compose_by(clock), clock=clock, seconds=seconds)


def send_a_while() -> None:
    """Send for some seconds, then make room: a worker that is asked to stop ends between tasks."""
    if drain_mail(seconds=SEND_SECONDS).more:
        _wake_worker("mail")


def compose_by(clock: Callable[[], datetime]) -> Callable[[Session, Message], Letter]:
    """Return what writes the letter of a message, by its kind."""

    def compose(session: Session, message: Message) -> Letter:
        draft = LETTERS[message.kind](session, message, links(), now=clock())
        words = words_of(session, message)
        return render(current_app.jinja_env, draft, message, links(), words)

    return compose


def process_a_video(clock: Callable[[], datetime] = utc_now) -> None:
    """Process one uploaded intro, or draft the captions of one where none waits for that; clear
    storage of what has ended; then wake for the next.

    A worker that is asked to stop ends between tasks, so no task is longer than one video.
    """
    limits = Limits.of(settings())
    scratch = settings().instance / "work"
    found = work.process_next(storage(), scratch, limits=limits, clock=clock)
    with transaction() as session:
        send_ready(session, now=clock())
    found = found or draft_next(storage(), scratch, clock=clock)
    work.clear_settled(storage(), now=clock())
    if found:
        _wake_worker("video")


def solve_a_plan(clock: Callable[[], datetime] = utc_now) -> None:
    """Solve one plan; then wake for the next."""
    if solve_next(clock):
        _wake_worker("plans")


def keep_promises(clock: Callable[[], datetime] = utc_now) -> None:
    """Forget the people of every event whose promised day has come."""
    with transaction() as session:
        log.info("people forgotten", people=forget_people(session, now=clock()))
        forget_plans(session, now=clock())


def sweep_storage(clock: Callable[[], datetime] = utc_now) -> None:
    """Remove unfinished uploads and files that no row needs."""
    log.info("storage swept", orphans=work.sweep(storage(), now=clock()))


def plan_forgotten(clock: Callable[[], datetime] = utc_now) -> None:
    """Plan the mails of recordings and answers that none brings; call off talks that cannot be."""
    with transaction() as session:
        send_ready(session, now=clock())
        plan_unmailed(session, now=clock())
        call_off_abandoned(session, now=clock())


def remind_readers(clock: Callable[[], datetime] = utc_now) -> None:
    """Plan the reminders of people who have not answered what was mailed to them."""
    with transaction() as session:
        log.info("reminders planned", people=plan_reminders(session, now=clock()))


def mind_silence(clock: Callable[[], datetime] = utc_now) -> None:
    """Nudge who is silent in an event without anybody live, and stand in for who stayed silent."""
    if not running(db.session(), clock()):
        return
    with transaction() as session:
        log.info("windows minded", stand_ins=mind_windows(session, now=clock()))


def mail_tick() -> None:
    """Do what is due every minute beside the videos."""
    plan_forgotten()
    send_a_while()
    forget_old_attempts(now=utc_now())


def _task(queue: Huey, name: str, run: Callable[[], None]) -> Callable[[], None]:
    """Return what wakes a worker for this task; it makes the queue's tables if nobody has yet."""
    task = queue.task(name=name)(run)
    tables_are_there = False

    def wake_up() -> None:
        nonlocal tables_are_there
        try:
            task()
        except Exception:
            if tables_are_there or not isinstance(queue.storage, BaseSqlStorage):
                raise
            queue.storage.initialize_schema()
            task()
        tables_are_there = True

    return wake_up


def _every_minute(queue: Huey, name: str, run: Callable[[], None]) -> None:
    queue.periodic_task(crontab(), name=name)(run)


def _wake_worker(queue: str) -> None:
    """Have a worker look at its table; if the queue is out of reach, the tick does."""
    try:
        current_app.extensions["asyncnet.wake"][queue]()
    except Exception as error:
        log.warning("queue unreachable", queue=queue, error=type(error).__name__)


@event.listens_for(FlaskSession, "after_commit")
def _wake_workers(session: FlaskSession) -> None:
    """Tell the workers that a commit left something for them."""
    for queue in session.info.pop(WAKE, ()):
        _wake_worker(queue)


@event.listens_for(FlaskSession, "after_rollback")
def _forget_wake(session: FlaskSession) -> None:
    session.info.pop(WAKE, None)
