"""What is to be solved, as the worker hands it to the process that solves it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from asyncnet.matching.problem import Pair, Problem

Rounds = tuple[tuple[tuple[int, ...], ...], ...]


@dataclass(frozen=True)
class Job:
    """What is to be solved; everybody numbered as in the problem.

    With `published`, the meetings by round, only what has changed since is mended: `before` is
    the event with everybody who was ever in it, in whose numbers `published` is, and rounds
    before `first_open_round` are over. `windows` is how many rounds an asynchronous event has,
    and `at` in which of them, counted from 1, pairs meet already. `time_limit` is in seconds.
    """

    problem: Problem
    floor: float = 0.5
    time_limit: float = 60.0
    seed: int = 0
    windows: int = 0
    at: Mapping[Pair, int] = field(default_factory=dict)
    before: Problem | None = None
    published: Rounds | None = None
    first_open_round: int = 1
