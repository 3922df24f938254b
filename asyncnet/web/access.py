"""Who is asking, and what they may see. Closed by default: every route declares its policy."""

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Flask, abort, current_app, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.routing import IntegerConverter, ValidationError
from werkzeug.wrappers import Response

from asyncnet.audit.actions import Actor
from asyncnet.clock import utc_now
from asyncnet.database import NotFound, db, transaction
from asyncnet.events import queries as events
from asyncnet.events.model import Event, Participant
from asyncnet.people import actions as people
from asyncnet.people.model import Person
from asyncnet.people.queries import UnknownBrowser, organizer_session
from asyncnet.people.rules import may_organize
from asyncnet.web.now import Look
from asyncnet.wiring import settings

P = ParamSpec("P")
R = TypeVar("R", bound=ResponseReturnValue)
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
SEEN_AGAIN_AFTER = timedelta(hours=1)
LARGEST_ID = 2**31 - 1
MAILS_ABOUT = "asyncnet.mails_about_words_of"
"""Where the app holds what finds the mails about some participants' words."""
LOOK = "asyncnet.look"
"""Where a request holds what `day.polling` found out of it; no header can be called so."""


class Role(StrEnum):
    """Who may use a route. Which row they may touch, the view asks for by owner."""

    PUBLIC = "public"
    ORGANIZER = "organizer"
    PARTICIPANT = "participant"
    SIGNED = "signed"
    """Whoever holds an address that we signed for this very request, or shows a token of ours."""
    DEVELOPER = "developer"
    """Anybody, on an installation that only this machine can reach."""


def requires(role: Role) -> Callable[[Callable[P, R]], Callable[P, R | Response]]:
    """Declare who may use a view, and turn others away before it runs.

    A participant's route takes `participant_id`; the browser must hold that very
    participant's session, otherwise the page answers as if there were no such thing.
    """

    def declare(view: Callable[P, R]) -> Callable[P, R | Response]:
        @wraps(view)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R | Response:
            if role is Role.ORGANIZER and not signed_in():
                return redirect(url_for("people.ask_sign_in", next=_here()))
            if role is Role.PARTICIPANT:
                participant_id = kwargs.get("participant_id")
                _admit(participant_id if isinstance(participant_id, int) else 0)
            if role is Role.DEVELOPER and settings().public:
                abort(404)
            return view(*args, **kwargs)

        checked.policy = role  # type: ignore[attr-defined]  # read by policy_of
        return checked

    return declare


