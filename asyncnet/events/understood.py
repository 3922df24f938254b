"""What asyncnet understands of a list before it is added: the words, and whom the names mean."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from asyncnet.events.model import Spelling
from asyncnet.events.naming import Directory, Named, kept_as
from asyncnet.events.roster import Entry
from asyncnet.events.rules import MentionKind, WordKind
from asyncnet.events.spelling import folded, joined


@dataclass(frozen=True)
class Word:
    """A word as somebody wrote it, and the one that it is taken for."""

    written: str
    taken_for: str


@dataclass(frozen=True)
class Called:
    """A name as somebody wrote it, and who may be meant: nobody, one or several."""

    written: str
    people: Sequence[str]


@dataclass(frozen=True)
class Understood:
    """One person on a list, and what is understood of what they say."""

    entry: Entry
    words: Mapping[str, Sequence[Word]]
    """By the field in which they stand: topics, offers, seeks."""
    names: Mapping[MentionKind, Sequence[Called]]

    @property
    def unclear(self) -> list[Called]:
        """The names that mean nobody, or several people."""
        return [each for called in self.names.values() for each in called if len(each.people) != 1]


FIELDS = {"topics": WordKind.TOPIC, "offers": WordKind.SKILL, "seeks": WordKind.SKILL}


def understand(
    entries: Sequence[Entry], people: Iterable[Named], spellings: Iterable[Spelling]
) -> list[Understood]:
    """Return what is understood of every entry, in their order.

    `people` take part already; names may mean them, or others on the same list.
    """
    on_list = {-number: entry for number, entry in enumerate(entries, start=1)}
    there = {someone.id: someone for someone in people}
    directory = Directory(
        [*there.values(), *(Named(i, e.name, e.email) for i, e in on_list.items())]
    )
    name_of = {i: someone.name for i, someone in there.items()}
    name_of |= {i: entry.name for i, entry in on_list.items()}
    known: dict[WordKind, dict[str, str]] = {kind: {} for kind in WordKind}
    for spelling in spellings:
        known[spelling.kind][spelling.folded] = spelling.word

    def word(kind: WordKind, written: str) -> Word:
        taken_for = joined(written, known[kind]) or written
        known[kind].setdefault(folded(written), taken_for)
        return Word(written, taken_for)

    def called(written: str, by: int) -> Called:
        meant = directory.meant_by(kept_as(written))
        return Called(written, [name_of[i] for i in meant if i != by])

    return [
        Understood(
            entry,
            {
                field: [word(kind, written) for written in getattr(entry, field)]
                for field, kind in FIELDS.items()
            },
            {
                kind: [called(written, by) for written in getattr(entry, kind.value)]
                for kind in MentionKind
            },
        )
        for by, entry in on_list.items()
    ]
