"""What two people may tell of their match, and when both of them are awake."""

from enum import StrEnum


class Told(StrEnum):
    """What one of the two says of their match; never guessed from opens or clicks."""

    WATCHED = "watched"
    MET = "met"
    CLOSED = "closed"
    """They want no more mails about it."""
