"""The states of a message, who may change which, at what hour it goes, and when to try again."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class MessageState(StrEnum):
    """Where an outgoing mail stands."""

    SCHEDULED = "scheduled"
    HELD = "held"
    CANCELLED = "cancelled"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"
    BOUNCED = "bounced"


GONE = (MessageState.SENT, MessageState.UNCONFIRMED, MessageState.BOUNCED)
"""Who got such a mail may have read it."""
LEAVING = (MessageState.SENDING, *GONE)
"""Such a mail is what was sent, and not what would be: its words stay as they are."""


class MessageKind(StrEnum):
    """What an outgoing mail is for."""

    SIGN_IN = "sign_in"
    PERSONAL_LINK = "personal_link"
    WAY_BACK = "way_back"
    """A personal link that leads to what two people write; asked for on that page."""
    FOLLOW_UP = "follow_up"
    """Waits for the morning after the event."""
    INTRO_READY = "intro_ready"
    INTRO_REFUSED = "intro_refused"
    INTRO_NUDGE = "intro_nudge"
    """Asks somebody who has not begun their intro; an organizer's click causes it."""
    REPLY = "reply"
    """Brings what one of two people wrote to the other."""
    ROUNDS_READY = "rounds_ready"
    """Tells somebody who is there live, once, whom they meet and when."""
    PLAN_CHANGE = "plan_change"
    """Somebody whom a published change concerns meets others than they knew."""
    MEETING = "meeting"
    """Tells one of two people of times for talking."""
    MEETING_OFF = "meeting_off"
    """Tells one of two people that they do not talk at the time they had agreed on."""
    REMINDER = "reminder"
    """Asks, once, somebody who was written to for a word back."""
    VIEWING_NUDGE = "viewing_nudge"
    """Asks, once a window, somebody who has not watched and answered yet."""
    STAND_IN = "stand_in"
    """Tells two people that they meet, since a partner of one of them stayed silent."""


ABOUT_MEETINGS = (MessageKind.MEETING, MessageKind.MEETING_OFF)


class Outcome(StrEnum):
    """How one attempt to send ended."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """Never: the server said so, or the letter cannot be written."""
    DELAYED = "delayed"
    """Surely not accepted, but it may be later."""
    UNREACHABLE = "unreachable"
    """No server answers; it says nothing about this letter."""
    UNCONFIRMED = "unconfirmed"
    """Nobody knows whether it was accepted."""
    NOT_NEEDED = "not_needed"
    """There is nothing to say any more."""


class Act(StrEnum):
    """What an organizer may do with a message."""

    HOLD = "hold"
    CANCEL = "cancel"
    RELEASE = "release"
    SEND_NOW = "send_now"
    SEND_AGAIN = "send_again"
    ARRIVED = "arrived"


@dataclass(frozen=True)
class Manner:
    """How a kind of message is treated.

    `at_once`: goes at any hour and before others that wait; other kinds keep to the
    reader's daytime when they are late. `repeatable`: a second copy does no harm, so what is
    unconfirmed goes again by itself. `private`: its words are for the two people alone, so
    organizers see that it goes, never what it says.
    """

    at_once: bool = False
    repeatable: bool = False
    private: bool = False


LEASE = timedelta(minutes=10)
"""Longer than all SMTP time-outs together, so that a living worker never loses its claim."""

MANNERS: dict[str, Manner] = {
    MessageKind.SIGN_IN: Manner(at_once=True, repeatable=True),
    MessageKind.PERSONAL_LINK: Manner(at_once=True),
    MessageKind.WAY_BACK: Manner(at_once=True),
    # They sent the file a moment ago and wait for this: it comes at whatever hour they chose.
    MessageKind.INTRO_READY: Manner(at_once=True),
    MessageKind.INTRO_REFUSED: Manner(at_once=True),
    MessageKind.REPLY: Manner(private=True),
    MessageKind.MEETING: Manner(private=True),
    MessageKind.MEETING_OFF: Manner(private=True),
}
USUAL = Manner()

NIGHT = timedelta(hours=4)
SEND_TIME = time(9)
DAY_STARTS = time(8)
DAY_ENDS = time(21)
LATE = timedelta(minutes=15)
"""From here on a message is late, and goes only by daylight."""

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=4)
TRY_FOR = timedelta(hours=72)

HEAD_START = timedelta(days=7)
"""How much earlier a message that goes at once wakes, so that it passes any backlog."""

MAY = {
    Act.HOLD: (frozenset({MessageState.SCHEDULED}), MessageState.HELD),
    Act.CANCEL: (frozenset({MessageState.SCHEDULED, MessageState.HELD}), MessageState.CANCELLED),
    Act.RELEASE: (
        frozenset({MessageState.HELD, MessageState.CANCELLED}),
        MessageState.SCHEDULED,
    ),
    Act.SEND_NOW: (
        frozenset({MessageState.SCHEDULED, MessageState.HELD}),
        MessageState.SCHEDULED,
    ),
    Act.SEND_AGAIN: (
        frozenset({MessageState.UNCONFIRMED, MessageState.FAILED}),
        MessageState.SCHEDULED,
    ),
    Act.ARRIVED: (frozenset({MessageState.UNCONFIRMED}), MessageState.SENT),
}
"""From which states an organizer's act leads to which."""


