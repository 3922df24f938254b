"""Why two people meet, in words, from the very terms that made the pair worth points.

Said to one of the two, so nothing may come out that the other did not say in the open: a wish
shows to its author, and to both where it is mutual; who is avoided, known already or ranked how
never shows.
"""

from dataclasses import dataclass
from enum import StrEnum

from asyncnet.matching.problem import (
    DAY_HALF_HOURS,
    NEAR_HALF_HOURS,
    UNKNOWN,
    WINDOW_HALF_HOURS,
    Problem,
)


class Because(StrEnum):
    """The kinds of reasons, so that another language can word them anew."""

    EACH_OTHER = "each_other"
    WISH = "wish"
    THEY_OFFER = "they_offer"
    YOU_OFFER = "you_offer"
    TOPICS = "topics"
    ROLE = "role"
    SAME_TYPE = "same_type"
    OTHER_TYPE = "other_type"
    SAME_REGION = "same_region"
    NEAR_CLOCKS = "near_clocks"
    WAKING_HOURS = "waking_hours"


WISHES = (Because.EACH_OTHER, Because.WISH)


@dataclass(frozen=True)
class Reason:
    """One reason: its kind, the names it is about, and the points it brought to both together."""

    because: Because
    names: tuple[str, ...]
    points: int

    def text(self, other: str) -> str:
        """Return the reason as said to the reader, about the person called `other`."""
        names = _listed(self.names)
        return {
            Because.EACH_OTHER: f"You and {other} asked for each other.",
            Because.WISH: f"You asked to meet {other}.",
            Because.THEY_OFFER: f"{other} offers what you seek: {names}.",
            Because.YOU_OFFER: f"{other} seeks what you offer: {names}.",
            Because.TOPICS: f"You both work on {names}.",
            Because.ROLE: f"You hoped to meet somebody in this role: {names}.",
            Because.SAME_TYPE: f"You are both from the same kind of community: {names}.",
            Because.OTHER_TYPE: f"You asked for another field, and {other} brings one: {names}.",
            Because.SAME_REGION: f"You are in the same part of the world: {names}.",
            Because.NEAR_CLOCKS: "Your clocks are at most two hours apart.",
            Because.WAKING_HOURS: "You are awake for many of the same hours.",
        }[self.because]


def reasons(problem: Problem, reader: int, other: int) -> list[Reason]:
    """Return why the reader meets the other person, what brought most points first."""
    found = [
        *_wishes(problem, reader, other),
        *_skills(problem, reader, other),
        *_topics(problem, reader, other),
        *_person(problem, reader, other),
        *_place(problem, reader, other),
    ]
    return sorted((r for r in found if r.points > 0), key=lambda reason: -reason.points)


def _wishes(problem: Problem, reader: int, other: int) -> list[Reason]:
    w = problem.weights
    if other not in problem.people[reader].wishes:
        return []
    if reader in problem.people[other].wishes:
        return [Reason(Because.EACH_OTHER, (), 2 * (w.wish + w.mutual))]
    return [Reason(Because.WISH, (), w.wish)]


def _skills(problem: Problem, reader: int, other: int) -> list[Reason]:
    w = problem.weights
    me, they = problem.people[reader], problem.people[other]
    found = []
    for because, skills in (
        (Because.THEY_OFFER, [s for s in me.seeks if s in they.offers]),
        (Because.YOU_OFFER, [s for s in me.offers if s in they.seeks]),
    ):
        points = min(w.seeks_cap, w.seeks * len(skills)) + min(w.gives_cap, w.gives * len(skills))
        found.append(Reason(because, tuple(problem.skills[s] for s in skills), points))
    return found


def _topics(problem: Problem, reader: int, other: int) -> list[Reason]:
    theirs = problem.people[other].tags
    shared = [tag for tag in problem.people[reader].tags if tag in theirs]
    if not shared:
        return []
    worth = problem.rarity
    shared.sort(key=lambda tag: (-worth[tag], tag))
    points = min(problem.weights.tag_cap, sum(worth[tag] for tag in shared))
    return [Reason(Because.TOPICS, tuple(problem.tags[tag] for tag in shared), 2 * points)]


def _person(problem: Problem, reader: int, other: int) -> list[Reason]:
    w = problem.weights
    me, they = problem.people[reader], problem.people[other]
    found = []
    if they.role in me.wish_roles:
        found.append(Reason(Because.ROLE, (_name(problem.roles, they.role),), w.role))
    kind = (_name(problem.types, they.type),)
    if me.cross is None or UNKNOWN in (me.type, they.type):
        return found
    if me.type == they.type and not me.cross:
        found.append(Reason(Because.SAME_TYPE, kind, w.same_type))
    if me.type != they.type and me.cross:
        found.append(Reason(Because.OTHER_TYPE, kind, w.cross))
    return found


def _place(problem: Problem, reader: int, other: int) -> list[Reason]:
    w = problem.weights
    me, they = problem.people[reader], problem.people[other]
    apart = abs(2 * me.utc - 2 * they.utc) % DAY_HALF_HOURS
    apart = min(apart, DAY_HALF_HOURS - apart)
    found = []
    if me.near and me.region == they.region != UNKNOWN:
        place = (_name(problem.regions, they.region),)
        found.append(Reason(Because.SAME_REGION, place, w.near_region))
    elif me.near and apart <= NEAR_HALF_HOURS:
        found.append(Reason(Because.NEAR_CLOCKS, (), w.near_tz))
    if me.is_async or they.is_async:
        shared = max(0, WINDOW_HALF_HOURS - apart)
        shared += max(0, apart - (DAY_HALF_HOURS - WINDOW_HALF_HOURS))
        points = min(w.overlap_cap, int(shared // (2 * w.overlap_step)))
        if points == w.overlap_cap:
            found.append(Reason(Because.WAKING_HOURS, (), points))
    return found


def _name(names: tuple[str, ...], place: int) -> str:
    return names[place] if 0 <= place < len(names) else str(place)


def _listed(names: tuple[str, ...]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
