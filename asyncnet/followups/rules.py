"""What two people may tell of their match, and what becomes of words typed in several places."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from asyncnet.events.rules import QuestionKind

Typed = Mapping[str, list[str]]
"""What stands in each field of a form, as a browser sends it."""
MAX_TABS = 5
LONGEST_FIELD = 8_000


class Told(StrEnum):
    """What one of the two says of their match; never guessed from opens or clicks."""

    WATCHED = "watched"
    MET = "met"
    CLOSED = "closed"
    """They want no more mails about it."""


def kept_of(typed: Typed) -> dict[str, list[str]]:
    """Return what is kept of a form: every field that a browser sends, none of them endless."""
    return {
        name: [word[:LONGEST_FIELD] for word in words[:50]]
        for name, words in typed.items()
        if words
    }


def with_other(
    others: Mapping[str, Any], tab: str, typed: Typed, *, at: str
) -> dict[str, dict[str, Any]]:
    """Return what other tabs had typed, with one tab's newest words in place of its former ones.

    The oldest go when there are too many tabs.
    """
    newest = {**others, tab: {"typed": dict(typed), "at": at}}
    kept = sorted(newest, key=lambda name: str(newest[name]["at"]))[-MAX_TABS:]
    return {name: newest[name] for name in kept}


def differs(one: Typed, other: Typed) -> bool:
    """Return whether one has words in some field that the other does not begin with.

    Whoever goes on typing where somebody else had begun has lost nothing.
    """
    return any(not _continues(words, other.get(name, [])) for name, words in one.items() if words)


def _continues(words: list[str], others: list[str]) -> bool:
    if len(words) == len(others) == 1:
        return others[0].startswith(words[0])
    return words == others


def said_in(items: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return an answer's questions and what was said to them, without what was left empty and
    without where its author may be reached."""
    return [
        (item["label"], _in_words(item["value"], item.get("ends", [])))
        for item in items
        if item["kind"] != QuestionKind.CONTACT.value and item["value"]
    ]


def _in_words(value: Any, ends: Sequence[str]) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value}, where 1 is {ends[0]} and 5 is {ends[1]}" if ends else str(value)
