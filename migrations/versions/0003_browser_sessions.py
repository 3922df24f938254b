"""Add browser_session: which browser is known as whom.

New tables, no rows to move.
"""

import sqlalchemy as sa
from alembic import op

from asyncnet.database import UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "browser_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("participant_id", sa.Integer(), nullable=True),
        sa.Column("link_version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("seen_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(person_id IS NULL) != (participant_id IS NULL)", name="ck_browser_session_knows_one"
        ),
        sa.ForeignKeyConstraint(
            ["participant_id"],
            ["participant.id"],
            name="fk_browser_session_participant_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_browser_session_person_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_browser_session"),
        sa.UniqueConstraint("key_hash", name="uq_browser_session_key_hash"),
    )
    op.create_index(
        "ix_browser_session_participant_id", "browser_session", ["participant_id"], unique=False
    )
    op.create_index("ix_browser_session_person_id", "browser_session", ["person_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_browser_session_person_id", table_name="browser_session")
    op.drop_index("ix_browser_session_participant_id", table_name="browser_session")
    op.drop_table("browser_session")
