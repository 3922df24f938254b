"""Add bouncing_address: where mail came back from, so that no more is sent there.

New table, no rows to move; safe while the old version still serves.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "bouncing_address",
        sa.Column("address_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("soft_bounces", sa.Integer(), nullable=False),
        sa.Column("suppressed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("address_hash", name="pk_bouncing_address"),
    )


def downgrade() -> None:
    op.drop_table("bouncing_address")
