"""What an event, its rounds, questions and participants may be, and when follow-ups are due."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from asyncnet.messages.rules import next_daylight, next_morning

CONSENT_VERSION = "2026-11"
"""The version of the words that a participant agrees to when registering."""
MAX_ROUNDS = 20
MAX_QUESTIONS = 20
MAX_PARTICIPANTS = 10_000
MAX_ANSWERS = 5
"""The match form and four notes after it: then two people know how to reach each other."""
LINK_MAILS = 3
LINK_MAILS_WITHIN = timedelta(hours=6)
"""At most so many personal-link mails to one participant (CHECKLIST S4)."""
LINK_MAIL_AGAIN = timedelta(minutes=1)
"""Asking again so soon is a double click (CHECKLIST F8)."""
_WEB_PAGE = re.compile(r"://|\bwww\.|\.\w{2,}/", re.IGNORECASE)


class EventMode(StrEnum):
    """Whether anybody is there at the same time."""

    MIXED = "mixed"
    """Live, with some who take part asynchronously."""
    ASYNC = "async"
    """Everybody in their own time; a round is a window of a day or two."""


class Attendance(StrEnum):
    """How a participant takes part."""

    LIVE = "live"
    ASYNC = "async"


class Ask(StrEnum):
    """A part of the profile that the organizer may have the registration form ask for."""

    ROLE = "role"
    COMMUNITY = "community"
    TOPICS = "topics"
    EXPERIENCE = "experience"
    SKILLS = "skills"
    ACROSS = "across"
    WISH_ROLES = "wish_roles"
    MEET = "meet"
    AVOID = "avoid"
    KNOWN = "known"
    GREETING = "greeting"
    WISHES = "wishes"


class Kinds(StrEnum):
    """People of which kinds of communities somebody would rather meet."""

    EITHER = "either"
    OWN = "own"
    ACROSS = "across"

    @classmethod
    def of(cls, across: bool | None) -> "Kinds":
        """Return the kinds as a participant's row has them."""
        return cls.EITHER if across is None else cls.ACROSS if across else cls.OWN

    @property
    def across(self) -> bool | None:
        """Whether it is others than their own, None when either suits them."""
        return None if self is Kinds.EITHER else self is Kinds.ACROSS


class WordKind(StrEnum):
    """What people of an event say in words that are compared with each other's."""

    TOPIC = "topic"
    SKILL = "skill"
    ROLE = "role"
    COMMUNITY = "community"


class MentionKind(StrEnum):
    """Why a participant names somebody."""

    MEET = "meet"
    AVOID = "avoid"
    KNOWN = "known"


FORM_STARTS = {
    "short": (Ask.TOPICS, Ask.GREETING, Ask.MEET, Ask.AVOID),
    "community": (
        Ask.COMMUNITY,
        Ask.TOPICS,
        Ask.EXPERIENCE,
        Ask.SKILLS,
        Ask.ACROSS,
        Ask.MEET,
        Ask.AVOID,
        Ask.GREETING,
        Ask.WISHES,
    ),
    "mentoring": (
        Ask.ROLE,
        Ask.WISH_ROLES,
        Ask.SKILLS,
        Ask.EXPERIENCE,
        Ask.AVOID,
        Ask.KNOWN,
        Ask.GREETING,
    ),
    "everything": tuple(Ask),
}
"""Good forms to start from, by the kind of gathering."""
FIRST_ASKS = FORM_STARTS["community"]
MAX_TOPICS = 6
MAX_SKILLS = 4
MAX_WISH_ROLES = 3
MAX_NAMES = 10
MAX_WORD = 60
MAX_NAME = 100


class QuestionKind(StrEnum):
    """What a question of the match form asks for."""

    SHORT = "short"
    LONG = "long"
    ONE = "one"
    SEVERAL = "several"
    SCALE = "scale"
    YES_NO = "yes_no"
    CONTACT = "contact"


WINDOW_HOURS = (24, 48)
"""How long a round of an asynchronous event may be open, in hours."""
WITH_CHOICES = {QuestionKind.ONE, QuestionKind.SEVERAL}
WITH_LINES = {*WITH_CHOICES, QuestionKind.SCALE}
"""Their choices, one a line; of a scale what its two ends mean."""


@dataclass(frozen=True)
class Slot:
    """When one round begins and ends."""

    number: int
    starts_at: datetime
    ends_at: datetime


def names_a_page(words: str) -> bool:
    """Return whether words hold the address of a web page, as no name does.

    Anybody may have a mail sent that greets them by name; it must not carry their advertisement.
    """
    return _WEB_PAGE.search(words) is not None


def slots(
    starts_at: datetime, *, rounds: int, length: timedelta, pause: timedelta
) -> Iterator[Slot]:
    """Yield the rounds of an event, one after another with a pause between them."""
    for index in range(rounds):
        begins = starts_at + index * (length + pause)
        yield Slot(index + 1, begins, begins + length)


def window_of(slot: Slot, zone: ZoneInfo) -> Slot:
    """Return when a round of an asynchronous event is open for somebody in this zone, in UTC.

    It opens with the round, or on the next morning where that would be at night, and is open
    for as long as everybody's: nobody has less time because of where they live.
    """
    opens_at = next_daylight(zone, slot.starts_at)
    return Slot(slot.number, opens_at, opens_at + (slot.ends_at - slot.starts_at))


def follow_up_key(participant_id: int, number: int) -> str:
    """Return the key of a reader's first, second and so on mail with answers."""
    return f"follow-up:{participant_id}:{number}"


def due_at(
    answered_at: datetime, event_ends_at: datetime, zone: ZoneInfo, send_time: time
) -> datetime:
    """Return when an answer reaches its reader, in UTC: the morning after the event, or after
    the answer where that came later."""
    return next_morning(max(answered_at, event_ends_at), zone, send_time)
