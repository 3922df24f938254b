"""Whom somebody means who writes a name or an address, as people do: by heart."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz import fuzz

from asyncnet.events.spelling import folded

ALIKE = 86
NEARLY_AS_ALIKE = 4
START = 2


@dataclass(frozen=True)
class Named:
    """Somebody who can be meant."""

    id: int
    name: str
    email: str


def kept_as(written: str) -> str:
    """Return a name or address in the form in which two of them are compared."""
    address = next((part for part in written.split() if "@" in part), None)
    return address.strip("<>(),;").lower() if address else folded(written)


class Directory:
    """People, to be found by what others call them."""

    def __init__(self, people: Iterable[Named]) -> None:
        self.by_address: dict[str, int] = {}
        self.by_name: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        self.by_word: defaultdict[str, set[int]] = defaultdict(set)
        self.by_start: defaultdict[str, set[int]] = defaultdict(set)
        self.name_of: dict[int, str] = {}
        for someone in people:
            name = folded(someone.name)
            self.by_address[someone.email] = someone.id
            self.name_of[someone.id] = name
            self.by_name[tuple(sorted(name.split()))].append(someone.id)
            for word in name.split():
                self.by_word[word].add(someone.id)
                self.by_start[word[:START]].add(someone.id)

    def meant_by(self, kept: str) -> list[int]:
        """Return the ids of everybody who may be meant, none, one or several.

        `kept` is what `kept_as` returned. An address means one person; the whole name, in any
        order, goes before a part of it, and a part before a name that is only much alike.
        """
        if "@" in kept:
            found = self.by_address.get(kept)
            return [] if found is None else [found]
        words = kept.split()
        whole = self.by_name.get(tuple(sorted(words)))
        if whole:
            return sorted(whole)
        parts = [self.by_word.get(word, set()) for word in words]
        if parts and (some := set.intersection(*parts)):
            return sorted(some)
        return self._alike(kept, words)

    def _alike(self, kept: str, words: list[str]) -> list[int]:
        near = set[int]().union(*(self.by_start.get(word[:START], set()) for word in words))
        scores = {
            person: score
            for person in near
            if (score := fuzz.token_sort_ratio(kept, self.name_of[person])) >= ALIKE
        }
        best = max(scores.values(), default=0)
        return sorted(p for p, score in scores.items() if score >= best - NEARLY_AS_ALIKE)
