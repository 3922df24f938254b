"""Words to begin with, and what Zoom can take of breakout rooms."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta

from asyncnet.sheets import is_inert

ICEBREAKERS = (
    "What are you working on that you would happily talk about for an hour?",
    "What did you change your mind about in the last year, and what changed it?",
    "Which small thing would make your work easier, and who could help you with it?",
    "Whose work do you wish more people knew about?",
    "What did you learn the hard way that would save somebody else a month?",
    "What would you begin tomorrow if you found the right person to do it with?",
)
"""Prompts of the rounds for which the organizers wrote none of their own, in turn."""
BREAK_PROMPTS = (
    "Stand up, drink something, and write down one thing from the last conversation.",
    "Look out of a window for a minute. Your next conversation will be the better for it.",
    "Is there somebody you would like to introduce to each other? Note their names.",
    "One word for the last conversation: which one is it?",
)
CLOSING_PROMPT = (
    "Everybody in turn: one thing you take with you from today, and one you would like help with."
)
LONG_BEFORE = timedelta(minutes=30)
"""A round that is started so much earlier than planned may be a slip of the hand."""
SEEN_LATELY = timedelta(seconds=40)
"""Somebody whose page asked within this time has it open."""
PRESENCE_EVERY_SECONDS = 10.0
"""How often a process writes down whose pages it saw; many at once are as cheap as one."""
NEWCOMERS_EVERY_SECONDS = 1.0
"""How often while somebody came whom it has not written down yet."""


def icebreaker_of(number: int, written: str) -> str:
    """Return the prompt of a round: the organizers' own, else ours."""
    return written or ICEBREAKERS[(number - 1) % len(ICEBREAKERS)]


def break_prompt_of(next_round: int) -> str:
    """Return the prompt of the break before a round, or after the last one."""
    return BREAK_PROMPTS[next_round % len(BREAK_PROMPTS)]


RESERVED = (".example", ".invalid", ".test", ".localhost", "@example.com", "@example.org")
"""Addresses that nobody can have (RFC 2606); they stand for people who gave none."""


def preflight(
    seats: Sequence[tuple[str, str, str]],
    *,
    bouncing: Collection[str],
    max_rooms: int,
    max_people: int,
) -> Iterator[str]:
    """Yield what Zoom, or the people themselves, will stumble over; nothing when all is well.

    A seat is a room, a name and an e-mail address. `bouncing` are addresses that mail came back
    from.
    """
    rooms = {room for room, _, _ in seats}
    if len(rooms) > max_rooms:
        yield (
            f"This round has {len(rooms)} rooms, and a Zoom meeting takes {max_rooms}. Run a "
            "second meeting for the others, or raise the limit if your account has more."
        )
    if len(seats) > max_people:
        yield (
            f"This round has {len(seats)} people in rooms, and Zoom takes {max_people} from a file."
        )
    times = Counter(email.lower() for _, _, email in seats)
    for room, name, email in seats:
        if not email.strip():
            yield f"{name} ({room}) has no address. Zoom cannot place them; invite them by hand."
        elif times[email.lower()] > 1:
            yield f"{email} stands in more than one room ({name}, {room}). Zoom takes one of them."
        elif not email.isascii() or not is_inert(email):
            yield (
                f"{email} ({name}, {room}) has signs that Zoom does not take from a file. "
                "Place them by hand in the meeting."
            )
        elif email.lower().endswith(RESERVED):
            yield f"{email} ({name}, {room}) is no real address. Ask {name} for theirs."
        elif email in bouncing:
            yield f"{email} ({name}, {room}): mail to it came back. Ask {name} for another one."
