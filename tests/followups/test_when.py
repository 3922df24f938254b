"""When a follow-up is due: the morning after, on its reader's own clock."""

import csv
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from flask import Flask
from hypothesis import example, given
from hypothesis import strategies as st

from asyncnet.events.rules import due_at
from asyncnet.messages.rules import next_morning
from asyncnet.zones import city_of, zone_named, zone_names

VECTORS = list(
    csv.DictReader((Path(__file__).parent.parent / "data" / "followup_vectors.csv").open())
)
MOMENTS = st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    max_value=datetime(2037, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
ZONES = st.sampled_from(zone_names()).map(zone_named)
HOURS = st.times().map(lambda hour: hour.replace(second=0, microsecond=0))
A_DAY_IS_MISSING = timedelta(days=1)

pytestmark = pytest.mark.sizeless


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["note"] for vector in VECTORS])
def test_known_cases(vector: dict[str, str]) -> None:
    ends_at = datetime.fromisoformat(vector["event_ends_at_utc"]).replace(tzinfo=UTC)
    zone, hour = zone_named(vector["zone"]), time.fromisoformat(vector["send_at_local"])

    due = next_morning(ends_at, zone, hour)

    expected = datetime.fromisoformat(vector["expected_send_at_utc"]).replace(tzinfo=UTC)
    assert due == expected


@given(MOMENTS, ZONES, HOURS)
@example(datetime(2011, 12, 30, 6, tzinfo=UTC), ZoneInfo("Pacific/Apia"), time(9))
@example(datetime(2026, 11, 22, 2, tzinfo=UTC), ZoneInfo("Europe/Berlin"), time(1, 30))
def test_never_before_the_event_has_ended_and_never_two_days_late(
    ends_at: datetime, zone: ZoneInfo, hour: time
) -> None:
    due = next_morning(ends_at, zone, hour)

    slack = A_DAY_IS_MISSING if _misses_a_day(ends_at, zone) else timedelta(0)
    assert ends_at <= due <= ends_at + timedelta(hours=48) + slack


@given(MOMENTS, ZONES, HOURS)
def test_always_that_hour_of_the_local_clock_unless_it_does_not_exist(
    ends_at: datetime, zone: ZoneInfo, hour: time
) -> None:
    local = next_morning(ends_at, zone, hour).astimezone(zone)

    wished = datetime.combine(local.date(), hour, tzinfo=zone)
    exists = wished.astimezone(UTC).astimezone(zone).time() == hour
    assert local.time() == hour or not exists or _misses_a_day(ends_at, zone)


@given(MOMENTS, ZONES)
def test_an_answer_after_the_event_waits_for_the_morning_after_the_answer(
    ends_at: datetime, zone: ZoneInfo
) -> None:
    answered_at = ends_at + timedelta(days=3)

    due = due_at(answered_at, ends_at, zone, time(9))

    assert due == next_morning(answered_at, zone, time(9))


def test_a_moment_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        next_morning(datetime(2026, 6, 26, 16), ZoneInfo("Australia/Sydney"))  # noqa: DTZ001


def test_the_command_prints_the_moment_in_utc(app: Flask) -> None:
    done = app.test_cli_runner().invoke(
        args=["followups", "when", "--ends-at", "2026-06-26T16:00Z", "--zone", "Australia/Sydney"]
    )

    assert (done.exit_code, done.output) == (0, "2026-06-26T23:00:00Z\n")


@pytest.mark.sizeless
def test_the_command_knows_every_zone_and_writes_years_in_full(app: Flask) -> None:
    """Those included that no form offers, since a list may have them."""
    odd = ("GMT", "Etc/UTC", "US/Eastern", "Japan", "EST5EDT", "Etc/GMT+3")

    done = [
        app.test_cli_runner()
        .invoke(args=["followups", "when", "--ends-at", "0001-01-02T00:00Z", "--zone", zone])
        .output
        for zone in odd
    ]

    assert done[:2] == ["0001-01-02T09:00:00Z\n"] * 2
    assert [len(moment) for moment in done] == [21] * 6
    assert {zone_named(name).key for name in available_timezones() - {"Factory"}} > set(
        zone_names()
    )
    assert [city_of(zone) for zone in odd] == [
        "GMT", "UTC", "Eastern", "Japan", "EST5EDT", "UTC-3",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--ends-at 2026-06-26T16:00Z --zone Mars/Base", "no time zone called 'Mars/Base'"),
        ("--ends-at 2026-06-26T16:00Z --zone Factory", "no time zone called 'Factory'"),
        ("--ends-at 2026-06-26T16:00 --zone Asia/Tokyo", "says no time zone"),
        ("--ends-at tomorrow --zone Asia/Tokyo", "is not a moment like"),
        ("--ends-at 2026-06-26T16:00Z --zone Asia/Tokyo --at 9am", "is not an hour like"),
        ("--ends-at 9999-12-31T23:00Z --zone Asia/Tokyo", "an end of the calendar"),
    ],
)
def test_the_command_refuses_with_a_sentence_and_status_2(
    app: Flask, words: str, sentence: str
) -> None:
    done = app.test_cli_runner().invoke(args=["followups", "when", *words.split()])

    assert done.exit_code == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def _misses_a_day(ends_at: datetime, zone: ZoneInfo) -> bool:
    """Return whether the zone's calendar jumps by half a day or more around that moment."""
    days = [
        (ends_at + timedelta(hours=hours)).astimezone(zone).utcoffset() or timedelta(0)
        for hours in range(-24, 73, 3)
    ]
    return max(days) - min(days) >= timedelta(hours=12)
