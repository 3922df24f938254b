"""Reads a list of participants from a spreadsheet's CSV, and names every line it cannot use."""

import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from asyncnet.events.model import Participant
from asyncnet.events.rules import (
    MAX_NAME,
    MAX_NAMES,
    MAX_PARTICIPANTS,
    MAX_SKILLS,
    MAX_TOPICS,
    MAX_WISH_ROLES,
    MAX_WORD,
    Attendance,
    MentionKind,
    names_a_page,
)
from asyncnet.events.spelling import tidy
from asyncnet.people.addresses import AddressWrong, normal_address
from asyncnet.sheets import as_typed
from asyncnet.zones import UnknownZone, zone_named

COLUMNS = {
    "name": ("name", "full name", "participant"),
    "email": ("email", "e-mail", "mail", "email address", "e-mail address"),
    "zone": ("time zone", "timezone", "zone", "tz"),
    "attendance": ("attendance", "takes part", "mode", "live or async"),
    "greeting": ("greeting", "about", "bio"),
    "wishes": ("wishes", "wants to meet"),
    "role": ("role", "job", "job title"),
    "community": ("community", "kind of community"),
    "topics": ("topics", "interests"),
    "experience": ("experience", "has worked in", "contributes"),
    "offers": ("offers",),
    "seeks": ("seeks",),
    "across": ("across fields", "across", "other fields"),
    "wish_roles": ("roles to meet", "hopes to meet", "wish roles"),
    "meet": ("meet", "would like to meet"),
    "avoid": ("avoid", "keep apart from"),
    "known": ("known", "knows"),
}
REQUIRED = ("name", "email", "zone")
LIVE_WORDS = {"", "live", "l", "synchronous", "sync"}
YES_WORDS = {"yes", "y", "true", "1", "x", "across"}
NO_WORDS = {"no", "n", "false", "0", "own"}
EITHER_WORDS = {"", "either"}
BETWEEN = re.compile(r"[;|\n]")
ASYNC_WORDS = {"async", "a", "asynchronous", "asynchronously"}


@dataclass(frozen=True)
class BadLine:
    """A line that cannot be used, counted from 1 as a spreadsheet counts, and why."""

    number: int
    reason: str


@dataclass(frozen=True)
class Entry:
    """One person on the list, every value checked."""

    name: str
    email: str
    zone: str
    attendance: Attendance
    greeting: str
    wishes: str
    role: str = ""
    community: str = ""
    experience: str = ""
    topics: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    seeks: tuple[str, ...] = ()
    across: bool | None = None
    wish_roles: tuple[str, ...] = ()
    meet: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    known: tuple[str, ...] = ()

    def as_row(self) -> dict[str, Any]:
        """Return the entry as plain values, to be kept until the organizer agrees."""
        return asdict(self) | {"attendance": str(self.attendance)}


@dataclass
class Roster:
    """What a file holds. It is added only when `bad` is empty, so never by half."""

    good: list[Entry] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)
    already: int = 0
    """How many lines name somebody who takes part already; they are left as they are."""
    returning: list[str] = field(default_factory=list)
    """Names of those on the list who were taken out of the event before."""


def read_roster(raw: bytes, *, known: Collection[str], left: Collection[str] = ()) -> Roster:
    """Return what a CSV file holds; `known` has the addresses that take part already, `left`
    those that were taken out.

    UTF-8 (with or without a byte order mark) and Windows-1252 are understood, and commas,
    semicolons or tabs between the values.
    """
    text = _decoded(raw)
    roster = Roster()
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=False)
    lines = iter(reader)
    header = next(lines, [])
    places = _places(header)
    missing = [COLUMNS[name][0] for name in REQUIRED if name not in places]
    if missing:
        roster.bad.append(
            BadLine(1, f"The first line must name the columns; missing: {', '.join(missing)}.")
        )
        return roster
    seen: dict[str, int] = {}
    try:
        for cells in lines:
            if any(cell.strip() for cell in cells):
                _read_line(roster, reader.line_num, cells, places, seen, known)
            if len(roster.good) > MAX_PARTICIPANTS:
                roster.bad.append(
                    BadLine(reader.line_num, f"An event has at most {MAX_PARTICIPANTS:,} people.")
                )
                break
    except csv.Error as error:
        roster.bad.append(BadLine(reader.line_num, f"This line is not CSV: {error}."))
    roster.returning = [entry.name for entry in roster.good if entry.email in left]
    if not roster.good and not roster.bad and not roster.already:
        roster.bad.append(BadLine(2, "There is nobody below the column names."))
    return roster


def rows_of(
    people: Iterable[Participant], names: Mapping[int, Mapping[MentionKind, Sequence[str]]]
) -> Iterator[list[str]]:
    """Yield the list of an event's participants, column names first, as an import takes it.

    `names` are the people whom each of them names, by id. Whom they avoid is never written out.
    """
    yield [spellings[0] for name, spellings in COLUMNS.items() if name != "avoid"]
    for who in people:
        named = names.get(who.id, {})
        yield [
            who.name,
            who.email,
            who.zone,
            str(who.attendance),
            who.greeting,
            who.wishes,
            who.role,
            who.community,
            "; ".join(who.topics),
            who.experience,
            "; ".join(who.offers),
            "; ".join(who.seeks),
            "" if who.across is None else "yes" if who.across else "no",
            "; ".join(who.wish_roles),
            "; ".join(named.get(MentionKind.MEET, ())),
            "; ".join(named.get(MentionKind.KNOWN, ())),
        ]


