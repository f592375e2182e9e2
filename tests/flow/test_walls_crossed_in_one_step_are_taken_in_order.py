"""Of two walls crossed within one step the one that is crossed first is taken first, whatever its index.

Small (w1, b1) that pass by 0 cross all walls within a step; the first is told by the sign of w1. The order is
known from an integration whose error control has to shorten its steps at each wall; mirrored, it is reversed.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.optimize import brentq

from gradflow.flow import integrate, reference
from gradflow.flow.chart import Cell, make_chart, setting
from gradflow.flow.crossing import Candidate, Step, confirmed
from gradflow.flow.ensemble import EVENTS, integrate_ensemble
from gradflow.neuron.problem import Neuron, Problem, Uniform
from tests.flow.reference import Case, plain

LEAKY, RELU = (0.2, 1.0), (0.0, 1.0)
PLACES = {"lo": -1.0, "teacher": 0.2, "hi": 1.0}
T_END = 0.1


def passing(w1: float, slopes: tuple[float, float]) -> Case:
    """Return a neuron whose b1 falls from 0.3 through 0 while w1 hardly moves: the teacher hardly bends."""
    problem = Problem(Neuron(1.0, -PLACES["teacher"], 1e-4, 0.0), Uniform(-1.0, 1.0), slopes)
    return Case(Neuron(w1, 0.3, 1.0, 2.0), problem, T_END)


def order(case: Case) -> list[tuple[float, str]]:
    """Return when a plain integration crosses which wall for the first time."""
    solution = plain(case, max_step=0.01, dense=True)
    found = []
    for wall, at in PLACES.items():

        def height(t: float, at: float = at) -> float:
            w1, b1, _, _ = solution.sol(t)
            return float(w1 * at + b1)

        after = int(np.argmax(solution.y[0] * at + solution.y[1] < 0.0))
        found.append((brentq(height, solution.t[after - 1], solution.t[after], xtol=1e-15), wall))
    return sorted(found)


@pytest.mark.slow
@pytest.mark.parametrize("w1", [1e-3, -1e-3, -1e-5])
def test_a_neuron_that_passes_by_0_crosses_the_nearer_wall_first(
    w1: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    together: list[int] = []

    def watched(*arguments: object) -> int | None:
        wall = confirmed(*arguments)  # type: ignore[arg-type]
        candidates: dict[int, Candidate] = arguments[3]  # type: ignore[assignment]
        together.append(len({id(found.step) for found in candidates.values()}) < len(candidates))
        return wall

    monkeypatch.setattr(reference, "confirmed", watched)
    for slopes, count in ((LEAKY, 3), (RELU, 2)):
        together.clear()
        case = passing(w1, slopes)
        run, known = integrate(*case, rtol=1e-8), order(case)[:count]
        assert any(together)
        assert [found.wall for found in run.crossings] == [wall for _, wall in known]
        np.testing.assert_allclose([found.t for found in run.crossings], [t for t, _ in known], atol=1e-8)
        assert known[0][1] == ("lo" if w1 > 0.0 else "hi")


def ends_as_one_by_one(backend: str) -> None:
    for slopes in (LEAKY, RELU):
        cases = [passing(w1, slopes) for w1 in (-1e-3, 1e-5)]
        starts = np.array([case.start for case in cases]).T
        many = integrate_ensemble(starts, cases[0].problem, T_END, rtol=1e-8, backend=backend)
        for i, case in enumerate(cases):
            one = integrate(*case, rtol=1e-8)
            assert int(many.crossings[i]) == len(one.crossings)
            assert EVENTS[int(many.first_event[i])] == one.crossings[0].event
            assert many.first_crossing[i] == pytest.approx(one.crossings[0].t, abs=1e-10)
            np.testing.assert_allclose(many.final[:, i], one.last.theta, atol=1e-9)


@pytest.mark.slow
def test_many_at_once_take_the_same_order() -> None:
    ends_as_one_by_one("numpy")


@pytest.mark.slow
def test_compiled_code_takes_the_same_order() -> None:
    ends_as_one_by_one("numba")


@pytest.mark.parametrize("cell", [(True, True, True), (True, True, False), (False, True, True)], ids=str)
@pytest.mark.parametrize("times", list(permutations((0.3, 0.5, 0.8))), ids=str)
def test_the_first_root_is_confirmed_whatever_its_wall(cell: Cell, times: tuple[float, ...]) -> None:
    # Leaky, as a ReLU neuron never crosses the wall at its active end.
    chart = make_chart(cell, setting(Problem(activation=LEAKY)))
    left, _, right = times

    def dense(s: object) -> np.ndarray:
        at = np.asarray(s)
        z_lo, z_hi = ((1.0 if cell[i] else -1.0) * (root - at) for i, root in ((0, left), (2, right)))
        w1, b1 = 0.5 * (z_hi - z_lo), 0.5 * (z_lo + z_hi)
        first, second = chart.coordinates(1.0, 1.0, (1.0, 2.0, 3.0))
        balanced = (first, second) == (1.0, 3.0)
        return np.array([z_lo, z_hi] if balanced else [w1, b1])

    found: dict[int, Candidate] = {}
    wall = confirmed(chart, Step(0.0, 0.0, 1.0, dense, (0, 0)), 1e-10, found, False)
    roots = {index: candidate.s for index, candidate in found.items()}
    assert {0, 2} <= set(roots)
    assert roots[0] == pytest.approx(left)
    assert roots[2] == pytest.approx(right)
    assert wall == min(roots, key=lambda index: roots[index])
