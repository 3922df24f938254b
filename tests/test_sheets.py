"""What people typed stays text in every spreadsheet, and comes back as they typed it (B6)."""

import csv
import io

import pytest

from asyncnet.sheets import as_csv, as_typed, is_inert

SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20"


@pytest.mark.sizeless
@pytest.mark.parametrize("between", ["", "Victim;", "Victim; ", "Victim\t", "Victim\n", "\t", ";'"])
def test_no_cell_begins_a_formula_whatever_parts_the_cells(between: str) -> None:
    typed = [f"{between}{sign}1+1" for sign in SIGNS]

    written = as_csv([["Ana", cell] for cell in typed])

    for delimiter in (",", ";", "\t"):
        for row in csv.reader(io.StringIO(written, newline=""), delimiter=delimiter):
            assert [cell for cell in row if cell.strip(' "')[:1] in {*SIGNS, "\t"} - {""}] == []
    read = [row[1] for row in csv.reader(io.StringIO(written, newline=""))]
    assert [as_typed(cell) for cell in read] == typed
    assert not any(map(is_inert, typed))


@pytest.mark.sizeless
@pytest.mark.parametrize("words", ["1 + 1 = 2", "ana@reader.example", "it's; fine", "a-b", "'tis"])
def test_ordinary_words_stay_as_they_are(words: str) -> None:
    assert as_csv([[words]]) == f"{words}\r\n"
    assert as_typed(words) == words
