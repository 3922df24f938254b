"""A meeting as calendars read it: Google's, Apple's and Outlook's (RFC 5545, 5546)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from icalendar import Calendar, vCalAddress
from icalendar import Event as Entry

PRODUCT = "-//asyncnet//meetings//EN"


@dataclass(frozen=True)
class Guest:
    """Somebody with an address that the reader of the calendar may know."""

    name: str
    address: str


@dataclass(frozen=True)
class Talk:
    """A meeting in the words of one reader's calendar.

    The entry keeps its `key` for ever; `sequence` rises whenever the time changes or it is
    called off, so that every calendar knows which of two mails is the newer one.
    """

    key: str
    sequence: int
    starts_at: datetime
    ends_at: datetime
    changed_at: datetime
    cancelled: bool
    title: str
    words: str
    host: Guest
    """Who sends the invitations: our own mailbox, never one of the two."""
    guests: Sequence[Guest]


def calendar_of(talk: Talk, method: str) -> str:
    """Return the text of a calendar with this one entry, its times in UTC.

    One that is published, for whoever puts it in by hand, names no guests (RFC 5546, 3.2.1).
    """
    calendar = Calendar()
    calendar.add("PRODID", PRODUCT)
    calendar.add("VERSION", "2.0")
    calendar.add("METHOD", method)
    entry = Entry()
    entry.add("UID", f"{sha256(talk.key.encode()).hexdigest()[:32]}@asyncnet")
    entry.add("DTSTAMP", talk.changed_at)
    entry.add("SEQUENCE", talk.sequence)
    entry.add("DTSTART", talk.starts_at)
    entry.add("DTEND", talk.ends_at)
    entry.add("SUMMARY", talk.title)
    entry.add("DESCRIPTION", talk.words)
    entry.add("STATUS", "CANCELLED" if talk.cancelled else "CONFIRMED")
    entry.add("ORGANIZER", _address(talk.host))
    for guest in talk.guests if method != "PUBLISH" else ():
        attendee = _address(guest)
        attendee.params["PARTSTAT"] = "ACCEPTED"
        attendee.params["RSVP"] = "FALSE"
        entry.add("ATTENDEE", attendee, encode=False)
    calendar.add_component(entry)
    return str(calendar.to_ical(), "utf-8")


def _address(guest: Guest) -> vCalAddress:
    address = vCalAddress(f"mailto:{guest.address}")
    address.params["CN"] = guest.name
    return address
