"""The states of a message, who may change which, and when to try again."""

from datetime import timedelta
from enum import StrEnum


class MessageState(StrEnum):
    """Where an outgoing mail stands."""

    SCHEDULED = "scheduled"
    HELD = "held"
    CANCELLED = "cancelled"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"
    BOUNCED = "bounced"


LEASE = timedelta(minutes=10)
"""Longer than all SMTP time-outs together, so that a living worker never loses its claim."""
