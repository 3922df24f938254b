"""Plans that are not published yet, and which one lies on an event's bench."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Enum, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from asyncnet.database import Base
from asyncnet.events.model import Event
from asyncnet.leases import Leased


class PlanState(StrEnum):
    """How far a plan has come."""

    SOLVING = "solving"
    READY = "ready"
    FAILED = "failed"


class PlanOrigin(StrEnum):
    """Where a plan comes from."""

    SUGGESTED = "suggested"
    EDITED = "edited"
    REPAIRED = "repaired"


class Plan(Leased, Base):
    """One proposal of who meets whom. What it proposes never changes once it is ready: an edit is
    a new plan.

    `content` is what `Draft` writes. `based_on_id` is the plan that it was made from, empty for
    the published matches; going back along it is undoing.
    """

    __tablename__ = "plan"
    __table_args__ = (
        Index("ix_plan_event", "event_id", "id"),
        Index("ix_plan_wake", "wake_at"),
    )

    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    based_on_id: Mapped[int | None] = mapped_column(
        ForeignKey("plan.id", ondelete="SET NULL"), index=True
    )
    origin: Mapped[PlanOrigin] = mapped_column(
        Enum(PlanOrigin, native_enum=False, length=20, values_callable=list)
    )
    state: Mapped[PlanState] = mapped_column(
        Enum(PlanState, native_enum=False, length=20, values_callable=list)
    )
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What the organizer wanted of it, as `PlanSettings` has it."""
    edit: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Which edit made it of the plan before, as `Edit` has it, and whose words about two people it
    added (`said`) or took back (`unsaid`: the organizers' ids)."""
    content: Mapped[dict[str, Any]] = mapped_column(default=dict, deferred=True)
    told: Mapped[list[dict[str, Any]]] = mapped_column(default=list, deferred=True)
    """The changes that people were mailed about when it was published, as `Change` has them."""
    phase: Mapped[str] = mapped_column(String(40), default="")
    """What the worker is doing right now."""
    value: Mapped[float | None]
    """The points of all meetings; while it is solved, the best so far."""
    bound: Mapped[float | None]
    """What no plan of these people can exceed, where that is known."""
    min_share: Mapped[float | None]
    reason: Mapped[str] = mapped_column(String(500), default="")
    """Why there is no plan, in a sentence for its organizer."""
    apart: Mapped[list[list[int]]] = mapped_column(default=list)
    """The pairs of participants of which `reason` tells that they are kept apart."""
    stop_asked_at: Mapped[datetime | None]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]

    event: Mapped[Event] = relationship()


class Bench(Base):
    """Which plan an event's organizers are working on; none means the published matches."""

    __tablename__ = "bench"

    event_id: Mapped[int] = mapped_column(
        ForeignKey("event.id", ondelete="CASCADE"), primary_key=True
    )
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id", ondelete="SET NULL"))
