"""What the mail with a participant's personal link says."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session, joinedload

from asyncnet.events.model import Participant
from asyncnet.events.queries import clock_for
from asyncnet.events.rules import Attendance, EventMode
from asyncnet.messages.letters import Draft
from asyncnet.messages.model import Message
from asyncnet.people.links import Links

HOUR = timedelta(hours=1)


def personal_link(session: Session, message: Message, links: Links, *, now: datetime) -> Draft:
    """Return the mail that brings a participant their own page and says what happens when."""
    participant = session.get_one(
        Participant, message.subject_id, options=[joinedload(Participant.event)]
    )
    event = participant.event
    address = links.personal(participant.id, participant.link_version)
    is_async = participant.attendance is Attendance.ASYNC
    starts_at, hours = event.starts_at, None
    if event.mode is EventMode.ASYNC:
        window = clock_for(session, event, participant).slots[0]
        starts_at, hours = window.starts_at, (window.ends_at - window.starts_at) // HOUR
    return Draft(
        preheader=(
            "Record a short intro whenever it suits you."
            if is_async
            else "Everything you need on the day, on one page."
        ),
        template="personal_link",
        values={
            "event": event,
            "zone": participant.zone,
            "address": address,
            "is_async": is_async,
            "starts_at": starts_at,
            "hours": hours,
        },
        places={"name": participant.name, "event": event.title, "purpose": event.purpose},
        secrets=(address,),
    )
