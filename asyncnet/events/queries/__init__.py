"""Reads events and their participants."""

from asyncnet.events.queries.clocks import clock_for, clock_of, slot_for, slots_of
from asyncnet.events.queries.events import (
    event_made_from,
    event_of,
    event_registering,
    events_of,
    import_of,
    questions_of,
    round_of,
)
from asyncnet.events.queries.opening import Glance, LinkEnded, glance_with, participant_with
from asyncnet.events.queries.people import (
    PAGE,
    addresses_in,
    counts,
    everyone,
    participant,
    participant_of,
    participants_page,
    registered_with,
)
from asyncnet.events.queries.words import (
    SUGGESTED,
    mention_of,
    mentions_of,
    named_in,
    people_meant,
    spelling_of,
    spellings_of,
    suggestions,
    uses,
)

__all__ = [
    "PAGE",
    "SUGGESTED",
    "Glance",
    "LinkEnded",
    "addresses_in",
    "clock_for",
    "clock_of",
    "counts",
    "event_made_from",
    "event_of",
    "event_registering",
    "events_of",
    "everyone",
    "glance_with",
    "import_of",
    "mention_of",
    "mentions_of",
    "named_in",
    "participant",
    "participant_of",
    "participant_with",
    "participants_page",
    "people_meant",
    "questions_of",
    "registered_with",
    "round_of",
    "slot_for",
    "slots_of",
    "spelling_of",
    "spellings_of",
    "suggestions",
    "uses",
]
