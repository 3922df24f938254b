"""Keep what storage said of an intro's files when they were put.

Safe while the old version still serves: it leaves the column empty, and an intro without
checksums plays as before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    with op.batch_alter_table("intro") as table:
        table.add_column(
            sa.Column("checksums", sa.JSON(), nullable=False, server_default=sa.text("'{}'"))
        )


def downgrade() -> None:
    with op.batch_alter_table("intro") as table:
        table.drop_column("checksums")
