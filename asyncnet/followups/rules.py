"""When a follow-up is due, on its reader's own clock."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

NIGHT = timedelta(hours=4)
SEND_TIME = time(9)


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


def due_at(
    answered_at: datetime, event_ends_at: datetime, zone: ZoneInfo, send_time: time
) -> datetime:
    """Return when an answer reaches its reader, in UTC: the morning after the event, or after
    the answer where that came later."""
    return next_morning(max(answered_at, event_ends_at), zone, send_time)
