"""Every participant's own page, which shows the right thing for this moment."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import db
from asyncnet.day import queries
from asyncnet.day.model import ExitKind
from asyncnet.day.rules import CLOSING_PROMPT, break_prompt_of, icebreaker_of
from asyncnet.events.clock import Phase
from asyncnet.events.model import Participant
from asyncnet.events.queries import clock_for, slot_for
from asyncnet.events.rules import Attendance, EventMode, Slot
from asyncnet.followups.threads.queries import Standing, standings_of
from asyncnet.intros import queries as intros
from asyncnet.intros.faces import faces
from asyncnet.matches import views as matches
from asyncnet.matches.exports import calendar_of
from asyncnet.web.access import Role, current_participant, requires
from asyncnet.web.now import strip_at, strip_of, timed
from asyncnet.wiring import settings

pages = Blueprint("day", __name__)


@matches.pages.get("/me/<int:participant_id>")
@requires(Role.PARTICIPANT)
def me(participant_id: int) -> ResponseReturnValue:
    """Show a participant what is theirs now: whom they meet, what comes next, whom they met."""
    shown = _shown(current_participant(participant_id))
    return timed(Response(render_template("day/me.html", **shown)), shown["strip"].tag)


@pages.get("/me/<int:participant_id>/now")
@requires(Role.PARTICIPANT)
def now(participant_id: int) -> ResponseReturnValue:
    """Return the part of an open page that changes by itself.

    `part=strip` asks for the strip alone, for pages that show something else beneath it. When
    nothing has changed, `web.polling` has answered already.
    """
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


@pages.get("/me/<int:participant_id>/rounds.ics")
@requires(Role.PARTICIPANT)
def calendar(participant_id: int) -> ResponseReturnValue:
    """Send a participant's rounds for their calendar; a later download replaces an earlier one."""
    participant = current_participant(participant_id)
    mine = queries.own_matches(db.session(), participant.id)
    written = calendar_of(
        participant.event,
        participant,
        [own.match for own in mine],
        host=urlsplit(settings().base_url).hostname or "localhost",
        now=utc_now(),
    )
    file = Response(written, mimetype="text/calendar")
    file.headers["Content-Disposition"] = f'attachment; filename="rounds-{participant.id}.ics"'
    return file


def _shown(participant: Participant) -> dict[str, Any]:
    session, event, moment = db.session(), participant.event, utc_now()
    clock = clock_for(session, event, participant)
    strip = strip_at(clock, event, participant.page_version, moment)
    mine = queries.own_matches(session, participant.id)
    is_async = participant.attendance is Attendance.ASYNC
    phase, number = strip.now.phase, strip.now.round
    group = None
    if event.closing_minutes and phase in {Phase.CLOSING, Phase.AFTER}:
        group = queries.group_of(session, participant.id)
    others = [own.other for own in mine] + (group.members if group else [])
    said = queries.open_exits(session, event.id)
    standings: dict[int, Standing] = {}
    if phase is Phase.AFTER or event.mode is EventMode.ASYNC:
        standings = standings_of(session, participant.id, [own.match.id for own in mine])
    return {
        "participant": participant,
        "event": event,
        "strip": strip,
        "slots": clock.slots,
        "is_async": is_async,
        "mine": mine,
        "here": queries.in_round(mine, number) if phase is Phase.ROUND else [],
        "next": queries.in_round(mine, number) if phase is Phase.BREAK else [],
        "intro": intros.newest_of(session, participant.id) if is_async else None,
        "is_watchable": is_async and intros.ready_of(session, participant.id) is not None,
        "group": group,
        "standings": standings,
        "wrote": sum(one.they_wrote_at is not None for one in standings.values()),
        "letters": sum(one.letters for one in standings.values()),
        "photos": faces([participant, *others]),
        "windows": _windows(mine, participant) if event.mode is EventMode.ASYNC else {},
        "gone": {one.participant_id for one in said if one.kind is ExitKind.LEAVING},
        "wait_for_me": {
            one.match_id
            for one in said
            if one.kind is ExitKind.MISSING and one.participant_id != participant.id
        },
        "said": [one for one in said if one.participant_id == participant.id],
        "icebreaker_of": icebreaker_of,
        "break_prompt": break_prompt_of(number),
        "closing_prompt": event.closing_prompt or CLOSING_PROMPT,
    }


def _windows(mine: Sequence[queries.Own], participant: Participant) -> dict[int, Slot]:
    """Return when each match of somebody in an asynchronous event is open for them, by its id."""
    return {own.match.id: slot_for(participant, own.match.round) for own in mine}
