"""Add to an event the address at which its live people meet.

Empty for the events that there are. Safe while the old version still serves.
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    with op.batch_alter_table("event") as table:
        table.add_column(sa.Column("live_link", sa.String(500), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("event") as table:
        table.drop_column("live_link")
