"""Who did what to which thing, when and from where; written once, never changed."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from asyncnet.database import Base


class AuditEntry(Base):
    """One act. `actor` and `object` are kinds with ids (`participant:17`), never names."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_object", "object", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(60))
    action: Mapped[str] = mapped_column(String(60))
    object: Mapped[str] = mapped_column(String(60))
    address: Mapped[str] = mapped_column(String(45))
    """The caller's IP address, empty for the system's own acts."""
    detail: Mapped[str] = mapped_column(String(300), default="")
