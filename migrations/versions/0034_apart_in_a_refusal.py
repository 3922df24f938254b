"""Add to a plan whom its refusal names as kept apart, so that they are not told of it.

A refusal from before that tells of it says instead to ask once more. Safe while the old version
still serves.
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    with op.batch_alter_table("plan") as table:
        table.add_column(sa.Column("apart", sa.JSON(), nullable=False, server_default="[]"))
    plan = sa.table("plan", sa.column("reason", sa.String))
    op.execute(
        sa.update(plan)
        .where(plan.c.reason.icontains("kept apart"))
        .values(reason="Ask for it once more to read why.")
    )


def downgrade() -> None:
    with op.batch_alter_table("plan") as table:
        table.drop_column("apart")
