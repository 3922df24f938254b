"""Limits on attempts, counted in the database so that all processes share them (CHECKLIST S4)."""

import time
from datetime import UTC, datetime

from flask import Flask, request
from flask_limiter import Limiter
from limits.storage import Storage
from sqlalchemy import String, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from asyncnet.database import WRITES, Base, db


class AttemptWindow(Base):
    """How often something was tried in the window that ends at `ends_at`."""

    __tablename__ = "attempt_window"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    hits: Mapped[int]
    ends_at: Mapped[float]
    """Seconds since the epoch, as the limits library counts."""


class DatabaseStorage(Storage):
    """Fixed windows in the table above; the only backend of `limits` that needs no server."""

    STORAGE_SCHEME = ["database"]  # noqa: RUF012 - as the base class declares it

    @property
    def base_exceptions(self) -> type[Exception]:
        return SQLAlchemyError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        now = time.time()
        with db.engine.connect().execution_options(**{WRITES: True}) as connection:
            hits: int = connection.execute(
                text(
                    "INSERT INTO attempt_window (key, hits, ends_at)"
                    " VALUES (:key, :amount, :ends_at) ON CONFLICT (key) DO UPDATE SET"
                    " hits = CASE WHEN attempt_window.ends_at <= :now THEN :amount"
                    " ELSE attempt_window.hits + :amount END,"
                    " ends_at = CASE WHEN attempt_window.ends_at <= :now THEN :ends_at"
                    " ELSE attempt_window.ends_at END RETURNING hits"
                ),
                {"key": key[:200], "amount": amount, "now": now, "ends_at": now + expiry},
            ).scalar_one()
            connection.commit()
        return hits

    def get(self, key: str) -> int:
        window = self._window(key)
        return window[0] if window else 0

    def get_expiry(self, key: str) -> float:
        window = self._window(key)
        return window[1] if window else time.time()

    def check(self) -> bool:
        with db.engine.connect() as connection:
            return bool(connection.execute(text("SELECT 1")).scalar_one())

    def reset(self) -> int | None:
        return self._delete("1 = 1", {})

    def clear(self, key: str) -> None:
        self._delete("key = :key", {"key": key[:200]})

    def _window(self, key: str) -> tuple[int, float] | None:
        with db.engine.connect() as connection:
            row = connection.execute(
                text(
                    "SELECT hits, ends_at FROM attempt_window WHERE key = :key AND ends_at > :now"
                ),
                {"key": key[:200], "now": time.time()},
            ).one_or_none()
        return (row.hits, row.ends_at) if row else None

    def _delete(self, where: str, values: dict[str, str]) -> int:
        with db.engine.connect().execution_options(**{WRITES: True}) as connection:
            gone = connection.execute(
                text(f"DELETE FROM attempt_window WHERE {where}"),  # noqa: S608 - our own words
                values,
            ).rowcount
            connection.commit()
        return gone


def caller() -> str:
    """Return the caller's IP address, as the configured number of proxies tells it."""
    return request.remote_addr or "unknown"


limiter = Limiter(caller, storage_uri="database://", strategy="fixed-window")


def seconds_to_wait() -> int:
    """Return for how long whoever has just tried too often should wait."""
    met = limiter.current_limit
    return max(1, int(met.reset_at - time.time())) if met else 1


def forget_old_attempts(*, now: datetime) -> None:
    """Remove windows that are over."""
    with db.engine.connect().execution_options(**{WRITES: True}) as connection:
        connection.execute(
            text("DELETE FROM attempt_window WHERE ends_at <= :now"),
            {"now": now.astimezone(UTC).timestamp()},
        )
        connection.commit()


def register(app: Flask) -> None:
    """Count attempts in this app."""
    limiter.init_app(app)
