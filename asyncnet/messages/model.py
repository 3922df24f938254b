"""Outgoing mail: the table that is the queue, and the history of every row in it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from asyncnet.database import Base
from asyncnet.messages.rules import MessageState
from asyncnet.messages.wording import MAX_SUBJECT

NOTE_LENGTH = 300
_STATE = Enum(MessageState, native_enum=False, length=20, values_callable=list)


class Message(Base):
    """One mail to one person, planned in the same transaction as what causes it.

    `key` says what it is about (event, kind, recipient, match) and is unique, so planning
    twice makes one row; `reference`, a hash of it, is the left half of the Message-ID.
    `wake_at` is the only clock: due, retry, or end of a lease; empty when nobody need look
    again. `attempts` is the fencing token that settling must match. `version` is what an
    organizer saw when they decided.
    """

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_wake", "wake_at"),
        Index("ix_message_event", "event_id", "due_at", "id"),
        CheckConstraint(
            "wake_at IS NOT NULL OR state NOT IN ('scheduled', 'sending')", name="wakes"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True)
    reference: Mapped[str] = mapped_column(String(32), unique=True)
    kind: Mapped[str] = mapped_column(String(30))
    subject_id: Mapped[int]
    """The row the letter is about; which table, the kind says."""
    event_id: Mapped[int | None] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    participant_id: Mapped[int | None] = mapped_column(
        ForeignKey("participant.id", ondelete="CASCADE"), index=True
    )
    to_address: Mapped[str] = mapped_column(String(254))
    to_name: Mapped[str] = mapped_column(String(100), default="")
    zone: Mapped[str] = mapped_column(String(64))
    """The reader's IANA zone, in which `due_local` was meant."""
    due_local: Mapped[str] = mapped_column(String(16))
    """The wall clock intended, as `2026-06-27T09:00`."""
    due_at: Mapped[datetime]
    state: Mapped[MessageState] = mapped_column(_STATE, default=MessageState.SCHEDULED)
    wake_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)
    """Attempts since it was planned, or since an organizer last let it go."""
    tried_since: Mapped[datetime | None]
    """When the first of these `tries` was; retries end some days later."""
    version: Mapped[int] = mapped_column(default=1)
    sent_at: Mapped[datetime | None]
    sent_subject: Mapped[str | None] = mapped_column(String(300))
    sent_text: Mapped[str | None] = mapped_column(Text)
    sent_html: Mapped[str | None] = mapped_column(Text)
    """What went out, its secret links masked."""
    own_subject: Mapped[str | None] = mapped_column(String(MAX_SUBJECT))
    own_opening: Mapped[str | None] = mapped_column(Text)
    own_closing: Mapped[str | None] = mapped_column(Text)
    """What an organizer wrote for this one mail; all three, or empty."""
    note: Mapped[str] = mapped_column(String(NOTE_LENGTH), default="")
    """The last thing a mail server or an organizer said of it."""
    created_at: Mapped[datetime]


class MessageChange(Base):
    """One step of a message from state to state: who, when, why."""

    __tablename__ = "message_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(
        ForeignKey("message.id", ondelete="CASCADE"), index=True
    )
    at: Mapped[datetime]
    to_state: Mapped[MessageState] = mapped_column(_STATE)
    actor: Mapped[str] = mapped_column(String(60))
    note: Mapped[str] = mapped_column(String(NOTE_LENGTH), default="")

    message: Mapped[Message] = relationship()


class MailText(Base):
    """What an event's organizers want a kind of mail to say, in place of the usual words."""

    __tablename__ = "mail_text"

    event_id: Mapped[int] = mapped_column(
        ForeignKey("event.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(String(30), primary_key=True)
    subject: Mapped[str] = mapped_column(String(MAX_SUBJECT))
    opening: Mapped[str] = mapped_column(Text)
    closing: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[datetime]


class Unsubscribed(Base):
    """An address whose owner asked for no more mail: of one event, or at all.

    Only a hash of it is kept. `scope` is `event:` with its number, or `all`.
    """

    __tablename__ = "unsubscribed"

    address_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    scope: Mapped[str] = mapped_column(String(20), primary_key=True)
    at: Mapped[datetime]


class BouncingAddress(Base):
    """An address from which mail came back. Suppressed, it gets none any more.

    Only a hash of it is kept, since it outlives the people and mails of an event.
    """

    __tablename__ = "bouncing_address"

    address_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    soft_bounces: Mapped[int]
    """How often it came back for a passing reason."""
    suppressed_at: Mapped[datetime | None]