def takes_up_to(max_bytes: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare that a view takes a larger body than others do (CHECKLIST P1)."""

    def declare(view: Callable[P, R]) -> Callable[P, R]:
        view.max_bytes = max_bytes  # type: ignore[attr-defined]  # read by guard
        return view

    return declare


class RowId(IntegerConverter):
    """A number that a row can have; a larger one leads nowhere."""

    def to_python(self, value: str) -> int:
        number = int(super().to_python(value))
        if number > LARGEST_ID:
            raise ValidationError
        return number


def guard(app: Flask) -> None:
    """Close the doors that no single view can close.

    A route without a declared policy is a 404 (CHECKLIST A1). A request that changes something
    and comes from another site is refused whatever token it carries (B1); so is one with a NUL,
    which no database keeps (P3). On this machine only, `localhost` leads to the one address of
    which cookies and signed links are made.
    """
    app.url_map.converters["int"] = RowId

    @app.before_request
    def _guard() -> Response | None:
        policy = policy_of(app, request.endpoint or "")
        if request.endpoint and policy is None:
            abort(404)
        if request.method not in SAFE_METHODS and _from_elsewhere():
            abort(403, "This form was sent from another site, so nothing was changed.")
        view = app.view_functions.get(request.endpoint or "")
        request.max_content_length = getattr(view, "max_bytes", None)
        if _holds_nul(form=policy is not Role.SIGNED):
            abort(400)
        here = settings()
        if not here.public and request.method == "GET" and request.host != here.own_host:
            return redirect(here.base_url + request.url.removeprefix(request.host_url[:-1]))
        return None


def policy_of(app: Flask, endpoint: str) -> Role | None:
    """Return who may use an endpoint, or None where nobody has said."""
    if endpoint == "static":
        return Role.PUBLIC
    return getattr(app.view_functions.get(endpoint), "policy", None)


def signed_in() -> bool:
    """Return whether this browser is signed in as an organizer."""
    return _organizer() is not None


def current_organizer() -> Person:
    """Return the signed-in organizer; only inside a view that requires one."""
    return _organizer() or abort(404)


def organized_event(event_id: int) -> Event:
    """Return an event of the signed-in organizer, or answer 404 as if it did not exist."""
    return events.event_of(db.session(), current_organizer().id, event_id)


def kept_from_me(event: Event) -> frozenset[int]:
    """Return as whom the signed-in organizer takes part, where what others say of that is kept
    from them (see `events.queries.kept_from`)."""
    return events.kept_from(db.session(), event.id, current_organizer())


def kept_mails(event: Event) -> frozenset[int]:
    """Return the ids of mails that the event's other organizers see, and the signed-in one not.

    What became of their own words as a participant would tell them who is uneasy about them (see
    `kept_from_me`). So no such mail is theirs to look after, whatever became of it.
    """
    mine = kept_from_me(event)
    if not mine:
        return frozenset()
    kept: frozenset[int] = current_app.extensions[MAILS_ABOUT](db.session(), mine)
    return kept


def current_participant(participant_id: int) -> Participant:
    """Return the participant if this browser came in through their living personal link."""
    known = g.setdefault("participants", {})
    if participant_id not in known:
        known[participant_id] = _participant(participant_id)
    participant: Participant = known[participant_id]
    return participant


def look_of(participant_id: int) -> Look | None:
    """Return what `day.polling` found out of this request, if it saw that it may be answered."""
    look: Look | None = request.environ.get(LOOK)
    return look if look and look.seen.participant_id == participant_id else None


def knows(participant_id: int) -> bool:
    """Return whether this browser can open a participant's pages already."""
    try:
        current_participant(participant_id)
    except HTTPException:
        return False
    return True


def actor() -> Actor:
    """Return who is acting in this request, for the audit log."""
    address = request.remote_addr or ""
    if request.view_args and "participant_id" in request.view_args and g.get("participants"):
        return Actor(f"participant:{request.view_args['participant_id']}", address)
    person = g.get("organizer")
    return Actor(f"person:{person.id}" if person else "visitor", address)


def remember_organizer(key: str) -> None:
    """Start a fresh browser session for an organizer; nothing of the old one is kept (V 7.2.4)."""
    personal = session.get("personal", {})
    session.clear()
    session.permanent = True
    session["organizer"] = key
    session["personal"] = personal


def remember_participant(participant_id: int, key: str) -> None:
    """Let this browser open one more participant's pages."""
    session.permanent = True
    session["personal"] = session.get("personal", {}) | {str(participant_id): key}


def forget_organizer() -> None:
    """Sign this browser out, here and on the server, with every personal page it has open."""
    end_sign_in()
    for number in list(session.get("personal", {})):
        forget_participant(int(number))
    session.clear()


def end_sign_in() -> None:
    """End the sign-in that this browser holds, if it does, on the server."""
    if signed_in():
        with transaction() as writing:
            people.forget_browser(writing, session["organizer"], actor=actor(), now=utc_now())
        g.pop("organizer")


def forget_participant(participant_id: int) -> None:
    """Close one participant's pages in this browser, here and on the server."""
    keys = dict(session.get("personal", {}))
    key = keys.pop(str(participant_id), None)
    if key:
        with transaction() as writing:
            people.forget_browser(writing, key, actor=actor(), now=utc_now())
    session["personal"] = keys


def _admit(participant_id: int) -> None:
    """Turn away whoever does not hold this participant's session."""
    if look_of(participant_id) is None:
        current_participant(participant_id)


def _organizer() -> Person | None:
    if "organizer" not in g:
        g.organizer = None
        key = session.get("organizer")
        if key:
            try:
                found = organizer_session(db.session(), key, now=utc_now())
            except UnknownBrowser:
                session.pop("organizer")
                return None
            if may_organize(found.person.email if found.person else "", settings().organizers):
                if utc_now() - found.seen_at > SEEN_AGAIN_AFTER:
                    with transaction():
                        found.seen_at = utc_now()
                g.organizer = found.person
    person: Person | None = g.organizer
    return person


def _participant(participant_id: int) -> Participant:
    key = session.get("personal", {}).get(str(participant_id))
    if not key:
        abort(404)
    try:
        found = events.participant_with(db.session(), key, participant_id)
    except NotFound:
        abort(404)
    except events.LinkEnded:
        abort(410)
    if utc_now() >= found.event.removed_at:
        abort(410)
    return found


def _from_elsewhere() -> bool:
    """Return whether a browser says that another site made it send this request.

    `Sec-Fetch-Site` where the browser sends it, else `Origin`, which is `null` for our own
    pages because they send no referrer. Signed addresses carry their own proof.
    """
    if policy_of(current_app, request.endpoint or "") is Role.SIGNED:
        return False
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("Origin", "null")
    return origin not in {"null", request.host_url.rstrip("/")}


def _holds_nul(*, form: bool) -> bool:
    """Return whether a NUL stands in the address or in a form; other bodies are not read."""
    sent = [*request.args.items(multi=True), *(request.form.items(multi=True) if form else ())]
    return "\x00" in request.path or any("\x00" in words for pair in sent for words in pair)


def _here() -> str:
    return request.full_path.rstrip("?") if request.method == "GET" else url_for("events.index")
