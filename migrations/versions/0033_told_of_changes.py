"""Keep beside a published plan whom it was told to, no longer inside what it proposes.

What was kept is copied into the new column, and back. Safe while the old version still serves: it
finds its own copy where it was.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"

PLAN = sa.table(
    "plan",
    sa.column("id"),
    sa.column("published_at"),
    sa.column("content", sa.JSON),
    sa.column("told", sa.JSON),
)


def upgrade() -> None:
    with op.batch_alter_table("plan") as table:
        table.add_column(sa.Column("told", sa.JSON(), nullable=False, server_default="[]"))
    for plan in _published():
        told = [
            {"person": person, "number": number, "lost": lost, "gained": gained}
            for person, number, lost, gained in plan.content.get("told", ())
        ]
        _keep(plan.id, told=told)


def downgrade() -> None:
    for plan in _published():
        told = [[one["person"], one["number"], one["lost"], one["gained"]] for one in plan.told]
        if told:
            _keep(plan.id, content=plan.content | {"told": told})
    with op.batch_alter_table("plan") as table:
        table.drop_column("told")


def _published() -> Iterator[Any]:
    """Yield the published plans, one after the other: each may hold ten thousand people."""
    connection = op.get_bind()
    ids = connection.scalars(sa.select(PLAN.c.id).where(PLAN.c.published_at.is_not(None))).all()
    for plan_id in ids:
        yield connection.execute(sa.select(PLAN).where(PLAN.c.id == plan_id)).one()


def _keep(plan_id: int, **values: Any) -> None:
    op.get_bind().execute(sa.update(PLAN).where(PLAN.c.id == plan_id).values(**values))
