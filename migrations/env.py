"""Runs migrations against the database of the current app."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context
from sqlalchemy import Connection

from asyncnet.database import WRITES, Base, db


@contextmanager
def no_keys(connection: Connection) -> Iterator[None]:
    """Let SQLite follow no foreign keys inside the block; others always do."""
    driver = connection.connection.driver_connection
    if driver is None or connection.dialect.name != "sqlite":
        yield
        return
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        connection.rollback()
        driver.execute("PRAGMA foreign_keys = ON")


def run() -> None:
    """Run every step in a transaction of its own, so that a killed migration leaves no half.

    SQLite makes some tables anew, and would take along what refers to their rows; so it follows
    no keys meanwhile, which can only be said outside of a transaction.
    """
    with db.engine.connect().execution_options(**{WRITES: True}) as connection, no_keys(connection):
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=True,
            transaction_per_migration=True,
            transactional_ddl=True,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
