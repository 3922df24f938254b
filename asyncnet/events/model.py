"""Events, their rounds and questions, and who takes part."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from asyncnet.database import Base
from asyncnet.events.rules import (
    FIRST_ASKS,
    Attendance,
    EventMode,
    MentionKind,
    QuestionKind,
    Slot,
    WordKind,
)
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
    live_link: Mapped[str] = mapped_column(String(500), default="")
    """Where live people see each other: the https address of a video call, empty while there is
    none. Shown to the people of the event alone."""
    closing_minutes: Mapped[int] = mapped_column(default=0)
    """How long the closing groups talk after the last round; 0 when there are none."""
    asks: Mapped[list[str]] = mapped_column(default=lambda: [str(ask) for ask in FIRST_ASKS])
    """Which parts of the profile the registration form asks for, each an `Ask`."""
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
    clock_version: Mapped[int] = mapped_column(default=1)
    """Raised by whatever everybody's open page must show at once."""
    clock_key: Mapped[str] = mapped_column(String(32), default="")
    """The rendered form that last turned the clock, so that a double click turns it once."""
    paused_at: Mapped[datetime | None]
    """Since when the clock stands still; empty while it runs."""
    notice: Mapped[str] = mapped_column(String(300), default="")
    """What the organizers tell everybody during the event, on every open page."""
    notice_round: Mapped[int | None]
    """The round that was on or came next when they said it, 0 after the last one; it ends with it.
    Empty where it stands until it is taken away."""
    closed_at: Mapped[datetime | None]
    """When an organizer ended the closing groups before their time."""
    closing_prompt: Mapped[str] = mapped_column(String(300), default="")
    """What the closing groups talk about; empty for our own words."""
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
    def gathers_until(self) -> datetime:
        """Until when answers wait for their mail; without anybody live there is no need to."""
        return self.starts_at if self.mode is EventMode.ASYNC else self.ends_at

    @property
    def slot_name(self) -> str:
        """What its rounds are called where people read of them."""
        return "window" if self.mode is EventMode.ASYNC else "round"

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

    @property
    def slot(self) -> Slot:
        """When it is by the event's clock; `queries.slot_for` says when it is for somebody."""
        return Slot(self.number, self.starts_at, self.ends_at)


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
    """What can be chosen; of a scale, what its two ends mean."""
    version: Mapped[int] = mapped_column(default=1)


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
    role: Mapped[str] = mapped_column(String(80), default="")
    """What they do, in their words: `librarian`."""
    community: Mapped[str] = mapped_column(String(80), default="")
    """The kind of community they come from, in their words: `citizen science`."""
    experience: Mapped[str] = mapped_column(String(500), default="")
    """Areas they have worked in and have something to contribute to; read by others."""
    topics: Mapped[list[str]] = mapped_column(default=list)
    offers: Mapped[list[str]] = mapped_column(default=list)
    seeks: Mapped[list[str]] = mapped_column(default=list)
    """What they work on, can help with and look for, in their words; see `Spelling`."""
    wish_roles: Mapped[list[str]] = mapped_column(default=list)
    """What people do whom they hope to meet, in their words: `librarian`."""
    across: Mapped[bool | None]
    """True when they would rather meet people of other kinds of communities, False when of their
    own; None when either suits them."""
    own_question: Mapped[str] = mapped_column(String(300), default="")
    """What they ask each of their matches; shown in the match form. Empty for none."""
    link_version: Mapped[int] = mapped_column(default=1)
    """Raised to withdraw every personal link handed out so far."""
    version: Mapped[int] = mapped_column(default=1)
    """Raised by every change, so that nobody overwrites what they have not seen."""
    page_version: Mapped[int] = mapped_column(default=1)
    """Raised by whatever this one participant's open page must show at once."""
    registered_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    away_from_at: Mapped[datetime | None]
    """Since when they had to leave the event that they still take part in; empty while they are
    there. They meet nobody new, and may still watch in their own time whom they were to watch."""

    event: Mapped[Event] = relationship()


class Spelling(Base):
    """One way in which people of an event write a topic, skill, role or kind of community.

    Spellings with the same `word` are one thing: `Open Data`, `open data` and `open dta`. Joined
    by `events/spelling.py` when first met; organizers have the last word.
    """

    __tablename__ = "spelling"
    __table_args__ = (UniqueConstraint("event_id", "kind", "folded"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    kind: Mapped[WordKind] = mapped_column(
        Enum(WordKind, native_enum=False, length=10, values_callable=list)
    )
    folded: Mapped[str] = mapped_column(String(160))
    written: Mapped[str] = mapped_column(String(80))
    word: Mapped[str] = mapped_column(String(80))


class Mention(Base):
    """A person whom a participant names: to meet, to be kept apart from, or known already.

    `possible` are the ids of those whom the words may mean; `meant_id` is the one they mean, once
    that is clear or somebody has `chosen`. Until then the words wait for whoever registers.
    """

    __tablename__ = "mention"
    __table_args__ = (UniqueConstraint("participant_id", "kind", "folded"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"), index=True)
    participant_id: Mapped[int] = mapped_column(ForeignKey("participant.id", ondelete="CASCADE"))
    kind: Mapped[MentionKind] = mapped_column(
        Enum(MentionKind, native_enum=False, length=10, values_callable=list)
    )
    written: Mapped[str] = mapped_column(String(254))
    folded: Mapped[str] = mapped_column(String(254))
    meant_id: Mapped[int | None] = mapped_column(
        ForeignKey("participant.id", ondelete="SET NULL"), index=True
    )
    possible: Mapped[list[int]] = mapped_column(default=list)
    chosen: Mapped[bool] = mapped_column(default=False)


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
