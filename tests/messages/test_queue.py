"""The message table as a queue, on whichever database the run has (CHECKLIST M5, A6, F9)."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from asyncnet.database import ChangedMeanwhile, transaction
from asyncnet.messages import queue
from asyncnet.messages.queue import BeingSent, Claim
from asyncnet.messages.rules import LEASE, Act, MessageState, Outcome
from tests.messages.mails import NOON, plan_mail, states, steps, the_message

MINUTE = timedelta(minutes=1)


def claim(app: Flask, now: object = NOON) -> Claim | None:
    with app.app_context(), transaction() as session:
        taken = queue.claim(session, now)  # type: ignore[arg-type]
        return taken[0] if taken else None


def must_claim(app: Flask) -> Claim:
    taken = claim(app)
    assert taken is not None
    return taken


def settle(app: Flask, held: Claim, outcome: Outcome, now: object = NOON) -> bool:
    with app.app_context(), transaction() as session:
        return queue.settle(session, held, outcome, "words", now=now)  # type: ignore[arg-type]


def act(app: Flask, wish: Act, *, version: int | None = None, key: str = "a-mail") -> None:
    message = the_message(app, key)
    with app.app_context(), transaction() as session:
        queue.act(
            session,
            message.id,
            wish,
            version=message.version if version is None else version,
            actor="person:1",
            now=NOON,
        )


def tidy(app: Flask, now: object = NOON) -> None:
    with app.app_context(), transaction() as session:
        queue.tidy(session, now)  # type: ignore[arg-type]


def test_planning_twice_makes_one_mail(app: Flask) -> None:
    plan_mail(app)
    plan_mail(app, to_address="other@example.org")

    assert the_message(app).to_address == "ana@example.org"
    assert steps(app) == [(MessageState.SCHEDULED, "system")]


def test_two_planners_at_once_make_each_mail_once(app: Flask) -> None:
    def plan_all() -> None:
        for number in range(20):
            plan_mail(app, f"mail-{number}")

    at_once([plan_all, plan_all])

    assert len(states(app)) == 20
    assert steps(app, "mail-7") == [(MessageState.SCHEDULED, "system")]


def test_a_planned_mail_remembers_the_readers_wall_clock(app: Flask) -> None:
    plan_mail(app, zone="Australia/Sydney")

    message = the_message(app)

    assert (message.due_local, message.due_at, message.wake_at) == (
        "2026-06-27T22:00",
        NOON,
        NOON,
    )


def test_a_claim_takes_what_has_waited_longest(app: Flask) -> None:
    plan_mail(app, "second", due_at=NOON - MINUTE)
    plan_mail(app, "first", due_at=NOON - 2 * MINUTE)
    plan_mail(app, "later", due_at=NOON + MINUTE)

    taken = [claim(app) for _ in range(3)]

    assert [held and held.token for held in taken] == [1, 1, None]
    assert states(app) == {
        "second": MessageState.SENDING,
        "first": MessageState.SENDING,
        "later": MessageState.SCHEDULED,
    }
    assert taken[0] is not None
    assert taken[0].message_id == the_message(app, "first").id
    assert taken[0].lease_ends_at == NOON + LEASE


def test_workers_at_once_never_take_the_same_mail(app: Flask) -> None:
    """CHECKLIST A6."""
    for number in range(30):
        plan_mail(app, f"mail-{number}")
    taken: list[int] = []

    def work() -> None:
        while held := claim(app):
            taken.append(held.message_id)

    at_once([work] * 4)

    assert len(taken) == 30
    assert len(set(taken)) == 30


@pytest.mark.parametrize(
    ("outcome", "state", "wakes_in"),
    [
        (Outcome.ACCEPTED, MessageState.SENT, None),
        (Outcome.REFUSED, MessageState.FAILED, None),
        (Outcome.UNCONFIRMED, MessageState.UNCONFIRMED, None),
        (Outcome.NOT_NEEDED, MessageState.CANCELLED, None),
        (Outcome.UNREACHABLE, MessageState.SCHEDULED, MINUTE),
    ],
)
def test_settling_writes_the_answer_and_the_step(
    app: Flask, outcome: Outcome, state: MessageState, wakes_in: timedelta | None
) -> None:
    plan_mail(app)

    counted = settle(app, must_claim(app), outcome)

    message = the_message(app)
    assert counted
    assert (message.state, message.note) == (state, "words")
    assert message.wake_at == (NOON + wakes_in if wakes_in else None)
    assert message.sent_at == (NOON if state is MessageState.SENT else None)
    assert steps(app)[-1] == (state, "worker")


def test_a_worker_that_lost_its_claim_settles_nothing(app: Flask) -> None:
    plan_mail(app)
    first = must_claim(app)
    settle(app, first, Outcome.DELAYED)
    second = claim(app, NOON + timedelta(hours=1))
    assert second is not None

    counted = settle(app, first, Outcome.REFUSED)

    assert not counted
    assert the_message(app).state is MessageState.SENDING
    assert settle(app, second, Outcome.ACCEPTED)


def test_a_lease_that_ran_out_leaves_a_mail_that_was_maybe_sent(app: Flask) -> None:
    plan_mail(app)
    must_claim(app)

    tidy(app, NOON + LEASE - MINUTE)
    assert the_message(app).state is MessageState.SENDING
    tidy(app, NOON + LEASE)

    assert the_message(app).state is MessageState.UNCONFIRMED
    assert claim(app, NOON + timedelta(days=1)) is None


@pytest.mark.parametrize(
    ("outcome", "state"),
    [(Outcome.ACCEPTED, MessageState.SENT), (Outcome.REFUSED, MessageState.FAILED)],
)
def test_a_late_answer_with_the_same_token_still_counts(
    app: Flask, outcome: Outcome, state: MessageState
) -> None:
    plan_mail(app)
    held = must_claim(app)
    tidy(app, NOON + LEASE)

    counted = settle(app, held, outcome, NOON + 2 * LEASE)

    assert counted
    assert the_message(app).state is state


def test_a_late_answer_does_not_undo_what_an_organizer_decided(app: Flask) -> None:
    plan_mail(app)
    held = must_claim(app)
    tidy(app, NOON + LEASE)
    act(app, Act.ARRIVED)

    counted = settle(app, held, Outcome.REFUSED, NOON + 2 * LEASE)

    assert not counted
    assert the_message(app).state is MessageState.SENT


def test_a_sign_in_link_that_was_maybe_sent_goes_again_by_itself(app: Flask) -> None:
    plan_mail(app, kind="sign_in", now=NOON, expires_at=NOON + timedelta(hours=1))
    must_claim(app)

    tidy(app, NOON + LEASE)

    assert the_message(app).state is MessageState.SCHEDULED
    assert claim(app, NOON + LEASE + 2 * MINUTE) is not None


def test_a_mail_whose_time_has_passed_is_never_sent(app: Flask) -> None:
    plan_mail(app, expires_at=NOON)

    assert claim(app) is None
    tidy(app)

    message = the_message(app)
    assert (message.state, message.wake_at) == (MessageState.FAILED, None)
    assert steps(app)[-1] == (MessageState.FAILED, "system")


def test_after_an_outage_mails_wait_for_each_readers_morning(app: Flask) -> None:
    """CHECKLIST F7."""
    slept = NOON - timedelta(hours=13)
    plan_mail(app, "sydney", zone="Australia/Sydney", due_at=slept)
    plan_mail(app, "berlin", zone="Europe/Berlin", due_at=slept)
    plan_mail(app, "link", zone="Australia/Sydney", due_at=slept, kind="personal_link")
    plan_mail(app, "on time", zone="Australia/Sydney", due_at=NOON)

    tidy(app)

    woken = {key: the_message(app, key).wake_at for key in states(app)}
    assert woken == {
        "sydney": NOON + timedelta(hours=10),  # 08:00 there
        "berlin": slept,
        "link": slept,
        "on time": NOON,
    }


@pytest.mark.parametrize(
    ("wish", "state", "wakes"),
    [
        (Act.HOLD, MessageState.HELD, False),
        (Act.CANCEL, MessageState.CANCELLED, False),
        (Act.SEND_NOW, MessageState.SCHEDULED, True),
    ],
)
def test_an_organizer_decides_while_it_waits(
    app: Flask, wish: Act, state: MessageState, wakes: bool
) -> None:
    plan_mail(app, due_at=NOON + timedelta(days=1))

    act(app, wish)

    message = the_message(app)
    assert message.state is state
    assert message.wake_at == (NOON if wakes else None)
    assert steps(app)[-1] == (state, "person:1")
    assert (claim(app) is not None) is wakes


@pytest.mark.parametrize("first", [Act.HOLD, Act.CANCEL])
def test_what_was_stopped_can_be_let_go(app: Flask, first: Act) -> None:
    plan_mail(app)
    act(app, first)

    act(app, Act.RELEASE)

    assert the_message(app).state is MessageState.SCHEDULED
    assert claim(app) is not None


def test_sending_again_starts_its_own_three_days(app: Flask) -> None:
    plan_mail(app, due_at=NOON - timedelta(days=4))
    held = claim(app, NOON - timedelta(days=4))
    assert held is not None
    settle(app, held, Outcome.REFUSED)

    act(app, Act.SEND_AGAIN)
    settle(app, must_claim(app), Outcome.DELAYED)

    message = the_message(app)
    assert (message.state, message.attempts, message.tries) == (MessageState.SCHEDULED, 2, 1)


@pytest.mark.parametrize("wish", list(Act))
def test_nobody_stops_what_is_being_sent(app: Flask, wish: Act) -> None:
    plan_mail(app)
    must_claim(app)

    with pytest.raises(BeingSent):
        act(app, wish)

    assert the_message(app).state is MessageState.SENDING


def test_a_decision_about_an_older_version_changes_nothing(app: Flask) -> None:
    """CHECKLIST F9."""
    plan_mail(app, due_at=NOON + MINUTE)
    seen = the_message(app).version
    act(app, Act.HOLD)

    with pytest.raises(ChangedMeanwhile):
        act(app, Act.CANCEL, version=seen)

    assert the_message(app).state is MessageState.HELD


@pytest.mark.parametrize("wish", [Act.HOLD, Act.CANCEL, Act.RELEASE, Act.SEND_NOW, Act.SEND_AGAIN])
def test_what_was_sent_stays_sent(app: Flask, wish: Act) -> None:
    plan_mail(app)
    settle(app, must_claim(app), Outcome.ACCEPTED)

    with pytest.raises(ChangedMeanwhile):
        act(app, wish)


def test_cancelling_and_sending_at_once_never_does_both(app: Flask) -> None:
    for number in range(20):
        plan_mail(app, f"mail-{number}")
    sent: list[int] = []
    cancelled: list[str] = []

    def work() -> None:
        while held := claim(app):
            settle(app, held, Outcome.ACCEPTED)
            sent.append(held.message_id)

    def cancel() -> None:
        for number in reversed(range(20)):
            try:
                act(app, Act.CANCEL, key=f"mail-{number}")
                cancelled.append(f"mail-{number}")
            except ChangedMeanwhile:
                continue

    at_once([work, cancel])

    assert len(sent) + len(cancelled) == 20
    ended = states(app)
    assert {key for key, state in ended.items() if state is MessageState.CANCELLED} == set(
        cancelled
    )


def test_a_move_to_another_zone_moves_what_waits(app: Flask) -> None:
    plan_mail(app)

    with app.app_context(), transaction() as session:
        moved = queue.replan(
            session,
            the_message(app).id,
            due_at=NOON + timedelta(hours=11),
            zone="Australia/Sydney",
            note="They moved.",
            now=NOON,
        )

    message = the_message(app)
    assert moved
    assert (message.due_local, message.wake_at) == ("2026-06-28T09:00", NOON + timedelta(hours=11))


def at_once(jobs: list[Callable[[], None]]) -> None:
    """Run jobs in threads that start together; raise what any of them raised."""
    start = threading.Barrier(len(jobs))
    problems: list[BaseException] = []

    def run(job: Callable[[], None]) -> None:
        start.wait()
        try:
            job()
        except BaseException as problem:  # handed on to the test below
            problems.append(problem)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]
