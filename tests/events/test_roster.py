"""A list of participants: every bad line is named, and nothing is half understood."""

import pytest

from asyncnet.events.roster import BadLine, Entry, read_roster
from asyncnet.events.rules import Attendance

pytestmark = pytest.mark.sizeless

ANA = Entry("Ana Brandt", "ana@example.org", "Europe/Berlin", Attendance.LIVE, "", "")
MEI = Entry("Mei", "mei@example.org", "Australia/Sydney", Attendance.ASYNC, "Hello!", "")


@pytest.mark.parametrize(
    "raw",
    [
        "name,email,time zone,attendance,greeting\n"
        "Ana Brandt,Ana@Example.org,Europe/Berlin,live,\n"
        "Mei,mei@example.org,Australia/Sydney,async,Hello!\n",
        "\ufeffName;E-Mail;Time zone;Attendance;Greeting\r\n"
        "Ana Brandt;ana@example.org;Europe/Berlin;;\r\n\r\n"
        "Mei;mei@example.org;Australia/Sydney;Asynchronous;Hello!\r\n",
        "timezone\temail\tfull name\tmode\tbio\n"
        "Europe/Berlin\tana@example.org\tAna Brandt\tsync\t\n"
        "Australia/Sydney\tmei@example.org\tMei\tA\tHello!\n",
    ],
    ids=["commas", "semicolons and a byte order mark", "tabs in another order"],
)
def test_spreadsheets_of_every_habit_are_understood(raw: str) -> None:
    roster = read_roster(raw.encode(), known=set())

    assert (roster.good, roster.bad) == ([ANA, MEI], [])


def test_a_windows_1252_file_keeps_its_names() -> None:
    raw = "name,email,time zone\nZoë Müller,zoe@example.org,Europe/Zurich\n".encode("cp1252")

    roster = read_roster(raw, known=set())

    assert [entry.name for entry in roster.good] == ["Zoë Müller"]


def test_each_bad_line_is_named_with_its_number_and_every_reason() -> None:
    raw = (
        "name,email,time zone,attendance\n"
        "Ana Brandt,ana@example.org,Europe/Berlin,live\n"
        ",nobody,Mars/Base,sometimes\n"
        "Ana again,ANA@example.org,Europe/Berlin,live\n"
        '"Two\nlines",two@example.org,Europe/Berlin,live\n'
        "Bo,bo@example.org\n"
    )

    roster = read_roster(raw.encode(), known=set())

    assert roster.good == [ANA]
    assert [bad.number for bad in roster.bad] == [3, 4, 6, 7]
    first, again, two, short = (bad.reason for bad in roster.bad)
    assert "name is missing" in first
    assert "'nobody' is not an e-mail address" in first
    assert "no time zone called 'Mars/Base'" in first
    assert "live or async, not 'sometimes'" in first
    assert again == "ana@example.org stands on line 2 already."
    assert "line break" in two
    assert "time zone is missing" in short


def test_whoever_takes_part_already_is_counted_and_left_alone() -> None:
    raw = "name,email,time zone\nAna,ana@example.org,Europe/Berlin\n"

    roster = read_roster(raw.encode(), known={"ana@example.org"})

    assert (roster.good, roster.bad, roster.already) == ([], [], 1)


COLUMNS = "The first line must name the columns; missing: "


@pytest.mark.parametrize(
    ("raw", "bad"),
    [
        (b"", BadLine(1, f"{COLUMNS}name, email, time zone.")),
        (b"name,email\nAna,a@b.org\n", BadLine(1, f"{COLUMNS}time zone.")),
        (b"name,email,time zone\n", BadLine(2, "There is nobody below the column names.")),
    ],
)
def test_a_file_that_is_no_list_says_what_is_missing(raw: bytes, bad: BadLine) -> None:
    roster = read_roster(raw, known=set())

    assert roster.bad == [bad]


@pytest.mark.parametrize(
    "raw", [b"\x00\xff\x00", b'name,email,time zone\n"' + b"x" * 200_000, b"PK\x03\x04"]
)
def test_a_file_that_is_no_text_is_refused_and_never_breaks(raw: bytes) -> None:
    roster = read_roster(raw, known=set())

    assert roster.good == []
    assert roster.bad
