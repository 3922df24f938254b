"""What is written to people who watch in their own time: a nudge, and a new partner."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from asyncnet.events.model import Event, Participant, Round
from asyncnet.events.queries import slot_for
from asyncnet.events.rules import Attendance
from asyncnet.followups.letters import named, refuse_if_over
from asyncnet.followups.windows.queries import viewings_in, waits_for
from asyncnet.matches.model import Match
from asyncnet.messages.letters import Draft, NotNeeded
from asyncnet.messages.model import Message
from asyncnet.people.links import Links


def viewing_nudge(session: Session, message: Message, links: Links, *, now: datetime) -> Draft:
    """Return the mail that names whose intro waits to be answered, and until when.

    Whoever was live at the event has as much time as they like. Raises NotNeeded when everything
    that is there to be watched is answered, the window is over, or the reader has left.
    """
    reader = session.get_one(Participant, message.participant_id)
    slot = session.get_one(Round, message.subject_id)
    ends_at = slot_for(reader, slot).ends_at if reader.attendance is Attendance.ASYNC else None
    others = waits_for(viewings_in(session, reader.event_id, of=reader.id), reader.id, slot.id)
    if reader.left_at is not None or not others or (ends_at is not None and now >= ends_at):
        raise NotNeeded("Nobody waits for their words any more.")
    return _own_page(
        session,
        reader,
        links,
        places={"matches": named([person.name for person in others])},
        preheader="Two minutes to watch, two sentences to write.",
        template="viewing_nudge",
        others=others,
        ends_at=ends_at,
    )


def stand_in(session: Session, message: Message, links: Links, *, now: datetime) -> Draft:
    """Return the mail that tells somebody of one more match, and from when on it is open.

    Raises NotNeeded when the match was taken out, or one of the two has left.
    """
    reader = session.get_one(Participant, message.participant_id)
    match = session.get_one(Match, message.subject_id)
    refuse_if_over(session, match)
    other = match.other(reader.id)
    window = slot_for(reader, match.round)
    return _own_page(
        session,
        reader,
        links,
        places={"match": other.name},
        preheader="One more intro to watch, and somebody who watches yours.",
        template="stand_in",
        other=other,
        window=window,
        is_open=window.starts_at <= now,
        reasons=match.reasons_for(reader.id),
    )


def _own_page(
    session: Session,
    reader: Participant,
    links: Links,
    *,
    places: Mapping[str, str],
    preheader: str,
    template: str,
    **more: Any,
) -> Draft:
    """Return a mail that leads its reader to their own page."""
    address = links.personal(reader.id, reader.link_version)
    event = session.get_one(Event, reader.event_id)
    return Draft(
        preheader=preheader,
        template=template,
        values={"reader": reader, "event": event, "address": address} | more,
        places={"name": reader.name, "event": event.title, **places},
        secrets=(address,),
    )
