"""Add to a participant since when they are away: they said that they had to leave.

Safe while the old version still serves: a nullable column, filled from what people said before.
"""

import sqlalchemy as sa
from alembic import op

from asyncnet.database import UtcDateTime

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    with op.batch_alter_table("participant") as table:
        table.add_column(sa.Column("away_from_at", UtcDateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE participant SET away_from_at = (SELECT MIN(said_at) FROM exit "
        "WHERE exit.participant_id = participant.id AND exit.kind = 'leaving' "
        "AND exit.undone_at IS NULL)"
    )


def downgrade() -> None:
    with op.batch_alter_table("participant") as table:
        table.drop_column("away_from_at")
