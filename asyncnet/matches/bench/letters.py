"""What is written to somebody whose published rounds have changed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from asyncnet.events.model import Event, Participant
from asyncnet.events.queries import slot_for
from asyncnet.events.rules import Attendance, Slot
from asyncnet.matches.bench.model import Plan
from asyncnet.matches.model import Match
from asyncnet.matches.queries import group_numbers, published_for
from asyncnet.messages.drain import NotNeeded
from asyncnet.messages.letters import Draft
from asyncnet.messages.model import Message
from asyncnet.people.links import Links


@dataclass(frozen=True)
class Seat:
    """One coming round, when it is for the reader: whom they meet now, and whether that is new."""

    slot: Slot
    matches: list[Match]
    is_new: bool


def plan_change(session: Session, message: Message, links: Links, *, now: datetime) -> Draft:
    """Return the mail that says whom its reader meets from now on, the changed rounds marked.

    It tells what is so when it goes out. Raises NotNeeded once the last round has begun, or when
    the reader no longer takes part.
    """
    reader = session.get_one(Participant, message.participant_id)
    plan = session.get(Plan, message.subject_id)
    event = session.get_one(Event, reader.event_id)
    if reader.left_at is not None:
        raise NotNeeded("They no longer take part.")
    coming = [slot for slot in event.rounds if slot.starts_at > now]
    if not coming:
        raise NotNeeded("The last round has begun.")
    told = plan.content.get("told", []) if plan else []
    changed = {number for person, number, _, _ in told if person == reader.id}
    matches = published_for(session, reader.id)
    talks = matches or group_numbers(session, event.id, [reader.id])
    is_invited = talks and reader.attendance is Attendance.LIVE
    address = links.personal(reader.id, reader.link_version)
    return Draft(
        subject=f"Your rounds at {event.title} have changed",
        preheader="Whom you meet from now on, and when.",
        template="plan_change",
        values={
            "reader": reader,
            "event": event,
            "zone": reader.zone,
            "is_async": reader.attendance is Attendance.ASYNC,
            "seats": [
                Seat(
                    slot_for(reader, slot),
                    [match for match in matches if match.round_id == slot.id],
                    slot.number in changed,
                )
                for slot in coming
            ],
            "group_changed": 0 in changed,
            "call": event.live_link if is_invited else "",
            "address": address,
        },
        secrets=(address,),
    )
