"""An event as the solver knows it: its people numbered, their answers and the plan so far.

Reads only, and a constant number of queries, whatever the size of the event.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from sqlalchemy import Row, select
from sqlalchemy.orm import Session, aliased

from asyncnet.events.model import Event, EventOrganizer, Mention, Participant
from asyncnet.events.rules import Attendance, EventMode, MentionKind, WordKind
from asyncnet.matches.model import Forbid, Match, MatchState
from asyncnet.matches.rules import GROUP_WEIGHTS, WEIGHTS, PlanSettings
from asyncnet.matches.sayings import Places, Sayings, Words
from asyncnet.matching import problem as solver
from asyncnet.matching.problem import Pair, Pin, Problem, pair
from asyncnet.matching.reasons import WISHES, reasons

_Mentions = Sequence[Row[int, MentionKind, int | None, list[int], str]]
"""Who names whom: participant, why, the one who is meant, all who may be, and in which words."""


@dataclass(frozen=True)
class Instance:
    """The event to be matched, and its participants numbered as in the problem."""

    problem: Problem
    people: tuple[Participant, ...]
    watched: frozenset[tuple[int, int]] = frozenset()
    """The published viewings of people who had to leave, by the ids of the two: they may still
    take place in somebody's own time."""
    by_address: frozenset[tuple[int, int]] = frozenset()
    """Who asked for whom by their address, by ids: why they meet never says whose that is."""

    @cached_property
    def number_of(self) -> Mapping[int, int]:
        """The number of each participant in the problem, by their id."""
        return {participant.id: number for number, participant in enumerate(self.people)}


def instance_of(
    session: Session, event: Event, settings: PlanSettings | None = None, *, with_left: bool = False
) -> Instance:
    """Return the event as it is now; the plan's own pins are kept, all else is open.

    People are numbered in the order they registered and named as in the event, with their
    address where two have one name. Who had to leave is not among them: they meet nobody new.
    `with_left` also numbers those, and who took part and left, as a published plan that is to be
    repaired still names them.
    """
    settings = settings or PlanSettings()
    everyone = session.scalars(
        select(Participant).where(Participant.event_id == event.id).order_by(Participant.id)
    ).all()
    people = tuple(p for p in everyone if with_left or _is_there(p))
    number_of = {participant.id: number for number, participant in enumerate(people)}
    mixed = event.mode is EventMode.MIXED
    mentions = _mentions(session, event)
    sayings = Sayings(_names(everyone), Words(session, event), _named(mentions, number_of))
    places = Places(event)
    seated = tuple(
        _seated(sayings.of(who, places), event, who.attendance, settings) for who in people
    )
    problem = Problem(
        name=event.title,
        mixed=mixed,
        rounds=len(event.rounds) if mixed else 0,
        max_async_per_live=settings.most_viewings,
        trio=settings.trio,
        group_size=settings.group_size,
        people=seated,
        weights=WEIGHTS,
        group_weights=GROUP_WEIGHTS,
        history=_history(session, event, people),
        no_repeat_history=not settings.repeat,
        forbids=_forbids(session, event, number_of),
        pins=_pins(session, event, number_of),
        roles=sayings.words.listed(WordKind.ROLE),
        types=sayings.words.listed(WordKind.COMMUNITY),
        regions=places.regions(),
        tags=sayings.words.listed(WordKind.TOPIC),
        skills=sayings.words.listed(WordKind.SKILL),
    )
    return Instance(problem, people, _watched(session, event, everyone), _by_address(mentions))


def _mentions(session: Session, event: Event) -> _Mentions:
    return session.execute(
        select(
            Mention.participant_id,
            Mention.kind,
            Mention.meant_id,
            Mention.possible,
            Mention.folded,
        )
        .where(Mention.event_id == event.id)
        .order_by(Mention.id)
    ).all()


def _is_there(person: Participant) -> bool:
    return person.left_at is None and person.away_from_at is None


def _watched(
    session: Session, event: Event, everyone: Sequence[Participant]
) -> frozenset[tuple[int, int]]:
    here = {person.id: person for person in everyone if person.left_at is None}
    if all(_is_there(person) for person in here.values()):
        return frozenset()
    rows = session.execute(
        select(Match.first_id, Match.second_id).where(
            Match.event_id == event.id, Match.state == MatchState.PUBLISHED
        )
    )
    return frozenset(
        (one, other)
        for one, other in rows
        if one in here
        and other in here
        and not (_is_there(here[one]) and _is_there(here[other]))
        and Attendance.ASYNC in {here[one].attendance, here[other].attendance}
    )


