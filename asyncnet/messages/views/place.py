"""What the pages about mail share."""

from dataclasses import asdict
from datetime import UTC, datetime

from flask import Blueprint, current_app, request

from asyncnet.database import db
from asyncnet.messages import queries
from asyncnet.messages.drain import preview
from asyncnet.messages.forms import WordingForm
from asyncnet.messages.letters import NotNeeded, sample
from asyncnet.messages.model import Message
from asyncnet.messages.queries import Choice
from asyncnet.messages.queue import Copy, copy_of
from asyncnet.messages.rules import LEAVING, MessageKind, MessageState, manner_of
from asyncnet.messages.wording import WORDABLE, Wording, longest_values
from asyncnet.web.access import LARGEST_ID, organized_event
from asyncnet.wiring import links

pages = Blueprint("messages", __name__)
LONGEST_SEARCH = 100


def choice(kept: frozenset[int]) -> Choice:
    """Return which messages the address of this page asks for; rubbish narrows nothing.

    `kept` are the mails that the signed-in organizer does not get to see (`kept_mails`).
    """
    state, kind = request.args.get("state", ""), request.args.get("kind", "")
    return Choice(
        state=MessageState(state) if state in set(MessageState) else None,
        kind=kind if kind in set(MessageKind) else None,
        who=" ".join(request.args.get("who", "").split())[:LONGEST_SEARCH],
        without=kept,
    )


def narrowed(chosen: Choice) -> dict[str, str | None]:
    """Return what keeps a choice in an address."""
    return {"state": chosen.state, "kind": chosen.kind, "who": chosen.who or None}


def cursor(text: str) -> tuple[datetime, int] | None:
    """Return due time and id of the last message shown, from an address."""
    due_at, _, message_id = text.partition("~")
    try:
        at, number = datetime.fromisoformat(due_at).astimezone(UTC), int(message_id)
    except (ValueError, OverflowError):
        return None
    return (at, number) if 0 < number <= LARGEST_ID else None


def wording_form(event_id: int, kind: str, *, version: int, words: Wording) -> WordingForm:
    """Return the form for the words of a kind of mail, these words in it."""
    event, places = organized_event(event_id), WORDABLE[kind].places
    longest = longest_values(
        places,
        title=event.title,
        purpose=event.purpose,
        name=queries.longest_name(db.session(), event.id),
    )
    return WordingForm(places, longest, data={"version": version, **asdict(words)})


def sample_of(kind: str, words: Wording) -> Copy:
    """Return how a kind of mail reads to somebody made up, in these words."""
    return sample(current_app.jinja_env, WORDABLE[kind], words, links())


def content(message: Message, words: Wording | None = None) -> Copy:
    """Return what went out, or what would go out now, in these words where they are given.

    What two people say to each other is for them alone: its words are shown to somebody made up.
    """
    if manner_of(message.kind).private:
        if words is not None:
            return sample_of(message.kind, words)
        return Copy("", "This mail is between two people, so its words are not shown.", "")
    if message.state in LEAVING and message.sent_text is not None:
        return copy_of(message)
    try:
        return preview(current_app.extensions["asyncnet.compose"], message.id, words)
    except NotNeeded as reason:
        return Copy("", f"There is nothing to send any more: {reason}", "")
