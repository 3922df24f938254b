"""A small integer programme, written down row by row by name and solved in steps."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array

from asyncnet.matching.weights import Reals

WHOLE = 0.5


@dataclass(frozen=True)
class Answer:
    """The columns of the best answer that was found, and what no answer can exceed."""

    columns: Reals
    value: float
    bound: float

    def taken(self) -> list[int]:
        """Return the columns that are one rather than nothing."""
        columns: list[int] = np.flatnonzero(self.columns > WHOLE).tolist()
        return columns


class Programme:
    """Columns from nothing to one, of which the first `choices` are whole, the others unlimited."""

    def __init__(self, choices: int, others: int = 0) -> None:
        self.choices = choices
        self.width = choices + others
        self._limits: dict[Hashable, tuple[float, float]] = {}
        self._cells: list[tuple[Hashable, int, float]] = []

    def put(
        self, row: Hashable, column: int, by: float, low: float = -np.inf, high: float = np.inf
    ) -> None:
        """Write a number into a row, which is made with these limits where there is none yet."""
        self._limits.setdefault(row, (low, high))
        self._cells.append((row, column, by))

    def demand(self, row: Hashable, worth: Mapping[int, float], low: float) -> None:
        """Ask for at least `low` of what these columns are worth."""
        for column, by in worth.items():
            self.put(row, column, by, low)

    def __contains__(self, row: Hashable) -> bool:
        return row in self._limits

    def solve(
        self, worth: Mapping[int, float], *, gap: float, nodes: int, seconds: float
    ) -> Answer | None:
        """Return the answer that is worth most, or None where none was found."""
        if seconds <= 0:
            return None
        line = {row: number for number, row in enumerate(self._limits)}
        costs = np.zeros(self.width)
        for column, by in worth.items():
            costs[column] = -by
        lines = [line[row] for row, _, _ in self._cells]
        columns = [column for _, column, _ in self._cells]
        values = [by for _, _, by in self._cells]
        shape = (len(line), self.width)
        matrix = csr_array(coo_array((values, (lines, columns)), shape))
        low, high = zip(*self._limits.values(), strict=True)
        whole = np.arange(self.width) < self.choices
        found = milp(
            costs,
            constraints=LinearConstraint(matrix, low, high),
            integrality=whole.astype(float),
            bounds=Bounds(np.zeros(self.width), np.where(whole, 1.0, np.inf)),
            options={"mip_rel_gap": gap, "node_limit": nodes, "time_limit": seconds},
        )
        if found.x is None:
            return None
        return Answer(found.x, -float(found.fun), -float(found.mip_dual_bound))
