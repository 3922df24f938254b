"""Runs migrations against the database of the current app."""

from alembic import context

from asyncnet.database import WRITES, Base, db


def run() -> None:
    """Run every step in a transaction of its own, so that a killed migration leaves no half."""
    with db.engine.connect().execution_options(**{WRITES: True}) as connection:
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