def _read_line(
    roster: Roster,
    number: int,
    cells: list[str],
    places: Mapping[str, int],
    seen: dict[str, int],
    known: Collection[str],
) -> None:
    values = {
        name: as_typed(cells[place].strip()) if place < len(cells) else ""
        for name, place in places.items()
    }
    try:
        entry = _entry(values)
    except ValueError as error:
        roster.bad.append(BadLine(number, str(error)))
        return
    if entry.email in seen:
        roster.bad.append(
            BadLine(number, f"{entry.email} stands on line {seen[entry.email]} already.")
        )
    elif entry.email in known:
        roster.already += 1
    else:
        roster.good.append(entry)
    seen.setdefault(entry.email, number)


def _entry(values: Mapping[str, str]) -> Entry:
    """Return the entry of one line. Raises ValueError naming everything that is wrong in it."""
    faults: list[str] = []
    checked: dict[str, Any] = {}
    for name, check in CHECKS.items():
        try:
            checked[name] = check(values.get(name, ""))
        except ValueError as error:
            faults.append(str(error))
    if faults:
        raise ValueError(" ".join(faults))
    return Entry(**checked)


def _name(typed: str) -> str:
    if not typed:
        raise ValueError("The name is missing.")
    if any(not c.isprintable() for c in typed):
        raise ValueError("The name holds a line break or an invisible character.")
    if names_a_page(typed):
        raise ValueError("The name holds the address of a web page.")
    return _at_most(100, "name")(typed)


def _at_most(longest: int, name: str) -> Callable[[str], str]:
    def check(typed: str) -> str:
        if len(typed) > longest:
            raise ValueError(f"The {name} is longer than {longest:,} characters.")
        if "\0" in typed:
            raise ValueError(f"The {name} holds an invisible character.")
        return typed

    return check


def _address(typed: str) -> str:
    if not typed:
        raise ValueError("The e-mail address is missing.")
    try:
        return normal_address(typed)
    except AddressWrong as error:
        raise ValueError(str(error)) from error


def _zone(typed: str) -> str:
    if not typed:
        raise ValueError("The time zone is missing. Write one like Europe/Berlin.")
    try:
        return zone_named(typed.replace(" ", "_")).key
    except UnknownZone as error:
        raise ValueError(str(error)) from error


def _attendance(typed: str) -> Attendance:
    word = typed.lower()
    if word in LIVE_WORDS:
        return Attendance.LIVE
    if word in ASYNC_WORDS:
        return Attendance.ASYNC
    raise ValueError(f"Attendance is live or async, not {typed[:40]!r}.")


def _yes_or_no(typed: str) -> bool | None:
    word = typed.lower()
    if word in EITHER_WORDS:
        return None
    if word in YES_WORDS | NO_WORDS:
        return word in YES_WORDS
    raise ValueError(f"Across fields is yes, no or empty, not {typed[:40]!r}.")


def _several(most: int, longest: int, name: str) -> Callable[[str], tuple[str, ...]]:
    """Return a check of a cell that holds several values with semicolons between them."""

    def check(typed: str) -> tuple[str, ...]:
        found = tuple(tidy(BETWEEN.split(typed)))
        if len(found) > most:
            raise ValueError(f"There are more than {most} {name}.")
        for value in found:
            _at_most(longest, f"value among {name}")(value)
            if not value.isprintable():
                raise ValueError(f"Among the {name} is an invisible character.")
        return found

    return check


CHECKS: Mapping[str, Callable[[str], Any]] = {
    "name": _name,
    "email": _address,
    "zone": _zone,
    "attendance": _attendance,
    "greeting": _at_most(300, "greeting"),
    "wishes": _at_most(2000, "text about wishes"),
    "role": _at_most(MAX_WORD, "role"),
    "community": _at_most(MAX_WORD, "kind of community"),
    "experience": _at_most(500, "text about experience"),
    "topics": _several(MAX_TOPICS, MAX_WORD, "topics"),
    "offers": _several(MAX_SKILLS, MAX_WORD, "offers"),
    "seeks": _several(MAX_SKILLS, MAX_WORD, "things they seek"),
    "across": _yes_or_no,
    "wish_roles": _several(MAX_WISH_ROLES, MAX_WORD, "roles to meet"),
    "meet": _several(MAX_NAMES, MAX_NAME, "people to meet"),
    "avoid": _several(MAX_NAMES, MAX_NAME, "people to avoid"),
    "known": _several(MAX_NAMES, MAX_NAME, "people they know"),
}


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _delimiter(text: str) -> str:
    first = text.partition("\n")[0]
    return max(",;\t", key=first.count)


def _places(header: list[str]) -> dict[str, int]:
    titles = [cell.strip().lower().replace("_", " ") for cell in header]
    found = {}
    for name, spellings in COLUMNS.items():
        for place, title in enumerate(titles):
            if title in spellings:
                found[name] = place
                break
    return found
