"""What an operator asks about follow-ups from a shell."""

import sys
from datetime import UTC, datetime, time

import click
from flask.cli import AppGroup

from asyncnet.messages.rules import SEND_TIME, next_morning
from asyncnet.zones import UnknownZone, zone_named

followups = AppGroup("followups", help="Ask when follow-ups go out.")


@followups.command("when")
@click.option("--ends-at", required=True, help="When the event ends: 2026-06-26T16:00Z.")
@click.option("--zone", required=True, help="The reader's time zone: Australia/Sydney.")
@click.option("--at", "send_time", default=f"{SEND_TIME:%H:%M}", help="The hour on their clock.")
def when(ends_at: str, zone: str, send_time: str) -> None:
    """Print the moment, in UTC, at which a follow-up would reach its reader."""
    try:
        moment = next_morning(_moment(ends_at), zone_named(zone), _hour(send_time))
    except (ValueError, UnknownZone) as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    except OverflowError:
        click.echo(f"{ends_at!r} is at an end of the calendar.", err=True)
        sys.exit(2)
    click.echo(moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"))


def _moment(typed: str) -> datetime:
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError as error:
        raise ValueError(f"{typed!r} is not a moment like 2026-06-26T16:00Z.") from error
    if moment.tzinfo is None:
        raise ValueError(f"{typed!r} says no time zone. Put a Z behind it if it is in UTC.")
    return moment


def _hour(typed: str) -> time:
    try:
        hour = time.fromisoformat(typed)
    except ValueError as error:
        raise ValueError(f"{typed!r} is not an hour like 09:00.") from error
    if hour.tzinfo is not None:
        raise ValueError(f"{typed!r} must be an hour on the reader's own clock, like 09:00.")
    return hour