@dataclass(frozen=True)
class Step:
    """Where a message goes next, and when a worker should look at it again."""

    state: MessageState
    wake_at: datetime | None
    note: str


def manner_of(kind: str) -> Manner:
    """Return how messages of this kind are treated."""
    return MANNERS.get(kind, USUAL)


def acts_on(state: MessageState) -> list[Act]:
    """Return what an organizer may do with a message in this state."""
    return [act for act, (states, _) in MAY.items() if state in states]


def first_look(kind: str, due_at: datetime, now: datetime) -> datetime:
    """Return when a worker should first look at a message."""
    if manner_of(kind).at_once and due_at <= now:
        return due_at - HEAD_START
    return due_at


def next_daylight(
    zone: ZoneInfo, now: datetime, *, hours: tuple[time, time] = (DAY_STARTS, DAY_ENDS)
) -> datetime:
    """Return `now` within these hours of the reader's zone, else when they next begin, in UTC.

    A mail that is late, after an outage, wakes nobody at night.
    """
    starts, ends = hours
    local = now.astimezone(zone)
    if starts <= local.time() < ends:
        return now
    day = local.date() + (timedelta(days=1) if local.time() >= ends else timedelta(0))
    return datetime.combine(day, starts, tzinfo=zone).astimezone(UTC)


def next_morning(ends_at: datetime, zone: ZoneInfo, send_time: time = SEND_TIME) -> datetime:
    """Return `send_time` on the reader's next calendar day, as a moment in UTC.

    `zone` is the reader's, not the writer's: 23:30 in Lisbon is already tomorrow in Tokyo, so
    the mail goes out a day later there. Until 04:00 a night still belongs to the day before.
    Counted on the calendar, not in hours, so a clock change never moves it off the hour; an
    hour that does not exist that day moves later by the gap, one that comes twice is taken
    the first time (PEP 495, fold=0). An hour of the night that has passed by the end of the
    event means the night after, so that nothing is ever due before the event has ended.

    Raises ValueError when `ends_at` carries no zone.
    """
    if ends_at.tzinfo is None:
        raise ValueError(f"{ends_at!r} has no time zone")
    evening = ends_at.astimezone(zone).replace(tzinfo=None) - NIGHT
    next_day = evening.date() + timedelta(days=1)
    due = datetime.combine(next_day, send_time, tzinfo=zone).astimezone(UTC)
    if due < ends_at:
        due = datetime.combine(next_day + timedelta(days=1), send_time, zone).astimezone(UTC)
    return due


def pause(tries: int, luck: float) -> timedelta:
    """Return how long to wait after so many tries: doubling, capped, spread by a quarter.

    `luck`, from 0 to 1, spreads the retries of messages that failed together.
    """
    doubled = FIRST_PAUSE * (1 << min(max(tries - 1, 0), 20))
    return min(doubled, LONGEST_PAUSE) * (0.75 + luck / 2)


def next_step(
    outcome: Outcome,
    words: str,
    *,
    kind: str,
    tries: int,
    tried_since: datetime,
    expires_at: datetime | None,
    now: datetime,
    luck: float,
) -> Step:
    """Return what follows from one attempt. `words` are the mail server's, or ours."""
    repeats = manner_of(kind).repeatable
    if outcome is Outcome.ACCEPTED:
        return Step(MessageState.SENT, None, words)
    if outcome is Outcome.NOT_NEEDED:
        return Step(MessageState.CANCELLED, None, words)
    if outcome is Outcome.REFUSED:
        return Step(MessageState.FAILED, None, words)
    if outcome is Outcome.UNCONFIRMED and not repeats:
        return Step(MessageState.UNCONFIRMED, None, words)
    again_at = now + (FIRST_PAUSE if outcome is Outcome.UNREACHABLE else pause(tries, luck))
    if again_at > tried_since + TRY_FOR or (expires_at is not None and again_at >= expires_at):
        if outcome is Outcome.UNCONFIRMED:
            return Step(MessageState.UNCONFIRMED, None, words)
        return Step(MessageState.FAILED, None, f"Given up. {words}")
    return Step(MessageState.SCHEDULED, again_at, words)