def reasons_of(
    instance: Instance, one: Participant, other: Participant
) -> tuple[list[str], list[str]]:
    """Return why these two meet, in sentences: as said to the one, and as said to the other.

    Neither learns from them whom somebody avoids, knows or ranks how, nor that the other asked
    for them when they did not ask for the other, nor whose an address is that they asked for.
    """
    return _said_to(instance, one, other), _said_to(instance, other, one)


def _said_to(instance: Instance, reader: Participant, other: Participant) -> list[str]:
    here, there = instance.number_of[reader.id], instance.number_of[other.id]
    unsaid = WISHES if (reader.id, other.id) in instance.by_address else ()
    return [
        reason.text(other.name)
        for reason in reasons(instance.problem, here, there)
        if reason.because not in unsaid
    ]


def _seated(
    someone: solver.Participant, event: Event, attendance: Attendance, settings: PlanSettings
) -> solver.Participant:
    """Return somebody with how often they can be met; a live person has the rounds."""
    if event.mode is EventMode.ASYNC:
        return replace(someone, is_async=True, k=len(event.rounds))
    if attendance is Attendance.LIVE:
        return someone
    return replace(
        someone,
        is_async=True,
        k=settings.most_viewers,
        per_round=settings.viewers_at_once,
        promise=settings.promised_viewers,
    )


def _names(people: Sequence[Participant]) -> dict[int, str]:
    """Return a name for each id, the address with it where two have the same."""
    count = Counter(participant.name for participant in people)
    return {p.id: p.name if count[p.name] == 1 else f"{p.name} ({p.email})" for p in people}


def _named(
    mentions: _Mentions, number_of: Mapping[int, int]
) -> defaultdict[tuple[int, MentionKind], tuple[int, ...]]:
    """Return the numbers of those whom each participant names, by their id and why.

    Where a name may mean several people, all of them are avoided, and none is wished for.
    """
    found: defaultdict[tuple[int, MentionKind], tuple[int, ...]] = defaultdict(tuple)
    for who, kind, meant_id, possible, _ in mentions:
        several = possible if kind is MentionKind.AVOID else ()
        meant = several if meant_id is None else (meant_id,)
        numbers = (number_of[person] for person in meant if person in number_of)
        found[who, kind] = tuple(dict.fromkeys((*found[who, kind], *numbers)))
    return found


def _by_address(mentions: _Mentions) -> frozenset[tuple[int, int]]:
    """Return who asked for whom by their address alone, by ids."""
    asked: defaultdict[tuple[int, int], set[bool]] = defaultdict(set)
    for who, kind, meant_id, _, written in mentions:
        if kind is MentionKind.MEET and meant_id is not None:
            asked[who, meant_id].add("@" in written)
    return frozenset(two for two, ways in asked.items() if ways == {True})


def _forbids(session: Session, event: Event, number_of: Mapping[int, int]) -> frozenset[Pair]:
    rows = session.execute(
        select(Forbid.first_id, Forbid.second_id).where(Forbid.event_id == event.id)
    )
    return frozenset(
        pair(number_of[one], number_of[other])
        for one, other in rows
        if one in number_of and other in number_of
    )


def _pins(session: Session, event: Event, number_of: Mapping[int, int]) -> tuple[Pin, ...]:
    matches = session.scalars(
        select(Match)
        .where(Match.event_id == event.id, Match.pinned, Match.state == MatchState.PUBLISHED)
        .order_by(Match.id)
    ).all()
    rounds = {slot.id: slot.number for slot in event.rounds}
    mixed = event.mode is EventMode.MIXED
    return tuple(
        Pin(
            *pair(number_of[match.first_id], number_of[match.second_id]),
            rounds[match.round_id] if mixed else 0,
        )
        for match in matches
        if match.first_id in number_of and match.second_id in number_of
    )


def _history(session: Session, event: Event, people: Sequence[Participant]) -> frozenset[Pair]:
    """Return who met at earlier events of the same organizers, known by their addresses."""
    number_of = {participant.email: number for number, participant in enumerate(people)}
    hosts = select(EventOrganizer.person_id).where(EventOrganizer.event_id == event.id)
    earlier = (
        select(Event.id)
        .join(EventOrganizer)
        .where(EventOrganizer.person_id.in_(hosts), Event.ends_at <= event.starts_at)
    )
    here = select(Participant.email).where(Participant.event_id == event.id)
    first, second = aliased(Participant), aliased(Participant)
    rows = session.execute(
        select(first.email, second.email)
        .select_from(Match)
        .join(first, Match.first_id == first.id)
        .join(second, Match.second_id == second.id)
        .where(
            Match.event_id.in_(earlier),
            Match.state == MatchState.PUBLISHED,
            first.email.in_(here),
            second.email.in_(here),
        )
    )
    return frozenset(
        pair(number_of[one], number_of[other])
        for one, other in rows
        if one in number_of and other in number_of
    )
