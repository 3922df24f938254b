"""Add closing groups, and to a match its room, its reasons and whether it is pinned.

Every event so far is mixed and closes without groups; every match is a room of its own. Safe
while the old version still serves.
"""

import sqlalchemy as sa
from alembic import op

from asyncnet.database import UtcDateTime

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    with op.batch_alter_table("event") as table:
        table.add_column(
            sa.Column("mode", sa.String(length=10), nullable=False, server_default="mixed")
        )
        table.add_column(
            sa.Column("closing_minutes", sa.Integer(), nullable=False, server_default="0")
        )
    with op.batch_alter_table("match") as table:
        table.add_column(sa.Column("room", sa.Integer(), nullable=True))
        table.add_column(
            sa.Column("pinned", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        table.add_column(sa.Column("first_reasons", sa.JSON(), nullable=False, server_default="[]"))
        table.add_column(
            sa.Column("second_reasons", sa.JSON(), nullable=False, server_default="[]")
        )
    op.create_table(
        "closing_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.id"], name="fk_closing_group_event_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_closing_group"),
    )
    op.create_index("ix_closing_group_event", "closing_group", ["event_id", "number", "id"])
    op.create_table(
        "closing_group_member",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["closing_group.id"],
            name="fk_closing_group_member_group_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["participant_id"],
            ["participant.id"],
            name="fk_closing_group_member_participant_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("group_id", "participant_id", name="pk_closing_group_member"),
    )
    op.create_index(
        "ix_closing_group_member_participant_id", "closing_group_member", ["participant_id"]
    )


def downgrade() -> None:
    op.drop_table("closing_group_member")
    op.drop_table("closing_group")
    with op.batch_alter_table("match") as table:
        table.drop_column("second_reasons")
        table.drop_column("first_reasons")
        table.drop_column("pinned")
        table.drop_column("room")
    with op.batch_alter_table("event") as table:
        table.drop_column("closing_minutes")
        table.drop_column("mode")
