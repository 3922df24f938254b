"""What is written to somebody whose rounds are published, or have changed since."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from asyncnet.events.model import Event, Participant, Round
from asyncnet.events.queries import slot_for
from asyncnet.events.rules import Attendance, Slot
from asyncnet.mail.port import Invitation
from asyncnet.matches.bench import queries
from asyncnet.matches.exports import rounds_as_calendar
from asyncnet.matches.model import Match
from asyncnet.matches.queries import closing_for, group_numbers, published_for
from asyncnet.messages.letters import Draft, NotNeeded
from asyncnet.messages.model import Message
from asyncnet.people.links import Links


@dataclass(frozen=True)
class Seat:
    """One coming round, when it is for the reader: whom they meet now, and whether that is new."""

    slot: Slot
    matches: list[Match]
    is_new: bool


def rounds_ready(session: Session, message: Message, links: Links, *, now: datetime) -> Draft:
    """Return the mail that says whom its reader meets in which round, with the rounds for their
    calendar.

    It tells what is so when it goes out. Raises NotNeeded once the last round has begun, or when
    the reader no longer takes part or meets nobody.
    """
    reader, event, coming = _reader_of(session, message, now)
    matches = published_for(session, reader.id)
    if not any(match.round_id == slot.id for match in matches for slot in coming):
        raise NotNeeded("They meet nobody in a coming round.")
    address = links.personal(reader.id, reader.link_version)
    calendar = rounds_as_calendar(
        event, reader, matches, closing=closing_for(session, reader), links=links, now=now
    )
    return Draft(
        preheader="Whom you meet, and when.",
        template="rounds_ready",
        values={
            "reader": reader,
            "event": event,
            "zone": reader.zone,
            "seats": _seats(reader, coming, matches, set()),
            "call": event.live_link if reader.attendance is Attendance.LIVE else "",
            "address": address,
        },
        places={"name": reader.name, "event": event.title},
        secrets=(address,),
        invitation=Invitation("PUBLISH", calendar),
    )


def plan_change(session: Session, message: Message, links: Links, *, now: datetime) -> Draft:
    """Return the mail that says whom its reader meets from now on, the changed rounds marked.

    It tells what is so when it goes out. Raises NotNeeded once the last round has begun, or when
    the reader no longer takes part.
    """
    reader, event, coming = _reader_of(session, message, now)
    told = queries.told_of(session, message.subject_id)
    changed = {change.number for change in told if change.person == reader.id}
    matches = published_for(session, reader.id)
    talks = matches or group_numbers(session, event.id, [reader.id])
    is_invited = talks and reader.attendance is Attendance.LIVE
    address = links.personal(reader.id, reader.link_version)
    return Draft(
        preheader="Whom you meet from now on, and when.",
        template="plan_change",
        values={
            "reader": reader,
            "event": event,
            "zone": reader.zone,
            "is_async": reader.attendance is Attendance.ASYNC,
            "seats": _seats(reader, coming, matches, changed),
            "shows_free": not told and reader.attendance is Attendance.LIVE,
            "group_changed": 0 in changed,
            "call": event.live_link if is_invited else "",
            "address": address,
        },
        places={"name": reader.name, "event": event.title},
        secrets=(address,),
    )


def _reader_of(
    session: Session, message: Message, now: datetime
) -> tuple[Participant, Event, list[Round]]:
    """Return whom a mail is for, with the rounds to come. Raises NotNeeded where there are none."""
    reader = session.get_one(Participant, message.participant_id)
    event = session.get_one(Event, reader.event_id)
    if reader.left_at is not None:
        raise NotNeeded("They no longer take part.")
    coming = [slot for slot in event.rounds if slot.starts_at > now]
    if not coming:
        raise NotNeeded("The last round has begun.")
    return reader, event, coming


def _seats(
    reader: Participant,
    coming: Sequence[Round],
    matches: Sequence[Match],
    changed: Collection[int],
) -> list[Seat]:
    return [
        Seat(
            slot_for(reader, slot),
            [match for match in matches if match.round_id == slot.id],
            slot.number in changed,
        )
        for slot in coming
    ]
