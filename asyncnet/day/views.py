"""Every participant's own page, which shows the right thing for this moment."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request
from flask.sansio.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import db
from asyncnet.day import leaves
from asyncnet.day.leaves import Circle, Face, Own, Said, in_round
from asyncnet.day.model import ExitKind
from asyncnet.day.rules import CLOSING_PROMPT, break_prompt_of, icebreaker_of
from asyncnet.events.clock import Clock, Phase
from asyncnet.events.model import Participant
from asyncnet.events.queries import clock_for
from asyncnet.events.rules import Attendance, EventMode
from asyncnet.followups.threads.queries import Standing, standings_of
from asyncnet.followups.windows.queries import Viewing, in_vain
from asyncnet.intros import queries as intros
from asyncnet.intros.faces import addresses
from asyncnet.matches.exports import rounds_as_calendar
from asyncnet.matches.queries import closing_for, published_for
from asyncnet.matches.rooms import tables
from asyncnet.web.access import Role, current_participant, look_of, requires
from asyncnet.web.downloads import download
from asyncnet.web.now import Look, Strip, strip_at, tag_of, timed
from asyncnet.wiring import links

pages = Blueprint("day", __name__)
AHEAD = "asyncnet_leaves"


@pages.record_once
def _keep_leaves(state: BlueprintSetupState) -> None:
    state.app.extensions[AHEAD] = leaves.Leaves()


@pages.get("/me/<int:participant_id>")
@requires(Role.PARTICIPANT)
def me(participant_id: int) -> ResponseReturnValue:
    """Show a participant what is theirs now: whom they meet, what comes next, whom they met."""
    participant = current_participant(participant_id)
    shown = _read_alone(participant)
    return timed(Response(render_template("day/me.html", **shown)), shown["strip"].tag)


@pages.get("/me/<int:participant_id>/now")
@requires(Role.PARTICIPANT)
def now(participant_id: int) -> ResponseReturnValue:
    """Return the part of an open page that changes by itself.

    `part=strip` asks for the strip alone, for pages that show something else beneath it. When
    nothing has changed, `day.polling` has answered already.
    """
    look = look_of(participant_id)
    if look is not None and look.seen.own_zone is None:
        shown = _read_ahead(look)
    else:
        shown = _read_alone(current_participant(participant_id))
    if request.args.get("part") == "strip":
        part = render_template(
            "day/strip.html",
            strip=shown["strip"],
            participant=shown["participant"],
            match_id=request.args.get("match", type=int),
        )
    else:
        part = render_template("day/now.html", **shown)
    return timed(Response(part), shown["strip"].tag)


@pages.get("/me/<int:participant_id>/rounds.ics")
@requires(Role.PARTICIPANT)
def calendar(participant_id: int) -> ResponseReturnValue:
    """Send a participant's rounds for their calendar; a later download replaces an earlier one."""
    participant = current_participant(participant_id)
    written = rounds_as_calendar(
        participant.event,
        participant,
        published_for(db.session(), participant.id),
        closing=closing_for(db.session(), participant),
        host=links().host,
        now=utc_now(),
    )
    return download(written, "text/calendar", f"rounds-{participant.id}.ics")


def _read_alone(participant: Participant) -> dict[str, Any]:
    """Return what a page shows, read for this one participant."""
    session, event, moment = db.session(), participant.event, utc_now()
    clock = clock_for(session, event, participant)
    at = clock.at(moment)
    tag = tag_of(event.clock_version, participant.page_version, at)
    gathers = event.closing_minutes and at.phase in {Phase.CLOSING, Phase.AFTER}
    return _shown(
        participant,
        event,
        clock,
        strip_at(clock, moment, event=event, tag=tag),
        leaves.own_matches(session, participant.id),
        leaves.circle_of(session, participant.id) if gathers else None,
        leaves.said_in(session, event.id),
        intros.photos_among(session, [participant.id]),
        event.removed_at,
    )


def _read_ahead(look: Look) -> dict[str, Any]:
    """Return what a page shows that asked for news, read with those of its neighbours."""
    kept: leaves.Leaves = current_app.extensions[AHEAD]
    block = kept.block_with(db.session(), look.seen, look.now)
    leaf, event = block.leaves[look.seen.participant_id], block.event
    return _shown(
        leaf.reader,
        event,
        look.clock,
        strip_at(look.clock, look.moment, event=event, tag=look.tag),
        leaf.mine,
        leaf.circle if event.closing_minutes else None,
        block.said,
        {leaf.reader.id: leaf.reader.photo} if leaf.reader.photo else {},
        look.seen.removed_at,
    )


def _shown(
    participant: Participant | Face,
    event: Any,
    clock: Clock,
    strip: Strip,
    mine: Sequence[Own],
    circle: Circle | None,
    said: Sequence[Said],
    photos: Mapping[int, str],
    removed_at: datetime,
) -> dict[str, Any]:
    session, phase, number = db.session(), strip.now.phase, strip.now.round
    here = in_round(mine, number) if phase is Phase.ROUND else []
    is_async = participant.attendance is Attendance.ASYNC
    others = [own.other for own in mine] + list(circle.members if circle else [])
    standings: dict[int, Standing] = {}
    vain: list[Viewing] = []
    if event.mode is EventMode.ASYNC:
        vain = in_vain(session, event, strip.moment, of=participant.id)
    if phase is Phase.AFTER or event.mode is EventMode.ASYNC:
        standings = standings_of(session, participant.id, [own.match_id for own in mine])
    return {
        "participant": participant,
        "event": event,
        "strip": strip,
        "slots": clock.slots,
        "is_async": is_async,
        "mine": mine,
        "here": here,
        "tables": tables(here),
        "next": in_round(mine, number) if phase is Phase.BREAK else [],
        "by_round": {slot.number: in_round(mine, slot.number) for slot in clock.slots},
        "intro": intros.newest_of(session, participant.id) if is_async else None,
        "is_watchable": is_async and intros.ready_of(session, participant.id) is not None,
        "circle": circle,
        "standings": standings,
        "wrote": sum(one.they_wrote_at is not None for one in standings.values()),
        "letters": sum(one.letters for one in standings.values()),
        "photos": addresses({**photos, **{face.id: face.photo for face in others if face.photo}}),
        "silent": {one.match.id: one.viewer.id for one in vain},
        "windows": {slot.number: slot for slot in clock.slots},
        "gone": {one.participant_id for one in said if one.kind is ExitKind.LEAVING},
        "wait_for_me": {
            one.match_id
            for one in said
            if one.kind is ExitKind.MISSING and one.participant_id != participant.id
        },
        "said": [
            one
            for one in said
            if one.participant_id == participant.id
            and (one.kind is not ExitKind.MISSING or one.match_id in {own.match_id for own in here})
        ],
        "icebreaker_of": icebreaker_of,
        "break_prompt": break_prompt_of(number),
        "closing_prompt": event.closing_prompt or CLOSING_PROMPT,
        "removed_at": removed_at,
    }
