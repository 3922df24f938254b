"""What every page shares: headers, assets, error pages, health, and the pages about asyncnet."""

import json
import secrets
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import structlog
from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    g,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError, generate_csrf
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException, SecurityError

from asyncnet.database import NotFound, db, passes
from asyncnet.storage.port import StorageError
from asyncnet.web.access import SAFE_METHODS, Role, knows, policy_of, requires, signed_in
from asyncnet.web.limits import seconds_to_wait
from asyncnet.wiring import settings, storage

log = structlog.get_logger()
pages = Blueprint("pages", __name__)

WORDS = {
    400: (
        "That did not work",
        "Something in this request was not as expected. Go back, look at what you typed and try "
        "once more.",
    ),
    403: ("Not yours to open", "This page belongs to somebody else."),
    404: (
        "There is nothing here",
        "The address may be old or cut off. Open the link in your mail once more, or ask for a "
        "new one below.",
    ),
    405: ("That did not work", "Go back and press the button on the page instead."),
    410: (
        "This link has ended",
        "It was withdrawn or replaced, or its event is over. We can mail you a new one.",
    ),
    413: ("That is too large", "Shorten it or choose a smaller file, then send it once more."),
    429: ("A moment, please", "That was tried often just now. Wait a few minutes, then try again."),
    503: ("Busy for a moment", "Nothing was lost. Wait a few seconds and try again."),
    507: ("No room left", "This server is full. Please tell your organizer; nothing was lost."),
}
FALLBACK = (
    "Something broke on our side",
    "Nothing you saved is lost. Please try again in a minute; if it happens again, tell your "
    "organizer the number below.",
)
LINK_ENDED = {404, 410}
NEEDS_A_LINK = (
    "A link opens this page",
    "This browser has not opened your personal link yet, or that has ended. Press the button, and "
    "we mail you a new one, to the address that the organizers have of you.",
)


@pages.get("/")
@requires(Role.PUBLIC)
def home() -> ResponseReturnValue:
    return render_template("pages/home.html", signed_in=signed_in())


@pages.get("/privacy")
@requires(Role.PUBLIC)
def privacy() -> ResponseReturnValue:
    return render_template("pages/privacy.html")


@pages.get("/healthz")
@requires(Role.PUBLIC)
def alive() -> ResponseReturnValue:
    return {"alive": True}


@pages.get("/readyz")
@requires(Role.PUBLIC)
def ready() -> ResponseReturnValue:
    """Answer 200 when the database answers, else 503 by the error handler."""
    db.session.execute(text("SELECT 1"))
    return {"ready": True}


