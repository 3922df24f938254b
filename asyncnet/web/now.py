"""What every open page of a participant shows of the event's clock."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, request
from sqlalchemy import Row

from asyncnet.clock import utc_now
from asyncnet.database import db
from asyncnet.events.clock import Clock, Now, still_said
from asyncnet.events.model import Event, Participant
from asyncnet.events.queries import Glance, clock_for
from asyncnet.events.rules import EventMode


@dataclass(frozen=True)
class Strip:
    """What the strip on top of a page shows; `now` is what it is, `moment` when that was asked."""

    now: Now
    moment: datetime
    rounds: int
    in_windows: bool
    """Everybody takes part in their own time; what others call a round is a window."""
    notice: str
    """What the organizers say to everybody; nothing once the round in which they did is over."""
    tag: str
    """Names what the page shows; another one means that something has changed."""


@dataclass(frozen=True)
class Look:
    """What a page was answered from that asked for news, in a browser that may see it."""

    seen: Glance
    clock: Clock
    """The event's clock as it runs for the reader."""
    moment: datetime

    @property
    def now(self) -> Now:
        """What it is at this moment."""
        return self.clock.at(self.moment)

    @property
    def tag(self) -> str:
        """The name of what the page should show."""
        return tag_of(self.seen.clock_version, self.seen.page_version, self.now)


def strip_of(participant: Participant, event: Event, now: datetime) -> Strip:
    """Return what the strip of a participant's page shows at this moment."""
    clock = clock_for(db.session(), event, participant)
    tag = tag_of(event.clock_version, participant.page_version, clock.at(now))
    return strip_at(clock, now, event=event, tag=tag)


def strip_at(clock: Clock, now: datetime, *, event: Event | Row[Any], tag: str) -> Strip:
    """Return the strip for a clock that is at hand, of an event or of its row."""
    at = clock.at(now)
    return Strip(
        now=at,
        moment=now,
        rounds=len(clock.slots),
        in_windows=event.mode is EventMode.ASYNC,
        notice=still_said(at, event.notice, event.notice_round),
        tag=tag,
    )


def tag_of(clock_version: int, page_version: int, now: Now) -> str:
    """Return the name of what a page shows: it changes when the page must."""
    return f"{clock_version}-{page_version}-{now.phase}-{now.round}"


def unchanged(tag: str) -> Response | None:
    """Return the answer to a page that shows this already, else None."""
    if request.if_none_match.contains_weak(tag):
        return timed(Response(status=304), tag)
    return None


def timed(response: Response, tag: str) -> Response:
    """Say in the headers what the page shows and what the server's clock says."""
    response.set_etag(tag, weak=True)
    response.headers["X-Server-Time"] = server_time()
    return response


def server_time() -> str:
    """Return the server's clock in milliseconds since the epoch, by which pages count down."""
    return str(round(utc_now().timestamp() * 1000))
