"""Reads answers, the mails that bring them, and how the two of a match stand."""

from asyncnet.followups.queries.answers import (
    ToAnswer,
    Viewing,
    contacts_in,
    locked_match,
    locked_to_answer,
    viewing_by,
    written_by,
)
from asyncnet.followups.queries.mails import (
    NEEDS_A_PERSON,
    Outgoing,
    brought_by,
    last_mail_at,
    mail_of,
    mails_about_words_of,
    outgoing_of,
    seems_gone,
    sent_to,
    unmailed,
    was_hushed,
)
from asyncnet.followups.queries.replies import (
    KEPT,
    kept_recordings,
    recordings_under_way,
    replies_in,
    unsent_recordings,
)
from asyncnet.followups.queries.standing import (
    closed_by,
    hushed_for,
    wants_no_more,
    who_watched,
)

__all__ = [
    "KEPT",
    "NEEDS_A_PERSON",
    "Outgoing",
    "ToAnswer",
    "Viewing",
    "brought_by",
    "closed_by",
    "contacts_in",
    "hushed_for",
    "kept_recordings",
    "last_mail_at",
    "locked_match",
    "locked_to_answer",
    "mail_of",
    "mails_about_words_of",
    "outgoing_of",
    "recordings_under_way",
    "replies_in",
    "seems_gone",
    "sent_to",
    "unmailed",
    "unsent_recordings",
    "viewing_by",
    "wants_no_more",
    "was_hushed",
    "who_watched",
    "written_by",
]
