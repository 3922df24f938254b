"""Reads what one participant's own page shows, for one of them or for many neighbours at once.

When the clock is turned, hundreds of open pages ask for their part within seconds. Read one by
one, most of that time goes into asking the same few questions again; `Leaves` asks them once for
a block of neighbours. Everybody's leaf holds what that one person may see, and nothing else.
"""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from sqlalchemy import Row, Select, bindparam, select, union_all
from sqlalchemy.orm import Session

from asyncnet.database import there
from asyncnet.day.model import Exit, ExitKind
from asyncnet.events.clock import Now, Phase
from asyncnet.events.model import Event, Participant, Round
from asyncnet.events.queries import Glance
from asyncnet.events.rules import Attendance
from asyncnet.followups.model import Answer
from asyncnet.intros.model import PROPER, Intro, IntroState, Photo
from asyncnet.intros.queries import took_back
from asyncnet.matches.model import Group, GroupMember, Match, MatchState

BLOCK = 128
"""How many neighbours by id are read together."""
KEPT_BLOCKS = 256
FORGOTTEN_AFTER_SECONDS = 300.0
"""How long a process keeps what it has read, though nobody asks for it any more."""
_MATCH, _READER, _OTHER = Match.__table__.c, Participant.__table__, Participant.__table__.alias()
_ROUND, _PHOTO, _EVENT = Round.__table__.c, Photo.__table__.c, Event.__table__
_GROUP, _EXIT = Group.__table__.c, Exit.__table__.c
_ME, _MEMBER = GroupMember.__table__.alias(), GroupMember.__table__.alias()
_BETWEEN: tuple[Any, Any] = bindparam("first_id"), bindparam("last_id")


@dataclass(frozen=True, slots=True)
class Face:
    """Somebody as others see them; `photo` is the key of their picture in storage."""

    id: int
    name: str
    zone: str
    attendance: Attendance
    greeting: str
    experience: str
    photo: str | None


@dataclass(frozen=True, slots=True)
class Own:
    """One of somebody's published matches, as their own page shows it."""

    match_id: int
    round: int
    """The number of its round."""
    icebreaker: str
    room: int | None
    is_viewing: bool
    reasons: Sequence[str]
    other: Face
    answered: bool
    """They have written about it."""
    has_intro: bool
    """The other one's intro can be watched."""
    took_back: bool
    """The other one withdrew their intro; there is none to wait for."""


@dataclass(frozen=True, slots=True)
class Circle:
    """A published closing group, with those of its members who are still there, by name."""

    number: int
    members: Sequence[Face]


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody said who cannot go on as planned, and did not take back."""

    participant_id: int
    match_id: int | None
    kind: ExitKind


@dataclass(frozen=True, slots=True)
class Leaf:
    """What one participant's page shows of them, their matches and their closing group."""

    reader: Face
    page_version: int
    mine: Sequence[Own]
    circle: Circle | None


@dataclass(frozen=True, slots=True)
class Block:
    """The leaves of neighbours, by id, and what they share."""

    event: Row[Any]
    """The event's row, with the names of its columns."""
    said: Sequence[Said]
    leaves: Mapping[int, Leaf]
    read_at: float = field(default_factory=time.monotonic)


def _face(person: Any) -> tuple[Any, ...]:
    return (
        person.c.id.label("face_id"),
        person.c.name,
        person.c.zone,
        person.c.attendance,
        person.c.greeting,
        person.c.experience,
        _PHOTO.key.label("photo"),
    )


_FACES = (
    select(*_face(_READER), _READER.c.page_version, _READER.c.event_id)
    .outerjoin(Photo.__table__, _PHOTO.participant_id == _READER.c.id)
    .where(_READER.c.id.between(*_BETWEEN))
)


def _seats(me: str, other: str) -> Select[Any]:
    """Return the matches in which the readers are `first` or `second`."""
    return (
        select(
            _MATCH[f"{me}_id"].label("reader_id"),
            _READER.c.attendance.label("reads"),
            _MATCH.id.label("match_id"),
            _ROUND.number,
            _ROUND.icebreaker,
            _MATCH.room,
            _MATCH[f"{me}_reasons"].label("reasons"),
            *_face(_OTHER),
            select(Answer.id)
            .where(Answer.match_id == _MATCH.id, Answer.author_id == _READER.c.id)
            .exists()
            .label("answered"),
            select(Intro.id)
            .where(Intro.participant_id == _OTHER.c.id, PROPER, Intro.state == IntroState.READY)
            .exists()
            .label("has_intro"),
            took_back(_OTHER.c.id).label("took_back"),
        )
        .select_from(Match.__table__)
        .join(Round.__table__, _ROUND.id == _MATCH.round_id)
        .join(_READER, _READER.c.id == _MATCH[f"{me}_id"])
        .join(_OTHER, _OTHER.c.id == _MATCH[f"{other}_id"])
        .outerjoin(Photo.__table__, _PHOTO.participant_id == _OTHER.c.id)
        .where(
            _MATCH[f"{me}_id"].between(*_BETWEEN),
            _MATCH.state == MatchState.PUBLISHED,
            _OTHER.c.left_at.is_(None),
        )
    )


