"""Add answer drafts, and let a match be answered by both, and once more after the mail.

Every answer so far is the first one of its match, seen in its first version. Safe while the old
version still serves: what it writes is a first answer too.
"""

import sqlalchemy as sa
from alembic import op

from asyncnet.database import UtcDateTime

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    with op.batch_alter_table("answer") as table:
        table.add_column(sa.Column("number", sa.Integer(), nullable=False, server_default="1"))
        table.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
        table.drop_constraint("uq_answer_match_id", type_="unique")
        table.create_unique_constraint(
            "uq_answer_match_id_author_id_number", ["match_id", "author_id", "number"]
        )
    op.create_table(
        "answer_draft",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("match_id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("typed", sa.JSON(), nullable=False),
        sa.Column("tab", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("others", sa.JSON(), nullable=False),
        sa.Column("changed_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["match_id"], ["match.id"], name="fk_answer_draft_match_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["author_id"], ["participant.id"], name="fk_answer_draft_author_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_answer_draft"),
        sa.UniqueConstraint("match_id", "author_id", name="uq_answer_draft_match_id_author_id"),
    )
    op.create_index("ix_answer_draft_author_id", "answer_draft", ["author_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_answer_draft_author_id", table_name="answer_draft")
    op.drop_table("answer_draft")
    op.execute(
        "DELETE FROM answer WHERE EXISTS (SELECT 1 FROM answer AS earlier "
        "WHERE earlier.match_id = answer.match_id AND earlier.id < answer.id)"
    )
    with op.batch_alter_table("answer") as table:
        table.drop_constraint("uq_answer_match_id_author_id_number", type_="unique")
        table.create_unique_constraint("uq_answer_match_id", ["match_id"])
        table.drop_column("version")
        table.drop_column("number")
