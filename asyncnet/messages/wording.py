"""The words of mails that organizers may change, and the places in them that asyncnet fills."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from asyncnet.messages.rules import MessageKind

MAX_SUBJECT = 200
MAX_WORDS = 4000
_PLACE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Wording:
    """What a mail says around the part that asyncnet writes itself. Paragraphs end in a blank
    line; `{name}` and the like are filled for each reader."""

    subject: str
    opening: str
    closing: str

    def filled(self, values: Mapping[str, str]) -> "Wording":
        """Return these words with their places filled, each once: values are never read again."""

        def fill(words: str) -> str:
            return _PLACE.sub(lambda place: values.get(place[1], place[0]), words)

        return Wording(fill(self.subject), fill(self.opening), fill(self.closing))


@dataclass(frozen=True)
class Place:
    """What stands in a named place, in words for organizers, and for somebody made up."""

    meaning: str
    sample: str


@dataclass(frozen=True)
class Wordable:
    """A kind of mail whose words an event may change.

    `usual` is said until somebody does; `middle` describes what asyncnet writes between the
    opening and the closing.
    """

    title: str
    usual: Wording
    middle: str
    places: Mapping[str, Place]

    def sample(self, words: Wording) -> Wording:
        """Return how the words read to somebody made up."""
        return words.filled({name: place.sample for name, place in self.places.items()})


def unknown_places(words: str, known: Mapping[str, object]) -> list[str]:
    """Return the names in braces that nothing would be put in for, each once, in order."""
    found = dict.fromkeys(place[1] for place in _PLACE.finditer(words))
    return [name for name in found if name not in known]


_NAME = Place("the reader's name", "Ana Silva")
_EVENT = Place("the title of your event", "Tides and telescopes")

WORDABLE: Mapping[str, Wordable] = {
    MessageKind.PERSONAL_LINK: Wordable(
        title="Personal link",
        usual=Wording("Your page for {event}", "Hello {name},\n\n{purpose}", ""),
        middle="When it starts on their clock, how they take part, and the button to their page",
        places={
            "name": _NAME,
            "event": _EVENT,
            "purpose": Place(
                "what your event is for, as you wrote it in the settings",
                "Meet the people who look after coasts.",
            ),
        },
    ),
    MessageKind.FOLLOW_UP: Wordable(
        title="What a viewer wrote",
        usual=Wording(
            "{matches} {did}",
            "Hello {name},\n\nthis is what {matches} wrote to you:",
            "",
        ),
        middle="Who watched, what they wrote, and how to answer",
        places={
            "name": _NAME,
            "event": _EVENT,
            "matches": Place("who wrote to them", "Mei Tanaka"),
            "did": Place("“watched your intro” or “wrote to you”", "watched your intro"),
        },
    ),
    MessageKind.REMINDER: Wordable(
        title="Reminder to write back",
        usual=Wording(
            "A word back to {matches}?",
            "Hello {name},\n\nsome days ago {matches} wrote to you at {event}. If you would like "
            "to know them better, two sentences are plenty.",
            "Have you been in touch already, or would you rather leave it? Say so on the page, "
            "or do nothing: this is the only reminder.",
        ),
        middle="What each of them wrote, and a button to answer",
        places={
            "name": _NAME,
            "event": _EVENT,
            "matches": Place("who wrote to them", "Mei Tanaka"),
        },
    ),
    MessageKind.INTRO_NUDGE: Wordable(
        title="Reminder to make an intro",
        usual=Wording(
            "Your intro for {event} is still missing",
            "Hello {name},\n\nthe people you will be matched with in {event} are looking forward "
            "to meeting you. A minute of video, sound or text is enough: who you are, what you "
            "work on, and whom you would like to meet.",
            "",
        ),
        middle="Until when there is time, and the button to their page",
        places={"name": _NAME, "event": _EVENT},
    ),
}
"""By kind of mail. A letter must fill exactly the places that are named here."""
