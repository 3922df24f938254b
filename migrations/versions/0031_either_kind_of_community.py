"""Let people say that any kind of community suits them.

Who was never asked is taken as that; who was asked keeps what was ticked. Safe while the old
version still serves: it takes nothing said as their own kind, as before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"

event = sa.table("event", sa.column("id", sa.Integer), sa.column("asks", sa.JSON))
participant = sa.table(
    "participant", sa.column("event_id", sa.Integer), sa.column("across", sa.Boolean)
)


def upgrade() -> None:
    with op.batch_alter_table("participant") as table:
        table.alter_column("across", nullable=True, server_default=None, existing_type=sa.Boolean())
    known = op.get_bind().execute(sa.select(event.c.id, event.c.asks)).all()
    for event_id, asks in known:
        if "across" not in asks:
            op.execute(
                participant.update()
                .where(participant.c.event_id == event_id, participant.c.across.is_(False))
                .values(across=None)
            )


def downgrade() -> None:
    op.execute(participant.update().where(participant.c.across.is_(None)).values(across=sa.false()))
    with op.batch_alter_table("participant") as table:
        table.alter_column(
            "across", nullable=False, server_default=sa.false(), existing_type=sa.Boolean()
        )
