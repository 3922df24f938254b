"""asyncnet: asynchronous seats for live networking forums; the app, joined from its parts."""

from typing import Any

from flask import Flask
from flask_migrate import Migrate
from jinja2 import StrictUndefined
from werkzeug.middleware.proxy_fix import ProxyFix

from asyncnet import tasks
from asyncnet.commands.demo.command import demo
from asyncnet.commands.events import events as event_commands
from asyncnet.commands.followups import followups as followup_commands
from asyncnet.commands.intros import intros as intro_commands
from asyncnet.commands.lazy import LazyGroup
from asyncnet.commands.messages import messages as message_commands
from asyncnet.commands.run import start
from asyncnet.database import db
from asyncnet.day import exits, groups, polling, show
from asyncnet.day import views as day
from asyncnet.events import views as events
from asyncnet.events.questions import views as questions
from asyncnet.events.registration import views as asking
from asyncnet.followups import views as followups
from asyncnet.followups.queries import mails_about_words_of
from asyncnet.followups.threads import leftovers, recordings, returning
from asyncnet.followups.threads import views as threads
from asyncnet.followups.waiting import views as desk
from asyncnet.intros import board as intro_board
from asyncnet.intros import captions, faces, playing
from asyncnet.intros import views as intros
from asyncnet.matches import downloads, profiles
from asyncnet.matches.bench import views as bench
from asyncnet.matches.bench.views import plan
from asyncnet.messages import views as messages
from asyncnet.messages.views import reports
from asyncnet.people import views as people
from asyncnet.web import access, files, filters, inbox, limits, pages, unsubscribe
from asyncnet.web.forms import csrf
from asyncnet.web.logs import set_up_logs
from asyncnet.wiring import wire
from config import CHECKOUT, Settings

FEATURES = (
    people,
    messages,
    events,
    questions,
    asking,
    faces,
    intros,
    intro_board,
    playing,
    captions,
    plan,
    bench,
    profiles,
    downloads,
    followups,
    threads,
    recordings,
    leftovers,
    returning,
    desk,
    day,
    exits,
    groups,
    show,
    files,
    inbox,
    unsubscribe,
    reports,
)
matching_commands = LazyGroup(
    "matching", "asyncnet.commands.matching", help="Match the people of an event, from a file."
)
COMMANDS = (
    start,
    demo,
    event_commands,
    intro_commands,
    matching_commands,
    message_commands,
    followup_commands,
)


def create_app(settings: Settings) -> Flask:
    """Return the app of one installation: the one place where the parts are joined."""
    settings.instance.mkdir(parents=True, exist_ok=True)
    set_up_logs(as_json=settings.log_json)
    app = Flask(
        "asyncnet",
        root_path=str(CHECKOUT),
        template_folder="templates",
        static_folder="static",
        instance_path=str(settings.instance),
    )
    app.config.from_mapping(_flask_config(settings))
    app.jinja_env.undefined = StrictUndefined
    if settings.proxies:
        hops = settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    db.init_app(app)
    Migrate(app, db, directory=str(CHECKOUT / "migrations"), render_as_batch=True)
    wire(app, settings)
    tasks.register(app)
    app.extensions[access.MAILS_ABOUT] = mails_about_words_of
    filters.register(app)
    pages.register(app)  # first: gives the request its number
    access.guard(app)
    csrf.init_app(app)
    limits.register(app)
    polling.register(app, settings)
    for feature in FEATURES:
        app.register_blueprint(feature.pages)
    for command in COMMANDS:
        app.cli.add_command(command)
    return app


def _flask_config(settings: Settings) -> dict[str, Any]:
    newest, *older = settings.secret_keys
    return {
        "SECRET_KEY": newest,
        "SECRET_KEY_FALLBACKS": older,
        "TESTING": settings.testing,
        "TRUSTED_HOSTS": settings.hosts,
        "SESSION_COOKIE_NAME": "__Host-asyncnet" if settings.secure else "asyncnet",
        "SESSION_COOKIE_SECURE": settings.secure,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        # how long somebody stays known, the server's own records say; this only bounds the cookie
        "PERMANENT_SESSION_LIFETIME": 400 * 24 * 3600,
        "SESSION_REFRESH_EACH_REQUEST": False,
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,
        "MAX_CONTENT_LENGTH": 1_000_000,
        "MAX_FORM_MEMORY_SIZE": 500_000,
        "MAX_FORM_PARTS": 500,
        "SEND_FILE_MAX_AGE_DEFAULT": 365 * 24 * 3600,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "hide_parameters": True,  # errors reach the log, addresses do not
        },
    }
