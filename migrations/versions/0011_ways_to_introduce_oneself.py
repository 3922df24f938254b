"""Let an intro be sound or words, and give people a photo and a question of their own.

Every intro so far is a video. Safe while the old version still serves: it writes videos only.
"""

import sqlalchemy as sa
from alembic import op

from asyncnet.database import UtcDateTime

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    with op.batch_alter_table("intro") as table:
        table.add_column(
            sa.Column("kind", sa.String(length=10), nullable=False, server_default="video")
        )
        table.add_column(sa.Column("words", sa.Text(), nullable=False, server_default=""))
        table.drop_constraint("ck_intro_ready_is_measured", type_="check")
        table.create_check_constraint(
            "ck_intro_ready_is_measured",
            "state != 'ready' OR kind = 'text' OR (seconds IS NOT NULL AND folder IS NOT NULL)",
        )
    with op.batch_alter_table("participant") as table:
        table.add_column(
            sa.Column("own_question", sa.String(length=300), nullable=False, server_default="")
        )
    op.create_table(
        "photo",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["participant_id"],
            ["participant.id"],
            name="fk_photo_participant_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_photo"),
        sa.UniqueConstraint("key", name="uq_photo_key"),
        sa.UniqueConstraint("participant_id", name="uq_photo_participant_id"),
    )


def downgrade() -> None:
    op.drop_table("photo")
    with op.batch_alter_table("participant") as table:
        table.drop_column("own_question")
    op.execute("DELETE FROM intro WHERE kind != 'video'")
    with op.batch_alter_table("intro") as table:
        table.drop_constraint("ck_intro_ready_is_measured", type_="check")
        table.create_check_constraint(
            "ck_intro_ready_is_measured",
            "state != 'ready' OR (seconds IS NOT NULL AND folder IS NOT NULL)",
        )
        table.drop_column("words")
        table.drop_column("kind")
