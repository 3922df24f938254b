"""The organizers' board: every mail of an event, and what they decide about many at once."""

from collections.abc import Collection, Iterator
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.messages import actions, queries
from asyncnet.messages.forms import BulkForm
from asyncnet.messages.queries import PAGE, Choice
from asyncnet.messages.queue import Tally, seen_until
from asyncnet.messages.rules import Act, MessageState
from asyncnet.messages.views.place import choice, cursor, narrowed, pages
from asyncnet.sheets import as_csv
from asyncnet.web.access import Role, actor, kept_mails, organized_event, requires
from asyncnet.web.downloads import download
from asyncnet.web.filters import iso, plural
from asyncnet.web.forms import text

COLUMNS = (
    "To",
    "Address",
    "Kind",
    "State",
    "Due (UTC)",
    "Due on their clock",
    "Their time zone",
    "Sent (UTC)",
    "Subject",
    "Note",
)
DONE = {
    Act.HOLD: "held back",
    Act.CANCEL: "cancelled",
    Act.RELEASE: "let go",
    Act.SEND_NOW: "to be sent now",
    Act.SEND_AGAIN: "to be sent again",
    Act.ARRIVED: "noted as arrived",
}


@pages.get("/events/<int:event_id>/messages")
@requires(Role.ORGANIZER)
def index(event_id: int) -> ResponseReturnValue:
    return _page(event_id)


def _page(event_id: int, meanwhile: Collection[int] = ()) -> str:
    """Return the board; `meanwhile` are the ids of mails that somebody else was quicker to change.

    How they stand now is told, and those that are still on the page stay ticked.
    """
    event = organized_event(event_id)
    kept = kept_mails(event)
    chosen = choice(kept)
    messages, following = queries.board(
        db.session(), event.id, chosen, after=cursor(request.args.get("after", ""))
    )
    by_state, by_kind = queries.counts(db.session(), event.id, chosen)
    return render_template(
        "messages/index.html",
        event=event,
        messages=messages,
        counts=by_state,
        kind_counts=by_kind,
        chosen=chosen,
        narrowed=narrowed(chosen),
        matching=by_state.get(chosen.state, 0) if chosen.state else sum(by_state.values()),
        states=list(MessageState),
        form=BulkForm(formdata=None, seen_at=utc_now().isoformat()),
        ticked=set(meanwhile),
        meanwhile=queries.some_of(db.session(), event.id, sorted(meanwhile)[:PAGE]),
        some_are_kept=bool(kept),
        here=url_for(".decide_all", event_id=event.id, **_place(chosen)),
        next_url=following
        and url_for(
            ".index",
            event_id=event.id,
            **_place(chosen, f"{following[0].isoformat()}~{following[1]}"),
        ),
    )


@pages.post("/events/<int:event_id>/messages")
@requires(Role.ORGANIZER)
def decide_all(event_id: int) -> ResponseReturnValue:
    """Do one thing to every ticked mail, or to all that match, as far as they are as seen."""
    event = organized_event(event_id)
    form = BulkForm()
    if not form.accepted():
        abort(400)
    chosen, wish = choice(kept_mails(event)), Act(text(form.wish))
    picked = form.picked()
    if not picked and not form.everything.data:
        flash("Tick the mails that you mean, or the box for all of them.", "bad")
        return redirect(url_for(".index", event_id=event.id, **_place(chosen)))
    with transaction() as session:
        if form.everything.data:
            seen = seen_until(
                session, queries.ids_of(session, event.id, chosen), form.seen(utc_now())
            )
        else:
            own = queries.among(session, event.id, picked) - chosen.without
            seen = {number: version for number, version in picked.items() if number in own}
        tally = actions.decide_all(session, event.id, wish, seen, actor=actor(), now=utc_now())
    flash(_told(wish, tally), "good" if tally.done else "bad")
    if tally.changed or tally.being_sent:
        return _page(event_id, [*tally.changed, *tally.being_sent]), 409
    return redirect(url_for(".index", event_id=event.id, **_place(chosen)))


@pages.get("/events/<int:event_id>/messages.csv")
@requires(Role.ORGANIZER)
def export(event_id: int) -> ResponseReturnValue:
    """Download every mail that the filters let through, as a table for a spreadsheet."""
    event = organized_event(event_id)
    chosen = choice(kept_mails(event))
    written = as_csv([COLUMNS, *_cells(event.id, chosen)])
    return download(written, "text/csv", f"messages-{event.id}.csv")


def _cells(event_id: int, chosen: Choice) -> Iterator[tuple[object, ...]]:
    for row in queries.rows_of(db.session(), event_id, chosen):
        yield (
            row.to_name,
            row.to_address,
            row.kind,
            row.state.value,
            iso(row.due_at),
            row.due_local,
            row.zone,
            iso(row.sent_at) if row.sent_at else "",
            row.sent_subject or "",
            row.note,
        )


def _place(chosen: Choice, after: str | None = None) -> dict[str, Any]:
    """Return what keeps a choice and a page of it in an address; this page unless told."""
    return {**narrowed(chosen), "after": after or request.args.get("after") or None}


def _told(wish: Act, tally: Tally) -> str:
    """Return what was done, and what was not and why, in words."""
    many = plural(len(tally.done), "mail") if tally.done else "No mail"
    told = [f"{many} {DONE[wish]}."]
    if tally.changed:
        told.append(
            f"{plural(len(tally.changed), 'mail')} had changed since you looked "
            "and stayed as they are: see below."
        )
    if tally.being_sent:
        told.append(f"{plural(len(tally.being_sent), 'mail')} were being sent at that moment.")
    if tally.not_now:
        told.append(
            f"For {plural(len(tally.not_now), 'mail')} that is not possible in their state."
        )
    if tally.refused:
        told.append(
            f"{plural(len(tally.refused), 'mail')} would go to addresses that take no mail."
        )
    return " ".join(told)
