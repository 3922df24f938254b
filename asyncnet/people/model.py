"""People who organize, the links that sign them in, and browsers that know somebody."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from asyncnet.database import Base


class Person(Base):
    """A human with a verified e-mail address."""

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    """Lower case; see `people.addresses.normal_address`."""
    name: Mapped[str] = mapped_column(String(100), default="")
    zone: Mapped[str] = mapped_column(String(64), default="UTC")
    created_at: Mapped[datetime]


class SignInLink(Base):
    """A one-time link that signs an organizer in. Only the hash of its token is kept."""

    __tablename__ = "sign_in_link"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), index=True)
    token_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    """SHA-256 of the token; empty until the mail is written."""
    requested_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class BrowserSession(Base):
    """One browser that is known as one organizer, or as one participant.

    The browser holds a random key; only its hash is kept, so that a copied database opens
    no page, and an ended row makes a copied cookie worthless.
    """

    __tablename__ = "browser_session"
    __table_args__ = (
        CheckConstraint("(person_id IS NULL) != (participant_id IS NULL)", name="knows_one"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    person_id: Mapped[int | None] = mapped_column(
        ForeignKey("person.id", ondelete="CASCADE"), index=True
    )
    participant_id: Mapped[int | None] = mapped_column(
        ForeignKey("participant.id", ondelete="CASCADE"), index=True
    )
    link_version: Mapped[int] = mapped_column(default=0)
    """The version of the personal link that opened it; a withdrawn link ends it."""
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    person: Mapped[Person | None] = relationship()
