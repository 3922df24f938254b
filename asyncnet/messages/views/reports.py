"""Where a mail provider posts what became of our mails, in words that are ours or RFC 3464's."""

import hmac
from http import HTTPStatus
from typing import Any

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from asyncnet.audit.actions import record as audit
from asyncnet.clock import utc_now
from asyncnet.database import transaction
from asyncnet.messages import bounces
from asyncnet.messages.bounces import Fate, NotAReport, Report
from asyncnet.web.access import Role, actor, requires
from asyncnet.web.forms import csrf
from asyncnet.web.limits import limiter
from asyncnet.wiring import settings

pages = Blueprint("bounces", __name__)
LIMIT = "600 per minute"


@pages.post("/hooks/mail")
@limiter.limit(LIMIT)
@csrf.exempt  # type: ignore[untyped-decorator]  # Flask-WTF has no types
@requires(Role.SIGNED)
def take() -> ResponseReturnValue:
    """Take one report: JSON of ours, or a whole delivery report as it came by mail.

    Whoever shows the installation's bounce token is believed. The same report twice changes
    nothing the second time.
    """
    _check_token()
    try:
        reference, report = _read_json() if request.is_json else _read_mail()
        with transaction() as session:
            bounces.record(session, reference, report, now=utc_now())
            audit(session, actor(), f"mail.{report.fate}", f"message:{reference}", now=utc_now())
    except NotAReport as error:
        return {"error": str(error)}, HTTPStatus.UNPROCESSABLE_ENTITY
    return {"noted": report.fate}


def _check_token() -> None:
    expected = settings().bounce_token
    if not expected:
        abort(404)
    kind, _, shown = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not hmac.compare_digest(shown.encode(), expected.encode()):
        abort(403)


def _read_mail() -> tuple[str, Report]:
    paths = bounces.ReturnPaths("", settings().secret_keys)
    return bounces.read_report(request.get_data(), request.args.get("to"), paths)


def _read_json() -> tuple[str, Report]:
    try:
        said: Any = request.get_json(silent=True)
    except RecursionError:
        said = None
    if not isinstance(said, dict):
        raise NotAReport("This is no JSON object.")
    fate = said.get("fate")
    if not isinstance(fate, str) or fate not in set(Fate):
        raise NotAReport("The fate must be delivered, failed or delayed.")
    reference = bounces.reference_from(_text(said, "message_id"))
    return reference, Report.of(Fate(fate), _text(said, "status"), _text(said, "words"))


def _text(said: dict[str, Any], name: str) -> str:
    value = said.get(name, "")
    if not isinstance(value, str):
        raise NotAReport(f"The {name} must be text.")
    return value
