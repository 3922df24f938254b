"""Who of an event waits for what: the organizers' list, and as a table for spreadsheets."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.events.model import Event
from asyncnet.followups.waiting.actions import MOST, Helped, help_waiting, seen_by
from asyncnet.followups.waiting.forms import HelpForm
from asyncnet.followups.waiting.helps import Wish, helps_for
from asyncnet.followups.waiting.queries import (
    PAGE,
    For,
    Place,
    Thing,
    waiting_among,
    waiting_list,
    waiting_page,
)
from asyncnet.sheets import as_csv
from asyncnet.web.access import LARGEST_ID, Role, actor, kept_from_me, organized_event, requires
from asyncnet.web.downloads import download
from asyncnet.web.filters import iso, plural
from asyncnet.web.forms import text

pages = Blueprint("desk", __name__)
NAMED = 3
"""Of so many an answer tells why nothing was done for them."""
COLUMNS = ("Who", "With", "Waits for", "Since (UTC)", "Hours")


@pages.get("/events/<int:event_id>/waiting")
@requires(Role.ORGANIZER)
def waiting(event_id: int) -> ResponseReturnValue:
    """Show everybody who waits for something, who has waited longest first."""
    return _page(organized_event(event_id))


@pages.post("/events/<int:event_id>/waiting")
@requires(Role.ORGANIZER)
def help_them(event_id: int) -> ResponseReturnValue:
    """Do one thing for every ticked row, or for all of a kind, as far as they wait as seen."""
    event = organized_event(event_id)
    form, what, now = HelpForm(), _what(), utc_now()
    mine = kept_from_me(event)
    if not form.accepted():
        abort(400)
    wish, seen = Wish(text(form.wish)), form.things()
    everything = bool(form.everything.data) and what is not None
    if not seen and not everything:
        flash("Tick those whom you mean, or the box for all of them.", "bad")
        return redirect(_here(event.id))
    with transaction() as session:
        if what is not None and everything:
            seen = seen_by(session, event, what, wish, at=form.seen(now), unsaid=mine, now=now)
        helped = help_waiting(session, event, wish, seen, unsaid=mine, actor=actor(), now=now)
    flash(_told(wish, helped), "good" if helped.done else "bad")
    if helped.changed:
        return _page(event, meanwhile=helped.changed), 409
    return redirect(_here(event.id))


@pages.get("/events/<int:event_id>/waiting.csv")
@requires(Role.ORGANIZER)
def export(event_id: int) -> ResponseReturnValue:
    """Download the list, as far as it is narrowed down."""
    event = organized_event(event_id)
    now = utc_now()
    found, _ = waiting_page(
        db.session(), event.id, _what(), after=None, limit=None, unsaid=kept_from_me(event)
    )
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


def _page(event: Event, meanwhile: Mapping[Thing, str] = MappingProxyType({})) -> str:
    """Return the list; `meanwhile` names those of whom something else was known by now.

    What each of them waits for now is told, and whoever is still on the list stays ticked.
    """
    session, what, now = db.session(), _what(), utc_now()
    mine = kept_from_me(event)
    found, following, counts = waiting_list(
        session,
        event.id,
        what,
        after=_after(request.args.get("after", "")),
        limit=PAGE,
        unsaid=mine,
    )
    anew = waiting_among(session, event.id, meanwhile, unsaid=mine) if meanwhile else []
    return render_template(
        "followups/waiting.html",
        event=event,
        found=found,
        helps=helps_for(session, event, [*found, *anew], now=now),
        what=what,
        counts=counts,
        most=MOST,
        now=now,
        coming=any(slot.starts_at > now for slot in event.rounds),
        form=HelpForm(formdata=None, seen_at=now.isoformat()),
        here=_here(event.id),
        meanwhile=[
            (name, [row for row in anew if _same(row.thing, thing)])
            for thing, name in meanwhile.items()
        ],
        ticked={row.thing for row in found if any(_same(row.thing, thing) for thing in meanwhile)},
        next_url=following
        and url_for(
            ".waiting",
            event_id=event.id,
            what=what,
            after=f"{following[0].isoformat()}~{following[1]}~{following[2]}",
        ),
    )


def _same(one: Thing, other: Thing) -> bool:
    """Return whether two things are about the same person, or about the same match."""
    return one[1] == other[1] and (one[0] is For.INTRO) == (other[0] is For.INTRO)


def _here(event_id: int) -> str:
    """Return the address of the page of the list that this request is about."""
    after = request.args.get("after", "") if _after(request.args.get("after", "")) else None
    return url_for(".waiting", event_id=event_id, what=_what(), after=after)


def _told(wish: Wish, helped: Helped) -> str:
    """Return what was done, and what was not and why, in words."""
    count = len(helped.done)
    if not count:
        told = ["Nothing was done."]
    elif wish is Wish.SEND:
        told = [f"Done for {plural(count, 'row')}: the mail is on its way within a minute."]
    else:
        told = [f"Done for {plural(count, 'row')}: a reminder reaches them in their own daytime."]
    if helped.changed:
        told.append(
            f"{plural(len(helped.changed), 'row')} had changed since you looked and stayed "
            "untouched: see below."
        )
    if helped.not_now:
        told.append(_told_not_now(list(helped.not_now.values())))
    if helped.refused:
        told.append(
            f"{plural(len(helped.refused), 'mail')} would go to addresses that take no mail."
        )
    return " ".join(told)


def _told_not_now(rows: list[tuple[str, str]]) -> str:
    """Return for whom something was not possible and why, the first few by name."""
    named = "; ".join(f"{name} ({why})" for name, why in rows[:NAMED])
    more = f"; and {plural(len(rows) - NAMED, 'more row')}" if len(rows) > NAMED else ""
    return f"Not possible now for {named}{more}."


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
