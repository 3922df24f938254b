"""Writes calendar files as Google's, Apple's and Outlook's read them (RFC 5545, 5546)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from icalendar import Calendar, Event, vCalAddress

PRODUCT = "-//asyncnet//asyncnet//EN"


@dataclass(frozen=True)
class Guest:
    """Somebody with an address that the reader of the calendar may know."""

    name: str
    address: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What takes place, in the words of one reader's calendar; every moment has a zone.

    An entry keeps its `uid` for ever; `sequence` rises whenever it changes, so that every
    calendar knows which of two files is the newer one.
    """

    uid: str
    sequence: int
    changed_at: datetime
    starts_at: datetime
    ends_at: datetime
    title: str
    words: str = ""
    place: str = ""
    link: str = ""
    cancelled: bool = False
    host: Guest
    """Who sends the invitations."""
    guests: Sequence[Guest] = ()


def calendar_of(entries: Iterable[Entry], method: str = "PUBLISH") -> str:
    """Return the text of a calendar with these entries, its times in UTC.

    One that is published, for whoever puts it in by hand, names its host but no guests (RFC
    5546, 3.2.1).
    """
    calendar = Calendar()
    calendar.add("PRODID", PRODUCT)
    calendar.add("VERSION", "2.0")
    calendar.add("METHOD", method)
    for entry in entries:
        calendar.add_component(_component(entry, invites=method != "PUBLISH"))
    return str(calendar.to_ical(), "utf-8")


def _component(entry: Entry, *, invites: bool) -> Event:
    event = Event()
    event.add("UID", entry.uid)
    event.add("DTSTAMP", entry.changed_at)
    event.add("SEQUENCE", entry.sequence)
    event.add("DTSTART", entry.starts_at)
    event.add("DTEND", entry.ends_at)
    event.add("SUMMARY", entry.title)
    for name, said in (
        ("DESCRIPTION", entry.words),
        ("LOCATION", entry.place),
        ("URL", entry.link),
    ):
        if said:
            event.add(name, said)
    event.add("STATUS", "CANCELLED" if entry.cancelled else "CONFIRMED")
    event.add("ORGANIZER", _address(entry.host), encode=False)
    for guest in entry.guests if invites else ():
        attendee = _address(guest)
        attendee.params["PARTSTAT"] = "ACCEPTED"
        attendee.params["RSVP"] = "FALSE"
        event.add("ATTENDEE", attendee, encode=False)
    return event


def _address(guest: Guest) -> vCalAddress:
    address = vCalAddress(f"mailto:{guest.address}")
    address.params["CN"] = guest.name
    return address
