"""Writes tables for spreadsheet programs, in which nothing that people typed is a formula."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

_START = r"\A *(?='*[\t\r])|(?:\A|[;\t\r\n]) *(?='*[-=+@\uff0d\uff1d\uff0b\uff20])"
_BEGINS_A_FORMULA = re.compile(_START)
"""At the start of a cell, and after what programs of some countries take for its end; the last
four are the signs as they are typed in East Asia."""
_MARKED = re.compile(rf"({_START})'".replace("'*", "'+"))
"""The same places, with one mark of ours more than what stood there."""


def as_csv(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as RFC 4180 has them, every cell inert in a spreadsheet (CHECKLIST B6)."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(map(_inert, rows))
    return written.getvalue()


def as_typed(cell: str) -> str:
    """Return what somebody typed, without the marks that make our own lists inert."""
    return _MARKED.sub(r"\1", cell)


def is_inert(cell: str) -> bool:
    """Return whether a spreadsheet takes a cell for text as it stands."""
    return not _BEGINS_A_FORMULA.search(cell)


def _inert(row: Sequence[object]) -> list[object]:
    return [
        _BEGINS_A_FORMULA.sub(lambda begin: f"{begin[0]}'", cell) if isinstance(cell, str) else cell
        for cell in row
    ]
