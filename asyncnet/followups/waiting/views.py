"""Who of an event waits for what: the organizers' list, and as a table for spreadsheets."""

from datetime import UTC, datetime

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import db
from asyncnet.followups.waiting.queries import PAGE, For, Place, waiting_counts, waiting_page
from asyncnet.sheets import as_csv
from asyncnet.web.access import LARGEST_ID, Role, organized_event, requires
from asyncnet.web.downloads import download
from asyncnet.web.filters import iso

pages = Blueprint("desk", __name__)
COLUMNS = ("Who", "With", "Waits for", "Since (UTC)", "Hours")


@pages.get("/events/<int:event_id>/waiting")
@requires(Role.ORGANIZER)
def waiting(event_id: int) -> ResponseReturnValue:
    """Show everybody who waits for something, who has waited longest first."""
    event = organized_event(event_id)
    what = _what()
    found, following = waiting_page(
        db.session(), event.id, what, after=_after(request.args.get("after", "")), limit=PAGE
    )
    return render_template(
        "followups/waiting.html",
        event=event,
        found=found,
        what=what,
        counts=waiting_counts(db.session(), event.id),
        now=utc_now(),
        next_url=following
        and url_for(
            ".waiting",
            event_id=event.id,
            what=what,
            after=f"{following[0].isoformat()}~{following[1]}~{following[2]}",
        ),
    )


@pages.get("/events/<int:event_id>/waiting.csv")
@requires(Role.ORGANIZER)
def export(event_id: int) -> ResponseReturnValue:
    """Download the list, as far as it is narrowed down."""
    event = organized_event(event_id)
    now = utc_now()
    found, _ = waiting_page(db.session(), event.id, _what(), after=None, limit=None)
    rows = (
        (
            each.name,
            each.other or "",
            each.what.value,
            iso(each.since),
            round((now - each.since).total_seconds() / 3600, 1),
        )
        for each in found
    )
    return download(as_csv([COLUMNS, *rows]), "text/csv", f"waiting-{event.id}.csv")


def _what() -> For | None:
    named = request.args.get("what", "")
    return For(named) if named in set(For) else None


def _after(text: str) -> Place | None:
    since, _, rest = text.partition("~")
    what, _, number = rest.partition("~")
    try:
        at, thing_id = datetime.fromisoformat(since).astimezone(UTC), int(number)
    except (ValueError, OverflowError):
        return None
    return (at, what, thing_id) if what in set(For) and 0 < thing_id <= LARGEST_ID else None
