"""Graceful exits: somebody must leave, misses their partner, or is uncomfortable."""

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.day import queries
from asyncnet.day.actions.exiting import say_exit, undo_exit
from asyncnet.day.forms import ExitForm
from asyncnet.day.leaves import Circle, circle_of, in_round, own_matches
from asyncnet.day.model import ExitKind
from asyncnet.events.clock import Phase
from asyncnet.events.model import Participant
from asyncnet.events.queries import clock_for, readers_of
from asyncnet.matches.model import Match
from asyncnet.matches.queries import published_match
from asyncnet.web.access import Role, actor, current_participant, requires
from asyncnet.web.forms import ButtonForm, text
from asyncnet.web.limits import limiter

pages = Blueprint("exits", __name__)
WHAT_HAPPENS = {
    ExitKind.LEAVING: "The organizers know, and nobody waits for you. Thank you for coming.",
    ExitKind.MISSING: "The organizers know and look for them.",
    ExitKind.UNEASY: "The organizers see this now, and nobody else does.",
}

IN_TIME = "Thank you for saying so in time. The organizers know, and whom you were to meet is told."


@pages.get("/me/<int:participant_id>/exits")
@requires(Role.PARTICIPANT)
def ways(participant_id: int) -> ResponseReturnValue:
    """Show what somebody can say who cannot go on as planned, and what they said already."""
    return _page(current_participant(participant_id), ExitForm())


@pages.post("/me/<int:participant_id>/exits/<any(leaving,missing,uneasy):kind>")
@requires(Role.PARTICIPANT)
@limiter.limit("30 per 5 minutes")
def say(participant_id: int, kind: str) -> ResponseReturnValue:
    participant = current_participant(participant_id)
    form = ExitForm()
    if not form.accepted():
        return _page(participant, form), 400
    wanted = ExitKind(kind)
    match = _chosen(participant, text(form.match)) if wanted is not ExitKind.LEAVING else None
    if wanted is ExitKind.MISSING and not _is_on(participant, match):
        flash(
            "You meet nobody in a room at this moment, so nobody was asked for. When your next "
            "conversation has begun and nobody comes, say it here.",
            "attention",
        )
        return redirect(url_for(".ways", participant_id=participant_id))
    sat = circle_of(db.session(), participant.id)
    with transaction() as session:
        said = say_exit(
            session,
            participant,
            wanted,
            match=match,
            words=text(form.words),
            actor=actor(),
            now=utc_now(),
        )
    sits = circle_of(db.session(), participant.id)
    freed = _freed(participant, match) if match and said.withdrawn else ""
    moved = "" if sat is None or (sits and sits.number == sat.number) else _place(sits)
    early = wanted is ExitKind.LEAVING and utc_now() < participant.event.starts_at
    happens = IN_TIME if early else WHAT_HAPPENS[wanted]
    flash(" ".join(filter(None, (happens, freed, moved))), "good")
    return redirect(url_for(".ways", participant_id=participant_id))


@pages.post("/me/<int:participant_id>/exits/<int:exit_id>/undo")
@requires(Role.PARTICIPANT)
def undo(participant_id: int, exit_id: int) -> ResponseReturnValue:
    """Take back what was said; matches come back where their people are still free."""
    participant = current_participant(participant_id)
    said = queries.exit_of(db.session(), participant.id, exit_id)
    if not ButtonForm().accepted():
        abort(400)
    with transaction() as session:
        lost = undo_exit(session, said, actor=actor(), now=utc_now())
    if lost:
        flash(
            f"Good that you are here. {lost} of your conversations could not be put back, because "
            "its round has begun, the other person has left or meets somebody else, or the "
            "organizers changed it; they see that you are free.",
            "attention",
        )
    elif said.kind is ExitKind.UNEASY:
        flash(
            "Taken back. A conversation that was taken out stays out, and if you were moved to "
            "another closing group, you stay in it.",
            "good",
        )
    else:
        flash("Taken back. Everything is as it was before.", "good")
    return redirect(url_for("day.me", participant_id=participant_id))


def _chosen(participant: Participant, wanted: str) -> Match | None:
    """Return the published match of theirs that somebody named, if they named one."""
    if not wanted.isdecimal():
        return None
    return published_match(db.session(), participant.id, int(wanted[:9]))


def _is_on(participant: Participant, match: Match | None) -> bool:
    """Return whether somebody should be talking with the other of a match at this moment."""
    now = clock_for(db.session(), participant.event, participant).at(utc_now())
    return (
        match is not None
        and not match.is_viewing
        and (now.phase, now.round) == (Phase.ROUND, match.round.number)
    )


def _freed(participant: Participant, match: Match) -> str:
    """Say what became of a match that had not begun."""
    name = match.other(participant.id).name
    return (
        f"You do not meet {name} in round {match.round.number} any more; {name} is told that the "
        "plan has changed, and not why."
    )


def _place(circle: Circle | None) -> str:
    """Say where somebody sits who was moved."""
    if circle is None:
        return "You are in no closing group for now; the organizers see it and find you one."
    return f"Your closing group is group {circle.number} now."


def _page(participant: Participant, form: ExitForm) -> str:
    session, event = db.session(), participant.event
    now = clock_for(session, event, participant).at(utc_now())
    mine = own_matches(session, participant.id)
    here = in_round(mine, now.round) if now.phase is Phase.ROUND else []
    on = {own.match_id for own in here}
    said = [
        one
        for one in queries.open_exits(session, event.id)
        if one.participant_id == participant.id
        and (one.kind is not ExitKind.MISSING or one.match_id in on)
    ]
    return render_template(
        "day/exits.html",
        participant=participant,
        event=event,
        form=form,
        said=said,
        missed={one.match_id for one in said if one.kind is ExitKind.MISSING},
        here=here,
        mine=mine,
        readers=readers_of(session, event.id),
        over=now.phase is Phase.AFTER,
        early=now.phase is Phase.BEFORE,
    )
