"""The words of mails that organizers may change, and the places in them that asyncnet fills."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from asyncnet.messages.rules import MessageKind

MAX_SUBJECT = 200
LONGEST_SUBJECT = 300
"""How long a subject may be once its places are filled; what is longer is cut as it goes out."""
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


def subject_line(filled: str) -> str:
    """Return a filled subject on one line, its end cut off where it is too long to be sent."""
    line = " ".join(filled.split())
    return line if len(line) <= LONGEST_SUBJECT else f"{line[: LONGEST_SUBJECT - 1].rstrip()}…"


def longest_values(
    places: Mapping[str, Place], *, title: str, purpose: str, name: str
) -> Mapping[str, str]:
    """Return the most that would be put in: of an event, and where people stand, a long `name`."""
    known = {_EVENT.sample: title, _PURPOSE.sample: purpose}

    def value(sample: str) -> str:
        for somebody in SOMEBODIES:
            sample = sample.replace(somebody, name)
        return sample

    return {key: known.get(place.sample, value(place.sample)) for key, place in places.items()}


def unknown_places(words: str, known: Mapping[str, object]) -> list[str]:
    """Return the names in braces that nothing would be put in for, each once, in order."""
    found = dict.fromkeys(place[1] for place in _PLACE.finditer(words))
    return [name for name in found if name not in known]


SOMEBODIES = ("Ana Silva", "Mei Tanaka", "Ben Weber")
"""Who stands in samples."""
_NAME = Place("the reader's name", "Ana Silva")
_EVENT = Place("the title of your event", "Tides and telescopes")
_PURPOSE = Place(
    "what your event is for, as you wrote it in the settings",
    "Meet the people who look after coasts.",
)
_MATCH = Place("whom they were matched with", "Mei Tanaka")
_MATCHES = Place("whom they were matched with", "Mei Tanaka and Ben Weber")
_CITY = Place("where their match lives", "Tokyo")

WORDABLE: Mapping[str, Wordable] = {
    MessageKind.PERSONAL_LINK: Wordable(
        title="Personal link",
        usual=Wording("Your page for {event}", "Hello {name},\n\n{purpose}", ""),
        middle="When it starts on their clock, how they take part, and the button to their page",
        places={
            "name": _NAME,
            "event": _EVENT,
            "purpose": _PURPOSE,
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
    MessageKind.ROUNDS_READY: Wordable(
        title="Rounds are ready",
        usual=Wording(
            "Your rounds at {event} are ready",
            "Hello {name},\n\nthis is whom you meet. The rounds come with this mail as entries for "
            "your calendar.",
            "",
        ),
        middle="Whom they meet in which round, on their clock, and the button to their page",
        places={"name": _NAME, "event": _EVENT},
    ),
    MessageKind.PLAN_CHANGE: Wordable(
        title="Rounds have changed",
        usual=Wording(
            "Your rounds at {event} have changed",
            "Hello {name},\n\nthe organizers have changed the plan.",
            "",
        ),
        middle="Whom they meet from now on, what changed marked, and the button to their page",
        places={"name": _NAME, "event": _EVENT},
    ),
    MessageKind.REPLY: Wordable(
        title="A reply between matches",
        usual=Wording("{match} {did}", "Hello {name},\n\nthis came from {match} in {city}:", ""),
        middle="What was written, which nobody reads but the two, and how to answer",
        places={
            "name": _NAME,
            "event": _EVENT,
            "match": Place("who wrote to them", "Mei Tanaka"),
            "city": _CITY,
            "did": Place(
                "“wrote to you” or “recorded something for you”", "recorded something for you"
            ),
        },
    ),
    MessageKind.MEETING: Wordable(
        title="A time for two to talk",
        usual=Wording("{news}", "Hello {name},", ""),
        middle="The times that were suggested or agreed on, on both clocks, and how to answer",
        places={
            "name": _NAME,
            "event": _EVENT,
            "match": _MATCH,
            "city": _CITY,
            "news": Place(
                "how it stands: a time is suggested, agreed on or does not suit",
                "You talk with Mei Tanaka: Sat 19 June, 10:30",
            ),
        },
    ),
    MessageKind.MEETING_OFF: Wordable(
        title="A talk is called off",
        usual=Wording("{news}", "Hello {name},", ""),
        middle="Which talk is off, what becomes of the entry in their calendar, and how to go on",
        places={
            "name": _NAME,
            "event": _EVENT,
            "match": _MATCH,
            "city": _CITY,
            "news": Place(
                "which talk is off, and when it was to be",
                "Your talk with Mei Tanaka is off: Sat 19 June, 10:30",
            ),
        },
    ),
    MessageKind.VIEWING_NUDGE: Wordable(
        title="Reminder to watch and answer",
        usual=Wording(
            "{matches} would love to hear from you",
            "Hello {name},\n\n{matches} made an intro for you and would love a few words back.",
            "Two minutes and two sentences are plenty. This is the only reminder.",
        ),
        middle="Whose intros wait, until when there is time, and the button to their page",
        places={"name": _NAME, "event": _EVENT, "matches": _MATCHES},
    ),
    MessageKind.STAND_IN: Wordable(
        title="A new partner",
        usual=Wording(
            "You also meet {match}",
            "Hello {name},\n\na place had become free, so you two meet as well: you watch the "
            "intro of {match}, and {match} watches yours.",
            "",
        ),
        middle="Who it is, why you two, from when to when, and the button to their page",
        places={"name": _NAME, "event": _EVENT, "match": _MATCH},
    ),
}
"""By kind of mail. A letter must fill exactly the places that are named here."""
