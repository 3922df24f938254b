"""Keep during which round organizers said something, and when they ended the closing groups.

What was said before stands until it is taken away, as it did. Safe while the old version still
serves: it neither reads nor writes the two.
"""

import sqlalchemy as sa
from alembic import op

from asyncnet.database import UtcDateTime

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    with op.batch_alter_table("event") as table:
        table.add_column(sa.Column("notice_round", sa.Integer(), nullable=True))
        table.add_column(sa.Column("closed_at", UtcDateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("event") as table:
        table.drop_column("closed_at")
        table.drop_column("notice_round")
