"""What people said of themselves, in the numbers of a problem: words by their places, clocks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.events.model import Event, Participant, Spelling
from asyncnet.events.rules import MentionKind, WordKind
from asyncnet.events.spelling import folded
from asyncnet.matching import problem as solver
from asyncnet.matching.problem import UNKNOWN
from asyncnet.zones import zone_named


class Words:
    """What people say, as places in lists of words; spellings of one word share its place."""

    def __init__(self, session: Session, event: Event) -> None:
        self.word_of = {
            (spelling.kind, spelling.folded): spelling.word
            for spelling in session.scalars(select(Spelling).where(Spelling.event_id == event.id))
        }
        self.place_of: dict[WordKind, dict[str, int]] = {kind: {} for kind in WordKind}

    def place(self, kind: WordKind, said: str) -> int:
        """Return the place of a word, or UNKNOWN where nothing was said."""
        if not said:
            return UNKNOWN
        fold = folded(said)
        places = self.place_of[kind]
        return places.setdefault(self.word_of.get((kind, fold), fold), len(places))

    def places(self, kind: WordKind, said: Iterable[str]) -> tuple[int, ...]:
        """Return the places of several words, each once."""
        return tuple(dict.fromkeys(self.place(kind, word) for word in said))

    def listed(self, kind: WordKind) -> tuple[str, ...]:
        """Return the words in their places."""
        return tuple(self.place_of[kind])


class Places:
    """What a zone says about somebody's clock while the event takes place."""

    def __init__(self, event: Event) -> None:
        self.starts_at = event.starts_at
        self.hours_of: dict[str, float] = {}
        self.number_of: dict[str, int] = {}

    def hours(self, zone: str) -> float:
        """Return how far the clock is ahead of UTC."""
        if zone not in self.hours_of:
            offset = self.starts_at.astimezone(zone_named(zone)).utcoffset()
            self.hours_of[zone] = offset.total_seconds() / 3600 if offset else 0.0
        return self.hours_of[zone]

    def region(self, zone: str) -> int:
        """Return the number of the part of the world that the zone's name begins with."""
        return self.number_of.setdefault(zone.partition("/")[0], len(self.number_of))

    def regions(self) -> tuple[str, ...]:
        """Return the parts of the world by their numbers."""
        return tuple(self.number_of)


@dataclass(frozen=True)
class Sayings:
    """What people said of themselves, and whom they named, in the numbers of a problem."""

    names: Mapping[int, str]
    words: Words
    named: Mapping[tuple[int, MentionKind], tuple[int, ...]]

    def of(self, who: Participant, places: Places) -> solver.Participant:
        """Return somebody as the solver knows them, but for how often they can be met."""
        words = self.words
        return solver.Participant(
            id=self.names[who.id],
            role=words.place(WordKind.ROLE, who.role),
            type=words.place(WordKind.COMMUNITY, who.community),
            tags=words.places(WordKind.TOPIC, who.topics),
            offers=words.places(WordKind.SKILL, who.offers),
            seeks=words.places(WordKind.SKILL, who.seeks),
            wishes=self.named[who.id, MentionKind.MEET],
            wish_roles=words.places(WordKind.ROLE, who.wish_roles),
            avoid=self.named[who.id, MentionKind.AVOID],
            known=self.named[who.id, MentionKind.KNOWN],
            cross=who.across,
            region=places.region(who.zone),
            utc=places.hours(who.zone),
        )
