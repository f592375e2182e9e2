"""Crossings of several neurons within one step are found in the order in which they come, whoever's they are.

Neurons whose small (w1, b1) pass by 0 together cross all their walls within a step, by turns. The order is
known from a plain integration; neurons in another order have the same crossings, twins have each at one time.
"""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

import gradflow as gf
from gradflow.networks import line
from gradflow.networks.line.evaluate import evaluator
from gradflow.networks.line.task import task_of
from gradflow.runs import crossings

WALLS = {"lo": -1.0, "teacher": 0.2, "hi": 1.0}
ROWS = np.array([[1e-3, -1.5e-3, 0.7e-3], [0.3, 0.30005, 0.2999], [0.5, 0.5, 0.5]])
T_END = 0.26


def problem(low: float) -> gf.Problem:
    """Return one whose teacher hardly bends, so that w1 hardly moves while b1 falls."""
    return gf.Problem(gf.Neuron(1.0, -WALLS["teacher"], 1e-4, 0.0), activation=(low, 1.0))


def network(order: tuple[int, ...]) -> gf.Network:
    w1, b1, w2 = ROWS[:, list(order)]
    return gf.Network(w1, b1, w2, 2.0)


def listed(data: xr.Dataset, order: tuple[int, ...]) -> list[tuple[float, int, str]]:
    """Return time, neuron and wall of every crossing, neurons by their number in `ROWS`."""
    found = crossings(data)
    columns = (found[name].values.tolist() for name in ("time", "neuron", "wall"))
    return [(t, order[neuron], wall) for t, neuron, wall in zip(*columns, strict=True)]


def plain(low: float) -> list[tuple[float, int, str]]:
    """Return what a plain integration passes for the first time, except a ReLU neuron's last wall."""
    gradient = evaluator(task_of(problem(low)), 10**9).gradient
    start = network((0, 1, 2)).rows
    solution = solve_ivp(
        lambda _, y: -gradient(y), (0.0, T_END), start, "DOP853", dense_output=True, rtol=1e-12, atol=1e-13
    )
    found = []
    for neuron in range(3):
        own = []
        for wall, at in WALLS.items():

            def height(t: float, at: float = at, neuron: int = neuron) -> float:
                y = solution.sol(t)
                return float(y[neuron] * at + y[3 + neuron])

            after = int(np.argmax(solution.y[neuron] * at + solution.y[3 + neuron] < 0.0))
            if after:
                begin, end = solution.t[after - 1], solution.t[after]
                own.append((brentq(height, begin, end, xtol=1e-15), neuron, wall))
        found += sorted(own)[: 3 if low else 2]
    return sorted(found)


@pytest.mark.parametrize("low", [0.2, 0.0])
def test_neurons_that_pass_by_0_together_cross_by_turns(low: float) -> None:
    # A ReLU neuron fades at the wall that would be its last, and crosses two.
    known = plain(low)
    assert len(known) == (9 if low else 6)
    assert [neuron for _, neuron, _ in known] != sorted(neuron for _, neuron, _ in known)
    for order, rtol in [*product(list(permutations(range(3)))[::2], [1e-5]), ((0, 2, 1), 1e-8)]:
        # The longer steps of the first have up to three crossings.
        found = listed(line.gradient_flow(network(order), problem(low), t_end=T_END, rtol=rtol), order)
        assert [what[1:] for what in found] == [what[1:] for what in known]
        np.testing.assert_allclose([t for t, *_ in found], [t for t, *_ in known], atol=20.0 * rtol)


@pytest.mark.slow
@pytest.mark.parametrize("low", [0.2, 0.0])
def test_many_at_once_count_the_same_crossings(low: float) -> None:
    known, orders = plain(low), list(permutations(range(3)))
    rows = np.stack([network(order).rows for order in orders], axis=-1)
    many = line.integrate_ensemble(rows, problem(low), T_END, rtol=1e-8)
    assert many.crossings.tolist() == [len(known)] * len(orders)
    np.testing.assert_allclose(many.first_crossing, known[0][0], atol=1e-7)


@pytest.mark.parametrize(
    "mirrored", [pytest.param(False, marks=pytest.mark.slow), True], ids=["twins", "mirrored twins"]
)
def test_twins_cross_at_one_time(mirrored: bool) -> None:
    # As even as the target the mirrored ones stay mirrored, and meet the two ends together.
    turn = -1.0 if mirrored else 1.0
    pair = gf.Network([1e-3, 1e-3 * turn], [0.3, 0.3], [0.5, 0.5], 2.0)
    flat = gf.Knots([-1.0, 0.0, 1.0], [1e-4, 0.0, 1e-4])
    for low in (0.2, 0.0):
        run = line.gradient_flow(pair, gf.Problem(target=flat, activation=(low, 1.0)), t_end=0.2, rtol=1e-10)
        found = listed(run, (0, 1))
        first, second = ([(t, wall) for t, neuron, wall in found if neuron == one] for one in (0, 1))
        turned = {"lo": "hi", "hi": "lo"} if mirrored else {}
        assert len(first) >= 2
        assert [turned.get(wall, wall) for _, wall in first] == [wall for _, wall in second]
        np.testing.assert_allclose([t for t, _ in first], [t for t, _ in second], rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [6, 16, 21])
def test_a_loose_tolerance_invents_no_crossing(seed: int) -> None:
    # A step that is taken again up to a wall may end before it, by the solver's error: who is said to have
    # crossed it there has not come back when the next step begins.
    start, problem = line.start("uniform", 4, seed), gf.Problem(target="abs")
    runs = [line.gradient_flow(start, problem, t_end=6.0, rtol=rtol) for rtol in (1e-3, 1e-8)]
    loose, tight = (sorted(what[1:] for what in listed(run, (0, 1, 2, 3))) for run in runs)
    assert loose == tight
