"""Each trajectory has its own status, and a batch may have any shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.ends.outcome import GLOBAL, outcome
from gradflow.field import gradient
from gradflow.field.baselines import best_constant
from gradflow.flow.ensemble import STATUSES, States, integrate_ensemble
from gradflow.neuron.activity import ACTIVITIES
from gradflow.neuron.problem import Neuron, Problem, Uniform, grid


def status(run: Any) -> Any:
    return np.array(STATUSES)[run.status]


def test_one_batch_can_end_in_every_way() -> None:
    # At rest at the global minimum; stopped; on its way; not a number.
    neuron = Neuron(np.array([1.0, 0.9, 0.3, np.nan]), 0.0, np.array([1.0, 0.9, 0.3, 1.0]), 0.0)

    def stop(states: States) -> np.ndarray:
        return np.asarray(states.index == 1)

    run = integrate_ensemble(neuron, Problem(), 3.0, stop=stop)
    assert status(run).tolist() == ["converged", "stopped", "reached t_end", "diverged"]
    assert run.steps[1] == 4
    few = integrate_ensemble(neuron, Problem(), 3.0, max_steps=5)
    assert status(few).tolist() == ["converged", "too many steps", "too many steps", "diverged"]


def test_a_trajectory_converges_where_the_gradient_is_small() -> None:
    run = integrate_ensemble(Neuron(np.array([0.5, 2.0]), 0.1, 1.0, 0.0), Problem(), 1e6, resting=1e-6)
    assert np.all(status(run) == "converged")
    assert np.all(np.linalg.norm(gradient(run.final), axis=0) <= 1e-6)
    assert np.all(run.t < 1e3)
    assert np.all(outcome(run.final) == GLOBAL)


def test_no_time_leaves_the_start_untouched() -> None:
    theta = np.random.default_rng(2).normal(size=(4, 30))
    run = integrate_ensemble(theta, Problem(), 0.0)
    assert run.final.tobytes() == theta.tobytes()
    assert np.all(status(run) == "reached t_end")


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 0, 3), (2, 3)])
def test_a_batch_has_any_shape(shape: tuple[int, ...]) -> None:
    run = integrate_ensemble(Neuron(np.full(shape, 0.7), 0.1, 0.6, 0.2), Problem(), 1.0)
    assert run.final.shape == (4, *shape)
    assert all(values.shape == shape for values in run[1:])
    alone = integrate_ensemble(Neuron(0.7, 0.1, 0.6, 0.2), Problem(), 1.0)
    assert np.all(run.final == alone.final.reshape(4, *(1 for _ in shape)))


def test_neurons_teachers_and_intervals_broadcast() -> None:
    w1 = np.array([0.5, 1.5])[:, None, None]
    problem = Problem(
        Neuron(1.0, np.array([0.0, 0.2, 0.4])[:, None], 1.0, 0.0), Uniform(np.array([-1.0, -2.0]), 1)
    )
    run = integrate_ensemble(Neuron(w1, 0.1, 1.0, 0.0), problem, 2.0)
    assert run.t.shape == (2, 3, 2)
    alone = integrate_ensemble(
        Neuron(1.5, 0.1, 1.0, 0.0), Problem(Neuron(1.0, 0.4, 1.0, 0.0), Uniform(-2.0, 1)), 2.0
    )
    assert run.final[:, 1, 2, 1].tobytes() == alone.final.tobytes()


def test_a_dead_neuron_relaxes_to_the_best_constant() -> None:
    run = integrate_ensemble(
        Neuron(np.array([1.0, -2.0, 0.0]), np.array([-1.0, -3.0, 0.0]), 2.0, 1.0), Problem(), 3.0
    )
    mean = float(best_constant().intercept)
    np.testing.assert_allclose(run.final[3], mean + (1.0 - mean) * np.exp(-6.0), rtol=1e-14)
    np.testing.assert_array_equal(run.final[:3, :2], [[1.0, -2.0], [-1.0, -3.0], [2.0, 2.0]])
    assert np.all(run.steps == 0)
    assert [ACTIVITIES[code] for code in run.activity] == ["dead"] * 3


def test_progress_counts_the_trajectories_that_have_ended() -> None:
    seen: list[int] = []
    integrate_ensemble(
        np.random.default_rng(3).normal(size=(4, 50)), t_end=2.0, chunk=10, progress=seen.append
    )
    assert seen == sorted(seen)
    assert seen[-1] == 50


@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        ({"t_end": -1.0}, ValueError, "t_end"),
        ({"t_end": np.inf}, ValueError, "t_end"),
        ({"rtol": 1e-14}, ValueError, "rtol"),
        ({"rtol": 0.5}, ValueError, "rtol"),
        ({"resting": -1.0}, ValueError, "resting"),
        ({"max_steps": 0}, ValueError, "max_steps"),
        ({"chunk": 1.5}, TypeError, "chunk"),
        ({"problem": Problem(inputs=grid(5))}, TypeError, "inputs"),
        ({"problem": None}, TypeError, "problem"),
        ({"neuron": Neuron(np.ones(3), np.ones(2), 1.0, 0.0)}, ValueError, "batch"),
        ({"neuron": "four"}, TypeError, "neuron"),
    ],
)
def test_bad_input_is_named_in_one_line(arguments: Any, error: type[Exception], named: str) -> None:
    with pytest.raises(error, match=rf"^{named}: [^\n]*$"):
        integrate_ensemble(**{"neuron": Neuron(), **arguments})


def test_float32_stays_float32() -> None:
    theta = np.random.default_rng(4).normal(size=(4, 20))
    run = integrate_ensemble(theta.astype(np.float32), Problem(), 2.0, rtol=1e-4)
    assert run.final.dtype == np.float32
    exact = integrate_ensemble(theta.astype(np.float32).astype(np.float64), Problem(), 2.0)
    assert np.max(np.abs(run.final - exact.final)) < 1e-2
    with pytest.raises(ValueError, match="rtol"):
        integrate_ensemble(theta.astype(np.float32), Problem(), 2.0)
