"""Workers die at every step and at random, and no mail is lost or goes twice (CHECKLIST F2)."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from asyncnet.mail.smtp import SmtpMailer
from asyncnet.messages.rules import LEASE, MessageState
from config import Settings
from tests.messages.mails import NOON, Clock, drain_once, plan_mail, states
from tests.messages.workers import start_worker
from tests.servers.smtp import MailServer, mail_server

MORE_THAN_ENOUGH_STEPS = 40
KILLED = 9


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


def copies(server: MailServer) -> Counter[str]:
    return Counter(mail.message["Message-ID"] for mail in server.received)


def test_a_worker_may_die_before_any_statement(
    app: Flask, settings: Settings, server: MailServer
) -> None:
    """Killed before each statement and commit in turn, with one mail each time."""
    seen: set[MessageState] = set()
    for step in range(MORE_THAN_ENOUGH_STEPS):
        key = f"step-{step}"
        plan_mail(app, key)
        before = len(server.received)

        worker = start_worker(settings, server.settings(), NOON, dies_at=step)
        worker.join()
        arrived = len(server.received) - before
        died_in = states(app)[key]
        drain_once(app, SmtpMailer(server.settings(), mail_from="a@b.org"), Clock(NOON + LEASE))

        after = states(app)[key]
        seen.add(died_in)
        assert len(server.received) - before <= 1
        if arrived:
            assert died_in in {MessageState.SENDING, MessageState.SENT}
            assert after in {MessageState.UNCONFIRMED, MessageState.SENT}
        if after is MessageState.SENT:
            assert len(server.received) - before == 1
        if worker.exitcode != KILLED:
            break

    assert worker.exitcode == 0
    assert seen == {MessageState.SCHEDULED, MessageState.SENDING, MessageState.SENT}
    assert set(copies(server).values()) == {1}


def test_kills_at_random_lose_nothing_and_repeat_nothing(
    app: Flask, settings: Settings, server: MailServer
) -> None:
    mails, kills = 60, 6
    for number in range(mails):
        plan_mail(app, f"mail-{number}")
    luck = random.Random(20260627)

    for _ in range(kills):
        enough = len(server.received) + luck.randint(1, 8)
        worker = start_worker(settings, server.settings(), NOON)
        while len(server.received) < enough and worker.is_alive():
            worker.join(luck.uniform(0, 0.01))
        worker.kill()
        worker.join()
    clock = Clock(NOON + timedelta(minutes=20))
    drain_once(app, SmtpMailer(server.settings(), mail_from="a@b.org"), clock)

    ended = Counter(states(app).values())
    assert set(ended) <= {MessageState.SENT, MessageState.UNCONFIRMED}
    assert ended.total() == mails
    assert ended[MessageState.UNCONFIRMED] <= kills
    assert set(copies(server).values()) == {1}
    assert ended[MessageState.SENT] <= len(server.received) <= mails
