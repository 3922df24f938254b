"""What an event, its rounds, its questions and its participants may be."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

CONSENT_VERSION = "2026-11"
"""The version of the words that a participant agrees to when registering."""
MAX_ROUNDS = 20
MAX_QUESTIONS = 20
MAX_PARTICIPANTS = 10_000
FOLLOW_UP = "follow_up"
"""The kind of message that waits for the morning after the event."""
LINK_MAILS = 3
LINK_MAILS_WITHIN = timedelta(hours=6)
"""At most so many personal-link mails to one participant (CHECKLIST S4)."""
LINK_MAIL_AGAIN = timedelta(minutes=1)
"""Asking again so soon is a double click (CHECKLIST F8)."""


class Attendance(StrEnum):
    """How a participant takes part."""

    LIVE = "live"
    ASYNC = "async"


class QuestionKind(StrEnum):
    """What a question of the match form asks for."""

    SHORT = "short"
    LONG = "long"
    ONE = "one"
    SEVERAL = "several"
    SCALE = "scale"
    YES_NO = "yes_no"
    CONTACT = "contact"


WITH_CHOICES = {QuestionKind.ONE, QuestionKind.SEVERAL}


@dataclass(frozen=True)
class Asked:
    """A question before it belongs to an event."""

    kind: QuestionKind
    label: str
    help: str = ""
    required: bool = False


FIRST_QUESTIONS = (
    Asked(
        QuestionKind.LONG,
        "What stayed with you from this intro?",
        "They read it tomorrow morning, in your words.",
        required=True,
    ),
    Asked(QuestionKind.LONG, "What would you like to talk about together?"),
    Asked(
        QuestionKind.CONTACT,
        "May they write back to you?",
        "Only then do they see how to reach you.",
    ),
)
"""The match form that a new event starts with."""


@dataclass(frozen=True)
class Slot:
    """When one round begins and ends."""

    number: int
    starts_at: datetime
    ends_at: datetime


def slots(
    starts_at: datetime, *, rounds: int, length: timedelta, pause: timedelta
) -> Iterator[Slot]:
    """Yield the rounds of an event, one after another with a pause between them."""
    for index in range(rounds):
        begins = starts_at + index * (length + pause)
        yield Slot(index + 1, begins, begins + length)
