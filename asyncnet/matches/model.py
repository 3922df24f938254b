"""The plan: which two participants meet in which round."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from asyncnet.database import Base
from asyncnet.events.model import Participant, Round
from asyncnet.events.rules import Attendance


class MatchState(StrEnum):
    """Only a published match is seen by its two people. Drafts lie on the bench."""

    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class Match(Base):
    """Two participants in one round; the one with the smaller id is `first`."""

    __tablename__ = "match"
    __table_args__ = (
        UniqueConstraint("first_id", "second_id"),
        CheckConstraint("first_id < second_id", name="ordered"),
        Index("ix_match_second", "second_id"),
        Index("ix_match_event_round", "event_id", "round_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    round_id: Mapped[int] = mapped_column(ForeignKey("round.id"))
    first_id: Mapped[int] = mapped_column(ForeignKey("participant.id", ondelete="CASCADE"))
    second_id: Mapped[int] = mapped_column(ForeignKey("participant.id", ondelete="CASCADE"))
    state: Mapped[MatchState] = mapped_column(
        Enum(MatchState, native_enum=False, length=20, values_callable=list),
        default=MatchState.PUBLISHED,
    )
    room: Mapped[int | None]
    """The breakout room of the round. Three matches of three people in one room are a trio."""
    pinned: Mapped[bool] = mapped_column(default=False)
    """True when the organizer wants this very match, whatever else is solved anew."""
    first_reasons: Mapped[list[str]] = mapped_column(default=list)
    second_reasons: Mapped[list[str]] = mapped_column(default=list)
    """Why they meet, in sentences, as said to the one and to the other."""
    created_at: Mapped[datetime]

    round: Mapped[Round] = relationship()
    first: Mapped[Participant] = relationship(foreign_keys=first_id)
    second: Mapped[Participant] = relationship(foreign_keys=second_id)

    @property
    def is_viewing(self) -> bool:
        """True when somebody's intro is watched, since they are not there live."""
        return Attendance.ASYNC in {self.first.attendance, self.second.attendance}

    @property
    def viewer(self) -> Participant:
        """Who watches and answers: the live one; of two asynchronous people, who both do, one."""
        return self.first if self.first.attendance is Attendance.LIVE else self.second

    @property
    def viewed(self) -> Participant:
        """Whose intro the viewer watches."""
        return self.other(self.viewer.id)

    def other(self, participant_id: int) -> Participant:
        """Return the partner of one of the two."""
        return self.second if participant_id == self.first_id else self.first

    def reasons_for(self, participant_id: int) -> list[str]:
        """Return why they meet, as said to one of the two."""
        return self.first_reasons if participant_id == self.first_id else self.second_reasons


class Forbid(Base):
    """Two participants who are kept apart, as an organizer or one of the two wants it.

    Everybody who wants it has a row of their own, so that nobody takes back what another said.
    Seen by organizers alone.
    """

    __tablename__ = "forbid"
    __table_args__ = (
        UniqueConstraint(
            "first_id", "second_id", "by_id", name="uq_forbid_first_id_second_id_by_id"
        ),
        UniqueConstraint(
            "first_id", "second_id", "uneasy_id", name="uq_forbid_first_id_second_id_uneasy_id"
        ),
        CheckConstraint("first_id < second_id", name="ordered"),
        Index("ix_forbid_second_id", "second_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"), index=True)
    first_id: Mapped[int] = mapped_column(ForeignKey("participant.id", ondelete="CASCADE"))
    second_id: Mapped[int] = mapped_column(ForeignKey("participant.id", ondelete="CASCADE"))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    """The organizer who said so; empty once that person is gone."""
    uneasy_id: Mapped[int | None] = mapped_column(ForeignKey("participant.id", ondelete="CASCADE"))
    """Which of the two said so, when it was not an organizer."""
    created_at: Mapped[datetime]


class Group(Base):
    """A closing group, as it is published; how many people it has is a wish of its plan."""

    __tablename__ = "closing_group"
    __table_args__ = (Index("ix_closing_group_event", "event_id", "number", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    number: Mapped[int]
    created_at: Mapped[datetime]

    members: Mapped[list[Participant]] = relationship(
        secondary="closing_group_member", order_by=Participant.name
    )


class GroupMember(Base):
    """Who is in which closing group."""

    __tablename__ = "closing_group_member"

    group_id: Mapped[int] = mapped_column(
        ForeignKey("closing_group.id", ondelete="CASCADE"), primary_key=True
    )
    participant_id: Mapped[int] = mapped_column(
        ForeignKey("participant.id", ondelete="CASCADE"), primary_key=True, index=True
    )
