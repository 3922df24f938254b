"""One installation a test: SQLite and the local disk, or PostgreSQL and S3 (`--size large`)."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import flask_migrate
import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect, sync_playwright
from sqlalchemy import Connection, Dialect, Engine, Select, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from asyncnet.app import create_app
from asyncnet.database import db
from config import S3Settings, Settings, read_settings
from tests.pages import Browser
from tests.servers.postgres import create_database, drop_database, postgres
from tests.servers.seaweed import seaweed

CHROMIUM = "/usr/bin/chromium"
PATIENCE_MILLISECONDS = 30_000
STATEMENTS = 5000
SECRET = "a secret of the tests, long enough: 0123456789"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--size", choices=("small", "large"), default="small")
    parser.addoption("--pictures", choices=("readme", "all"), help="Keep the journeys' pictures.")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """At the second size, leave out what never touches an installation: it would be the same.

    Every worker begins with its share of the long tests, so that none sits over one at the end.
    """
    if config.getoption("--size") == "large":
        same = [item for item in items if not _depends_on_size(item)]
        config.hook.pytest_deselected(items=same)
        items[:] = [item for item in items if _depends_on_size(item)]
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = _long_ones_first(items, workers)


def _long_ones_first(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Return the tests in order, but for the long ones, which begin the share of each worker.

    A share is what `--dist worksteal` hands out at first: equally many tests in a row.
    """
    long = [item for item in items if _is_long(item)]
    others = iter([item for item in items if not _is_long(item)])
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        share = (len(items) - len(ordered)) // (workers - worker)
        mine = long[worker::workers]
        ordered += [*mine, *islice(others, max(0, share - len(mine)))]
    return [*ordered, *others]


def _is_long(item: pytest.Item) -> bool:
    return "journeys" in item.path.parts or item.get_closest_marker("long") is not None


def _depends_on_size(item: pytest.Item) -> bool:
    fixtures = item.fixturenames if isinstance(item, pytest.Function) else []
    return "servers" in fixtures and item.get_closest_marker("sizeless") is None


@dataclass(frozen=True)
class Servers:
    """What is shared by all tests of one run."""

    postgres: str | None
    s3: S3Settings | None
    template: str
    """A migrated database: a file, or a database's name."""


@pytest.fixture(scope="session")
def servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Servers]:
    folder = tmp_path_factory.mktemp("template")
    if request.config.getoption("--size") == "small":
        template = folder / "template.db"
        migrate(make_settings(folder, DATABASE_URL=f"sqlite:///{template}"))
        with create_engine(f"sqlite:///{template}").connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        yield Servers(postgres=None, s3=None, template=str(template))
        return
    with postgres() as server, seaweed() as s3:
        url = create_database(server, "template_asyncnet")
        migrate(make_settings(folder, DATABASE_URL=url))
        yield Servers(postgres=server, s3=s3, template="template_asyncnet")


@pytest.fixture(scope="session", autouse=True)
def compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what every new app compiles afresh, templates, addresses and SQL: most of a test's time.

    All engines of one kind of database share the statements of the first one that connected, as
    the requests of one app do.
    """
    cache = FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))
    compile_builder = Rule._compile_builder
    shared: dict[str, tuple[Dialect, LRUCache[Any, Any]]] = {}
    builders: dict[object, Callable[..., tuple[str, str]]] = {}

    def remembered(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        known = (rule.rule, tuple(rule._trace), repr(rule.defaults), append_unknown)
        if known not in builders:
            builders[known] = compile_builder(rule, append_unknown)
        return builders[known]

    def share_statements(connection: Connection) -> None:
        engine = connection.engine
        dialect, known = shared.setdefault(
            engine.dialect.name, (engine.dialect, LRUCache(STATEMENTS))
        )
        connection.dialect = engine.dialect = dialect
        engine._compiled_cache = known

    event.listen(Engine, "engine_connect", share_statements)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(Flask.jinja_options, "bytecode_cache", cache)
        patch.setattr(Rule, "_compile_builder", remembered)
        yield
    event.remove(Engine, "engine_connect", share_statements)


@pytest.fixture(scope="session", autouse=True)
def power_stays_on() -> Iterator[None]:
    """Let commits survive a killed process but not a power cut, which no test has."""
    event.listen(Engine, "connect", _be_quick)
    yield
    event.remove(Engine, "connect", _be_quick)


@pytest.fixture
def power_may_fail() -> Iterator[None]:
    """Connect to SQLite as an installation does."""
    event.remove(Engine, "connect", _be_quick)
    yield
    event.listen(Engine, "connect", _be_quick)


def _be_quick(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


@pytest.fixture
def settings(servers: Servers, tmp_path: Path) -> Iterator[Settings]:
    """The settings of a fresh, migrated installation."""
    if servers.postgres is None or servers.s3 is None:
        shutil.copy(servers.template, tmp_path / "asyncnet.db")
        yield make_settings(tmp_path)
        return
    name = f"test_{uuid4().hex}"
    url = create_database(servers.postgres, name, template=servers.template)
    yield make_settings(
        tmp_path,
        DATABASE_URL=url,
        S3_BUCKET=servers.s3.bucket,
        S3_ENDPOINT_URL=servers.s3.endpoint_url or "",
        S3_ACCESS_KEY=servers.s3.access_key,
        S3_SECRET_KEY=servers.s3.secret_key,
    )
    drop_database(servers.postgres, name)


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    made = create_app(settings)
    made.testing = True
    made.test_client_class = Browser
    yield made
    with made.app_context():
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """A session beside the app's own, to set things up; commit before the app looks."""
    with app.app_context():
        engine = db.engine
    with Session(engine, expire_on_commit=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    """A real browser, with a camera and a microphone that are not."""
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
            ],
        )
        yield launched
        launched.close()


@pytest.fixture
def rows(app: Flask) -> Callable[[Select[Any]], Sequence[Any]]:
    """Reads what is in the database at this moment."""

    def read(wanted: Select[Any]) -> Sequence[Any]:
        with app.app_context():
            engine = db.engine
        with Session(engine, expire_on_commit=False) as reading:
            found = reading.scalars(wanted).all()
            reading.expunge_all()
            return found

    return read


def make_settings(instance: Path, **changes: str) -> Settings:
    """Return settings as the environment would give them, with some of them changed."""
    named = {"SECRET_KEY": SECRET, "INSTANCE": str(instance), "LOG_JSON": "yes"} | changes
    return read_settings({f"ASYNCNET_{name}": value for name, value in named.items()})


def migrate(settings: Settings) -> None:
    """Bring an empty database to the newest schema."""
    app = create_app(settings)
    with app.app_context():
        flask_migrate.upgrade()
        db.engine.dispose()
