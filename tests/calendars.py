"""Reads a calendar file as strictly as its standards are written, where libraries are lenient.

RFC 5545 for the file, RFC 5546 for what each method must and must not have, and what the three
big calendars are known to refuse beyond that: a file with a byte order mark, an entry without
its end, times on a clock that they would have to look up.
"""

import re
from collections import Counter
from datetime import UTC, datetime

LINE = re.compile(
    r"(?P<name>[A-Z-]+)(?P<params>(?:;[A-Z-]+=(?:\"[^\"\x00-\x1f]*\"|[^\";:,\x00-\x1f]*))*)"
    r":(?P<value>[^\x00-\x08\x0a-\x1f\x7f]*)"
)
MOMENT = re.compile(r"\d{8}T\d{6}Z")
TEXT = re.compile(r"(?:[^\\;,]|\\[\\;,nN])*")
ONCE = ("UID", "DTSTAMP", "DTSTART", "DTEND", "SEQUENCE", "SUMMARY", "STATUS", "ORGANIZER")
TEXTS = ("SUMMARY", "DESCRIPTION", "LOCATION")
OCTETS = 75


def strictly_read(content: bytes) -> tuple[str, list[dict[str, list[str]]]]:
    """Return the method of a calendar, and the values of each of its entries by name.

    Fails on the first thing that a strict reader refuses.
    """
    assert content.endswith(b"\r\n"), "every line ends with CR and LF, the last one too"
    rows = content[:-2].split(b"\r\n")
    for row in rows:
        assert not re.search(rb"[\r\n]", row), "no other line breaks"
        assert 0 < len(row) <= OCTETS, f"{len(row)} octets in a line"
        row.decode()  # no letter is cut in two by a fold
    lines = b"\r\n".join(rows).replace(b"\r\n ", b"").decode().split("\r\n")
    assert (lines[0], lines[-1]) == ("BEGIN:VCALENDAR", "END:VCALENDAR")
    head: dict[str, list[str]] = {}
    entries: list[dict[str, list[str]]] = []
    inside = head
    for line in lines[1:-1]:
        found = LINE.fullmatch(line)
        assert found, f"no content line: {line!r}"
        if line == "BEGIN:VEVENT":
            assert inside is head, "an entry in an entry"
            entries.append(inside := {})
        elif line == "END:VEVENT":
            inside = head
        else:
            inside.setdefault(found["name"], []).append(found["value"])
    assert inside is head, "an entry without its end"
    assert head["VERSION"] == ["2.0"]
    assert len(head["PRODID"]) == len(head["METHOD"]) == 1
    assert entries, "a calendar without entries"
    [method] = head["METHOD"]
    for entry in entries:
        _check(method, entry)
    uids = Counter(entry["UID"][0] for entry in entries)
    assert max(uids.values()) == 1, "two entries of one UID"
    return method, entries


def _check(method: str, entry: dict[str, list[str]]) -> None:
    for name in ONCE:
        assert len(entry.get(name, [])) == 1, f"{name} stands {len(entry.get(name, []))} times"
    for name in ("DTSTAMP", "DTSTART", "DTEND"):
        assert MOMENT.fullmatch(entry[name][0]), f"{name} is no moment in UTC"
    assert _moment(entry["DTSTART"][0]) < _moment(entry["DTEND"][0])
    for name in TEXTS:
        for value in entry.get(name, []):
            assert TEXT.fullmatch(value), f"{name} is not escaped: {value!r}"
    assert entry["SUMMARY"][0].strip()
    assert len(entry["UID"][0]) < 255, "Outlook cuts longer ones"
    assert 0 <= int(entry["SEQUENCE"][0]) < 2**31
    addresses = [*entry["ORGANIZER"], *entry.get("ATTENDEE", [])]
    assert all(re.fullmatch(r"mailto:[^\s@]+@[^\s@]+", address) for address in addresses)
    assert entry["ORGANIZER"][0] not in entry.get("ATTENDEE", []), "Google then asks nobody"
    guests, status = len(entry.get("ATTENDEE", [])), entry["STATUS"][0]
    rules = {
        "PUBLISH": guests == 0 and status == "CONFIRMED",
        "REQUEST": guests >= 1 and status == "CONFIRMED",
        "CANCEL": status == "CANCELLED" and int(entry["SEQUENCE"][0]) > 0,
    }
    assert rules[method], f"{method} with {guests} guests, {status}"


def _moment(written: str) -> datetime:
    return datetime.strptime(written, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
