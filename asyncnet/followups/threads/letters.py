"""What mails say of a time to talk, and of the page that two people share."""

from datetime import datetime
from hashlib import sha256

from sqlalchemy.orm import Session

from asyncnet.calendars import Entry, Guest, calendar_of
from asyncnet.events.model import Event, Participant
from asyncnet.followups.letters import (
    mailbox_of,
    page_of_two,
    refuse_if_hushed,
    refuse_if_over,
)
from asyncnet.followups.model import Meeting
from asyncnet.followups.queries import contacts_in, wants_no_more
from asyncnet.followups.rules import meeting_key
from asyncnet.mail.port import Invitation
from asyncnet.matches.model import Match, MatchState
from asyncnet.messages.letters import Draft, NotNeeded
from asyncnet.messages.model import Message
from asyncnet.people.links import Links
from asyncnet.zones import city_of, zone_named


def way_back(session: Session, message: Message, links: Links, *, now: datetime) -> Draft:
    """Return the mail with a link to what its reader and a match of theirs write to each other.

    Raises NotNeeded when one of the two has left, or the match was taken out.
    """
    reader = session.get_one(Participant, message.participant_id)
    match = session.get_one(Match, message.subject_id)
    other = match.other(reader.id)
    if reader.left_at or other.left_at or match.state is not MatchState.PUBLISHED:
        raise NotNeeded("There is no page of the two any more.")
    address = links.match(reader.id, reader.link_version, match.id)
    return Draft(
        subject=f"Your page with {other.name}",
        preheader="The link that you asked for.",
        template="way_back",
        values={
            "reader": reader,
            "other": other,
            "event": session.get_one(Event, reader.event_id),
            "address": address,
        },
        secrets=(address,),
    )


def meeting(session: Session, message: Message, links: Links, *, now: datetime) -> Draft:
    """Return the mail that tells one of two people how their meeting stands.

    With a time that was agreed on, or called off, comes an entry for their calendar. Raises
    NotNeeded when a newer mail tells more, or nobody wants to know any more.
    """
    found = session.get_one(Meeting, message.subject_id)
    reader = session.get_one(Participant, message.participant_id)
    match = found.match
    other = match.other(reader.id)
    if message.key != meeting_key(found.id, found.version, reader.id):
        raise NotNeeded("The times have changed since; a newer mail tells how they stand.")
    if not found.cancelled:
        refuse_if_over(session, match)
    elif reader.left_at or wants_no_more(session, match.id, by=reader):
        raise NotNeeded("They want no more mails about this match.")
    refuse_if_hushed(session, match, reader)
    event = session.get_one(Event, match.event_id)
    ended = match.state is not MatchState.PUBLISHED or other.left_at is not None
    contact = contacts_in(session, match.id).get(other.id)
    reply_to = None if ended else mailbox_of(other, contact)
    address = (
        links.personal(reader.id, reader.link_version)
        if ended
        else page_of_two(links, reader, match.id, reply_to)
    )
    talk = talk_of(found, event, reader, contact, links)
    method = "CANCEL" if found.cancelled else "REQUEST"
    return Draft(
        preheader="On your clock and on theirs.",
        template="meeting",
        values={
            "reader": reader,
            "other": other,
            "event": event,
            "meeting": found,
            "ended": ended,
            "address": address,
            "reply_to": reply_to,
        },
        places={
            "name": reader.name,
            "event": event.title,
            "match": other.name,
            "city": city_of(other.zone),
            "news": _about(found, other, reader),
        },
        reply_to=reply_to,
        secrets=() if reply_to else (address,),
        invitation=Invitation(method, calendar_of([talk], method)) if talk else None,
    )


def _about(found: Meeting, other: Participant, reader: Participant) -> str:
    """Return in one line how a meeting stands."""
    if found.starts_at and (found.cancelled or not found.options):
        when = _on_the_clock(found.starts_at, reader.zone)
        return (
            f"Your talk with {other.name} is off: {when}"
            if found.cancelled
            else f"You talk with {other.name}: {when}"
        )
    if found.options:
        return f"{other.name} suggests a time to talk"
    return f"{other.name} cannot make the times you suggested"


def _on_the_clock(at: datetime, zone: str) -> str:
    """Return a moment in few words: `Sat 19 June, 10:30`."""
    there = at.astimezone(zone_named(zone))
    return there.strftime(f"%a {there.day} %B, %H:%M")


def talk_of(
    found: Meeting, event: Event, reader: Participant, contact: str | None, links: Links
) -> Entry | None:
    """Return a meeting as one of the two has it in their calendar; None while there is no time.

    The other one's address is in it only where `contact` says that they agreed to be written to.
    """
    if found.starts_at is None or found.ends_at is None:
        return None
    other = found.match.other(reader.id)
    guests = [Guest(reader.name, reader.email)]
    if mailbox := mailbox_of(other, contact):
        guests.append(Guest(other.name, mailbox))
    key = f"{links.base_url}/meetings/{found.match_id}"
    return Entry(
        uid=f"{sha256(key.encode()).hexdigest()[:32]}@asyncnet",
        sequence=found.sequence,
        starts_at=found.starts_at,
        ends_at=found.ends_at,
        changed_at=found.changed_at,
        cancelled=found.cancelled,
        title=f"Talk with {other.name} ({event.title})",
        words="The page that you two share says how to reach each other; the link to it is in "
        "your mail.",
        host=Guest(event.title, links.mailbox),
        guests=guests,
    )