def safe_path(target: str | None, default: str) -> str:
    """Return a redirect target only if it is a path on this site (CHECKLIST B7)."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return default
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or any(ord(c) < 33 or c == "\\" for c in target):
        return default
    return target


def allow_recording() -> None:
    """Let the page that answers this request use camera and microphone; no other page may."""
    g.records = True


def register(app: Flask) -> None:
    """Give the app its headers, error pages and template globals."""
    app.register_blueprint(pages)
    app.before_request(_begin)
    app.after_request(_finish)
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(SecurityError, _foreign_name)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(NotFound, lambda _: _page(404))
    app.register_error_handler(StorageError, _storage_gone)
    app.register_error_handler(DBAPIError, _database_gone)
    app.register_error_handler(Exception, _broken)
    app.jinja_env.globals.update(
        asset=_asset(app), csp_nonce=_nonce, csrf_token=generate_csrf, settings=settings
    )


def _begin() -> None:
    g.request_id = uuid4().hex[:12]


def _nonce() -> str:
    nonce: str = g.setdefault("csp_nonce", secrets.token_urlsafe(16))
    return nonce


def _finish(response: Response) -> Response:
    # the path is left out: it may hold a token (CHECKLIST S8)
    log.info(
        "request",
        id=g.get("request_id"),
        endpoint=request.endpoint,
        method=request.method,
        status=response.status_code,
    )
    headers = response.headers
    files = storage().origin()
    headers.setdefault(
        "Content-Security-Policy",
        "default-src 'none'; "
        f"script-src 'self' 'nonce-{_nonce()}'; style-src 'self'; "
        f"img-src 'self' data: blob: {files}; media-src 'self' blob: {files}; "
        f"connect-src 'self' {files}; font-src 'self'; manifest-src 'self'; frame-src 'self'; "
        "form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'",
    )
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    devices = "(self)" if g.get("records") else "()"
    headers.setdefault(
        "Permissions-Policy",
        f"accelerometer=(), camera={devices}, geolocation=(), gyroscope=(), magnetometer=(), "
        f"microphone={devices}, payment=(), usb=(), interest-cohort=()",
    )
    if settings().secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
    if request.endpoint != "static" or response.status_code >= 400:
        headers.setdefault("Cache-Control", "no-store")
        response.vary.add("Cookie")
    return response


def _asset(app: Flask) -> Any:
    """Return what gives the address of a built file; its name changes with its content."""
    manifest = Path(app.static_folder or "") / "dist" / "manifest.json"
    names: dict[str, str] = json.loads(manifest.read_text()) if manifest.exists() else {}

    def asset(name: str) -> str:
        return f"{app.static_url_path}/dist/{names.get(name, name)}"

    return asset


def _http_error(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.code < 400:
        return error.get_response()
    if isinstance(error, RateLimitExceeded):
        error.retry_after = seconds_to_wait()
    page = _page(error.code, description=_said(error), way_back=_way_back(error.code))
    if error.response is not None:
        return page
    for name, value in error.get_headers():
        if name in {"Retry-After", "Allow", "WWW-Authenticate"}:
            page.headers[name] = value
    return page


def _foreign_name(_error: SecurityError) -> ResponseReturnValue:
    """Answer in plain words: no page can be written under a foreign name (CHECKLIST S7)."""
    words = f"This site is at {settings().base_url}\n"
    return Response(words, HTTPStatus.BAD_REQUEST, mimetype="text/plain")


def _stale_form(error: CSRFError) -> ResponseReturnValue:
    return _page(
        400,
        description="This page was open for a long time, so we could not be sure that it was you. "
        "Go back, reload the page and send it again; your browser keeps what you typed.",
    )


def _storage_gone(error: StorageError) -> ResponseReturnValue:
    log.warning("storage unreachable", id=g.get("request_id"), error=type(error).__name__)
    page = _page(503, description="Videos cannot be reached for a moment. Nothing was lost.")
    page.headers["Retry-After"] = "10"
    return page


def _database_gone(error: DBAPIError) -> ResponseReturnValue:
    db.session.rollback()
    if not passes(error):
        return _broken(error)
    log.warning("database unreachable", id=g.get("request_id"), error=type(error.orig).__name__)
    page = _page(503)
    page.headers["Retry-After"] = "5"
    return page


def _broken(error: Exception) -> ResponseReturnValue:
    log.exception("unexpected error", id=g.get("request_id"), endpoint=request.endpoint)
    return _page(500)


def _said(error: HTTPException) -> str | None:
    """Return our own words of an abort; the vendor's standard ones are for engineers."""
    standard = type(error).description
    ours = error.description != standard and not isinstance(error, RateLimitExceeded)
    return error.description if ours else None


def _way_back(code: int) -> str | None:
    """Return where a link to this page may be asked for, if it is one that a link opens.

    It depends on the address alone, so that a page of somebody looks like one of nobody (A2).
    """
    here = dict(request.view_args or {})
    participant_id = here.get("participant_id")
    if (
        code not in LINK_ENDED
        or request.method not in SAFE_METHODS
        or policy_of(current_app, request.endpoint or "") is not Role.PARTICIPANT
        or knows(int(participant_id or 0))
    ):
        return None
    match_id = here.get("match_id") if request.blueprint == "threads" else None
    return url_for("returning.ask", participant_id=participant_id, match_id=match_id)


def _page(code: int, *, description: str | None = None, way_back: str | None = None) -> Response:
    title, words = WORDS.get(code, FALLBACK if code >= 500 else WORDS[400])
    if way_back:
        title, words = NEEDS_A_LINK
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
        body: Any = {"error": description or words, "request_id": g.get("request_id")}
        response = Response(json.dumps(body), mimetype="application/json")
    else:
        response = Response(
            render_template(
                "error.html",
                title=title,
                text=description or words,
                request_id=g.get("request_id"),
                offer_link=code in LINK_ENDED,
                way_back=way_back,
                is_organizer="organizer" in session,
            )
        )
    response.status = HTTPStatus(code)
    return response
