"""What an event's clock says, with the time passed in, and how an organizer turns it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncnet.events.clock import CannotTurn, Clock, Phase, Turn, takes_place, turned
from asyncnet.events.rules import slots

TEN = datetime(2027, 3, 4, 10, tzinfo=UTC)
"""Rounds of five minutes with pauses of two: 10:00, 10:07 and 10:14; groups until 10:29."""


@pytest.fixture
def clock() -> Clock:
    times = slots(TEN, rounds=3, length=timedelta(minutes=5), pause=timedelta(minutes=2))
    return Clock(tuple(times), closing=timedelta(minutes=10))


def at(minutes: float) -> datetime:
    return TEN + timedelta(minutes=minutes)


def turn(clock: Clock, how: Turn, minutes: float, *, by: float = 0) -> Clock:
    return turned(clock, how, by=timedelta(minutes=by), now=at(minutes))


def said(clock: Clock, minutes: float) -> tuple[str, int, float]:
    """Return phase, round and how many minutes it still goes on."""
    now = clock.at(at(minutes))
    return now.phase, now.round, now.left / timedelta(minutes=1)


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (-60, (Phase.BEFORE, 1, 60)),
        (0, (Phase.ROUND, 1, 5)),
        (4.5, (Phase.ROUND, 1, 0.5)),
        (5, (Phase.BREAK, 2, 2)),
        (7, (Phase.ROUND, 2, 5)),
        (18.5, (Phase.ROUND, 3, 0.5)),
        (19, (Phase.CLOSING, 0, 10)),
        (29, (Phase.AFTER, 0, 0)),
    ],
)
def test_untouched_it_follows_the_schedule(
    clock: Clock, minutes: float, expected: tuple[str, int, float]
) -> None:
    assert said(clock, minutes) == expected


def test_beginning_early_brings_everything_forward(clock: Clock) -> None:
    begun = turn(clock, Turn.BEGIN, -3)

    assert said(begun, -3) == (Phase.ROUND, 1, 5)
    assert said(begun, 2) == (Phase.BREAK, 2, 2)
    assert begun.ends_at == at(26)


def test_beginning_during_a_round_ends_it(clock: Clock) -> None:
    begun = turn(clock, Turn.BEGIN, 3)

    assert said(begun, 3) == (Phase.ROUND, 2, 5)
    assert begun.slots[0].ends_at == at(3)


def test_ending_a_round_keeps_the_break_after_it(clock: Clock) -> None:
    ended = turn(clock, Turn.END, 3)

    assert said(ended, 3) == (Phase.BREAK, 2, 2)
    assert said(ended, 5) == (Phase.ROUND, 2, 5)


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (-1, (Phase.BEFORE, 1, 3)),
        (4, (Phase.ROUND, 1, 3)),
        (6, (Phase.BREAK, 2, 3)),
        (20, (Phase.CLOSING, 0, 11)),
    ],
)
def test_whatever_it_is_can_go_on_for_longer(
    clock: Clock, minutes: float, expected: tuple[str, int, float]
) -> None:
    longer = turn(clock, Turn.EXTEND, minutes, by=2)

    assert said(longer, minutes) == expected
    assert longer.ends_at == clock.ends_at + timedelta(minutes=2)


def test_the_round_after_one_left_out_takes_its_time(clock: Clock) -> None:
    skipped = turn(clock, Turn.SKIP, 6)

    assert said(skipped, 6) == (Phase.BREAK, 3, 1)
    assert said(skipped, 7) == (Phase.ROUND, 3, 5)
    assert said(skipped, 12) == (Phase.CLOSING, 0, 10)


def test_leaving_out_the_last_round_brings_the_groups_forward(clock: Clock) -> None:
    skipped = turn(clock, Turn.SKIP, 13)

    assert said(skipped, 13) == (Phase.CLOSING, 0, 10)
    assert [takes_place(slot) for slot in skipped.slots] == [True, True, False]


@pytest.mark.parametrize(
    ("left_out", "put_back", "number", "then"),
    [
        (-1, -0.5, 1, [0, 7, 14]),
        (6, 6.5, 2, [0, 7, 14]),
        (13, 15, 3, [0, 7, 17]),
    ],
)
def test_a_round_that_was_left_out_can_be_put_back(
    clock: Clock, left_out: float, put_back: float, number: int, then: list[float]
) -> None:
    """The last one begins after the pause that the others have; what follows it comes later."""
    skipped = turn(clock, Turn.SKIP, left_out)

    back = turn(skipped, Turn.RETURN, put_back)

    assert skipped.left_out_at(at(put_back)) == number
    assert [slot.starts_at for slot in back.slots] == [at(minutes) for minutes in then]
    assert {slot.ends_at - slot.starts_at for slot in back.slots} == {timedelta(minutes=5)}
    assert back.ends_at == at(then[-1] + 15)


def test_a_round_stays_left_out_once_a_later_one_has_begun(clock: Clock) -> None:
    skipped = turn(clock, Turn.SKIP, 6)

    assert (skipped.left_out_at(at(6.9)), skipped.left_out_at(at(7))) == (2, 0)
    with pytest.raises(CannotTurn):
        turn(skipped, Turn.RETURN, 7)


@pytest.mark.parametrize(("minutes", "phase"), [(-1, "before"), (2, "round"), (6, "break")])
def test_a_pause_stops_the_countdown_and_loses_no_time(
    clock: Clock, minutes: float, phase: str
) -> None:
    paused = turn(clock, Turn.PAUSE, minutes)
    resumed = turn(paused, Turn.RESUME, minutes + 4)

    assert said(paused, minutes + 4) == said(clock, minutes)
    assert said(resumed, minutes + 4) == said(clock, minutes)
    assert said(clock, minutes)[0] == phase
    assert resumed.ends_at == clock.ends_at + timedelta(minutes=4)


def test_closing_groups_that_are_ended_are_over_until_a_round_is_put_back(clock: Clock) -> None:
    ended = turn(clock, Turn.END, 22)
    later = replace(
        ended,
        slots=tuple(slots(at(60), rounds=1, length=timedelta(hours=1), pause=timedelta(hours=1))),
    )

    assert said(ended, 22) == (Phase.AFTER, 0, 0)
    assert ended.ends_at == at(22)
    assert later.ends_at == later.rounds_end_at + clock.closing


def test_a_pause_in_the_closing_groups_makes_them_longer(clock: Clock) -> None:
    resumed = turn(turn(clock, Turn.PAUSE, 20), Turn.RESUME, 25)

    assert said(resumed, 25) == (Phase.CLOSING, 0, 9)


@pytest.mark.parametrize(
    ("how", "minutes"),
    [
        (Turn.END, 6),
        (Turn.BEGIN, 15),
        (Turn.SKIP, 15),
        (Turn.EXTEND, 40),
        (Turn.PAUSE, 40),
        (Turn.RESUME, 1),
        (Turn.RETURN, 6),
    ],
)
def test_what_makes_no_sense_is_refused(clock: Clock, how: Turn, minutes: float) -> None:
    with pytest.raises(CannotTurn):
        turn(clock, how, minutes, by=1)


def test_while_paused_only_going_on_is_possible(clock: Clock) -> None:
    paused = turn(clock, Turn.PAUSE, 2)

    for how in set(Turn) - {Turn.RESUME}:
        with pytest.raises(CannotTurn):
            turn(paused, how, 3, by=1)


@given(
    st.lists(st.tuples(st.sampled_from(list(Turn)), st.floats(0, 6)), max_size=12),
)
def test_however_it_is_turned_rounds_never_overlap(turns: list[tuple[Turn, float]]) -> None:
    times = slots(TEN, rounds=3, length=timedelta(minutes=5), pause=timedelta(minutes=2))
    clock, minutes = Clock(tuple(times)), -5.0

    for how, wait in turns:
        minutes += wait
        before = [s for s in clock.slots if takes_place(s) and s.ends_at <= at(minutes)]
        try:
            clock = turn(clock, how, minutes, by=2)
        except CannotTurn:
            continue
        if clock.paused_at is None and how is not Turn.RESUME:
            assert [s for s in clock.slots if s in before] == before, "what is over has changed"

    real = sorted((s for s in clock.slots if takes_place(s)), key=lambda slot: slot.starts_at)
    assert all(one.ends_at <= other.starts_at for one, other in pairwise(real))
    assert [slot.number for slot in real] == sorted(slot.number for slot in real)
