"""Let what somebody says who cannot go on grow beyond one form, when they say more.

Safe while the old version still serves: it writes at most 500 characters.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    with op.batch_alter_table("exit") as table:
        table.alter_column("words", type_=sa.Text(), existing_type=sa.String(500))


def downgrade() -> None:
    op.execute("UPDATE exit SET words = substr(words, 1, 500)")
    with op.batch_alter_table("exit") as table:
        table.alter_column("words", type_=sa.String(500), existing_type=sa.Text())
