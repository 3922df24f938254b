"""What happens during the event: who has which page open, and who had to leave."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, Enum, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from asyncnet.database import Base
from asyncnet.events.model import Participant
from asyncnet.matches.model import Match


class Presence(Base):
    """When a participant's page last asked what is new; `match_id` is the viewing it showed."""

    __tablename__ = "presence"

    participant_id: Mapped[int] = mapped_column(
        ForeignKey("participant.id", ondelete="CASCADE"), primary_key=True
    )
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"), index=True)
    match_id: Mapped[int | None]
    seen_at: Mapped[datetime]


class ExitKind(StrEnum):
    """What somebody says who cannot go on as planned."""

    LEAVING = "leaving"
    """They must leave; what was still to come of theirs is taken out of the plan."""
    MISSING = "missing"
    """Their partner is not there."""
    UNEASY = "uneasy"
    """Something makes them uncomfortable. Seen by the organizers, never by the other person."""


class Exit(Base):
    """Somebody who said that they cannot go on as planned, until they take it back.

    `withdrawn` holds the ids of the matches that it took out of the plan; `seen_at` is when an
    organizer said that it is taken care of.
    """

    __tablename__ = "exit"
    __table_args__ = (Index("ix_exit_event", "event_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    participant_id: Mapped[int] = mapped_column(
        ForeignKey("participant.id", ondelete="CASCADE"), index=True
    )
    match_id: Mapped[int | None] = mapped_column(ForeignKey("match.id", ondelete="CASCADE"))
    kind: Mapped[ExitKind] = mapped_column(
        Enum(ExitKind, native_enum=False, length=20, values_callable=list)
    )
    words: Mapped[str] = mapped_column(Text, default="")
    withdrawn: Mapped[list[int]] = mapped_column(JSON, default=list)
    said_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]

    participant: Mapped[Participant] = relationship()
    match: Mapped[Match | None] = relationship()
