"""One participant's introduction, from empty slot to playable files."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Enum, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from asyncnet.database import Base
from asyncnet.events.model import Participant
from asyncnet.leases import Leased


class IntroKind(StrEnum):
    """What stands for somebody; all of them are equal."""

    VIDEO = "video"
    AUDIO = "audio"
    TEXT = "text"
    """Words beside the person's photo, if there is one."""


class IntroState(StrEnum):
    """How far an uploaded file has come. Only `ready` is ever shown to others."""

    AWAITING_UPLOAD = "awaiting_upload"
    UPLOADED = "uploaded"
    PROCESSING = "processing"
    READY = "ready"
    REJECTED = "rejected"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"


class IntroStep(StrEnum):
    """What a worker is busy with while it processes an intro."""

    CHECKING = "checking"
    PREPARING = "preparing"


UNDER_WAY = (IntroState.AWAITING_UPLOAD, IntroState.UPLOADED, IntroState.PROCESSING)
"""States from which an intro may still become ready."""

ENDED = (IntroState.REJECTED, IntroState.REPLACED, IntroState.WITHDRAWN)
"""States in which nothing of an intro is kept in storage."""


class Intro(Leased, Base):
    """One intro. A new one is a new row; the ready one before it stays until that is ready.

    `upload_key` is where the browser may write, and is emptied once the row is settled;
    `folder` holds the files made from it, and is chosen anew for every try, so that a worker
    that comes back too late cannot touch what another made; its name begins as the upload's, so
    that what a killed worker stored in an earlier try is found. A worker looks at the row to
    process it, and to clear storage after it.
    """

    __tablename__ = "intro"
    __table_args__ = (
        CheckConstraint(
            "state != 'ready' OR kind = 'text' OR (seconds IS NOT NULL AND folder IS NOT NULL)",
            name="ready_is_measured",
        ),
        Index("ix_intro_participant", "participant_id", "id"),
        Index("ix_intro_wake", "wake_at"),
    )

    participant_id: Mapped[int] = mapped_column(ForeignKey("participant.id", ondelete="CASCADE"))
    match_id: Mapped[int | None] = mapped_column(
        ForeignKey("match.id", ondelete="CASCADE"), index=True
    )
    """The match whose other one alone may play it: a recorded reply. Empty for an intro."""
    kind: Mapped[IntroKind] = mapped_column(
        Enum(IntroKind, native_enum=False, length=10, values_callable=list),
        default=IntroKind.VIDEO,
    )
    state: Mapped[IntroState] = mapped_column(
        Enum(IntroState, native_enum=False, length=20, values_callable=list),
        default=IntroState.AWAITING_UPLOAD,
    )
    upload_key: Mapped[str] = mapped_column(String(100), unique=True)
    words: Mapped[str] = mapped_column(Text, default="")
    """What a text says; empty for the other kinds."""
    upload_id: Mapped[str | None] = mapped_column(String(1024))
    """The one upload to `upload_key` that we sign requests for: the first that we saw."""
    bytes_announced: Mapped[int] = mapped_column(BigInteger)
    folder: Mapped[str | None] = mapped_column(String(100), unique=True)
    files: Mapped[list[str]] = mapped_column(default=list)
    """Names inside `folder`: the large video, the small one, the poster; or the sound alone."""
    checksums: Mapped[dict[str, str]] = mapped_column(default=dict)
    """What storage said of each of these files when it was put, by name; it plays only while
    storage says the same (CHECKLIST U6). Empty for a row from before this was kept."""
    seconds: Mapped[float | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    reason: Mapped[str] = mapped_column(String(300), default="")
    """Why it was rejected, in words for its owner."""
    warnings: Mapped[list[str]] = mapped_column(default=list)
    """What its owner should know about a video that is usable all the same."""
    is_sound_only: Mapped[bool] = mapped_column(default=False)
    """Rejected as a video for want of pictures; its bytes stay until `wake_at`, so that its owner
    may take it as an audio intro instead."""
    step: Mapped[IntroStep | None] = mapped_column(
        Enum(IntroStep, native_enum=False, length=20, values_callable=list)
    )
    """Where the worker is; empty unless one is at it."""
    created_at: Mapped[datetime]
    uploaded_at: Mapped[datetime | None]
    ready_at: Mapped[datetime | None]
    bytes_removed_at: Mapped[datetime | None]
    """When nothing of it was left in storage."""

    participant: Mapped[Participant] = relationship()


PROPER = Intro.match_id.is_(None)
"""True of what stands for somebody; a recorded reply is made the same way and stands for none."""


class CaptionsState(StrEnum):
    """How far the captions of an intro are. Only `shown` ones are ever seen by others."""

    WAITING = "waiting"
    """The recognizer will listen to it."""
    DRAFT = "draft"
    """Heard by the recognizer, to be corrected by the speaker."""
    EMPTY = "empty"
    """The recognizer heard nothing that it could write down."""
    SHOWN = "shown"


class Captions(Leased, Base):
    """What is said in an intro, to be read while it plays.

    `version` is what the speaker saw when they changed it.
    """

    __tablename__ = "captions"
    __table_args__ = (Index("ix_captions_wake", "wake_at"),)

    intro_id: Mapped[int] = mapped_column(ForeignKey("intro.id", ondelete="CASCADE"), unique=True)
    state: Mapped[CaptionsState] = mapped_column(
        Enum(CaptionsState, native_enum=False, length=20, values_callable=list)
    )
    cues: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    """Each with `start` and `end` in seconds and `text`, in order."""
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    shown_at: Mapped[datetime | None]

    intro: Mapped[Intro] = relationship()


class Photo(Base):
    """One participant's picture, made small and square by us; shown wherever their name is."""

    __tablename__ = "photo"

    id: Mapped[int] = mapped_column(primary_key=True)
    participant_id: Mapped[int] = mapped_column(
        ForeignKey("participant.id", ondelete="CASCADE"), unique=True
    )
    key: Mapped[str] = mapped_column(String(100), unique=True)
    """Where storage keeps it; another picture gets another key."""
    created_at: Mapped[datetime]

    participant: Mapped[Participant] = relationship()
