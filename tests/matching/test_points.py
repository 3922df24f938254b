"""Points of one pair at a time are those of all pairs at once."""

from dataclasses import replace

import numpy as np
import pytest

from asyncnet.matching.points import ideal, points
from asyncnet.matching.reading import read_problem
from asyncnet.matching.weights import score
from tests.matching.events import public


@pytest.mark.parametrize("name", ["pub-0007", "pub-0024", "pub-0061"])
def test_a_page_says_what_the_solver_counts(name: str) -> None:
    read = read_problem(public(name))
    either = [replace(person, cross=None) for person in read.people[::5]]
    problem = replace(read, people=(*read.people, *either))
    n = len(problem.people)
    scores = score(problem)

    one_by_one = [[points(problem, i, j) if i != j else 0 for j in range(n)] for i in range(n)]
    apart = frozenset(problem.never())

    at_once = np.where(np.eye(n, dtype=bool), 0, scores.points)
    assert np.array_equal(one_by_one, at_once)
    assert [ideal(problem, i, apart) for i in range(n)] == scores.ideal.tolist()
