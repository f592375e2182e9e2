"""What a flow promises holds for any two of its features together, also for pairs that nobody thought of.

Theorems, recorded moments and stop rules change no state; a flow goes on from where it was left; the mirrored
problem has the mirrored flow; many at once end as each does; loss, energy and Q keep their laws.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import xarray as xr

from gradflow.ends.outcome import OUTCOMES
from gradflow.flow.ensemble import States, integrate_ensemble
from gradflow.flow.status import STATUSES
from gradflow.neuron.problem import PARAMETERS, Neuron, Problem, Uniform
from gradflow.runs import gradient_flow
from gradflow.runs.records import crossings
from tests.covering import covering, named

STARTS = {
    "balanced": Neuron(0.9, 0.25, 1.1, -0.7),
    "turning": Neuron(-1.1, 0.3, 0.6, 0.4),
    "on a wall": Neuron(0.8, -0.8, -0.7, 0.3),
    "dead": Neuron(0.1, -9.0, 1.0, 0.9),
    "hyperactive": Neuron(0.2, 9.0, 0.4, -3.0),
    "unequal": Neuron(0.02, 0.01, 3.0, -1.0),
}
INTERVALS = {"default": (-1.0, 1.0), "wide": (-2.0, 4.0), "one-sided": (0.3, 1.9), "shifted": (-2.5, -1.0)}
TEACHERS = {
    "default teacher": Neuron(),
    "negative": Neuron(-1.2, 0.3, -0.8, 0.2),
    "flat": Neuron(0.2, 3.0, 1.0, -1.0),
    "constant": Neuron(0.0, -1.0, 1.0, 0.4),
}
ACTIVATIONS: dict[str, Any] = {
    "relu": (0.0, 1.0),
    "leaky": (0.1, 1.0),
    "kink down": (1.3, 0.4),
    "silu": "silu",
}
FEATURES = {
    "start": list(STARTS),
    "interval": list(INTERVALS),
    "teacher": list(TEACHERS),
    "activation": list(ACTIVATIONS),
    "method": ["auto", "RK45", "Radau"],
    "rtol": ["1e-10", "1e-7"],
    "theory": ["theorems", "none", "until decided"],
    "times": ["steps", "moments"],
    "t_end": ["6", "0.5"],
}


def together(feature: str, choice: str, other: str, its: str) -> bool:
    """Return whether two choices are worth their time: Radau takes seconds to ten digits."""
    return {choice, its} != {"Radau", "1e-10"}


ROWS = covering(FEATURES, together)
IDS = [named(row) for row in ROWS]


def every_row(test: Callable[[int], None]) -> Callable[[int], None]:
    """Run a test for every row, and for some by default."""
    return pytest.mark.some(1)(pytest.mark.parametrize("number", range(len(ROWS)), ids=IDS)(test))


def mirrored(neuron: Neuron) -> Neuron:
    return neuron._replace(w1=-neuron.w1)


@cache
def run(number: int, plain: bool = False, mirror: bool = False) -> xr.Dataset:
    """Return the flow of a row; `plain`: without theorems, at every step."""
    row = ROWS[number]
    start, teacher, (lo, hi) = STARTS[row["start"]], TEACHERS[row["teacher"]], INTERVALS[row["interval"]]
    if mirror:
        start, teacher, lo, hi = mirrored(start), mirrored(teacher), -hi, -lo
    t_end = float(row["t_end"])
    options: dict[str, Any] = {"theory": False}
    if not plain:
        options = {"theory": row["theory"] != "none", "until_decided": row["theory"] == "until decided"}
        if row["times"] == "moments":
            options["times"] = np.linspace(0.0, t_end, 5)
    problem = Problem(teacher, Uniform(lo, hi), ACTIVATIONS[row["activation"]])
    rtol = float(row["rtol"])
    return gradient_flow(start, problem, t_end=t_end, rtol=rtol, method=row["method"], **options)


def states(data: xr.Dataset) -> np.ndarray:
    return np.array([data[name].values for name in PARAMETERS])


def problem_of(number: int) -> Problem:
    row = ROWS[number]
    lo, hi = INTERVALS[row["interval"]]
    return Problem(TEACHERS[row["teacher"]], Uniform(lo, hi), ACTIVATIONS[row["activation"]])


@every_row
def test_theorems_and_records_change_no_state(number: int) -> None:
    data, plain = run(number), run(number, plain=True)
    times, theta = data["time"].values, states(data)
    stopped = STATUSES[int(data["status"])] == "stopped"
    assert stopped or times[-1] == plain["time"].values[-1]
    shared = np.isin(times, plain["time"].values)
    assert shared[0]
    assert shared[-1] or (stopped and ROWS[number]["times"] == "moments")
    at = np.searchsorted(plain["time"].values, times[shared])
    np.testing.assert_array_equal(theta[:, shared], states(plain)[:, at])
    ours, theirs = crossings(data), crossings(plain)
    some = theirs["time"].values <= times[-1]
    if not stopped:
        np.testing.assert_array_equal(ours["time"].values, theirs["time"].values[some])
    if OUTCOMES[int(data["outcome"])] != OUTCOMES[int(plain["outcome"])]:
        assert "undecided" in (OUTCOMES[int(data["outcome"])], OUTCOMES[int(plain["outcome"])])


@every_row
def test_loss_energy_and_balance_keep_their_laws(number: int) -> None:
    data, rtol = run(number), float(ROWS[number]["rtol"])
    value = data["loss"].values
    size = 1.0 + float(np.max(value)) + float(np.max(np.abs(states(data)))) ** 2
    assert np.all(np.diff(value) <= 100.0 * rtol * size)
    assert np.max(np.abs(data["energy_residual"].values)) <= 1000.0 * rtol * size
    if problem_of(number).is_bent:
        assert np.max(np.abs(data["invariant_drift"].values)) <= 1000.0 * rtol * size


@every_row
def test_the_mirrored_problem_has_the_mirrored_flow(number: int) -> None:
    data, other = run(number, plain=True), run(number, plain=True, mirror=True)
    mirror = np.array([[-1.0], [1.0], [1.0], [1.0]])
    tolerance = 1e4 * float(ROWS[number]["rtol"])
    np.testing.assert_allclose(
        states(other)[:, -1:], mirror * states(data)[:, -1:], rtol=tolerance, atol=tolerance
    )
    ours, theirs = crossings(data), crossings(other)
    turned = [{"lo": "hi", "hi": "lo"}.get(str(wall), str(wall)) for wall in theirs["wall"].values]
    assert turned == [str(wall) for wall in ours["wall"].values]
    np.testing.assert_allclose(theirs["time"].values, ours["time"].values, rtol=tolerance, atol=tolerance)


@every_row
def test_a_flow_goes_on_from_where_it_was_left(number: int) -> None:
    row, plain = ROWS[number], run(number, plain=True)
    theta, times = states(plain), plain["time"].values
    middle = len(times) // 2
    left = float(times[-1] - times[middle])
    rest = gradient_flow(
        theta[:, middle], problem_of(number), t_end=left, rtol=float(row["rtol"]), theory=False
    )
    tolerance = 1e4 * float(row["rtol"])
    np.testing.assert_allclose(states(rest)[:, -1], theta[:, -1], rtol=tolerance, atol=tolerance)


@pytest.mark.slow
def test_many_at_once_end_as_each_does() -> None:
    for taken in ACTIVATIONS:
        numbers = [n for n, row in enumerate(ROWS) if (row["activation"], row["t_end"]) == (taken, "6")]
        rows = [ROWS[n] for n in numbers]
        starts = np.array([STARTS[row["start"]] for row in rows]).T
        teacher = Neuron(*np.array([TEACHERS[row["teacher"]] for row in rows]).T)
        ends = np.array([INTERVALS[row["interval"]] for row in rows]).T
        problem = Problem(teacher, Uniform(*ends), ACTIVATIONS[taken])
        seen: list[int] = []

        def watch(some: States, seen: list[int] = seen) -> np.ndarray:
            seen.extend(some.index.tolist())
            return np.zeros(some.t.shape, dtype=bool)

        together = integrate_ensemble(starts, problem, 6.0, backend="numpy")
        watched = integrate_ensemble(starts, problem, 6.0, backend="numpy", stop=watch, chunk=2)
        for name, one, other in zip(together._fields, together, watched, strict=True):
            np.testing.assert_array_equal(one, other, err_msg=name)
        for k, n in enumerate(numbers):
            tolerance = 1e4 * float(ROWS[n]["rtol"])
            alone = states(run(n, plain=True))[:, -1]
            np.testing.assert_allclose(together.final[:, k], alone, rtol=tolerance, atol=tolerance)
            assert together.crossings[k] == crossings(run(n, plain=True))["time"].size
