"""Events, their rounds and questions, and who takes part."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from asyncnet.database import Base
from asyncnet.events.rules import Attendance, EventMode, QuestionKind
from asyncnet.people.model import Person


class Event(Base):
    """One networking forum."""

    __tablename__ = "event"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(120))
    purpose: Mapped[str] = mapped_column(String(1000), default="")
    zone: Mapped[str] = mapped_column(String(64))
    """The host's IANA zone."""
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    mode: Mapped[EventMode] = mapped_column(
        Enum(EventMode, native_enum=False, length=10, values_callable=list),
        default=EventMode.MIXED,
    )
    closing_minutes: Mapped[int] = mapped_column(default=0)
    """How long the closing groups talk after the last round; 0 when there are none."""
    send_hour: Mapped[str] = mapped_column(String(5), default="09:00")
    """When follow-ups go out, on the reader's own clock, as `HH:MM`."""
    digest: Mapped[bool] = mapped_column(default=True)
    """True when one mail a morning brings all answers to a reader; else each has its own."""
    reminder_days: Mapped[int] = mapped_column(default=4)
    """How long after a follow-up its reader is reminded, once, of answering; 0 for never."""
    registration_key: Mapped[str] = mapped_column(String(32), unique=True)
    """What the public registration address ends in; 128 random bits."""
    published_at: Mapped[datetime | None]
    """When the matches became visible to participants."""
    retention_days: Mapped[int] = mapped_column(default=90)
    version: Mapped[int] = mapped_column(default=1)
    form_key: Mapped[str] = mapped_column(String(32), unique=True)
    """The rendered form that made it, so that a double click makes one event."""
    created_at: Mapped[datetime]

    rounds: Mapped[list["Round"]] = relationship(
        order_by="Round.number", cascade="all, delete-orphan", passive_deletes=True
    )
    questions: Mapped[list["Question"]] = relationship(
        order_by="Question.position", cascade="all, delete-orphan", passive_deletes=True
    )

    @property
    def removed_at(self) -> datetime:
        """When the event's personal data leave."""
        return self.ends_at + timedelta(days=self.retention_days)


class EventOrganizer(Base):
    """A person who may run an event."""

    __tablename__ = "event_organizer"

    event_id: Mapped[int] = mapped_column(
        ForeignKey("event.id", ondelete="CASCADE"), primary_key=True
    )
    person_id: Mapped[int] = mapped_column(
        ForeignKey("person.id", ondelete="CASCADE"), primary_key=True, index=True
    )

    event: Mapped[Event] = relationship()
    person: Mapped[Person] = relationship()


class Round(Base):
    """A numbered slot of an event, from `starts_at` to `ends_at`."""

    __tablename__ = "round"
    __table_args__ = (UniqueConstraint("event_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    number: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    icebreaker: Mapped[str] = mapped_column(String(300), default="")


class Question(Base):
    """One question of the event's match form."""

    __tablename__ = "question"
    __table_args__ = (UniqueConstraint("event_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    position: Mapped[int]
    kind: Mapped[QuestionKind] = mapped_column(
        Enum(QuestionKind, native_enum=False, length=20, values_callable=list)
    )
    label: Mapped[str] = mapped_column(String(200))
    help: Mapped[str] = mapped_column(String(300), default="")
    required: Mapped[bool] = mapped_column(default=False)
    choices: Mapped[list[str]] = mapped_column(default=list)


class Participant(Base):
    """One person's registration for one event."""

    __tablename__ = "participant"
    __table_args__ = (
        UniqueConstraint("event_id", "email"),
        Index("ix_participant_event_name", "event_id", "name", "id"),
        CheckConstraint("attendance IN ('live', 'async')", name="attends"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(100))
    email: Mapped[str] = mapped_column(String(254))
    zone: Mapped[str] = mapped_column(String(64))
    attendance: Mapped[Attendance] = mapped_column(
        Enum(Attendance, native_enum=False, length=10, values_callable=list)
    )
    greeting: Mapped[str] = mapped_column(String(300), default="")
    """A sentence or two that matches read beside the name."""
    wishes: Mapped[str] = mapped_column(Text, default="")
    """Whom they would like to meet, in their words; read by organizers."""
    own_question: Mapped[str] = mapped_column(String(300), default="")
    """What they ask each of their matches; shown in the match form. Empty for none."""
    link_version: Mapped[int] = mapped_column(default=1)
    """Raised to withdraw every personal link handed out so far."""
    registered_at: Mapped[datetime]
    left_at: Mapped[datetime | None]

    event: Mapped[Event] = relationship()


class Consent(Base):
    """What somebody agreed to, in which words, and when they took it back."""

    __tablename__ = "consent"

    id: Mapped[int] = mapped_column(primary_key=True)
    participant_id: Mapped[int] = mapped_column(
        ForeignKey("participant.id", ondelete="CASCADE"), index=True
    )
    purpose: Mapped[str] = mapped_column(String(20))
    """`registration` or `intro`."""
    text_version: Mapped[str] = mapped_column(String(20))
    given_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class Import(Base):
    """A list of participants that an organizer uploaded and may now look at before adding it."""

    __tablename__ = "import"

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    created_at: Mapped[datetime]
    rows: Mapped[list[dict[str, Any]]]
    applied_at: Mapped[datetime | None]
