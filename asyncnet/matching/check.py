"""Verify a plan against an event, from the plain data alone.

Nothing here is shared with the solver but the reading of the event: points are scored anew, person
by person, so that an error in the one does not hide in the other.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil, floor
from typing import Any

from asyncnet.matching.problem import Problem, Refused
from asyncnet.matching.reading import read_problem
from asyncnet.matching.recount import Recount

Chat = tuple[int, ...]


@dataclass(frozen=True)
class Verdict:
    """Which rules a plan breaks, as sentences, and what it gives; no sentence, no breach."""

    breaches: tuple[str, ...]
    total: float
    coverage: float
    min_share: float
    async_min_share: float | None
    byes: tuple[int, ...]
    group_value: float | None

    def as_data(self) -> dict[str, object]:
        """Return the verdict as plain data."""
        return {
            "valid": not self.breaches,
            "breaches": list(self.breaches),
            "total": self.total,
            "coverage": round(self.coverage, 6),
            "min_share": round(self.min_share, 4),
            "async_min_share": self.async_min_share and round(self.async_min_share, 4),
            "byes": list(self.byes),
            "group_value": self.group_value and round(self.group_value, 3),
        }


def check(event: object, plan: object) -> Verdict:
    """Return the verdict on a plan; both arguments are parsed JSON of `asyncnet-match/1`.

    Raises Refused when either cannot be read, or the plan names somebody who is not taking part.
    """
    return _Checker(read_problem(event), plan).verdict()


class _Checker:
    def __init__(self, problem: Problem, plan: object) -> None:
        self.problem = problem
        self.people = problem.people
        self.recount = Recount(problem)
        self.numbers = {someone.id: i for i, someone in enumerate(problem.people)}
        if not isinstance(plan, Mapping):
            raise Refused("The plan must be an object with named fields.")
        self.rounds: list[list[Chat]] = []
        self.groups = self.chats(plan.get("groups", []), "groups", range(1, 1_000))
        self.has_groups = bool(plan.get("groups"))
        if problem.mixed:
            found = self.listed(plan.get("rounds"), "rounds")
            for number, entry in enumerate(found, 1):
                self.rounds.append(self.chats(entry, f"round {number}", (2, 3)))
        else:
            self.rounds = [self.chats(plan.get("pairs"), "pairs", (2,))]
        self.breaches: list[str] = []

    def listed(self, value: Any, where: str) -> Sequence[Any]:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise Refused(f'The plan\'s "{where}" must be a list.')
        return value

    def chats(self, value: Any, where: str, sizes: Iterable[int]) -> list[Chat]:
        found = []
        for entry in self.listed(value, where):
            names = self.listed(entry, where)
            for name in names:
                if not isinstance(name, str) or name not in self.numbers:
                    raise Refused(f"The plan's {where} names {name!r}, who is not a participant.")
            if len(names) not in sizes:
                raise Refused(f"The plan's {where} has a meeting of {len(names)}: {names}.")
            found.append(tuple(self.numbers[name] for name in names))
        return found

    def verdict(self) -> Verdict:
        self.check_pairs()
        if self.problem.mixed:
            self.check_rounds()
        self.check_counts()
        self.check_pins()
        if self.has_groups:
            self.check_groups()
        points = self.points()
        shares = [self.recount.share(i, points[i]) for i in range(len(self.people))]
        seated = [
            i for i in range(len(self.people)) if self.recount.is_live(i) or not self.problem.mixed
        ]
        rest = [i for i in range(len(self.people)) if i not in set(seated)]
        seats = Counter(i for found in self.rounds for chat in found for i in chat)
        caps = sum(self.recount.cap(i) for i in seated)
        return Verdict(
            breaches=tuple(self.breaches),
            total=float(sum(points)),
            coverage=sum(seats[i] for i in seated) / caps if caps else 1.0,
            min_share=min((shares[i] for i in seated), default=1.0),
            async_min_share=min((shares[i] for i in rest), default=None),
            byes=self.byes() if self.problem.mixed else (),
            group_value=self.group_value() if self.has_groups else None,
        )

    def says(self, sentence: str) -> None:
        self.breaches.append(sentence)

    def name(self, *people: int) -> str:
        return " and ".join(self.people[i].id for i in people)

    def byes(self) -> tuple[int, ...]:
        result = []
        for number, found in enumerate(self.rounds, 1):
            busy = {i for chat in found for i in chat}
            there = [i for i in self.problem.live if number not in self.people[i].away]
            result.append(len(set(there) - busy))
        return tuple(result)

    def kept_apart(self, i: int, j: int) -> bool:
        apart = j in self.people[i].avoid or i in self.people[j].avoid
        return apart or (min(i, j), max(i, j)) in self.problem.forbids

    def check_pairs(self) -> None:
        times: Counter[tuple[int, int]] = Counter()
        for found in self.rounds:
            for chat in found:
                if len(set(chat)) < len(chat):
                    self.says(f"{self.name(*chat)}: somebody meets themselves.")
                times.update((min(duo), max(duo)) for duo in combinations(chat, 2))
        for (i, j), count in times.items():
            if count > 1:
                self.says(f"{self.name(i, j)} meet {count} times.")
            if self.kept_apart(i, j):
                self.says(f"{self.name(i, j)} meet, but must be kept apart.")
            if self.problem.no_repeat_history and (i, j) in self.problem.history:
                self.says(f"{self.name(i, j)} meet again, after an earlier event.")
            if self.problem.mixed and not self.recount.is_live(i) and not self.recount.is_live(j):
                self.says(f"{self.name(i, j)} meet, but both are asynchronous.")

    def check_rounds(self) -> None:
        if len(self.rounds) != self.problem.rounds:
            self.says(f"The plan has {len(self.rounds)} rounds, not {self.problem.rounds}.")
        for number, found in enumerate(self.rounds, 1):
            trios = [chat for chat in found if len(chat) == 3]
            if trios and not self.problem.trio:
                self.says(f"Round {number} has a trio, but trios are not allowed.")
            if len(trios) > 1:
                self.says(f"Round {number} has {len(trios)} trios, but one is the most.")
            for trio in trios:
                if not all(self.recount.is_live(i) for i in trio):
                    self.says(f"Round {number}: the trio {self.name(*trio)} is not all live.")
            for i, count in Counter(i for chat in found for i in chat).items():
                most = 1 if self.recount.is_live(i) else self.people[i].per_round
                if count > most:
                    self.says(f"{self.name(i)} meets {count} people in round {number}.")
                if number in self.people[i].away:
                    self.says(f"{self.name(i)} is matched in round {number}, but away.")

    def check_counts(self) -> None:
        meetings: Counter[int] = Counter()
        viewings: Counter[int] = Counter()
        for found in self.rounds:
            for chat in found:
                meetings.update(chat)
                if not all(self.recount.is_live(i) for i in chat):
                    viewings.update(i for i in chat if self.recount.is_live(i))
        for i, person in enumerate(self.people):
            if not self.recount.is_live(i) and meetings[i] > person.k:
                self.says(f"{self.name(i)} has {meetings[i]} matches, {person.k} is the most.")
            if meetings[i] < person.promise:
                self.says(f"{self.name(i)} has {meetings[i]} matches, {person.promise} promised.")
            if self.recount.is_live(i) and viewings[i] > self.problem.max_async_per_live:
                most = self.problem.max_async_per_live
                self.says(
                    f"{self.name(i)} meets {viewings[i]} asynchronous people, {most} is the most."
                )

    def check_pins(self) -> None:
        for pin in self.problem.pins:
            rounds = [
                number
                for number, found in enumerate(self.rounds, 1)
                for chat in found
                if pin.a in chat and pin.b in chat
            ]
            if not rounds:
                self.says(f"{self.name(pin.a, pin.b)} are pinned, but do not meet.")
            elif pin.round and pin.round not in rounds:
                self.says(f"{self.name(pin.a, pin.b)} are pinned to round {pin.round}.")

    def check_groups(self) -> None:
        if not self.problem.mixed:
            self.says("An asynchronous event has no closing groups.")
            return
        times = Counter(i for people in self.groups for i in people)
        for i in self.problem.live:
            if times[i] != 1:
                self.says(f"{self.name(i)} is in {times[i]} closing groups.")
        for i in sorted(set(times) - set(self.problem.live)):
            self.says(f"{self.name(i)} is asynchronous, but in a closing group.")
        sizes = sorted(len(people) for people in self.groups)
        if not self.right_sizes(sizes):
            self.says(f"The closing groups have the wrong sizes: {sizes}.")
        for people in self.groups:
            for i, j in combinations(people, 2):
                if self.kept_apart(i, j):
                    self.says(f"{self.name(i, j)} share a group, but must be kept apart.")

    def right_sizes(self, sizes: list[int]) -> bool:
        smallest, largest = self.problem.group_size
        count = len(self.problem.live)
        if ceil(count / largest) <= floor(count / smallest):
            return smallest <= sizes[0] and sizes[-1] <= largest
        return len(sizes) == max(1, ceil(count / largest)) and sizes[-1] - sizes[0] <= 1

    def points(self) -> list[float]:
        points = [0.0] * len(self.people)
        wanted: defaultdict[int, list[tuple[int, float]]] = defaultdict(list)
        for found in self.rounds:
            for chat in found:
                for i in chat:
                    wanted[i].extend((j, 1 / (len(chat) - 1)) for j in chat if j != i)
        for i, partners in wanted.items():
            row = self.recount.row(i)
            points[i] = sum(float(row[j]) * part for j, part in partners)
        return points

    def group_value(self) -> float:
        met = {
            frozenset(duo)
            for found in self.rounds
            for chat in found
            for duo in combinations(chat, 2)
        } | {frozenset(duo) for duo in self.problem.history}
        value = 0.0
        for people in self.groups:
            if len(people) > 1:
                together = sum(self.recount.affinity(i, j, met) for i, j in combinations(people, 2))
                value += 2 * together / (len(people) - 1)
        return value
