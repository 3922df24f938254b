"""Let a recording belong to a match, and a reply be a recording.

Safe while the old version still serves: it makes no such recordings, and none exists yet.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    with op.batch_alter_table("intro") as table:
        table.add_column(sa.Column("match_id", sa.Integer(), nullable=True))
        table.create_foreign_key(
            "fk_intro_match_id", "match", ["match_id"], ["id"], ondelete="CASCADE"
        )
        table.create_index("ix_intro_match_id", ["match_id"])
    with op.batch_alter_table("reply") as table:
        table.add_column(sa.Column("recording_id", sa.Integer(), nullable=True))
        table.create_foreign_key(
            "fk_reply_recording_id", "intro", ["recording_id"], ["id"], ondelete="SET NULL"
        )
        table.create_unique_constraint("uq_reply_recording_id", ["recording_id"])


def downgrade() -> None:
    op.execute("DELETE FROM reply WHERE words = ''")
    op.execute(  # SQLite follows no keys while it migrates
        "DELETE FROM captions WHERE intro_id IN (SELECT id FROM intro WHERE match_id IS NOT NULL)"
    )
    op.execute("DELETE FROM intro WHERE match_id IS NOT NULL")
    with op.batch_alter_table("reply") as table:
        table.drop_constraint("uq_reply_recording_id", type_="unique")
        table.drop_constraint("fk_reply_recording_id", type_="foreignkey")
        table.drop_column("recording_id")
    with op.batch_alter_table("intro") as table:
        table.drop_index("ix_intro_match_id")
        table.drop_constraint("fk_intro_match_id", type_="foreignkey")
        table.drop_column("match_id")
