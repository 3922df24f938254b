"""What an event, a question and a participant may be."""

from enum import StrEnum

CONSENT_VERSION = "2026-11"
"""The version of the words that a participant agrees to when registering."""


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
