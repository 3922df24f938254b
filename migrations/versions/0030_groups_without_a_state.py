"""Drop the state of closing groups: drafts of groups lie on the bench, and there is no other.

Stop the old version first: it still asks for the state.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.execute(
        "DELETE FROM closing_group_member WHERE group_id IN "
        "(SELECT id FROM closing_group WHERE state != 'published')"
    )
    op.execute("DELETE FROM closing_group WHERE state != 'published'")
    with op.batch_alter_table("closing_group") as table:
        table.drop_column("state")


def downgrade() -> None:
    with op.batch_alter_table("closing_group") as table:
        table.add_column(
            sa.Column("state", sa.String(length=20), nullable=False, server_default="published")
        )
    with op.batch_alter_table("closing_group") as table:
        table.alter_column("state", server_default=None, existing_type=sa.String(length=20))
