"""What two people may tell of their match, and what becomes of words typed in several places."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from asyncnet.events.rules import QuestionKind
from asyncnet.messages.rules import DAY_ENDS, DAY_STARTS, next_daylight

Typed = Mapping[str, list[str]]
"""What stands in each field of a form, as a browser sends it."""
MEETING = timedelta(minutes=30)
"""How long two people plan to talk."""
BETWEEN_MAILS = timedelta(hours=1)
"""Between two mails that bring one person's words to another; what they add meanwhile waits."""
HEARD_BEFORE = timedelta(hours=1)
"""So long before two people talk whoever offered the time has had the mail that it was taken."""
HALF_HOURS = 48
MAX_TABS = 5
LONGEST_FIELD = 8_000


HUSHED = "Its reader wants no more about this match, which only organizers may know."
"""Why a mail to somebody uneasy was not sent. To whoever wrote it, it looks as if it was."""


class Told(StrEnum):
    """What one of the two says of their match; never guessed from opens or clicks."""

    WATCHED = "watched"
    MET = "met"
    CLOSED = "closed"
    """They want no more mails about it."""


class Stage(StrEnum):
    """How far a match has come; a later one may be there without an earlier one."""

    WATCHED = "watched"
    ANSWERED = "answered"
    MAILED = "mailed"
    """A mail server took it."""
    REPLIED = "replied"
    """The first word of somebody to whom the other one had written."""
    MET = "met"


def kept_of(typed: Typed) -> dict[str, list[str]]:
    """Return what is kept of a form: every field that a browser sends, none of them endless."""
    return {
        name: [word[:LONGEST_FIELD] for word in words[:50]]
        for name, words in typed.items()
        if words
    }


def with_other(
    others: Mapping[str, Any], tab: str, typed: Typed, *, at: str
) -> dict[str, dict[str, Any]]:
    """Return what other tabs had typed, with one tab's newest words in place of its former ones.

    The oldest go when there are too many tabs.
    """
    newest = {**others, tab: {"typed": dict(typed), "at": at}}
    kept = sorted(newest, key=lambda name: str(newest[name]["at"]))[-MAX_TABS:]
    return {name: newest[name] for name in kept}


def differs(one: Typed, other: Typed) -> bool:
    """Return whether one has words in some field that the other does not begin with.

    Whoever goes on typing where somebody else had begun has lost nothing.
    """
    return any(not _continues(words, other.get(name, [])) for name, words in one.items() if words)


def _continues(words: list[str], others: list[str]) -> bool:
    if len(words) == len(others) == 1:
        return others[0].startswith(words[0])
    return words == others


def meeting_key(meeting_id: int, version: int, reader_id: int) -> str:
    """Return the key of the mail that tells one reader of one version of a meeting."""
    return f"meeting:{meeting_id}:{version}:{reader_id}"


def next_mail_at(zone: ZoneInfo, *, last_at: datetime | None, now: datetime) -> datetime:
    """Return when one person's next words are mailed to another, in UTC.

    At once by daylight in the reader's zone, else in their morning, and never sooner than
    BETWEEN_MAILS after `last_at`, when such a mail last went: whoever writes much is read
    in one go.
    """
    rested_at = last_at + BETWEEN_MAILS if last_at else now
    return next_daylight(zone, max(now, rested_at))


def soonest_talk(zone: ZoneInfo, *, now: datetime) -> datetime:
    """Return from when on somebody can talk at a time that is agreed on now, in UTC.

    They offered it and hear of it by mail, which waits for the morning of their `zone`.
    """
    return next_mail_at(zone, last_at=None, now=now) + HEARD_BEFORE


def both_awake(
    mine: ZoneInfo, theirs: ZoneInfo, *, after: datetime, days: int
) -> Iterator[datetime]:
    """Yield the moments, in UTC, at which two people can begin to talk for MEETING.

    They begin at full and half hours of `mine`, later than `after`, on so many of its days;
    both are then between DAY_STARTS and DAY_ENDS of their own clocks all the while. An hour
    that a clock skips is not offered; of one that comes twice, the first time.
    """
    today = after.astimezone(mine).date()
    for day in range(days):
        for half in range(HALF_HOURS):
            hour = time(half // 2, 30 * (half % 2))
            at = datetime.combine(today + timedelta(days=day), hour, tzinfo=mine).astimezone(UTC)
            exists = at.astimezone(mine).time() == hour
            if exists and at > after and _awake(at, mine) and _awake(at, theirs):
                yield at


def _awake(at: datetime, zone: ZoneInfo) -> bool:
    """Return whether somebody is awake on their own clock from here on for MEETING."""
    begins, ends = at.astimezone(zone), (at + MEETING).astimezone(zone)
    return begins.date() == ends.date() and begins.time() >= DAY_STARTS and ends.time() <= DAY_ENDS


def said_in(items: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return an answer's questions and what was said to them, without what was left empty and
    without where its author may be reached."""
    return [
        (item["label"], _in_words(item["value"], item.get("ends", [])))
        for item in items
        if item["kind"] != QuestionKind.CONTACT.value and item["value"]
    ]


def _in_words(value: Any, ends: Sequence[str]) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value}, where 1 is {ends[0]} and 5 is {ends[1]}" if ends else str(value)
