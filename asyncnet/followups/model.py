"""What a viewer types and sends in about the intro they watched, and what comes of it."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Enum, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from asyncnet.database import Base
from asyncnet.events.model import Participant
from asyncnet.followups.rules import MEETING, Told
from asyncnet.intros.model import Intro
from asyncnet.matches.model import Match
from asyncnet.messages.model import Message

TAB = 40
"""How long the name of a browser tab may be."""


class Answer(Base):
    """What one of the two sent in: the filled-in match form, or a note added after it was mailed.

    `items` keeps each question's words beside what was answered, so that it stays readable
    after the organizer changes the form: `[{"question": 7, "kind": "long", "label": "…",
    "value": "…"}]`; `value` is text, a list of texts, a number or a truth, by kind.
    """

    __tablename__ = "answer"
    __table_args__ = (UniqueConstraint("match_id", "author_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    match_id: Mapped[int] = mapped_column(ForeignKey("match.id", ondelete="CASCADE"))
    author_id: Mapped[int] = mapped_column(
        ForeignKey("participant.id", ondelete="CASCADE"), index=True
    )
    number: Mapped[int] = mapped_column(default=1)
    """1 is the match form; 2 and more are notes, each begun after the one before had gone out."""
    version: Mapped[int] = mapped_column(default=1)
    """Raised by every change, so that no page overwrites words it has not shown."""
    items: Mapped[list[dict[str, Any]]]
    contact: Mapped[str | None] = mapped_column(String(254))
    """How the author may be reached, where they agreed to it; else empty."""
    message_id: Mapped[int | None] = mapped_column(
        ForeignKey("message.id", ondelete="SET NULL"), index=True
    )
    """The mail that brings it, or has brought it; an answer is in one mail only."""
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    match: Mapped[Match] = relationship()
    author: Mapped[Participant] = relationship()
    message: Mapped[Message | None] = relationship()


class AnswerDraft(Base):
    """What somebody has typed about a match and not sent in yet, kept while they type.

    `typed` has what stands in each field of the form, `{"q7": ["Tide pools!"]}`. The row stays,
    emptied, when it is sent in: its version tells a tab that was left open that it is behind.
    """

    __tablename__ = "answer_draft"
    __table_args__ = (UniqueConstraint("match_id", "author_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    match_id: Mapped[int] = mapped_column(ForeignKey("match.id", ondelete="CASCADE"))
    author_id: Mapped[int] = mapped_column(
        ForeignKey("participant.id", ondelete="CASCADE"), index=True
    )
    typed: Mapped[dict[str, Any]]
    tab: Mapped[str] = mapped_column(String(TAB))
    """The browser tab that it comes from, as the tab names itself."""
    version: Mapped[int] = mapped_column(default=1)
    others: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What other tabs had typed when this one, not knowing of it, was saved over it; by tab."""
    changed_at: Mapped[datetime]


class StandIn(Base):
    """Another match for somebody who had answered, in place of one whose other side was silent."""

    __tablename__ = "stand_in"

    match_id: Mapped[int] = mapped_column(
        ForeignKey("match.id", ondelete="CASCADE"), primary_key=True
    )
    new_match_id: Mapped[int] = mapped_column(
        ForeignKey("match.id", ondelete="CASCADE"), unique=True
    )
    made_at: Mapped[datetime]


class Step(Base):
    """What one of the two people of a match told about it; taken back, the row is gone."""

    __tablename__ = "connection_step"

    match_id: Mapped[int] = mapped_column(
        ForeignKey("match.id", ondelete="CASCADE"), primary_key=True
    )
    participant_id: Mapped[int] = mapped_column(
        ForeignKey("participant.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    told: Mapped[Told] = mapped_column(
        Enum(Told, native_enum=False, length=20, values_callable=list), primary_key=True
    )
    at: Mapped[datetime]


class Reply(Base):
    """What one of the two wrote or recorded for the other after the event, for the two alone."""

    __tablename__ = "reply"

    id: Mapped[int] = mapped_column(primary_key=True)
    match_id: Mapped[int] = mapped_column(ForeignKey("match.id", ondelete="CASCADE"), index=True)
    author_id: Mapped[int] = mapped_column(
        ForeignKey("participant.id", ondelete="CASCADE"), index=True
    )
    words: Mapped[str] = mapped_column(Text)
    """Empty for a recording."""
    recording_id: Mapped[int | None] = mapped_column(
        ForeignKey("intro.id", ondelete="SET NULL"), unique=True
    )
    """The video or sound that it is; a recording taken back leaves the reply, saying so."""
    contact: Mapped[str | None] = mapped_column(String(254))
    """Where the author may be written to directly, if they agreed to it."""
    message_id: Mapped[int | None] = mapped_column(
        ForeignKey("message.id", ondelete="SET NULL"), index=True
    )
    """The mail that brings it, or has brought it."""
    form_key: Mapped[str] = mapped_column(String(32), unique=True)
    """The rendered form it was written in, so that a double click makes one reply."""
    created_at: Mapped[datetime]

    match: Mapped[Match] = relationship()
    author: Mapped[Participant] = relationship()
    recording: Mapped[Intro | None] = relationship()
    message: Mapped[Message | None] = relationship()


class Meeting(Base):
    """A time at which the two of a match talk, from the first proposal on.

    `options` are the moments that wait for the other's word, as ISO 8601 in UTC; `starts_at`
    is the agreed one, kept when it is `cancelled`, since a calendar must be told. `sequence`
    is the calendar's (RFC 5545); `version` rises with every change.
    """

    __tablename__ = "meeting"

    id: Mapped[int] = mapped_column(primary_key=True)
    match_id: Mapped[int] = mapped_column(ForeignKey("match.id", ondelete="CASCADE"), unique=True)
    proposed_by_id: Mapped[int] = mapped_column(
        ForeignKey("participant.id", ondelete="CASCADE"), index=True
    )
    options: Mapped[list[str]] = mapped_column(default=list)
    minutes: Mapped[int] = mapped_column(default=MEETING // timedelta(minutes=1))
    starts_at: Mapped[datetime | None]
    cancelled: Mapped[bool] = mapped_column(default=False)
    sequence: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[datetime]

    match: Mapped[Match] = relationship()

    @property
    def is_agreed(self) -> bool:
        """True when the two have a time and nobody has called it off."""
        return self.starts_at is not None and not self.cancelled

    @property
    def ends_at(self) -> datetime | None:
        """When the agreed talk is over."""
        return self.starts_at and self.starts_at + timedelta(minutes=self.minutes)

    @property
    def offered(self) -> list[datetime]:
        """The moments that wait for the other's word."""
        return [datetime.fromisoformat(at) for at in self.options]
