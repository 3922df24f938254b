"""What the mail says that leads somebody back to the page of two."""

from datetime import datetime

from sqlalchemy.orm import Session

from asyncnet.events.model import Event, Participant
from asyncnet.matches.model import Match, MatchState
from asyncnet.messages.letters import Draft, NotNeeded
from asyncnet.messages.model import Message
from asyncnet.people.links import Links


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
