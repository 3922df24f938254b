"""The plan as files: for spreadsheets, programs, Zoom and calendars."""

from flask import Blueprint, abort
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import db
from asyncnet.events import queries as events
from asyncnet.matches import exports, queries
from asyncnet.web.access import Role, organized_event, requires
from asyncnet.web.downloads import download
from asyncnet.wiring import links

pages = Blueprint("downloads", __name__)

PLANS = {
    "csv": (exports.plan_as_csv, "text/csv"),
    "json": (exports.plan_as_json, "application/json"),
}


@pages.get("/events/<int:event_id>/plan.<any(csv,json):suffix>")
@requires(Role.ORGANIZER)
def plan(event_id: int, suffix: str) -> ResponseReturnValue:
    """Send what is published, for a spreadsheet or for a program."""
    event = organized_event(event_id)
    write, content_type = PLANS[suffix]
    written = write(
        event,
        queries.plan_of(db.session(), event.id),
        queries.groups_of(db.session(), event.id),
    )
    return download(written, content_type, f"plan-{event.id}.{suffix}")


@pages.get("/events/<int:event_id>/plan/rooms/<int:number>.csv")
@requires(Role.ORGANIZER)
def rooms(event_id: int, number: int) -> ResponseReturnValue:
    """Send the breakout rooms of one round, as Zoom takes them in before a meeting."""
    event = organized_event(event_id)
    if number not in [slot.number for slot in event.rounds]:
        abort(404)
    seats = exports.breakout_rooms(queries.published_in(db.session(), event.id, number))
    return download(exports.rooms_as_csv(seats), "text/csv", f"rooms-{event.id}-{number}.csv")


@pages.get("/events/<int:event_id>/plan/rooms/closing.csv")
@requires(Role.ORGANIZER)
def groups(event_id: int) -> ResponseReturnValue:
    """Send the closing groups as breakout rooms, as Zoom takes them in."""
    event = organized_event(event_id)
    seats = exports.closing_rooms(queries.groups_of(db.session(), event.id))
    return download(exports.rooms_as_csv(seats), "text/csv", f"rooms-{event.id}-closing.csv")


@pages.get("/events/<int:event_id>/plan/people/<int:person_id>.ics")
@requires(Role.ORGANIZER)
def calendar(event_id: int, person_id: int) -> ResponseReturnValue:
    """Send the published rounds of one person for their calendar."""
    event = organized_event(event_id)
    reader = events.participant_of(db.session(), event.id, person_id)
    written = exports.rounds_as_calendar(
        event,
        reader,
        queries.published_for(db.session(), reader.id),
        closing=queries.closing_for(db.session(), reader),
        links=links(),
        now=utc_now(),
    )
    return download(written, "text/calendar", f"rounds-{event.id}-{reader.id}.ics")
