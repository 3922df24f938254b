"""Say how far the worker is with an intro, and keep captions and sound that came as a video.

Safe while the old version still serves: it leaves the new columns empty and has no captions.
"""

import sqlalchemy as sa
from alembic import op

from asyncnet.database import UtcDateTime

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    with op.batch_alter_table("intro") as table:
        table.add_column(sa.Column("step", sa.String(length=20), nullable=True))
        table.add_column(
            sa.Column("is_sound_only", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    op.create_table(
        "captions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("intro_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("cues", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("wake_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("shown_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["intro_id"], ["intro.id"], name="fk_captions_intro_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_captions"),
        sa.UniqueConstraint("intro_id", name="uq_captions_intro_id"),
    )
    op.create_index("ix_captions_wake", "captions", ["wake_at"])


def downgrade() -> None:
    op.drop_table("captions")
    with op.batch_alter_table("intro") as table:
        table.drop_column("is_sound_only")
        table.drop_column("step")
