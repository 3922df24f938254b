"""What the follow-up says: who watched, what they wrote, how to answer."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from asyncnet.events.model import Event, Participant
from asyncnet.events.rules import QuestionKind
from asyncnet.followups.model import Answer
from asyncnet.intros.queries import ready_of
from asyncnet.messages.drain import NotNeeded
from asyncnet.messages.letters import Draft
from asyncnet.messages.model import Message
from asyncnet.people.links import Links


def follow_up(session: Session, message: Message, links: Links, *, now: datetime) -> Draft:
    """Return the mail that brings one viewer's answer to the one they watched.

    It is written to whom it was planned for, whatever has become of the match since. Where the
    viewer agreed to it, answering the mail reaches them directly. Raises NotNeeded when the
    reader no longer takes part.
    """
    answer = session.get_one(Answer, message.subject_id)
    reader = session.get_one(Participant, message.participant_id)
    if reader.left_at is not None:
        raise NotNeeded("They no longer take part.")
    did = "watched your intro" if ready_of(session, reader.id) else "wrote to you"
    address = links.personal(reader.id, reader.link_version)
    event = session.get_one(Event, answer.match.event_id)
    return Draft(
        preheader="Here is what they wrote to you.",
        template="follow_up",
        values={
            "reader": reader,
            "author": answer.author,
            "event": event,
            "answers": list(readable(answer)),
            "contact": answer.contact,
            "address": address,
        },
        places={
            "name": reader.name,
            "event": event.title,
            "matches": answer.author.name,
            "did": did,
        },
        reply_to=answer.contact,
        secrets=(address,),
    )


def readable(answer: Answer) -> list[tuple[str, str]]:
    """Return question and answer in words, without what was left empty and without contact."""
    return [
        (item["label"], _in_words(item["value"]))
        for item in answer.items
        if item["kind"] != QuestionKind.CONTACT.value and item["value"]
    ]


def _in_words(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
