"""What a viewer wrote about the intro they watched."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from asyncnet.database import Base
from asyncnet.events.model import Participant
from asyncnet.matches.model import Match


class Answer(Base):
    """One viewing's filled-in match form.

    `items` keeps each question's words beside what was answered, so that it stays readable
    after the organizer changes the form: `[{"question": 7, "kind": "long", "label": "…",
    "value": "…"}]`; `value` is text, a list of texts, a number or a truth, by kind.
    """

    __tablename__ = "answer"

    id: Mapped[int] = mapped_column(primary_key=True)
    match_id: Mapped[int] = mapped_column(ForeignKey("match.id", ondelete="CASCADE"), unique=True)
    author_id: Mapped[int] = mapped_column(
        ForeignKey("participant.id", ondelete="CASCADE"), index=True
    )
    items: Mapped[list[dict[str, Any]]]
    contact: Mapped[str | None] = mapped_column(String(254))
    """How the author may be reached, where they agreed to it; else empty."""
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    match: Mapped[Match] = relationship()
    author: Mapped[Participant] = relationship()
