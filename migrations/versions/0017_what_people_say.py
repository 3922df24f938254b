"""Add what participants say of themselves, whom they name, and who is kept apart.

Forms of events that there are already ask what they asked before. Safe while the old version
still serves.
"""

import sqlalchemy as sa
from alembic import op

from asyncnet.database import UtcDateTime

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    with op.batch_alter_table("event") as table:
        table.add_column(
            sa.Column("asks", sa.JSON(), nullable=False, server_default='["greeting", "wishes"]')
        )
    with op.batch_alter_table("participant") as table:
        table.add_column(sa.Column("role", sa.String(80), nullable=False, server_default=""))
        table.add_column(sa.Column("community", sa.String(80), nullable=False, server_default=""))
        table.add_column(sa.Column("experience", sa.String(500), nullable=False, server_default=""))
        for name in ("topics", "offers", "seeks"):
            table.add_column(sa.Column(name, sa.JSON(), nullable=False, server_default="[]"))
        table.add_column(
            sa.Column("across", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        table.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    op.create_table(
        "spelling",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("folded", sa.String(length=160), nullable=False),
        sa.Column("written", sa.String(length=80), nullable=False),
        sa.Column("word", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.id"], name="fk_spelling_event_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_spelling"),
        sa.UniqueConstraint("event_id", "kind", "folded", name="uq_spelling_event_id_kind_folded"),
    )
    op.create_table(
        "mention",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("written", sa.String(length=254), nullable=False),
        sa.Column("folded", sa.String(length=254), nullable=False),
        sa.Column("meant_id", sa.Integer(), nullable=True),
        sa.Column("possible", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("chosen", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.id"], name="fk_mention_event_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["participant_id"],
            ["participant.id"],
            name="fk_mention_participant_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["meant_id"], ["participant.id"], name="fk_mention_meant_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_mention"),
        sa.UniqueConstraint(
            "participant_id", "kind", "folded", name="uq_mention_participant_id_kind_folded"
        ),
    )
    op.create_index("ix_mention_event_id", "mention", ["event_id"])
    op.create_index("ix_mention_meant_id", "mention", ["meant_id"])
    op.create_table(
        "forbid",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("first_id", sa.Integer(), nullable=False),
        sa.Column("second_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("first_id < second_id", name="ck_forbid_ordered"),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.id"], name="fk_forbid_event_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["first_id"], ["participant.id"], name="fk_forbid_first_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["second_id"], ["participant.id"], name="fk_forbid_second_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["by_id"], ["person.id"], name="fk_forbid_by_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_forbid"),
        sa.UniqueConstraint("first_id", "second_id", name="uq_forbid_first_id_second_id"),
    )
    op.create_index("ix_forbid_event_id", "forbid", ["event_id"])
    op.create_index("ix_forbid_second_id", "forbid", ["second_id"])


def downgrade() -> None:
    op.drop_table("forbid")
    op.drop_table("mention")
    op.drop_table("spelling")
    with op.batch_alter_table("participant") as table:
        for name in (
            "version",
            "across",
            "seeks",
            "offers",
            "topics",
            "experience",
            "community",
            "role",
        ):
            table.drop_column(name)
    with op.batch_alter_table("event") as table:
        table.drop_column("asks")
