"""Every participant's own page, which shows the right thing for this moment."""

from flask import Blueprint, Response, current_app, render_template, request
from flask.sansio.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import db
from asyncnet.day import leaves
from asyncnet.day.page import Page
from asyncnet.events.clock import Phase
from asyncnet.events.model import Participant
from asyncnet.events.queries import clock_for
from asyncnet.followups.threads.queries import left_by
from asyncnet.intros import queries as intros
from asyncnet.matches.exports import rounds_as_calendar
from asyncnet.matches.queries import closing_for, published_for
from asyncnet.web.access import Role, current_participant, look_of, requires
from asyncnet.web.downloads import download
from asyncnet.web.now import Look, strip_at, tag_of, timed
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
    page = _read_alone(participant)
    left = left_by(db.session(), participant.id)
    return timed(Response(render_template("day/me.html", page=page, left=left)), page.strip.tag)


@pages.get("/me/<int:participant_id>/now")
@requires(Role.PARTICIPANT)
def now(participant_id: int) -> ResponseReturnValue:
    """Return the part of an open page that changes by itself.

    `part=strip` asks for the strip alone, for pages that show something else beneath it. When
    nothing has changed, `day.polling` has answered already.
    """
    look = look_of(participant_id)
    if look is not None and look.seen.own_zone is None:
        page = _read_ahead(look)
    else:
        page = _read_alone(current_participant(participant_id))
    if request.args.get("part") == "strip":
        match_id = request.args.get("match", type=int)
        part = render_template("day/strip.html", page=page, match_id=match_id)
    else:
        part = render_template("day/now.html", page=page)
    return timed(Response(part), page.strip.tag)


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
        links=links(),
        now=utc_now(),
    )
    return download(written, "text/calendar", f"rounds-{participant.id}.ics")


def _read_alone(participant: Participant) -> Page:
    """Return what a page shows, read for this one participant."""
    session, event, moment = db.session(), participant.event, utc_now()
    clock = clock_for(session, event, participant)
    at = clock.at(moment)
    tag = tag_of(event.clock_version, participant.page_version, at)
    gathers = event.closing_minutes and at.phase in {Phase.CLOSING, Phase.AFTER}
    return Page(
        session,
        reader=participant,
        photo=intros.photos_among(session, [participant.id]).get(participant.id),
        event=event,
        slots=clock.slots,
        strip=strip_at(clock, moment, event=event, tag=tag),
        mine=leaves.own_matches(session, participant.id),
        circle=leaves.circle_of(session, participant.id) if gathers else None,
        said=leaves.said_in(session, event.id),
        removed_at=event.removed_at,
    )


def _read_ahead(look: Look) -> Page:
    """Return what a page shows that asked for news, read with those of its neighbours."""
    kept: leaves.Leaves = current_app.extensions[AHEAD]
    block = kept.block_with(db.session(), look.seen, look.now)
    leaf, event = block.leaves[look.seen.participant_id], block.event
    return Page(
        db.session(),
        reader=leaf.reader,
        photo=leaf.reader.photo,
        event=event,
        slots=look.clock.slots,
        strip=strip_at(look.clock, look.moment, event=event, tag=look.tag),
        mine=leaf.mine,
        circle=leaf.circle if event.closing_minutes else None,
        said=block.said,
        removed_at=look.seen.removed_at,
    )
