"""The schema can be built and taken down step by step, and is the one that the models mean."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import Enum, Table, func, insert, inspect, select, text
from sqlalchemy.orm import Session

from asyncnet.app import create_app
from asyncnet.clock import utc_now
from asyncnet.database import Base, db
from asyncnet.matches.bench.draft import Change, Draft
from asyncnet.matches.bench.model import Plan, PlanOrigin, PlanState
from asyncnet.matches.bench.queries import current_of, told_of
from asyncnet.matches.model import MatchState
from config import CHECKOUT
from tests import factories
from tests.conftest import Servers, make_settings
from tests.servers.postgres import create_database, drop_database
from tests.web import world

STEPS = [
    step.revision
    for step in reversed(list(ScriptDirectory(str(CHECKOUT / "migrations")).walk_revisions()))
]

ANYTHING = {str: "x", int: 1, float: 1.0, bool: True, bytes: b"x", dict: {}, object: utc_now()}
"""By the type in Python; moments have none of their own."""


@pytest.fixture
def empty(servers: Servers, tmp_path: Path) -> Iterator[Flask]:
    """An installation whose database holds nothing yet."""
    if servers.postgres is None:
        yield create_app(make_settings(tmp_path))
        return
    name = f"empty_{uuid4().hex}"
    app = create_app(make_settings(tmp_path, DATABASE_URL=create_database(servers.postgres, name)))
    yield app
    with app.app_context():
        db.engine.dispose()
    drop_database(servers.postgres, name)


def test_models_and_migrations_agree(empty: Flask) -> None:
    with empty.app_context():
        flask_migrate.upgrade()
        with db.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            differences = compare_metadata(context, Base.metadata)

    assert differences == []


@pytest.mark.long
def test_every_step_goes_forwards_and_back(empty: Flask) -> None:
    """One step forwards, back and forwards again, to the newest."""
    shapes = []
    with empty.app_context():
        shapes.append(shape())
        for before, step in zip(["base", *STEPS], STEPS, strict=False):
            flask_migrate.upgrade(revision=step)
            there = shape()
            flask_migrate.downgrade(revision=before)
            assert shape() == shapes[-1], f"{step} does not go back to what was before"
            flask_migrate.upgrade(revision=step)
            assert shape() == there, f"{step} makes something else the second time"
            shapes.append(there)
        flask_migrate.downgrade(revision="base")

        assert shape() == shapes[0]

    assert set(shapes[0]) == set()


@pytest.mark.long
def test_no_step_loses_a_row_of_a_table_that_it_keeps(app: Flask, session: Session) -> None:
    """With rows everywhere that refer to each other: SQLite makes many tables anew.

    Recorded replies alone, with their captions, have no place before the step that brought them.
    """
    world.build(session)
    for table in Base.metadata.sorted_tables:
        if not session.scalar(select(func.count()).select_from(table)):
            session.execute(insert(table).values(made_up(table, session)))
    session.commit()

    lost = []
    with app.app_context():
        assert 0 not in rows().values()
        for before, step in reversed(list(zip(["base", *STEPS], STEPS, strict=False))):
            counts = [rows()]
            for move, revision in (
                (flask_migrate.downgrade, before),
                (flask_migrate.upgrade, step),
                (flask_migrate.downgrade, before),
            ):
                move(revision=revision)
                counts.append(rows())
                lost += [f"{step}: what {table} refers to" for table in dangling()]
            lost += [
                f"{step}: {table}"
                for one, other in pairwise(counts)
                for table in one.keys() & other.keys()
                if other[table] < one[table]
            ]

    assert sorted(lost) == ["0024: captions", "0024: intro"]


def test_upgrading_twice_changes_nothing(empty: Flask) -> None:
    with empty.app_context():
        flask_migrate.upgrade()
        once = shape()
        flask_migrate.upgrade()

        assert shape() == once
        assert len(once) > 10


def test_matches_that_were_drafted_come_onto_the_bench(app: Flask, session: Session) -> None:
    event = factories.event(session, factories.organizer(session))
    ana, ben, cy = (factories.participant(session, event) for _ in range(3))
    factories.match(session, ana, ben)
    drafted = factories.match(session, ana, cy, round_number=2)
    met, wanted = ((ana.id, ben.id), (ana.id, cy.id))
    with app.app_context():
        flask_migrate.downgrade(revision="0028")
        session.execute(text("UPDATE match SET state = 'draft' WHERE id = :id"), {"id": drafted.id})
        session.commit()
        flask_migrate.upgrade()

    plan = current_of(session, event.id)

    assert plan is not None
    rounds = Draft.of_data(plan.content).rounds
    assert [[meeting.who for meeting in meetings] for meetings in rounds] == [[met], [wanted], []]
    session.refresh(drafted)
    assert drafted.state is MatchState.WITHDRAWN


def test_what_people_were_told_of_a_published_plan_stays_known(
    app: Flask, session: Session
) -> None:
    event = factories.event(session, factories.organizer(session))
    plan = Plan(
        event_id=event.id,
        origin=PlanOrigin.EDITED,
        state=PlanState.READY,
        content={"rounds": [[]], "groups": [], "ideals": [], "told": [[7, 1, [8], []]]},
        created_at=utc_now(),
        published_at=utc_now(),
    )
    session.add(plan)
    session.commit()

    with app.app_context():
        flask_migrate.downgrade(revision="0032")
        flask_migrate.upgrade()

    assert told_of(session, plan.id) == [Change(7, 1, (8,), ())]


@pytest.mark.sizeless
def test_steps_stand_in_one_line() -> None:
    scripts = ScriptDirectory(str(CHECKOUT / "migrations"))

    assert len(scripts.get_heads()) == 1
    assert sorted(STEPS) == STEPS


def made_up(table: Table, session: Session) -> dict[str, Any]:
    """Return a row for a table: it refers to rows that are there, and says anything else."""
    row: dict[str, Any] = {}
    for column in table.columns:
        if column.foreign_keys:
            [key] = column.foreign_keys
            taken = [other for other in row if row[other] is not None and other != "event_id"]
            chosen = select(key.column).order_by(key.column).offset(len(taken)).limit(1)
            row[column.name] = session.scalar(chosen)
        elif isinstance(column.type, Enum) and column.type.enum_class:
            row[column.name] = next(iter(column.type.enum_class))
        elif not (column.nullable or column.default or column.autoincrement is True):
            row[column.name] = ANYTHING[column.type.python_type]
    return row


def rows() -> dict[str, int]:
    """Return how many rows every table has, Alembic's own apart."""
    with db.engine.connect() as connection:
        return {
            name: connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one()
            for name in inspect(connection).get_table_names()
            if name != "alembic_version"
        }


def dangling() -> list[str]:
    """Return the tables with rows that refer to nothing, which only SQLite can have."""
    with db.engine.connect() as connection:
        if connection.dialect.name != "sqlite":
            return []
        return list(connection.execute(text("PRAGMA foreign_key_check")).scalars())


def shape() -> dict[str, list[str]]:
    """Return every table with its columns, keys, indexes and rules, Alembic's own apart."""
    with db.engine.connect() as connection:
        found = inspect(connection)
        return {
            name: sorted(
                str(part)
                for parts in (
                    found.get_columns(name),
                    found.get_indexes(name),
                    found.get_unique_constraints(name),
                    found.get_check_constraints(name),
                    found.get_foreign_keys(name),
                )
                for part in parts
            )
            for name in found.get_table_names()
            if name != "alembic_version"
        }
