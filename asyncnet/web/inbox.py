"""The inbox of a development installation: every mail that it would have sent."""

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue

from asyncnet.mail.inbox import InboxMail, InboxMailer, NoSuchMail
from asyncnet.web.access import Role, requires
from asyncnet.web.frame import SANDBOX, framed
from asyncnet.wiring import mailer

pages = Blueprint("inbox", __name__, url_prefix="/dev/inbox")


@pages.get("")
@requires(Role.DEVELOPER)
def index() -> ResponseReturnValue:
    return render_template("messages/inbox.html", mails=_inbox().mails())


@pages.get("/<name>")
@requires(Role.DEVELOPER)
def show(name: str) -> ResponseReturnValue:
    return render_template("messages/inbox_mail.html", mail=_mail(name), sandbox=SANDBOX)


@pages.get("/<name>/html")
@requires(Role.DEVELOPER)
def html(name: str) -> ResponseReturnValue:
    return framed(_mail(name).html)


def _mail(name: str) -> InboxMail:
    try:
        return _inbox().mail(name)
    except NoSuchMail:
        abort(404)


def _inbox() -> InboxMailer:
    wired = mailer()
    if not isinstance(wired, InboxMailer):
        abort(404)
    return wired
