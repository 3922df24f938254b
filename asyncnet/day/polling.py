"""Answers the question that hundreds of open pages ask every few seconds: is anything new?

Almost always nothing is. That is said here, from one small query and before anything else of
the app runs; whatever else is to be said, a refusal above all, the app says by itself. So it does
to whoever asks by another name than ours (CHECKLIST S7). What was found out on the way, that this
browser may see this page, goes along to the app, which then need not ask it again.
"""

import re
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import structlog
from flask import Flask
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from asyncnet.clock import utc_now
from asyncnet.database import NotFound, db, transaction
from asyncnet.day.actions.watching import Sighting, Sightings, write_down
from asyncnet.events.clock import Clock
from asyncnet.events.queries import Glance, LinkEnded, glance_with, slots_of
from asyncnet.events.rules import Slot
from asyncnet.web.access import LOOK
from asyncnet.web.now import Look, server_time
from asyncnet.zones import zone_named
from config import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = structlog.get_logger()
QUESTION = re.compile(r"/me/(\d{1,9})/now")
VIEWING = re.compile(r"(?:^|&)match=(\d{1,9})(?:&|$)")
KNOWN_EVENTS = 256
KNOWN_COOKIES = 4096
"""How many verified cookies are known again. What their keys open, the database is asked anew."""
KNOWN_FOR_SECONDS = 30.0
"""How long the rounds of a version of the clock are believed without asking again."""


class Polls:
    """Stands before an app, and says 304 to a page that shows what is so already.

    On the way it keeps whose pages are open, for the organizers' board.
    """

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self._host = settings.own_host
        self._whole = app.wsgi_app
        self._rounds: dict[int, tuple[int, float, tuple[Slot, ...]]] = {}
        self._keys: dict[tuple[str, int], str] = {}
        self._known_engine: Engine | None = None
        self.sightings = Sightings()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        asked = QUESTION.fullmatch(environ.get("PATH_INFO", ""))
        here = environ.get("HTTP_HOST") == self._host
        if asked and here and environ["REQUEST_METHOD"] == "GET":
            try:
                look = self._look(environ, int(asked[1]))
            except (NotFound, LinkEnded, DBAPIError):
                look = None
            if look and environ.get("HTTP_IF_NONE_MATCH") == f'W/"{look.tag}"':
                start_response("304 NOT MODIFIED", self._headers(look.tag))
                return []
            environ[LOOK] = look
        return self._whole(environ, start_response)

    def _look(self, environ: "WSGIEnvironment", participant_id: int) -> Look | None:
        """Return what the page should show, if this browser may see it; keep that it is open."""
        key = self._key(environ, participant_id)
        if not key:
            return None
        with self._engine().connect() as connection:
            seen = glance_with(connection, key, participant_id)
            now = utc_now()
            if now >= seen.removed_at:
                return None
            slots = self._slots(connection, seen)
            clock = Clock(slots, seen.closing, seen.paused_at, seen.closed_at)
        if seen.own_zone:
            clock = clock.seen_from(zone_named(seen.own_zone))
        self._note(environ, participant_id)
        return Look(seen, clock, now)

    def _engine(self) -> Engine:
        if self._known_engine is None:
            with self._app.app_context():
                self._known_engine = db.engine
        return self._known_engine

    def _key(self, environ: "WSGIEnvironment", participant_id: int) -> str | None:
        """Return the key that a cookie of ours holds; one that was verified stays what it is."""
        name = environ.get("HTTP_COOKIE", ""), participant_id
        key = self._keys.get(name)
        if key is None:
            request = self._app.request_class(environ)
            session = self._app.session_interface.open_session(self._app, request)
            key = session.get("personal", {}).get(str(participant_id)) if session else None
            if key:
                if len(self._keys) >= KNOWN_COOKIES:
                    self._keys.clear()
                self._keys[name] = key
        return key

    def _slots(self, connection: Connection, seen: Glance) -> tuple[Slot, ...]:
        version, asked_at, slots = self._rounds.get(seen.event_id, (0, 0.0, ()))
        if version != seen.clock_version or time.monotonic() - asked_at > KNOWN_FOR_SECONDS:
            slots = slots_of(connection, seen.event_id)
            if len(self._rounds) >= KNOWN_EVENTS:
                self._rounds.clear()
            self._rounds[seen.event_id] = (seen.clock_version, time.monotonic(), slots)
        return slots

    def _note(self, environ: "WSGIEnvironment", participant_id: int) -> None:
        """Keep that this page is open; trouble with that troubles nobody."""
        viewing = VIEWING.search(environ.get("QUERY_STRING", ""))
        self.sightings.add(
            participant_id, Sighting(utc_now(), int(viewing[1]) if viewing else None)
        )
        due = self.sightings.due()
        if due:
            try:
                with self._app.app_context(), transaction() as session:
                    write_down(session, due)
            except DBAPIError:
                log.warning("presence not kept", people=len(due))

    @staticmethod
    def _headers(tag: str) -> list[tuple[str, str]]:
        # without a length, so that waitress closes: hundreds of idle connections cost it more
        return [
            ("ETag", f'W/"{tag}"'),
            ("X-Server-Time", server_time()),
            ("Cache-Control", "no-store"),
            ("Vary", "Cookie"),
        ]


def register(app: Flask, settings: Settings) -> None:
    """Put the quick answer before an app."""
    polls = Polls(app, settings)
    app.extensions["asyncnet_polls"] = polls
    app.wsgi_app = polls  # type: ignore[method-assign]
