"""What repairs of a published plan change and lose, after one person cancelled or signed up."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from asyncnet.matching.measures import Plan, measure, plan_of
from asyncnet.matching.problem import Participant, Pin, Problem, pair
from asyncnet.matching.repair import repair
from asyncnet.matching.weights import score
from benchmarks._repairs import account_of

TIMES = 12
KEPT, MOVED, LOST, SECONDS = 0.97, 2.0, 0.01, 1.0


@dataclass
class Worst:
    """The worst of some repairs: the part of published meetings kept, the changes for each that
    was forced, the part of the value lost, the processor's seconds; and how many sit out in all."""

    kept: float = 1.0
    moved: float = 0.0
    lost: float = 0.0
    seconds: float = 0.0
    idle: int = 0

    def add(self, problem: Problem, plan: Plan, after: Problem, first_open: int) -> None:
        """Repair the plan for the changed event and count what came of it.

        One change is forced in each open round that a newcomer joins.
        """
        worked = time.process_time()
        mended = repair(problem, plan, after, first_open)
        self.seconds = max(self.seconds, time.process_time() - worked)
        found = account_of(problem, plan, after, mended, first_open)
        number = {someone.id: i for i, someone in enumerate(after.people)}
        stay = [
            [
                who
                for meeting in rounds
                if len(who := tuple(number[x] for x in problem.ids(meeting) if x in number)) > 1
            ]
            for rounds in plan.rounds
        ]
        left = measure(after, score(after), plan_of(stay)).total
        seats = sum(len(who) for rounds in stay[first_open - 1 :] for who in rounds)
        lost = sum(len(change.lost) for change in found.changes)
        joined = len(after.people) > len(problem.people)
        forced = after.rounds - first_open + 1 if joined else max(1, found.forced)
        self.kept = min(self.kept, 1 - lost / seats)
        self.moved = max(self.moved, found.moved / forced)
        self.lost = max(self.lost, 1 - found.value / left)
        self.idle += len(found.sitting_out)


def show_repairs(event: str | int, problem: Problem, plan: Plan) -> None:
    """Print the worst of a dozen cancellations, and of sign-ups, before and during the event."""
    leavers = random.Random(1).sample(range(len(problem.people)), TIMES)
    gone, come = Worst(), Worst()
    for turn, person in enumerate(leavers):
        gone.add(problem, plan, without(problem, person), 1 + turn % 2)
        come.add(problem, plan, with_one_like(problem, person), 1 + turn % 2)
    for name, worst in (("cancelled", gone), ("signed up", come)):
        fine = worst.kept >= KEPT and worst.moved <= MOVED
        fine = fine and worst.lost < LOST and worst.seconds < SECONDS
        print(
            f"{event:>9}  {name:<16} keeps {worst.kept:.1%}, changes {worst.moved:.1f} times what "
            f"is forced, loses {max(0.0, worst.lost):.2%}, {worst.seconds:.2f} cpu s, "
            f"{worst.idle} sit out "
            f"(to reach {KEPT:.0%}, {MOVED:.0f}, {LOST:.0%}, {SECONDS:.0f} s) "
            f"{'ok' if fine else 'BELOW'}",
            flush=True,
        )


def with_one_like(problem: Problem, person: int) -> Problem:
    """Return the event after somebody signed up who is live and says what this person says."""
    like = problem.people[person]
    newcomer = replace(like, id="newcomer", is_async=False, away=frozenset(), promise=0)
    return replace(problem, people=(*problem.people, newcomer))


def without(problem: Problem, leaver: int) -> Problem:
    """Return the event after this person has cancelled."""

    def moved(people: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(i - (i > leaver) for i in people if i != leaver)

    def kept(pairs: frozenset[tuple[int, int]]) -> frozenset[tuple[int, int]]:
        return frozenset(pair(*moved(duo)) for duo in pairs if leaver not in duo)

    def changed(someone: Participant) -> Participant:
        return replace(
            someone,
            wishes=moved(someone.wishes),
            avoid=moved(someone.avoid),
            known=moved(someone.known),
        )

    return replace(
        problem,
        people=tuple(changed(p) for i, p in enumerate(problem.people) if i != leaver),
        history=kept(problem.history),
        forbids=kept(problem.forbids),
        pins=tuple(_pins_without(problem, leaver)),
    )


def _pins_without(problem: Problem, leaver: int) -> Iterator[Pin]:
    for pin in problem.pins:
        if leaver not in (pin.a, pin.b):
            yield replace(pin, a=pin.a - (pin.a > leaver), b=pin.b - (pin.b > leaver))
