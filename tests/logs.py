"""Reads what the app tells its log."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def told() -> Iterator[io.StringIO]:
    """Collect every line that is logged inside, written as the app writes it."""
    written = io.StringIO()
    before = structlog.get_config()
    structlog.configure(**{**before, "logger_factory": structlog.PrintLoggerFactory(written)})
    try:
        yield written
    finally:
        structlog.configure(**before)
