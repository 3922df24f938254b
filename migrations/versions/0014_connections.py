"""Add what comes of a match: steps told, replies, meetings; and which mail brings an answer.

An answer that was planned before keeps its mail. Safe while the old version still serves.
"""

import sqlalchemy as sa
from alembic import op

from asyncnet.database import UtcDateTime

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    with op.batch_alter_table("event") as table:
        table.add_column(
            sa.Column("digest", sa.Boolean(), nullable=False, server_default=sa.true())
        )
        table.add_column(
            sa.Column("reminder_days", sa.Integer(), nullable=False, server_default="4")
        )
    with op.batch_alter_table("answer") as table:
        table.add_column(sa.Column("message_id", sa.Integer(), nullable=True))
        table.create_foreign_key(
            "fk_answer_message_id", "message", ["message_id"], ["id"], ondelete="SET NULL"
        )
    op.create_index("ix_answer_message_id", "answer", ["message_id"])
    op.execute(
        "UPDATE answer SET message_id = (SELECT message.id FROM message "
        "WHERE message.kind = 'follow_up' AND message.subject_id = answer.id)"
    )
    op.create_table(
        "connection_step",
        sa.Column("match_id", sa.Integer(), nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column("told", sa.String(length=20), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["match_id"], ["match.id"], name="fk_connection_step_match_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["participant_id"],
            ["participant.id"],
            name="fk_connection_step_participant_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("match_id", "participant_id", "told", name="pk_connection_step"),
    )
    op.create_index("ix_connection_step_participant_id", "connection_step", ["participant_id"])
    op.create_table(
        "reply",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("match_id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("contact", sa.String(length=254), nullable=True),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("form_key", sa.String(length=32), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["match_id"], ["match.id"], name="fk_reply_match_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["author_id"], ["participant.id"], name="fk_reply_author_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name="fk_reply_message_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_reply"),
        sa.UniqueConstraint("form_key", name="uq_reply_form_key"),
    )
    op.create_index("ix_reply_match_id", "reply", ["match_id"])
    op.create_index("ix_reply_author_id", "reply", ["author_id"])
    op.create_index("ix_reply_message_id", "reply", ["message_id"])
    op.create_table(
        "meeting",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("match_id", sa.Integer(), nullable=False),
        sa.Column("proposed_by_id", sa.Integer(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("starts_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["match_id"], ["match.id"], name="fk_meeting_match_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by_id"],
            ["participant.id"],
            name="fk_meeting_proposed_by_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_meeting"),
        sa.UniqueConstraint("match_id", name="uq_meeting_match_id"),
    )
    op.create_index("ix_meeting_proposed_by_id", "meeting", ["proposed_by_id"])


def downgrade() -> None:
    op.drop_table("meeting")
    op.drop_table("reply")
    op.drop_table("connection_step")
    op.drop_index("ix_answer_message_id", table_name="answer")
    with op.batch_alter_table("answer") as table:
        table.drop_constraint("fk_answer_message_id", type_="foreignkey")
        table.drop_column("message_id")
    with op.batch_alter_table("event") as table:
        table.drop_column("reminder_days")
        table.drop_column("digest")
