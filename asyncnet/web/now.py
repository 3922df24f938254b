"""What every open page of a participant shows of the event's clock, and how it notices a change."""

import time
from dataclasses import dataclass
from datetime import datetime

from flask import Flask, Response, current_app, request

from asyncnet.clock import utc_now
from asyncnet.database import db
from asyncnet.events.clock import Clock, Now
from asyncnet.events.model import Event, Participant
from asyncnet.events.queries import Glance, clock_for, slots_of
from asyncnet.events.rules import Slot
from asyncnet.zones import zone_named

KNOWN_EVENTS = 256
KNOWN_FOR_SECONDS = 30.0
"""How long the rounds of a version of the clock are believed without asking again."""


@dataclass(frozen=True)
class Strip:
    """What the strip on top of a page shows; `now` is what it is, `moment` when that was asked."""

    now: Now
    moment: datetime
    rounds: int
    notice: str
    tag: str
    """Names what the page shows; another one means that something has changed."""


def strip_of(participant: Participant, event: Event, now: datetime) -> Strip:
    """Return what the strip of a participant's page shows at this moment."""
    clock = clock_for(db.session(), event, participant)
    return strip_at(clock, event, participant.page_version, now)


def strip_at(clock: Clock, event: Event, page_version: int, now: datetime) -> Strip:
    """Return the strip for a clock that is at hand."""
    at = clock.at(now)
    return Strip(
        now=at,
        moment=now,
        rounds=len(clock.slots),
        notice=event.notice,
        tag=tag_of(event.clock_version, page_version, at),
    )


def tag_of(clock_version: int, page_version: int, now: Now) -> str:
    """Return the name of what a page shows: it changes when the page must."""
    return f"{clock_version}-{page_version}-{now.phase}-{now.round}"


def tag_at_a_glance(seen: Glance, now: datetime) -> str:
    """Return the same name from one small query, the rounds being known already."""
    clock = Clock(_rounds_known(seen), seen.closing, seen.paused_at)
    if seen.own_zone:
        clock = clock.seen_from(zone_named(seen.own_zone))
    return tag_of(seen.clock_version, seen.page_version, clock.at(now))


def unchanged(tag: str) -> Response | None:
    """Return the answer to a page that shows this already, else None."""
    if request.if_none_match.contains_weak(tag):
        return timed(Response(status=304), tag)
    return None


def timed(response: Response, tag: str) -> Response:
    """Say in the headers what the page shows and what the server's clock says."""
    response.set_etag(tag, weak=True)
    response.headers["X-Server-Time"] = str(round(utc_now().timestamp() * 1000))
    return response


def register(app: Flask) -> None:
    """Give the app a place to remember the rounds of the events that are on."""
    app.extensions["asyncnet_rounds"] = {}


def _rounds_known(seen: Glance) -> tuple[Slot, ...]:
    known: dict[int, tuple[int, float, tuple[Slot, ...]]]
    known = current_app.extensions["asyncnet_rounds"]
    version, asked_at, slots = known.get(seen.event_id, (0, 0.0, ()))
    if version != seen.clock_version or time.monotonic() - asked_at > KNOWN_FOR_SECONDS:
        slots = slots_of(db.session(), seen.event_id)
        if len(known) >= KNOWN_EVENTS:
            known.clear()
        known[seen.event_id] = (seen.clock_version, time.monotonic(), slots)
    return slots
