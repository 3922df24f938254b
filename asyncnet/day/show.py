"""The run of show: the organizers' live board, the clock in their hand, and what they print."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import ChangedMeanwhile, db, transaction
from asyncnet.day import queries
from asyncnet.day.actions.exiting import settle_exit
from asyncnet.day.actions.prompting import change_prompts
from asyncnet.day.board import board_of
from asyncnet.day.forms import NoticeForm, TurnForm, prompts_form
from asyncnet.day.rules import CLOSING_PROMPT, LONG_BEFORE, icebreaker_of
from asyncnet.day.windows import windows_of
from asyncnet.day.zoom import problems_of
from asyncnet.events.actions.turning import tell_everybody, turn_clock
from asyncnet.events.clock import CannotTurn, Phase, Turn, still_said
from asyncnet.events.model import Event
from asyncnet.events.queries import clock_of
from asyncnet.events.rules import EventMode
from asyncnet.followups.windows.queries import in_vain
from asyncnet.matches.exports import breakout_rooms
from asyncnet.matches.model import Match
from asyncnet.matches.queries import groups_of, plan_of, published_in
from asyncnet.matches.rooms import tables
from asyncnet.web.access import Role, actor, kept_from_me, organized_event, requires
from asyncnet.web.forms import ButtonForm, number, text
from asyncnet.web.now import timed, unchanged

pages = Blueprint("show", __name__)
SHOWN_AT_ONCE = 60
EVERYBODY_AT_ONCE = 200
TURNED_MEANWHILE = (
    "Somebody else turned the clock or wrote a message a moment ago. This is how it stands now; "
    "nothing of yours was done."
)


@pages.get("/events/<int:event_id>/show")
@requires(Role.ORGANIZER)
def board(event_id: int) -> ResponseReturnValue:
    return _board(organized_event(event_id))


@pages.get("/events/<int:event_id>/show/now")
@requires(Role.ORGANIZER)
def now(event_id: int) -> ResponseReturnValue:
    """Return the part of the open board that changes by itself, or 304."""
    shown = _shown(organized_event(event_id))
    tag = shown["board"].tag
    return unchanged(tag) or timed(Response(render_template("day/board_now.html", **shown)), tag)


@pages.post(
    "/events/<int:event_id>/show/clock/<any(begin,end,extend,skip,return,pause,resume):turn>"
)
@requires(Role.ORGANIZER)
def turn(event_id: int, turn: str) -> ResponseReturnValue:
    """Turn the clock; every open page shows it within seconds.

    A round that is to begin much later is started only once the organizer was asked.
    """
    event = organized_event(event_id)
    form = TurnForm()
    if not form.accepted():
        abort(400)
    at = clock_of(db.session(), event).at(utc_now())
    if turn == Turn.BEGIN and at.left > LONG_BEFORE and at.is_between and not form.sure.data:
        return render_template("day/early.html", event=event, now=at, turn_form=form)
    minutes = number(form.minutes)
    try:
        with transaction() as session:
            turn_clock(
                session,
                event,
                Turn(turn),
                by=timedelta(minutes=minutes),
                version=number(form.version),
                form_key=f"{turn[:3]}{minutes}-{text(form.form_key)}"[:32],
                actor=actor(),
                now=utc_now(),
            )
    except CannotTurn as refusal:
        flash(str(refusal), "bad")
    except ChangedMeanwhile:
        flash(TURNED_MEANWHILE, "attention")
        db.session.refresh(event)
        return _board(event), 409
    return redirect(url_for(".board", event_id=event.id))


@pages.post("/events/<int:event_id>/show/notice")
@requires(Role.ORGANIZER)
def tell(event_id: int) -> ResponseReturnValue:
    """Show a sentence on every open page; an empty one takes it away."""
    event = organized_event(event_id)
    form = NoticeForm()
    if not form.accepted():
        return _board(event, form), 400
    try:
        with transaction() as session:
            tell_everybody(
                session,
                event,
                text(form.notice),
                version=number(form.version),
                form_key=f"say-{text(form.form_key)}"[:32],
                actor=actor(),
                now=utc_now(),
            )
    except ChangedMeanwhile:
        flash(TURNED_MEANWHILE, "attention")
        db.session.refresh(event)
        form.now_at(event.clock_version)
        return _board(event, form), 409
    flash("It stands on every open page within seconds." if event.notice else "Taken away.", "good")
    return redirect(url_for(".board", event_id=event.id))


@pages.post("/events/<int:event_id>/show/exits/<int:exit_id>")
@requires(Role.ORGANIZER)
def settle(event_id: int, exit_id: int) -> ResponseReturnValue:
    event = organized_event(event_id)
    said = queries.exit_in(db.session(), event.id, exit_id)
    if not ButtonForm().accepted():
        abort(400)
    with transaction() as session:
        settle_exit(session, said, actor=actor(), now=utc_now())
    return redirect(url_for(".board", event_id=event.id))


@pages.route("/events/<int:event_id>/show/prompts", methods=["GET", "POST"])
@requires(Role.ORGANIZER)
def prompts(event_id: int) -> ResponseReturnValue:
    """Let organizers write what people talk about in each round and in the closing groups."""
    event = _live_event(event_id)
    form = prompts_form(event)
    if form.accepted():
        try:
            with transaction() as session:
                change_prompts(
                    session,
                    event,
                    form.prompts(),
                    closing_prompt=text(form.closing_prompt),
                    closing_minutes=form.minutes(),
                    version=number(form.version),
                    actor=actor(),
                    now=utc_now(),
                )
        except ChangedMeanwhile:
            db.session.refresh(event)
            form.now_at(event.version)
            return _prompts_page(event, form, changed=True), 409
        flash("Saved. People see it in their round.", "good")
        return redirect(url_for(".prompts", event_id=event.id))
    return _prompts_page(event, form)


@pages.get("/events/<int:event_id>/show/sheet")
@requires(Role.ORGANIZER)
def sheet(event_id: int) -> ResponseReturnValue:
    """Show the whole event on paper: times, prompts, and who is where in each round."""
    event = organized_event(event_id)
    return render_template(
        "day/sheet.html",
        event=event,
        conversations=_conversations(plan_of(db.session(), event.id)),
        groups=groups_of(db.session(), event.id),
        icebreaker_of=icebreaker_of,
        closing_prompt=event.closing_prompt or CLOSING_PROMPT,
    )


@pages.get("/events/<int:event_id>/show/rooms/<int:number>")
@requires(Role.ORGANIZER)
def rooms(event_id: int, number: int) -> ResponseReturnValue:
    """Show the breakout rooms of a round as a table to copy, and what Zoom would stumble over."""
    event = _live_event(event_id)
    slot = next((slot for slot in event.rounds if slot.number == number), None) or abort(404)
    seats = breakout_rooms(published_in(db.session(), event.id, number))
    return render_template(
        "day/rooms.html",
        event=event,
        slot=slot,
        seats=seats,
        problems=problems_of(seats),
    )


def _conversations(plan: Sequence[Match]) -> dict[int, list[tuple[Match, list[str]]]]:
    """Return who meets by the id of their round, with the names of all; a trio is one of them."""
    found: defaultdict[int, list[tuple[Match, list[str]]]] = defaultdict(list)
    for round_id, matches in groupby(plan, key=lambda match: match.round_id):
        for table in tables(matches):
            match = table[0]
            pair = (match.viewer, match.viewed) if match.is_viewing else (match.first, match.second)
            others = [one for more in table[1:] for one in (more.first, more.second)]
            people = {one.id: one.name for one in (*pair, *others)}
            found[round_id].append((match, list(people.values())))
    return found


def _live_event(event_id: int) -> Event:
    """Return the event of this address, if there is anybody live at it."""
    event = organized_event(event_id)
    return event if event.mode is EventMode.MIXED else abort(404)


def _board(event: Event, notice_form: NoticeForm | None = None) -> str:
    """Draw the board; `notice_form` is what somebody just wrote and is not shown yet."""
    if event.mode is EventMode.MIXED:
        return render_template("day/board.html", **_shown(event, notice_form=notice_form))
    session, moment = db.session(), utc_now()
    return render_template(
        "day/board_async.html",
        event=event,
        exits=queries.exits_in(session, event.id, unsaid=kept_from_me(event)),
        windows=windows_of(session, event, moment),
        in_vain=in_vain(session, event, moment),
        over=clock_of(session, event).at(moment).phase is Phase.AFTER,
        notice_form=notice_form or _notice_form(event),
    )


def _notice_form(event: Event) -> NoticeForm:
    said = {"version": event.clock_version, "notice": _still_said(event)}
    return NoticeForm(formdata=None, data=said)


def _still_said(event: Event) -> str:
    at = clock_of(db.session(), event).at(utc_now())
    return still_said(at, event.notice, event.notice_round)


def _prompts_page(event: Event, form: Any, *, changed: bool = False) -> str:
    return render_template(
        "day/prompts.html",
        event=event,
        form=form,
        changed=changed,
        ours={slot.number: icebreaker_of(slot.number, "") for slot in event.rounds},
        our_closing=CLOSING_PROMPT,
    )


def _shown(event: Event, *, notice_form: NoticeForm | None = None) -> dict[str, Any]:
    found = board_of(db.session(), event, utc_now(), unsaid=kept_from_me(event))
    everything = request.args.get("show") == "all"
    first = max(0, request.args.get("from", 0, type=int)) if everything else 0
    rows = found.rows if everything else [row for row in found.rows if row.needs_somebody]
    return {
        "event": event,
        "board": found,
        "rows": rows[first : first + EVERYBODY_AT_ONCE] if everything else rows[:SHOWN_AT_ONCE],
        "first": first,
        "page_size": EVERYBODY_AT_ONCE,
        "hidden": 0 if everything else len(found.rows) - min(len(rows), SHOWN_AT_ONCE),
        "everything": everything,
        "turn_form": TurnForm(formdata=None, data={"version": event.clock_version}),
        "notice_words": still_said(found.now, event.notice, event.notice_round),
        "notice_form": notice_form or _notice_form(event),
    }
