"""Add stand_in: another partner in place of somebody who stayed silent.

New table, no rows to move; safe while the old version still serves.
"""

import sqlalchemy as sa
from alembic import op

from asyncnet.database import UtcDateTime

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "stand_in",
        sa.Column("match_id", sa.Integer(), nullable=False),
        sa.Column("new_match_id", sa.Integer(), nullable=False),
        sa.Column("made_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["match_id"], ["match.id"], name="fk_stand_in_match_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["new_match_id"], ["match.id"], name="fk_stand_in_new_match_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("match_id", name="pk_stand_in"),
        sa.UniqueConstraint("new_match_id", name="uq_stand_in_new_match_id"),
    )


def downgrade() -> None:
    op.drop_table("stand_in")