_OWN = union_all(_seats("first", "second"), _seats("second", "first"))
_CIRCLES = (
    select(_ME.c.participant_id.label("reader_id"), _GROUP.id, _GROUP.number, *_face(_OTHER))
    .select_from(_ME)
    .join(Group.__table__, _GROUP.id == _ME.c.group_id)
    .join(_MEMBER, _MEMBER.c.group_id == _GROUP.id)
    .join(_OTHER, _OTHER.c.id == _MEMBER.c.participant_id)
    .outerjoin(Photo.__table__, _PHOTO.participant_id == _OTHER.c.id)
    .where(_ME.c.participant_id.between(*_BETWEEN), _OTHER.c.left_at.is_(None))
    .order_by(_GROUP.id, _OTHER.c.name, _OTHER.c.id)
)
_SAID = (
    select(_EXIT.participant_id, _EXIT.match_id, _EXIT.kind)
    .where(_EXIT.event_id == bindparam("event_id"), _EXIT.undone_at.is_(None))
    .order_by(_EXIT.id)
)
_EVENT_ROW = select(_EVENT).where(_EVENT.c.id == bindparam("event_id"))


def own_matches(session: Session, participant_id: int) -> list[Own]:
    """Return a participant's published matches with people who are still there, by round."""
    return _own_between(session, participant_id, participant_id)[participant_id]


def circle_of(session: Session, participant_id: int) -> Circle | None:
    """Return a participant's published closing group, if there is one."""
    return _circles_between(session, participant_id, participant_id).get(participant_id)


def said_in(session: Session, event_id: int) -> list[Said]:
    """Return what people of an event said of leaving and the like, by age."""
    return [Said(*row) for row in session.execute(_SAID, {"event_id": event_id})]


def in_round(mine: Sequence[Own], number: int) -> list[Own]:
    """Return those of somebody's matches that are in a round; two of them make a trio."""
    return [own for own in mine if own.round == number]


class Leaves:
    """What this process has read for the open pages of neighbours.

    A block is read anew for every version of the event's clock and for every part of the event,
    so that nobody sees anything that is older than what their page asked for; a leaf, for every
    version of its owner's page.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._blocks: dict[tuple[int, int], tuple[object, Block]] = {}

    def block_with(self, session: Session, seen: Glance, at: Now) -> Block:
        """Return a block that holds the leaf of the participant whose page asks.

        Raises NotFound when they were removed in this very moment.
        """
        place = seen.event_id, seen.participant_id // BLOCK
        when = seen.clock_version, at.phase, at.round
        with self._lock:
            known_when, block = self._blocks.get(place, (None, None))
            if (
                block is None
                or known_when != when
                or time.monotonic() - block.read_at > FORGOTTEN_AFTER_SECONDS
            ):
                first = place[1] * BLOCK
                block = _read(session, seen.event_id, first, first + BLOCK - 1, at)
            leaf = block.leaves.get(seen.participant_id)
            if leaf is None or leaf.page_version != seen.page_version:
                one = seen.participant_id
                alone = _read(session, seen.event_id, one, one, at)
                there(alone.leaves.get(one))
                block = replace(block, said=alone.said, leaves={**block.leaves, **alone.leaves})
            self._keep(place, (when, block))
        return block

    def _keep(self, place: tuple[int, int], kept: tuple[object, Block]) -> None:
        if place not in self._blocks:
            since = time.monotonic() - FORGOTTEN_AFTER_SECONDS
            held = {p: held for p, held in self._blocks.items() if held[1].read_at > since}
            self._blocks = held if len(held) < KEPT_BLOCKS else {}
        self._blocks[place] = kept


def _read(session: Session, event_id: int, first: int, last: int, at: Now) -> Block:
    """Return the leaves of the event's participants with ids from first to last.

    Versions come first: what is read after them is as new as they say, or newer. The event is
    not asked for but looked at, else SQLite reads the whole of it for every block.
    """
    readers = session.execute(_FACES, {"first_id": first, "last_id": last}).all()
    mine = _own_between(session, first, last)
    gathers = at.phase in {Phase.CLOSING, Phase.AFTER}
    circles = _circles_between(session, first, last) if gathers else {}
    return Block(
        event=there(session.execute(_EVENT_ROW, {"event_id": event_id}).first()),
        said=said_in(session, event_id),
        leaves={
            row.face_id: Leaf(
                Face(*row[:7]), row.page_version, mine[row.face_id], circles.get(row.face_id)
            )
            for row in readers
            if row.event_id == event_id
        },
    )


def _own_between(session: Session, first: int, last: int) -> defaultdict[int, list[Own]]:
    found: defaultdict[int, list[Own]] = defaultdict(list)
    for row in session.execute(_OWN, {"first_id": first, "last_id": last}):
        reader_id, reads, match_id, number, icebreaker, room, reasons, *face = row[:-3]
        other = Face(*face)
        is_viewing = Attendance.ASYNC in {reads, other.attendance}
        found[reader_id].append(
            Own(match_id, number, icebreaker, room, is_viewing, reasons, other, *row[-3:])
        )
    for mine in found.values():
        mine.sort(key=lambda own: (own.round, own.match_id))
    return found


def _circles_between(session: Session, first: int, last: int) -> dict[int, Circle]:
    """Return the newest closing group of each of these participants."""
    numbers: dict[int, tuple[int, int]] = {}
    members: defaultdict[tuple[int, int], list[Face]] = defaultdict(list)
    found = session.execute(_CIRCLES, {"first_id": first, "last_id": last})
    for reader_id, group_id, number, *face in found:
        numbers[reader_id] = group_id, number
        members[reader_id, group_id].append(Face(*face))
    return {
        reader_id: Circle(number, members[reader_id, group_id])
        for reader_id, (group_id, number) in numbers.items()
    }
