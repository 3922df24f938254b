"""Add to a question the version that organizers change it in.

Safe while the old version still serves: it adds and removes questions, and changes none.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    with op.batch_alter_table("question") as table:
        table.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="1"))


def downgrade() -> None:
    with op.batch_alter_table("question") as table:
        table.drop_column("version")
