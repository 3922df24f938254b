"""IANA time zones by name, from the pinned tzdata package only."""

import zoneinfo
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

zoneinfo.reset_tzpath(to=[])  # the system's copy may be older than the rules of this year


class UnknownZone(ValueError):
    """No IANA time zone has this name."""


def zone_named(name: str) -> ZoneInfo:
    """Return the zone of an IANA name such as `Australia/Sydney`. Raises UnknownZone.

    Older names for a place (`US/Eastern`, `Japan`) and bare offsets (`Etc/UTC`) are known too.
    """
    if name not in _KNOWN:
        raise UnknownZone(f"There is no time zone called {name!r}. Try one like Europe/Berlin.")
    return ZoneInfo(name)


def zone_names() -> list[str]:
    """Return the names people choose from, `Region/City` and UTC, sorted."""
    return _NAMES


def city_of(name: str) -> str:
    """Return the city that stands for a zone: `America/New_York` gives `New York`.

    An offset says so: `Etc/GMT+3`, which is behind Greenwich, gives `UTC-3`.
    """
    if name.startswith(("Etc/GMT+", "Etc/GMT-")):
        return f"UTC{name[7:].translate(_TURNED)}"
    return name.rsplit("/", 1)[-1].replace("_", " ")


def is_on_clock(local: datetime, zone: ZoneInfo) -> bool:
    """Return whether a zone's clock ever shows this; it skips an hour where summer begins."""
    there = local.replace(tzinfo=zone)
    return there.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == local


def around_gap(local: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the last minute that a zone's clock shows before a gap, and the first after it."""
    before = after = local.replace(second=0, microsecond=0)
    while not is_on_clock(before, zone):
        before -= _MINUTE
    while not is_on_clock(after, zone):
        after += _MINUTE
    return before, after


_MINUTE = timedelta(minutes=1)
_TURNED = str.maketrans("+-", "-+")
_NOWHERE = {"Factory", "localtime", "posixrules"}
_KNOWN = frozenset(zoneinfo.available_timezones()) - _NOWHERE
_NAMES = sorted(
    name
    for name in _KNOWN
    if name == "UTC"
    or ("/" in name and not name.startswith(("Etc/", "SystemV/", "US/", "posix/", "right/")))
)
