"""What the organizers see of their event at this moment: who is there, who is alone, who asks."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from hashlib import sha256

from sqlalchemy.orm import Session

from asyncnet.day.model import Exit, ExitKind, Presence
from asyncnet.day.queries import answered_in, circles_in, exits_in, live_in, present_in, seated_in
from asyncnet.day.rules import SEEN_LATELY
from asyncnet.events.clock import Clock, Now, Phase
from asyncnet.events.model import Event, Participant
from asyncnet.events.queries import clock_of
from asyncnet.events.rules import Attendance
from asyncnet.listing import listed
from asyncnet.matches.model import Match
from asyncnet.matches.queries import group_numbers
from asyncnet.matches.rooms import tables


class Where(StrEnum):
    """Where somebody is, as far as their page tells."""

    HERE = "here"
    """Their page is open."""
    WATCHING = "watching"
    """They have the intro of this match open."""
    AWAY = "away"
    """Their page is not open, or on a phone that sleeps."""
    LEFT = "left"
    """They said that they must leave."""
    ASYNC = "async"
    """They take part in their own time."""


@dataclass(frozen=True)
class Seat:
    """One of the two of a match."""

    person: Participant
    where: Where


@dataclass(frozen=True)
class Row:
    """One conversation or viewing of the round that is on, or of the one that comes next."""

    matches: Sequence[Match]
    """One, or the three of a trio."""
    seats: Sequence[Seat]
    answered: bool
    missing: bool
    """Somebody said that another one is not there."""

    @property
    def needs_somebody(self) -> bool:
        """True when a conversation or a viewing may not be taking place."""
        places = {seat.where for seat in self.seats}
        return self.missing or bool(places & {Where.LEFT, Where.AWAY})


@dataclass(frozen=True)
class Circle:
    """A closing group while the groups talk: the names of who is in it, and how many are there."""

    number: int
    names: Sequence[str]
    """Of those who had to leave, with that said."""
    here: int
    """How many have their page open."""


@dataclass(frozen=True)
class Board:
    """An event at a moment; `tag` changes with everything that the board shows."""

    clock: Clock
    now: Now
    moment: datetime
    rows: Sequence[Row]
    circles: Sequence[Circle]
    """The closing groups, once they talk."""
    alone: Sequence[tuple[Participant, str]]
    """Live people without anybody to talk to in this round, and why."""
    exits: Sequence[Exit]
    seats: Mapping[int, int] | None
    """In which closing group those sit who are uncomfortable, by their id; None without groups."""
    live: int
    here: int
    watching: int
    viewings: int
    answered: int
    seen: Mapping[int, datetime]
    tag: str


def board_of(
    session: Session, event: Event, now: datetime, *, unsaid: Set[int] = frozenset()
) -> Board:
    """Return what an event's organizers see at this moment, in a constant number of queries; what
    makes people uneasy about one of the `unsaid` is left out."""
    clock = clock_of(session, event)
    at = clock.at(now)
    exits = exits_in(session, event.id, unsaid=unsaid)
    places = _Places(present_in(session, event.id), _who(exits, ExitKind.LEAVING), now)
    matches = seated_in(session, event.id, at.round) if at.round else []
    answered = answered_in(session, [match.id for match in matches if match.is_viewing])
    rows = list(_rows(matches, answered, exits, places))
    live = [person for person in live_in(session, event.id) if person.id not in places.left]
    here = [person.id for person in live if person.id in places.open_pages]
    uneasy = _who(exits, ExitKind.UNEASY)
    seats = group_numbers(session, event.id, uneasy) if uneasy else None
    gathered = circles_in(session, event.id) if at.phase is Phase.CLOSING else {}
    circles = [_circle(number, members, places) for number, members in gathered.items()]
    shown = (
        event.clock_version,
        at.phase,
        at.round,
        sorted(here),
        [
            ([m.id for m in row.matches], row.answered, row.missing, [s.where for s in row.seats])
            for row in rows
        ],
        [(said.id, said.seen_at) for said in exits],
        seats,
        circles,
        len(live),
    )
    return Board(
        clock=clock,
        now=at,
        moment=now,
        rows=rows,
        circles=circles,
        alone=list(_alone(live, rows, exits)) if at.phase is Phase.ROUND else [],
        exits=exits,
        seats=seats,
        live=len(live),
        here=len(here),
        watching=sum(seat.where is Where.WATCHING for row in rows for seat in row.seats),
        viewings=sum(match.is_viewing for match in matches),
        answered=len(answered),
        seen={who: presence.seen_at for who, presence in places.present.items()},
        tag=sha256(repr(shown).encode()).hexdigest()[:16],
    )


def _who(exits: Iterable[Exit], kind: ExitKind) -> set[int]:
    return {said.participant_id for said in exits if said.kind is kind}


@dataclass(frozen=True)
class _Places:
    """Where everybody is at a moment, as far as their pages tell, and who had to leave."""

    present: Mapping[int, Presence]
    left: set[int]
    now: datetime

    @cached_property
    def open_pages(self) -> set[int]:
        """Who has their page open."""
        return {
            who
            for who, presence in self.present.items()
            if self.now - presence.seen_at <= SEEN_LATELY
        }

    def of(self, person: Participant, match: Match) -> Where:
        """Return where one of the two of a match is."""
        if person.attendance is Attendance.ASYNC:
            return Where.ASYNC
        if person.id in self.left:
            return Where.LEFT
        if person.id not in self.open_pages:
            return Where.AWAY
        return Where.WATCHING if self.present[person.id].match_id == match.id else Where.HERE


def _rows(
    matches: Sequence[Match], answered: set[int], exits: Iterable[Exit], places: _Places
) -> Iterable[Row]:
    missing = {said.match_id for said in exits if said.kind is ExitKind.MISSING}
    for table in tables(matches):
        people = {one.id: one for match in table for one in (match.first, match.second)}
        yield Row(
            table,
            [Seat(person, places.of(person, table[0])) for person in people.values()],
            answered=any(match.id in answered for match in table),
            missing=any(match.id in missing for match in table),
        )


def _circle(number: int, members: Iterable[tuple[int, str]], places: _Places) -> Circle:
    people = dict(members)
    return Circle(
        number,
        [f"{name} (had to leave)" if i in places.left else name for i, name in people.items()],
        here=len(places.open_pages & people.keys()),
    )


def _alone(
    live: Sequence[Participant], rows: Sequence[Row], exits: Iterable[Exit]
) -> Iterable[tuple[Participant, str]]:
    """Yield who has nobody to talk to, with the reason in words."""
    missed: defaultdict[int, set[int]] = defaultdict(set)
    for said in exits:
        if said.kind is ExitKind.MISSING and said.match:
            missed[said.participant_id].add(said.match.other(said.participant_id).id)
    meets: defaultdict[int, list[Seat]] = defaultdict(list)
    for row in rows:
        for seat in row.seats:
            meets[seat.person.id] += [other for other in row.seats if other is not seat]
    for person in live:
        others = meets[person.id]
        gone = [seat.person for seat in others if seat.where is Where.LEFT]
        absent = [one.person for one in others if one.person.id in missed[person.id]]
        if not others:
            yield person, "has no match in this round"
        elif len(gone) == len(others):
            yield person, f"{listed([one.name for one in gone])} had to leave"
        elif {one.id for one in (*gone, *absent)} == {seat.person.id for seat in others}:
            names = [one.name for one in absent]
            yield (
                person,
                f"says that {listed(names)} {'is' if len(names) == 1 else 'are'} not there",
            )
