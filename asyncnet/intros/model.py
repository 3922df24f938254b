"""One participant's introduction, from empty slot to playable files."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from asyncnet.database import Base
from asyncnet.events.model import Participant


class IntroState(StrEnum):
    """How far an uploaded file has come. Only `ready` is ever shown to others."""

    AWAITING_UPLOAD = "awaiting_upload"
    UPLOADED = "uploaded"
    PROCESSING = "processing"
    READY = "ready"
    REJECTED = "rejected"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"


class Intro(Base):
    """One uploaded video. A new upload is a new row; the ready one before it stays until then.

    `upload_key` is where the browser may write and is emptied after processing; `folder`
    holds the derivatives, which only the worker can write. `wake_at` is when a worker should
    look at it (again), as for messages; `attempts` fences a worker that came back too late.
    """

    __tablename__ = "intro"
    __table_args__ = (
        CheckConstraint("state != 'ready' OR seconds IS NOT NULL", name="ready_is_measured"),
        Index("ix_intro_participant", "participant_id", "id"),
        Index("ix_intro_wake", "wake_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    participant_id: Mapped[int] = mapped_column(ForeignKey("participant.id", ondelete="CASCADE"))
    state: Mapped[IntroState] = mapped_column(
        Enum(IntroState, native_enum=False, length=20, values_callable=list),
        default=IntroState.AWAITING_UPLOAD,
    )
    upload_key: Mapped[str] = mapped_column(String(100), unique=True)
    upload_id: Mapped[str | None] = mapped_column(String(300))
    bytes_announced: Mapped[int]
    content_type: Mapped[str] = mapped_column(String(100))
    folder: Mapped[str] = mapped_column(String(100), unique=True)
    files: Mapped[list[str]] = mapped_column(default=list)
    """Names of the derivatives inside `folder`: video files by height, then the poster."""
    seconds: Mapped[float | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    reason: Mapped[str] = mapped_column(String(300), default="")
    """Why it was rejected, in words for its owner."""
    wake_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    uploaded_at: Mapped[datetime | None]
    ready_at: Mapped[datetime | None]
    bytes_removed_at: Mapped[datetime | None]
    """When nothing of it was left in storage."""

    participant: Mapped[Participant] = relationship()
