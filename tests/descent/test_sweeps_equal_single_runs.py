"""What a trajectory does depends on nothing else in its batch, to the bit."""

from __future__ import annotations

from typing import Any

import array_api_strict
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow.base.arrays import to_numpy
from gradflow.descent import OPTIMIZERS, Adam, Chain, Cosine, Descent, Warmup, optimizer, train_arrays
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform, grid
from tests.problems import problems

RATES = np.geomspace(1e-3, 0.5, 5)[:, None]
BIASES = np.linspace(-1.8, 0.4, 3)
SCHEDULE = Chain(Warmup(5), 5, Cosine(40, 0.1))
INPUTS: dict[str, Any] = {
    "population": Uniform(),
    "sample": grid(37),
    "weighted": Sample(np.linspace(-1, 1, 9), weights=np.arange(9)),
}


def assert_same(swept: Descent, alone: Descent, index: tuple[int, ...]) -> None:
    where = (..., *index)
    np.testing.assert_array_equal(swept.theta[where], alone.theta)
    np.testing.assert_array_equal(swept.final[where], alone.final)
    np.testing.assert_array_equal(swept.loss[where], alone.loss)
    assert swept.diverged[index] == alone.diverged[()]
    assert swept.first_change is not None
    assert alone.first_change is not None
    assert swept.first_change[index] == alone.first_change[()]
    ours = [(e.step, e.event) for e in swept.events if e.index == index]
    assert ours == [(e.step, e.event) for e in alone.events]


@pytest.mark.parametrize("inputs", list(INPUTS))
@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_every_optimiser(name: str, inputs: str) -> None:
    problem = Problem(inputs=INPUTS[inputs])
    how: dict[str, Any] = {"schedule": SCHEDULE, "record_every": 10}
    swept = train_arrays(Neuron(0.8, 0.1, 1.1, BIASES), problem, optimizer(name, lr=RATES), 45, **how)
    assert swept.theta.shape == (6, 4, 5, 3)
    for i, j in ((0, 0), (2, 1), (4, 0), (4, 2)):
        config = optimizer(name, lr=float(RATES[i, 0]))
        alone = train_arrays(Neuron(0.8, 0.1, 1.1, float(BIASES[j])), problem, config, 45, **how)
        assert_same(swept, alone, (i, j))


def test_teachers_and_intervals_are_swept_too() -> None:
    bt, hi = np.asarray([-0.3, 0.0, 0.4]), np.asarray([[1.0], [2.0]])
    problem = Problem(teacher=Neuron(b1=bt), inputs=Uniform(-1.0, hi))
    swept = train_arrays(Neuron(b2=-0.5), problem, Adam(0.05), 60)
    assert swept.final.shape == (4, 2, 3)
    for i, j in np.ndindex(2, 3):
        one = Problem(teacher=Neuron(b1=float(bt[j])), inputs=Uniform(-1.0, float(hi[i, 0])))
        assert_same(swept, train_arrays(Neuron(b2=-0.5), one, Adam(0.05), 60), (i, j))


@pytest.mark.parametrize("inputs", [Uniform(), grid(30)])
def test_the_memory_layout_of_the_start_does_not_matter(inputs: Any) -> None:
    start = np.random.default_rng(2).uniform(-1.5, 1.5, (4, 6, 3))
    problem = Problem(inputs=inputs)
    expected = train_arrays(start, problem, Adam(0.05), 30)
    for other in (np.asfortranarray(start), start.transpose(2, 1, 0).copy().transpose(2, 1, 0)):
        np.testing.assert_array_equal(train_arrays(other, problem, Adam(0.05), 30).final, expected.final)
    np.testing.assert_array_equal(train_arrays(Neuron(*start), problem, Adam(0.05), 30).final, expected.final)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 40), problem=problems())
def test_a_part_of_a_batch_runs_as_in_the_whole(seed: int, size: int, problem: Problem) -> None:
    start = np.random.default_rng(seed).uniform(-2.0, 2.0, (4, 41))
    whole = train_arrays(start, problem, Adam(0.1), 15)
    part = train_arrays(start[:, :size], problem, Adam(0.1), 15)
    np.testing.assert_array_equal(part.final, whole.final[:, :size])
    assert part.events == [e for e in whole.events if e.index[0] < size]


@pytest.mark.parametrize("shape", [(0,), (3, 0), (1, 1)])
def test_empty_and_small_batches(shape: tuple[int, ...]) -> None:
    run = train_arrays(np.ones((4, *shape)), Problem(), Adam(0.1), 4, record_every=2)
    assert run.final.shape == (4, *shape)
    assert run.theta.shape == (3, 4, *shape)
    assert run.loss.shape == (3, *shape)
    assert run.diverged.shape == shape
    assert run.first_change is not None
    assert run.first_change.shape == shape


@pytest.mark.parametrize("inputs", [Uniform(), grid(20)])
def test_the_strict_array_api_gives_numpys_bits(inputs: Any) -> None:
    strict = array_api_strict.asarray
    start, rates = np.random.default_rng(4).uniform(-1.5, 1.5, (4, 3)), np.asarray([0.01, 0.1, 9.0])
    problem = Problem(inputs=inputs)
    how: dict[str, Any] = {"record_every": 7, "schedule": SCHEDULE}
    expected = train_arrays(start, problem, Adam(rates, weight_decay=0.1), 30, **how)
    run = train_arrays(strict(start), problem, Adam(strict(rates), weight_decay=0.1), 30, **how)
    for name in ("final", "steps", "theta", "loss", "first_change", "diverged"):
        ours = getattr(run, name)
        assert isinstance(ours, type(strict(start))), name
        np.testing.assert_array_equal(to_numpy(ours), getattr(expected, name))
    assert run.events == expected.events
    single = train_arrays(strict(start[:, 0]), problem, Adam(float(rates[0]), weight_decay=0.1), 30, **how)
    np.testing.assert_array_equal(to_numpy(single.final), expected.final[:, 0])


def test_hyper_parameters_may_be_lists_or_numpy_scalars() -> None:
    expected = train_arrays(Neuron(), Problem(), Adam(np.asarray([0.1, 0.2])), 5).final
    np.testing.assert_array_equal(train_arrays(Neuron(), Problem(), Adam([0.1, 0.2]), 5).final, expected)
    single = train_arrays(Neuron(), Problem(), Adam(np.float64(0.1)), 5).final
    np.testing.assert_array_equal(single, expected[:, 0])


@pytest.mark.some(3)
@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_in_single_precision_rates_keep_their_digits(name: str) -> None:
    # A rate in float32 is another one: 0.1 is not one of its numbers.
    rates = np.asarray([0.1, 0.03, 0.007])
    start = Neuron(1.1, 0.2, 0.9, -0.6)
    swept = train_arrays(start, Problem(), optimizer(name, lr=rates), 300, dtype="float32")
    for i, rate in enumerate(rates.tolist()):
        alone = train_arrays(start, Problem(), optimizer(name, lr=rate), 300, dtype="float32")
        np.testing.assert_array_equal(swept.theta[..., i], alone.theta)
