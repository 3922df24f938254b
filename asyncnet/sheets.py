"""Writes tables for spreadsheet programs, in which nothing that people typed is a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as RFC 4180 has them, every cell inert in a spreadsheet (CHECKLIST B6)."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(map(_inert, rows))
    return written.getvalue()


def _inert(row: Sequence[object]) -> list[object]:
    return [
        f"'{cell}" if isinstance(cell, str) and cell.startswith(BEGINS_A_FORMULA) else cell
        for cell in row
    ]
