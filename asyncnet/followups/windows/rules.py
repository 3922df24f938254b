"""When somebody silent is nudged in a window, given up, or too late to be asked."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from asyncnet.events.rules import Slot
from asyncnet.messages.rules import next_daylight

TIME_TO_WATCH = timedelta(hours=2)
"""What somebody needs at least who is given a partner late, from when they are told by day."""


def nudge_at(window: Slot, zone: ZoneInfo) -> datetime:
    """Return when somebody silent is nudged: by day, when a third of their window is left."""
    return next_daylight(zone, window.starts_at + (window.ends_at - window.starts_at) * 2 / 3)


def given_up_at(window: Slot, zone: ZoneInfo) -> datetime:
    """Return when somebody silent is waited for no longer in the last window of an event.

    By day, when a sixth of it is left: another partner then has a few hours; in an earlier window
    they are waited for until its end.
    """
    late = next_daylight(zone, window.starts_at + (window.ends_at - window.starts_at) * 5 / 6)
    return min(late, window.ends_at)


def has_time(window: Slot, zone: ZoneInfo, now: datetime) -> bool:
    """Return whether somebody who is told by day can still watch and write in their window."""
    return next_daylight(zone, max(now, window.starts_at)) + TIME_TO_WATCH <= window.ends_at
