"""Every participant's own page, which shows the right thing for this moment."""

from collections.abc import Sequence
from typing import Any

import structlog
from flask import Blueprint, Response, current_app, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DBAPIError

from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.day import actions, queries
from asyncnet.day.actions import Sighting, Sightings
from asyncnet.day.rules import CLOSING_PROMPT, break_prompt_of, icebreaker_of
from asyncnet.events.clock import Phase
from asyncnet.events.model import Participant
from asyncnet.events.rules import Attendance, EventMode, Slot, window_of
from asyncnet.intros import queries as intros
from asyncnet.intros.faces import faces
from asyncnet.matches import views as matches
from asyncnet.matches.model import Match
from asyncnet.matches.queries import published_for
from asyncnet.web.access import Role, current_participant, glance, requires
from asyncnet.web.now import strip_of, tag_at_a_glance, timed, unchanged
from asyncnet.zones import zone_named

log = structlog.get_logger()
pages = Blueprint("day", __name__)


@matches.pages.get("/me/<int:participant_id>")
@requires(Role.PARTICIPANT)
def me(participant_id: int) -> ResponseReturnValue:
    """Show a participant what is theirs now: whom they meet, what comes next, whom they met."""
    shown = _shown(current_participant(participant_id))
    return timed(Response(render_template("day/me.html", **shown)), shown["strip"].tag)


@pages.get("/me/<int:participant_id>/now")
@requires(Role.PARTICIPANT, at_a_glance=True)
def now(participant_id: int) -> ResponseReturnValue:
    """Return the part of an open page that changes by itself, or 304 when nothing has changed.

    `part=strip` asks for the strip alone, for pages that show something else beneath it.
    """
    _note_presence(participant_id)
    same = unchanged(tag_at_a_glance(glance(participant_id), utc_now()))
    if same:
        return same
    participant = current_participant(participant_id)
    if request.args.get("part") == "strip":
        strip = strip_of(participant, participant.event, utc_now())
        return timed(
            Response(
                render_template(
                    "day/strip.html",
                    strip=strip,
                    participant=participant,
                    match_id=request.args.get("match", type=int),
                )
            ),
            strip.tag,
        )
    shown = _shown(participant)
    return timed(Response(render_template("day/now.html", **shown)), shown["strip"].tag)


def _shown(participant: Participant) -> dict[str, Any]:
    session, event, moment = db.session(), participant.event, utc_now()
    strip = strip_of(participant, event, moment)
    mine = published_for(session, participant.id)
    is_async = participant.attendance is Attendance.ASYNC
    in_windows = event.mode is EventMode.ASYNC
    phase, number = strip.now.phase, strip.now.round
    group = None
    if event.closing_minutes and phase in {Phase.CLOSING, Phase.AFTER}:
        group = queries.group_of(session, participant.id)
    shown = [match.other(participant.id) for match in mine] + (group.members if group else [])
    return {
        "participant": participant,
        "event": event,
        "strip": strip,
        "is_async": is_async,
        "matches": mine,
        "here": queries.in_round(mine, number) if phase is Phase.ROUND else [],
        "next": queries.in_round(mine, number) if phase in {Phase.BEFORE, Phase.BREAK} else [],
        "intro": intros.newest_of(session, participant.id) if is_async else None,
        "with_intro": intros.ready_among(session, _watched(mine, participant)),
        "group": group,
        "photos": faces([participant, *shown]),
        "answered": queries.answered_by(session, participant.id)
        if in_windows or not is_async
        else set(),
        "windows": _windows(mine, participant) if in_windows else {},
        "icebreaker_of": icebreaker_of,
        "break_prompt": break_prompt_of(number),
        "closing_prompt": event.closing_prompt or CLOSING_PROMPT,
    }


def _windows(mine: Sequence[Match], participant: Participant) -> dict[int, Slot]:
    """Return when each match of somebody in an asynchronous event is open for them, by its id."""
    zone = zone_named(participant.zone)
    return {
        match.id: window_of(
            Slot(match.round.number, match.round.starts_at, match.round.ends_at), zone
        )
        for match in mine
    }


def _note_presence(participant_id: int) -> None:
    """Keep for the organizers that this page is open; trouble with that troubles nobody."""
    sightings: Sightings = current_app.extensions.setdefault("asyncnet_sightings", Sightings())
    viewing = request.args.get("match", type=int)
    sightings.add(participant_id, Sighting(utc_now(), viewing))
    due = sightings.due()
    if due:
        try:
            with transaction() as session:
                actions.write_down(session, due)
        except DBAPIError:
            log.warning("presence not kept", people=len(due))


def _watched(mine: Any, participant: Participant) -> list[int]:
    return [match.other(participant.id).id for match in mine if match.is_viewing]
