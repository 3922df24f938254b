"""Add the clock of an event, who has which page open, and who said that they must leave.

Every event so far follows its schedule. New columns have defaults, so it is safe while the old
version still serves.
"""

import sqlalchemy as sa
from alembic import op

from asyncnet.database import UtcDateTime

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    with op.batch_alter_table("event") as table:
        table.add_column(
            sa.Column("clock_version", sa.Integer(), nullable=False, server_default="1")
        )
        table.add_column(
            sa.Column("clock_key", sa.String(length=32), nullable=False, server_default="")
        )
        table.add_column(sa.Column("paused_at", UtcDateTime(timezone=True), nullable=True))
        table.add_column(
            sa.Column("notice", sa.String(length=300), nullable=False, server_default="")
        )
        table.add_column(
            sa.Column("closing_prompt", sa.String(length=300), nullable=False, server_default="")
        )
    with op.batch_alter_table("participant") as table:
        table.add_column(
            sa.Column("page_version", sa.Integer(), nullable=False, server_default="1")
        )
    op.create_table(
        "presence",
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("match_id", sa.Integer(), nullable=True),
        sa.Column("seen_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["participant_id"],
            ["participant.id"],
            name="fk_presence_participant_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.id"], name="fk_presence_event_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("participant_id", name="pk_presence"),
    )
    op.create_index("ix_presence_event_id", "presence", ["event_id"])
    op.create_table(
        "exit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column("match_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("words", sa.String(length=500), nullable=False),
        sa.Column("withdrawn", sa.JSON(), nullable=False),
        sa.Column("said_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("undone_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("seen_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.id"], name="fk_exit_event_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["participant_id"],
            ["participant.id"],
            name="fk_exit_participant_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["match_id"], ["match.id"], name="fk_exit_match_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_exit"),
    )
    op.create_index("ix_exit_event", "exit", ["event_id", "id"])
    op.create_index("ix_exit_participant_id", "exit", ["participant_id"])


def downgrade() -> None:
    op.drop_table("exit")
    op.drop_table("presence")
    with op.batch_alter_table("participant") as table:
        table.drop_column("page_version")
    with op.batch_alter_table("event") as table:
        table.drop_column("closing_prompt")
        table.drop_column("notice")
        table.drop_column("paused_at")
        table.drop_column("clock_key")
        table.drop_column("clock_version")
