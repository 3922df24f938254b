"""Add message: the table that is the mail queue, with its history.

New tables, no rows to move.
"""

import sqlalchemy as sa
from alembic import op

from asyncnet.database import UtcDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("reference", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=True),
        sa.Column("participant_id", sa.Integer(), nullable=True),
        sa.Column("to_address", sa.String(length=254), nullable=False),
        sa.Column("to_name", sa.String(length=100), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("due_local", sa.String(length=16), nullable=False),
        sa.Column("due_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("wake_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("expires_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("tried_since", UtcDateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sent_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("sent_subject", sa.String(length=300), nullable=True),
        sa.Column("sent_text", sa.Text(), nullable=True),
        sa.Column("sent_html", sa.Text(), nullable=True),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "wake_at IS NOT NULL OR state NOT IN ('scheduled', 'sending')", name="ck_message_wakes"
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.id"], name="fk_message_event_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["participant_id"],
            ["participant.id"],
            name="fk_message_participant_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_message"),
        sa.UniqueConstraint("key", name="uq_message_key"),
        sa.UniqueConstraint("reference", name="uq_message_reference"),
    )
    op.create_index("ix_message_event", "message", ["event_id", "due_at", "id"], unique=False)
    op.create_index("ix_message_participant_id", "message", ["participant_id"], unique=False)
    op.create_index("ix_message_wake", "message", ["wake_at"], unique=False)
    op.create_table(
        "message_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("to_state", sa.String(length=20), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name="fk_message_change_message_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_message_change"),
    )
    op.create_index("ix_message_change_message_id", "message_change", ["message_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_message_change_message_id", table_name="message_change")
    op.drop_table("message_change")
    op.drop_index("ix_message_wake", table_name="message")
    op.drop_index("ix_message_participant_id", table_name="message")
    op.drop_index("ix_message_event", table_name="message")
    op.drop_table("message")
