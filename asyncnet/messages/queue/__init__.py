"""The message table as a queue: plan, claim, settle, and an organizer's word in between."""

from asyncnet.messages.queue.claiming import Claim, anything_due, claim, keep_copy, settle, tidy
from asyncnet.messages.queue.copies import Copy, copy_of, masked
from asyncnet.messages.queue.deciding import (
    BeingSent,
    Stale,
    TakesNoMail,
    UnknownReference,
    act,
    learn,
)
from asyncnet.messages.queue.history import SYSTEM, WAITING
from asyncnet.messages.queue.planning import (
    Planned,
    cancel_for,
    cancel_key,
    cancel_kind,
    plan,
    plan_all,
    readdress,
    reference_of,
    replan,
)
from asyncnet.messages.queue.suppression import hash_of, is_suppressed, suppress

__all__ = [
    "SYSTEM",
    "WAITING",
    "BeingSent",
    "Claim",
    "Copy",
    "Planned",
    "Stale",
    "TakesNoMail",
    "UnknownReference",
    "act",
    "anything_due",
    "cancel_for",
    "cancel_key",
    "cancel_kind",
    "claim",
    "copy_of",
    "hash_of",
    "is_suppressed",
    "keep_copy",
    "learn",
    "masked",
    "plan",
    "plan_all",
    "readdress",
    "reference_of",
    "replan",
    "settle",
    "suppress",
    "tidy",
]
