"""Add mail_text, own words of a message, and unsubscribed.

An organizer's words for a kind of mail, and for one mail; addresses that asked for no more.
New tables and empty columns, no rows to move; safe while the old version still serves.
"""

import sqlalchemy as sa
from alembic import op

from asyncnet.database import UtcDateTime

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "mail_text",
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("opening", sa.Text(), nullable=False),
        sa.Column("closing", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["event.id"],
            name=op.f("fk_mail_text_event_id_event"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", "kind", name=op.f("pk_mail_text")),
    )
    op.create_table(
        "unsubscribed",
        sa.Column("address_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("scope", sa.String(length=20), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("address_hash", "scope", name=op.f("pk_unsubscribed")),
    )
    with op.batch_alter_table("message") as table:
        table.add_column(sa.Column("own_subject", sa.String(length=200), nullable=True))
        table.add_column(sa.Column("own_opening", sa.Text(), nullable=True))
        table.add_column(sa.Column("own_closing", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("message") as table:
        table.drop_column("own_closing")
        table.drop_column("own_opening")
        table.drop_column("own_subject")
    op.drop_table("unsubscribed")
    op.drop_table("mail_text")
