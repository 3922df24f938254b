"""Mail servers that misbehave, and one in earnest: Postfix."""

import re
import threading
import time
from collections import Counter
from dataclasses import replace

from flask import Flask
from sqlalchemy import func, select, update

from asyncnet.app import create_app
from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.mail.smtp import SmtpMailer
from asyncnet.messages import queue
from asyncnet.messages.drain import drain
from asyncnet.messages.model import Message
from asyncnet.messages.rules import Act, MessageState
from asyncnet.tasks import compose_by, drain_mail
from benchmarks.faults.counting import Outcome, count, states_of
from benchmarks.faults.installation import Bench, plan
from benchmarks.faults.workers import finish, start, wait_for_progress
from config import SmtpSettings
from tests.servers.postfix import free_port, postfix
from tests.servers.smtp import Fault, mail_server, mute_server


def bad_servers(bench: Bench, mails: int, times: int) -> Outcome:
    """Go through every fault of a mail server, see each state, then mend it.

    A server that is away, silent or not who it says it is takes nothing, so nothing is claimed.
    """
    keys: list[str] = []
    wrong = 0
    for fault, expected in STATES.items():
        slow = fault is Fault.SILENT_AFTER_THE_FINAL_DOT
        some = plan(bench, 1 if slow else max(mails // len(STATES), 1))
        bench.server.fault = fault
        with bench.app.app_context():
            drain_mail()
        wrong += sum(state not in expected for state in states_of(bench, some).values())
        with bench.app.app_context(), transaction() as session:
            session.execute(  # the next fault has its own mails
                update(Message)
                .where(Message.state == MessageState.SCHEDULED)
                .values(state=MessageState.HELD, wake_at=None)
            )
        keys += some
    bench.server.fault = Fault.NONE
    wrong += unreachable_servers(bench)
    with bench.app.app_context(), transaction() as session:
        session.execute(
            update(Message)
            .where(Message.state == MessageState.HELD)
            .values(state=MessageState.SCHEDULED, wake_at=utc_now(), tries=0)
        )
    finish(bench, [])
    seen = count(bench, keys, len(STATES) + 3)
    seen.wrong_states = wrong
    return seen


STATES: dict[Fault, set[MessageState]] = {
    Fault.NONE: {MessageState.SENT},
    Fault.DROPS_AT_MAIL_FROM: {MessageState.SCHEDULED},
    Fault.DROPS_AT_DATA: {MessageState.SCHEDULED},
    Fault.DROPS_IN_THE_LETTER: {MessageState.SCHEDULED, MessageState.UNCONFIRMED},
    Fault.DROPS_AFTER_THE_FINAL_DOT: {MessageState.UNCONFIRMED},
    Fault.DROPS_AFTER_KEEPING_THE_MAIL: {MessageState.UNCONFIRMED},
    Fault.SILENT_AFTER_THE_FINAL_DOT: {MessageState.UNCONFIRMED},
    Fault.GIBBERISH_AFTER_THE_FINAL_DOT: {MessageState.UNCONFIRMED},
    Fault.DROPS_AT_QUIT: {MessageState.SENT},
    Fault.REFUSES_TO_QUIT: {MessageState.SENT},
    Fault.BUSY: {MessageState.SCHEDULED},
    Fault.TIRED: {MessageState.SENT},
    Fault.TRY_LATER: {MessageState.SCHEDULED},
    Fault.NEVER: {MessageState.FAILED},
}
"""What a mail may be right after one attempt at a server with this fault."""


def unreachable_servers(bench: Bench) -> int:
    """Try servers that let nobody in; return how many mails were not left as they were."""
    some = plan(bench, 5)
    with mute_server() as mute, mail_server(security="starttls") as false:
        refusing = SmtpSettings("127.0.0.1", free_port(), "", "", "none")
        for settings in (mute.settings(), false.settings(security="starttls"), refusing):
            mailer = SmtpMailer(settings, mail_from="hello@forum.example", reply_seconds=1)
            with bench.app.app_context():
                drain(mailer, compose_by(utc_now), clock=utc_now)
    wrong = sum(state is not MessageState.SCHEDULED for state in states_of(bench, some).values())
    with bench.app.app_context(), transaction() as session:
        tries = session.scalar(select(func.max(Message.attempts)).where(Message.key.in_(some)))
    return wrong + (tries or 0)


def silent_server_and_the_web(bench: Bench, mails: int, times: int) -> Outcome:
    """Ask for pages that cause mail while the mail server says nothing; time every answer."""
    with mute_server() as mute:
        app = create_app(replace(bench.settings, smtp=mute.settings()))
        worker = threading.Thread(target=_drain_once, args=(app,), daemon=True)
        worker.start()
        browser = app.test_client()
        page = browser.get("/sign-in", base_url=bench.settings.base_url).text
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        assert token is not None
        took = []
        for number in range(20):
            asked = time.monotonic()
            browser.post(
                "/sign-in",
                data={"csrf_token": token[1], "email": f"host{number}@forum.example"},
                base_url=bench.settings.base_url,
                environ_base={"REMOTE_ADDR": f"10.0.0.{number}"},
            )
            took.append(time.monotonic() - asked)
    with bench.app.app_context():
        keys = list(db.session.scalars(select(Message.key)))
    finish(bench, [])
    seen = count(bench, keys, 1)
    seen.note = f"slowest page {max(took):.2f} s"
    return seen


def _drain_once(app: Flask) -> None:
    with app.app_context():
        drain_mail()


def real_postfix(bench: Bench, mails: int, times: int) -> Outcome:
    """Kill workers that talk to a real Postfix; its reports settle what was left in doubt.

    What is in doubt and reported by nobody when Postfix has nothing left was not taken.
    """
    mails, times = max(mails // 2, 1), max(times * 3 // 5, 1)
    with postfix() as server:
        settings = replace(
            bench.settings, smtp=server.settings(), return_path="bounces@forum.example"
        )
        own = replace(bench, settings=settings, app=create_app(settings))
        keys = plan(own, mails)
        worker = start(own)
        for _ in range(times):
            wait_for_progress(own)
            time.sleep(own.luck.uniform(0, 0.2))
            worker.kill()
            worker.join()
            worker = start(own)
        finish(own, [worker])
        server.wait_until_idle()
        runner = own.app.test_cli_runner()
        for report in server.reports():
            runner.invoke(args=["messages", "bounce"], input=report.as_bytes())
        doubtful = [
            key for key, state in states_of(own, keys).items() if state is MessageState.UNCONFIRMED
        ]
        with own.app.app_context(), transaction() as session:
            for message in session.scalars(select(Message).where(Message.key.in_(doubtful))):
                queue.act(
                    session,
                    message.id,
                    Act.SEND_AGAIN,
                    version=message.version,
                    actor="person:1",
                    now=utc_now(),
                )
        finish(own, [])
        server.wait_until_idle()
        arrived = Counter(str(mail["Message-ID"]) for mail in server.delivered())
        seen = count(own, keys, times, accepted=arrived)
        seen.note = f"{arrived.total()} delivered, {len(doubtful)} sent again by a person"
        return seen
