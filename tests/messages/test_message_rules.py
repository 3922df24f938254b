"""When a message goes, and what follows from each answer of a mail server."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from asyncnet.mail.smtp import LETTER_SECONDS, REPLY_SECONDS
from asyncnet.messages.rules import (
    LEASE,
    LONGEST_PAUSE,
    TRY_FOR,
    MessageState,
    Outcome,
    Step,
    first_look,
    next_daylight,
    next_step,
    pause,
)

NOON = datetime(2026, 6, 27, 12, 0, tzinfo=UTC)
SYDNEY = ZoneInfo("Australia/Sydney")  # 22:00 there at NOON
BERLIN = ZoneInfo("Europe/Berlin")  # 14:00 there at NOON


def step(outcome: Outcome, **changes: object) -> Step:
    usual = {
        "kind": "follow_up",
        "tries": 1,
        "tried_since": NOON,
        "expires_at": None,
        "now": NOON,
        "luck": 0.5,
    }
    return next_step(outcome, "words", **(usual | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome.ACCEPTED, MessageState.SENT),
        (Outcome.REFUSED, MessageState.FAILED),
        (Outcome.UNCONFIRMED, MessageState.UNCONFIRMED),
        (Outcome.NOT_NEEDED, MessageState.CANCELLED),
    ],
)
def test_an_answer_that_settles_it_wakes_nobody_again(
    outcome: Outcome, state: MessageState
) -> None:
    assert step(outcome) == Step(state, None, "words")


@pytest.mark.parametrize("outcome", [Outcome.DELAYED, Outcome.UNREACHABLE])
def test_what_surely_did_not_go_is_tried_again_in_a_minute(outcome: Outcome) -> None:
    assert step(outcome) == Step(MessageState.SCHEDULED, NOON + timedelta(minutes=1), "words")


def test_a_second_sign_in_link_does_no_harm() -> None:
    again = step(Outcome.UNCONFIRMED, kind="sign_in", expires_at=NOON + timedelta(hours=1))

    assert again == Step(MessageState.SCHEDULED, NOON + timedelta(minutes=1), "words")


def test_retries_end_with_what_the_message_is_good_for() -> None:
    over = step(Outcome.DELAYED, expires_at=NOON + timedelta(seconds=59))

    assert over == Step(MessageState.FAILED, None, "Given up. words")


def test_retries_go_on_for_three_days_with_growing_pauses() -> None:
    now, waited = NOON, []

    for tries in range(1, 100):
        after = step(Outcome.DELAYED, tries=tries, now=now)
        if after.wake_at is None:
            break
        waited.append(after.wake_at - now)
        now = after.wake_at

    assert after.state is MessageState.FAILED
    assert waited == sorted(waited)
    assert waited[-1] == LONGEST_PAUSE
    assert TRY_FOR - LONGEST_PAUSE <= now - NOON <= TRY_FOR


@given(tries=some.integers(1, 10_000), luck=some.floats(0, 1))
def test_a_pause_stays_within_a_quarter_of_its_cap(tries: int, luck: float) -> None:
    assert timedelta(seconds=45) <= pause(tries, luck) <= LONGEST_PAUSE * 1.25


def test_what_is_late_goes_at_once_by_day() -> None:
    assert next_daylight(BERLIN, NOON) == NOON


def test_late_in_the_evening_it_waits_for_the_readers_morning() -> None:
    goes_at = next_daylight(SYDNEY, NOON)  # 22:00 there

    assert goes_at.astimezone(SYDNEY) == datetime(2026, 6, 28, 8, 0, tzinfo=SYDNEY)


def test_late_at_night_it_waits_for_the_same_day() -> None:
    goes_at = next_daylight(BERLIN, datetime(2026, 6, 27, 3, 30, tzinfo=BERLIN))

    assert goes_at.astimezone(BERLIN) == datetime(2026, 6, 27, 8, 0, tzinfo=BERLIN)


@given(
    now=some.integers(0, 5 * 365 * 24 * 60).map(lambda minutes: NOON + timedelta(minutes=minutes)),
    zone=some.sampled_from(
        ["Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia", "Asia/Kolkata", "UTC"]
    ),
)
def test_daylight_comes_within_twelve_hours(now: datetime, zone: str) -> None:
    goes_at = next_daylight(ZoneInfo(zone), now)

    assert 8 <= goes_at.astimezone(ZoneInfo(zone)).hour < 21
    assert now <= goes_at <= now + timedelta(hours=12)


def test_a_link_asked_for_now_stands_before_any_backlog() -> None:
    waiting_for_days = first_look("follow_up", NOON - timedelta(days=3), NOON)

    assert first_look("sign_in", NOON, NOON) < waiting_for_days
    assert first_look("sign_in", NOON + timedelta(days=1), NOON) == NOON + timedelta(days=1)


def test_a_lease_outlives_all_waiting_for_a_server() -> None:
    greeting, kept_line, letter = 8 * REPLY_SECONDS, REPLY_SECONDS, LETTER_SECONDS
    assert timedelta(seconds=greeting + kept_line + letter) < LEASE
