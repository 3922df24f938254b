"""How moments, zones and counts are shown to a reader."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import quote

from flask import Flask

from asyncnet.listing import listed
from asyncnet.matches.rooms import room_name
from asyncnet.zones import city_of, zone_named

MOMENTS = 4096
"""How many moments are kept in words; everybody at an event reads the same few."""


@lru_cache(maxsize=MOMENTS)
def local(at: datetime, zone: str) -> str:
    """Return a moment on a zone's own calendar and clock: `Friday 27 June 2026, 09:00`."""
    there = at.astimezone(zone_named(zone))
    return there.strftime(f"%A {there.day} %B %Y, %H:%M")


@lru_cache(maxsize=MOMENTS)
def local_day(at: datetime, zone: str) -> str:
    """Return the day of a moment in a zone: `Fri 27 June`."""
    there = at.astimezone(zone_named(zone))
    return there.strftime(f"%a {there.day} %B")


@lru_cache(maxsize=MOMENTS)
def local_time(at: datetime, zone: str) -> str:
    """Return the time of day of a moment in a zone: `09:00`."""
    return f"{at.astimezone(zone_named(zone)):%H:%M}"


def local_input(at: datetime, zone: str) -> str:
    """Return a moment as an `<input type=datetime-local>` writes it."""
    return f"{at.astimezone(zone_named(zone)):%Y-%m-%dT%H:%M}"


@lru_cache(maxsize=MOMENTS)
def iso(at: datetime) -> str:
    """Return a moment in UTC as RFC 3339 writes it, for `<time datetime>`."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def milliseconds(at: datetime) -> int:
    """Return a moment in milliseconds since the epoch, as scripts count."""
    return round(at.timestamp() * 1000)


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun: `1 person`, `3 people`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def lasting(time: timedelta) -> str:
    """Return how long something takes or took, in one unit: `40 minutes`, `5 hours`, `3 days`."""
    minutes = round(time.total_seconds() / 60)
    if minutes < 100:
        return plural(minutes, "minute")
    hours = round(minutes / 60)
    return plural(hours, "hour") if hours < 48 else plural(round(hours / 24), "day")


def mailto(address: str) -> str:
    """Return the link that begins a mail to an address; its @ stands bare (RFC 6068)."""
    return f"mailto:{quote(address, safe='@')}"


def register(app: Flask) -> None:
    """Make the filters known to every template."""
    shown = (local, local_day, local_time, local_input, iso, milliseconds, plural, lasting, mailto)
    for show in shown:
        app.template_filter()(show)
    app.template_filter("city")(city_of)
    app.template_filter()(room_name)
    app.template_filter()(listed)
