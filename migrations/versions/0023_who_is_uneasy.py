"""Keep who of two people kept apart is uneasy, beside what organizers say of the same two.

What was said so far is filled in from the exits. Safe while the old version still serves: it
writes one row for two people, and reads as many as there are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

PAIR = "uq_forbid_first_id_second_id"


def upgrade() -> None:
    with op.batch_alter_table("forbid") as table:
        table.add_column(sa.Column("uneasy_id", sa.Integer(), nullable=True))
        table.create_foreign_key(
            "fk_forbid_uneasy_id", "participant", ["uneasy_id"], ["id"], ondelete="CASCADE"
        )
        table.drop_constraint(PAIR, type_="unique")
        table.create_unique_constraint(f"{PAIR}_by_id", ["first_id", "second_id", "by_id"])
        table.create_unique_constraint(f"{PAIR}_uneasy_id", ["first_id", "second_id", "uneasy_id"])
    op.execute(
        "UPDATE forbid SET uneasy_id = ("
        " SELECT min(exit.participant_id) FROM exit JOIN match ON match.id = exit.match_id"
        " WHERE exit.kind = 'uneasy' AND exit.undone_at IS NULL"
        " AND match.first_id = forbid.first_id AND match.second_id = forbid.second_id"
        ") WHERE by_id IS NULL"
    )


def downgrade() -> None:
    op.execute(
        "DELETE FROM forbid WHERE id NOT IN ("
        " SELECT kept FROM (SELECT min(id) AS kept FROM forbid GROUP BY first_id, second_id) AS one"
        ")"
    )
    with op.batch_alter_table("forbid") as table:
        table.drop_constraint(f"{PAIR}_uneasy_id", type_="unique")
        table.drop_constraint(f"{PAIR}_by_id", type_="unique")
        table.create_unique_constraint(PAIR, ["first_id", "second_id"])
        table.drop_constraint("fk_forbid_uneasy_id", type_="foreignkey")
        table.drop_column("uneasy_id")
