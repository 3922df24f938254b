"""What the follow-up says: who watched, what they wrote, how to answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from asyncnet.events.model import Event, Participant
from asyncnet.followups.model import Answer
from asyncnet.followups.queries import (
    brought_by,
    closed_by,
    hushed_for,
    replies_in,
    wants_no_more,
    who_watched,
)
from asyncnet.followups.rules import HUSHED, said_in
from asyncnet.followups.unanswered import unanswered_by
from asyncnet.listing import listed
from asyncnet.matches.model import Match, MatchState
from asyncnet.messages.letters import Draft, NotNeeded
from asyncnet.messages.model import Message
from asyncnet.people.links import Links
from asyncnet.zones import city_of

PREHEADER_LENGTH = 100
NAMED = 2
"""So many people are named in a subject; the others are counted."""


@dataclass(frozen=True)
class Written:
    """What one match wrote, as their reader gets it."""

    author: Participant
    did: str
    answers: Sequence[tuple[str, str]]
    contact: str | None
    """How to reach the author, as they wrote it; maybe not an address of theirs."""
    mailbox: str | None
    """The same, where it is the address at which the author takes part: mail goes there."""
    address: str
    """The page on which the reader answers."""


def follow_up(session: Session, message: Message, links: Links, *, now: datetime) -> Draft:
    """Return the mail that brings the answers joined to it to the one who was watched.

    It is written to whom it was planned for, whatever has become of their matches since. What
    belongs to a match that was taken out, or about which they want no more mails, stays out
    and is in no mail from then on. Raises NotNeeded when nothing is left to tell.
    """
    reader = session.get_one(Participant, message.participant_id)
    if reader.left_at is not None:
        raise NotNeeded("They no longer take part.")
    answers = _still_wanted(session, message, reader)
    watched = who_watched(session, [answer.match_id for answer in answers])
    reply_to = mailbox_of(answers[0].author, answers[0].contact) if len(answers) == 1 else None
    letters = [
        Written(
            author=answer.author,
            did="watched your intro"
            if (answer.match_id, answer.author_id) in watched
            else "wrote to you",
            answers=readable(answer),
            contact=answer.contact,
            mailbox=mailbox_of(answer.author, answer.contact),
            address=page_of_two(links, reader, answer.match_id, reply_to),
        )
        for answer in answers
    ]
    did = "watched your intro" if all("watched" in it.did for it in letters) else "wrote to you"
    event = session.get_one(Event, reader.event_id)
    return Draft(
        preheader=_first_words(letters),
        template="follow_up",
        values={
            "reader": reader,
            "event": event,
            "letters": letters,
            "reply_to": reply_to,
        },
        places={
            "name": reader.name,
            "event": event.title,
            "matches": named([letter.author.name for letter in letters]),
            "did": did,
        },
        reply_to=reply_to,
        secrets=() if reply_to else tuple(letter.address for letter in letters),
    )


def reply(session: Session, message: Message, links: Links, *, now: datetime) -> Draft:
    """Return the mail that brings what somebody wrote to their match.

    Where they agreed to it, answering the mail reaches them directly. Raises NotNeeded when
    the match was taken out, or one of the two left or wants no more mails about it.
    """
    written = replies_in(session, message.id)
    if not written:
        raise NotNeeded("There is nothing to tell any more.")
    last = written[-1]
    author = last.author
    reader = last.match.other(author.id)
    refuse_if_over(session, last.match)
    refuse_if_hushed(session, last.match, reader)
    reply_to = mailbox_of(author, last.contact)
    address = page_of_two(links, reader, last.match_id, reply_to)
    event = session.get_one(Event, last.match.event_id)
    return Draft(
        preheader=_clipped(last.words) or "It waits for you on the page that you two share.",
        template="reply",
        values={
            "reader": reader,
            "author": author,
            "event": event,
            "said": [reply.words for reply in written if reply.words],
            "recorded": [reply.recording for reply in written if reply.recording],
            "reply_to": reply_to,
            "address": address,
        },
        places={
            "name": reader.name,
            "event": event.title,
            "match": author.name,
            "city": city_of(author.zone),
            "did": "recorded something for you" if last.recording else "wrote to you",
        },
        reply_to=reply_to,
        secrets=() if reply_to else (address,),
    )


def reminder(session: Session, message: Message, links: Links, *, now: datetime) -> Draft:
    """Return the one mail that reminds somebody of words that they have not answered.

    Raises NotNeeded when they have meanwhile, or the organizers want no reminders any more.
    """
    reader = session.get_one(Participant, message.participant_id)
    event = session.get_one(Event, reader.event_id)
    if reader.left_at is not None:
        raise NotNeeded("They no longer take part.")
    if not event.reminder_days:
        raise NotNeeded("Reminders are switched off for this event.")
    by_match = {answer.match_id: answer for answer in unanswered_by(session, reader.id)}
    if not by_match:
        raise NotNeeded("They have answered, met or closed everything by now.")
    letters = [
        Written(
            author=answer.author,
            did="",
            answers=readable(answer),
            contact=answer.contact,
            mailbox=mailbox_of(answer.author, answer.contact),
            address=links.match(reader.id, reader.link_version, match_id),
        )
        for match_id, answer in by_match.items()
    ]
    return Draft(
        preheader="Two sentences are plenty.",
        template="reminder",
        values={"reader": reader, "event": event, "letters": letters},
        places={
            "name": reader.name,
            "event": event.title,
            "matches": named([letter.author.name for letter in letters]),
        },
        secrets=tuple(letter.address for letter in letters),
    )


def refuse_if_over(session: Session, match: Match) -> None:
    """Raise NotNeeded when no mail about a match should go to either of the two any more."""
    if match.state is not MatchState.PUBLISHED:
        raise NotNeeded("The match was taken out.")
    if match.first.left_at or match.second.left_at:
        raise NotNeeded("One of the two no longer takes part.")
    if wants_no_more(session, match.id):
        raise NotNeeded("One of the two wants no more mails about this match.")


def refuse_if_hushed(session: Session, match: Match, reader: Participant) -> None:
    """Raise NotNeeded when the reader of a mail about a match is uneasy about the other one."""
    if match.id in hushed_for(session, reader.id):
        raise NotNeeded(HUSHED)


def mailbox_of(author: Participant, contact: str | None) -> str | None:
    """Return the author's own address, if that is where they said that mail reaches them.

    Anybody may type the address of somebody else; only the registered one is known to be theirs.
    """
    return contact if contact == author.email else None


def readable(answer: Answer) -> list[tuple[str, str]]:
    """Return question and answer in words, without what was left empty and without contact."""
    return said_in(answer.items)


def named(names: Sequence[str]) -> str:
    """Return a few people in words: `Ana`, `Ana and Ben`, `Ana, Ben and 3 others`."""
    if len(names) <= NAMED:
        return listed(names)
    rest = len(names) - NAMED
    return f"{', '.join(names[:NAMED])} and {rest} {'other' if rest == 1 else 'others'}"


def page_of_two(links: Links, reader: Participant, match_id: int, reply_to: str | None) -> str:
    """Return where a reader answers their match; without a key in a mail that is answered.

    Mail programs quote what is answered, so its links come into the other one's hands (S8).
    """
    if reply_to:
        return links.thread(reader.id, match_id)
    return links.match(reader.id, reader.link_version, match_id)


def _still_wanted(session: Session, message: Message, reader: Participant) -> list[Answer]:
    closed, hushed = closed_by(session, reader.id), hushed_for(session, reader.id)
    wanted, kept = [], False
    for answer in brought_by(session, message.id):
        if answer.match.state is not MatchState.PUBLISHED or answer.match_id in closed:
            answer.message_id = None
        elif answer.match_id in hushed:
            kept = True  # its author is to see it go with this mail
        else:
            wanted.append(answer)
    if kept and not wanted:
        raise NotNeeded(HUSHED)
    if not wanted:
        raise NotNeeded("Nothing is left to tell: the matches were taken out or closed.")
    return wanted


def _first_words(letters: Sequence[Written]) -> str:
    """Return the beginning of what somebody wrote, for the line beside the subject."""
    said = (words for letter in letters for _, words in letter.answers)
    return next(filter(None, map(_clipped, said)), "Here is what they wrote to you.")


def _clipped(said: str) -> str:
    words = " ".join(said.split())
    if not words:
        return ""
    return f"“{words}”" if len(words) <= PREHEADER_LENGTH else f"“{words[:PREHEADER_LENGTH]}…”"
