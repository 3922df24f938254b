"""Add match: who meets whom in which round.

New tables, no rows to move.
"""

import sqlalchemy as sa
from alembic import op

from asyncnet.database import UtcDateTime

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "match",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("first_id", sa.Integer(), nullable=False),
        sa.Column("second_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("first_id < second_id", name="ck_match_ordered"),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.id"], name="fk_match_event_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["first_id"], ["participant.id"], name="fk_match_first_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name="fk_match_round_id"),
        sa.ForeignKeyConstraint(
            ["second_id"], ["participant.id"], name="fk_match_second_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_match"),
        sa.UniqueConstraint("first_id", "second_id", name="uq_match_first_id_second_id"),
    )
    op.create_index("ix_match_event_round", "match", ["event_id", "round_id", "id"], unique=False)
    op.create_index("ix_match_second", "match", ["second_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_match_second", table_name="match")
    op.drop_index("ix_match_event_round", table_name="match")
    op.drop_table("match")
