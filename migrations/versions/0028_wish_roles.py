"""Add to what participants say of themselves the roles that they hope to meet.

Nobody hopes for any yet. Safe while the old version still serves.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    with op.batch_alter_table("participant") as table:
        table.add_column(sa.Column("wish_roles", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    with op.batch_alter_table("participant") as table:
        table.drop_column("wish_roles")
