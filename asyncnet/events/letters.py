"""What the mail with a participant's personal link says."""

from datetime import datetime

from sqlalchemy.orm import Session, joinedload

from asyncnet.events.model import Participant
from asyncnet.events.rules import Attendance
from asyncnet.messages.letters import Draft
from asyncnet.messages.model import Message
from asyncnet.people.links import Links


def personal_link(session: Session, message: Message, links: Links, *, now: datetime) -> Draft:
    """Return the mail that brings a participant their own page and says what happens when."""
    participant = session.get_one(
        Participant, message.subject_id, options=[joinedload(Participant.event)]
    )
    event = participant.event
    address = links.personal(participant.id, participant.link_version)
    is_async = participant.attendance is Attendance.ASYNC
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
        },
        places={"name": participant.name, "event": event.title, "purpose": event.purpose},
        secrets=(address,),
    )
