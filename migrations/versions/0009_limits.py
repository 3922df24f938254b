"""Add attempt_window: how often something was tried.

New tables, no rows to move.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "attempt_window",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.Column("ends_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_attempt_window"),
    )


def downgrade() -> None:
    op.drop_table("attempt_window")
