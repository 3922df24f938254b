"""Add intro: from empty slot to playable files.

New tables, no rows to move.
"""

import sqlalchemy as sa
from alembic import op

from asyncnet.database import UtcDateTime

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "intro",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("upload_key", sa.String(length=100), nullable=False),
        sa.Column("upload_id", sa.String(length=1024), nullable=True),
        sa.Column("bytes_announced", sa.BigInteger(), nullable=False),
        sa.Column("folder", sa.String(length=100), nullable=True),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("wake_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("uploaded_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("ready_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("bytes_removed_at", UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state != 'ready' OR (seconds IS NOT NULL AND folder IS NOT NULL)",
            name="ck_intro_ready_is_measured",
        ),
        sa.ForeignKeyConstraint(
            ["participant_id"],
            ["participant.id"],
            name="fk_intro_participant_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_intro"),
        sa.UniqueConstraint("folder", name="uq_intro_folder"),
        sa.UniqueConstraint("upload_key", name="uq_intro_upload_key"),
    )
    op.create_index("ix_intro_participant", "intro", ["participant_id", "id"], unique=False)
    op.create_index("ix_intro_wake", "intro", ["wake_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_intro_wake", table_name="intro")
    op.drop_index("ix_intro_participant", table_name="intro")
    op.drop_table("intro")
