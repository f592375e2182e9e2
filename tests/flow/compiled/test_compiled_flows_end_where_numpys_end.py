"""Compiled trajectories take the steps of the NumPy ensemble: the same states, crossings and labels."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from gradflow.flow.ensemble import STATUSES, Level, States, StopRule, integrate_ensemble
from gradflow.neuron.problem import Neuron, Problem
from tests.flow.compiled.cases import SLOPES, assert_same, starts
from tests.flow.ensemble import cases as flow_cases
from tests.flow.ensemble import test_ensembles_agree_with_one_trajectory as agreement
from tests.flow.ensemble.cases import Batch, batch

compiled = partial(integrate_ensemble, backend="numba")
plain = partial(integrate_ensemble, backend="numpy")


@pytest.mark.parametrize("default", [True, False], ids=["default problem", "each its own"])
def test_a_hundred_starts_of_every_kind(default: bool) -> None:
    cases = starts(100, 21, SLOPES["relu"], default=default)
    run = compiled(cases.theta, cases.problem, 20.0, max_steps=3000)
    assert_same(run, plain(cases.theta, cases.problem, 20.0, max_steps=3000))
    assert {"reached t_end", "converged", "diverged"} >= {STATUSES[code] for code in run.status}
    assert np.sum(run.crossings) > 10


@pytest.mark.slow
@pytest.mark.parametrize("slopes", SLOPES)
@pytest.mark.parametrize(
    ("default", "t_end", "rtol"), [(True, 20.0, 1e-10), (False, 200.0, 1e-12), (False, 50.0, 1e-6)]
)
def test_five_hundred_starts_with_any_slopes(slopes: str, default: bool, t_end: float, rtol: float) -> None:
    cases = starts(500, 22, SLOPES[slopes], default=default)
    run = compiled(cases.theta, cases.problem, t_end, rtol=rtol, max_steps=3000)
    assert_same(run, plain(cases.theta, cases.problem, t_end, rtol=rtol, max_steps=3000))


def test_what_runs_out_of_numbers_ends_alike() -> None:
    # From the first one the velocity soon overflows; of the second no step is short enough.
    start = Neuron(
        np.array([-3e-22, 0.0]), np.array([4e7, 1e-30]), np.array([3e55, 1e57]), np.array([2e97, 1e65])
    )
    run = compiled(start, Problem(), 1.0)
    assert [STATUSES[code] for code in run.status] == ["diverged", "step too small"]
    assert_same(run, plain(start, Problem(), 1.0))


def in_compiled_code(cases: Batch, t_end: float, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(agreement, "integrate_ensemble", compiled)
    patch.setattr(flow_cases, "integrate_ensemble", compiled)
    agreement.assert_agreement(agreement.compare(cases, t_end))


def test_a_few_random_starts_end_where_single_trajectories_end(monkeypatch: pytest.MonkeyPatch) -> None:
    in_compiled_code(batch(16, 3, default=True), 20.0, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "seed", "slopes", "default", "t_end"),
    [
        (300, 11, (0.0, 1.0), True, 20.0),
        (300, 12, (0.0, 1.0), False, 20.0),
        (300, 13, (0.1, 1.0), False, 20.0),
        (200, 14, (-0.2, 0.8), False, 20.0),
        (300, 15, (0.0, 1.0), True, 200.0),
        (200, 16, (0.0, 1.0), False, 200.0),
        (100, 17, (0.3, 1.0), False, 200.0),
    ],
)
def test_1700_random_starts_end_where_single_trajectories_end(
    n: int,
    seed: int,
    slopes: tuple[float, float],
    default: bool,
    t_end: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    in_compiled_code(batch(n, seed, slopes, default=default), t_end, monkeypatch)


def test_trajectories_that_come_to_rest_end_early() -> None:
    cases = batch(60, 23, default=True)
    run = compiled(cases.theta, cases.problem, 1e3, resting=1e-6)
    assert_same(run, plain(cases.theta, cases.problem, 1e3, resting=1e-6))
    assert np.mean(run.status == STATUSES.index("converged")) > 0.5


@pytest.mark.slow
def test_every_stop_rule_ends_the_same_trajectories() -> None:
    cases = batch(80, 24, default=True)

    def low(states: States) -> np.ndarray:
        return np.asarray(states.loss < 0.02)

    def late(states: States) -> np.ndarray:
        return np.asarray(states.t > 4.0)

    levels = (
        Level(0.0, 1e-3, at_once=True),
        Level(1 / 48, 1e-4),
        Level(5 / 48, 1e-2, slow=1e-2),
        Level(0.0, 0.5, activity=2),
    )
    for rule in (
        low,
        late,
        StopRule(levels, late),
        StopRule(levels[:1], late),
        StopRule(levels[1:], late, 1),
    ):
        run = compiled(cases.theta, cases.problem, 50.0, stop=rule)
        assert_same(run, plain(cases.theta, cases.problem, 50.0, stop=rule))
        stopped = np.sum(run.status == STATUSES.index("stopped"))
        assert 10 < stopped < 80


def test_an_impatient_rule_sees_every_fourth_step_and_a_patient_one_ever_fewer() -> None:
    for patience, expected in ((1, [4, 8, 12, 16, 20, 24, 28]), (2, [4, 8, 16, 32])):
        seen: list[float] = []

        def watch(states: States, seen: list[float] = seen) -> np.ndarray:
            seen.extend(states.t.tolist())
            return np.zeros(states.t.shape, dtype=bool)

        for backend in ("numpy", "numba"):
            seen.clear()
            rule = StopRule((Level(0.0, np.inf),), watch, patience)
            start = Neuron(0.5, 0.1, 1.0, 0.0)
            run = integrate_ensemble(start, Problem(), 4.0, stop=rule, backend=backend)
            times = {k: integrate_ensemble(start, Problem(), 4.0, max_steps=k).t for k in expected}
            assert seen == [float(times[k]) for k in expected if k < run.steps]


def test_no_starts_and_one_start_are_batches_too() -> None:
    for shape in ((), (0,), (1,), (2, 3)):
        run = compiled(Neuron(np.full(shape, 0.7), 0.1, 0.6, 0.2), Problem(), 1.0)
        assert run.final.shape == (4, *shape)
        assert_same(run, plain(Neuron(np.full(shape, 0.7), 0.1, 0.6, 0.2), Problem(), 1.0))
