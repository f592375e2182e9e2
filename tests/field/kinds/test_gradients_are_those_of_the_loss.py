"""Loss and gradient of every kind equal those of a plain program, by differences and by autograd."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from gradflow.field.kinds import KINDS, Kind
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform
from tests.field.kinds.reference import central, hidden, loss, parameters, problems, random_neurons

ALL = pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
BENT = ("relu", "leaky-relu=0.1", "slopes=0.5,-2.0")
SMOOTH = ("silu", "gelu", "softplus", "tanh")


@ALL
@pytest.mark.parametrize("name", [*BENT, *SMOOTH])
def test_loss_and_gradient_are_those_of_a_plain_program(kind: Kind, name: str) -> None:
    rng = np.random.default_rng(len(name))
    for problem in problems(name):
        n = 4
        psi = parameters(kind, random_neurons(rng, n, problem), problem, rng)
        found = kind.evaluator(problem, psi)
        values, slopes = found.loss(psi), found.gradient(psi)
        # A sample's loss has kinks where an input meets the breakpoint.
        sampled = isinstance(problem.inputs, Sample) and name in BENT
        for i in range(n):
            value = loss(kind.name, psi[:, i], problem)
            assert values[i] == pytest.approx(value, rel=1e-11, abs=1e-13)
            if sampled and _near_an_input(kind, psi[:, i], problem):
                continue
            expected = central(partial(loss, kind.name, problem=problem), psi[:, i], 1e-4)
            np.testing.assert_allclose(slopes[:, i], expected, rtol=2e-6, atol=2e-7)


def _near_an_input(kind: Kind, psi: np.ndarray, problem: Problem) -> bool:
    w1, b1 = hidden(kind.name, psi, float(problem.lo), float(problem.hi))
    assert isinstance(problem.inputs, Sample)
    return bool(np.min(np.abs(problem.inputs.x + b1 / w1)) < 1e-2)


@ALL
@pytest.mark.parametrize("name", ["relu", "silu", "tanh"])
def test_gradients_on_samples_are_autograds(kind: Kind, name: str) -> None:
    torch: Any = pytest.importorskip("torch")
    rng = np.random.default_rng(7)
    x = np.sort(rng.uniform(-1.5, 2.0, 50))
    problem = Problem(Neuron(1.1, 0.2, -0.9, 0.4), Sample(x), name)
    psi = parameters(kind, random_neurons(rng, 40, problem), problem, rng)
    act = {"relu": torch.relu, "silu": torch.nn.functional.silu, "tanh": torch.tanh}[name]
    at, given = torch.tensor(psi, requires_grad=True), torch.tensor(x)[:, None]
    target = -0.9 * act(1.1 * given + 0.2) + 0.4
    lo, hi = float(x[0]), float(x[-1])
    w1, second = at[0], at[1]
    shift = {
        "shifted": lambda: second,
        "bounded": lambda: -(0.5 * (lo + hi) + 0.5 * (hi - lo) * torch.tanh(second)),
    }
    b1 = w1 * shift[kind.name.split("-")[0]]() if kind.name.split("-")[0] in shift else second
    z = act(w1 * given + b1)
    if kind.name == "gated":
        f = z * (at[2] * given + at[3]) + at[4]
    elif kind.name in ("plain", "shifted", "bounded"):
        f = at[2] * z + at[3]
    else:
        centred, wanted = z - z.mean(0), target - target.mean(0)
        w2 = at[2] if at.shape[0] == 3 else (centred * wanted).sum(0) / (centred**2).sum(0)
        # The residual with the best b2; autograd differentiates through the solved values.
        f = w2 * centred + target.mean(0)
    value = ((f - target) ** 2).mean(0)
    value.sum().backward()
    found = kind.evaluator(problem, psi)
    np.testing.assert_allclose(found.loss(psi), value.detach().numpy(), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(found.gradient(psi), at.grad.numpy(), rtol=1e-9, atol=1e-12)


@ALL
def test_both_at_once_are_each_alone_to_the_bit(kind: Kind) -> None:
    rng = np.random.default_rng(3)
    for problem in problems("relu", "silu"):
        psi = parameters(kind, random_neurons(rng, 20, problem), problem, rng)
        found = kind.evaluator(problem, psi)
        value, slope = found.loss_and_gradient(psi)
        assert np.array_equal(value, found.loss(psi))
        assert np.array_equal(slope, found.gradient(psi))


@ALL
def test_no_neuron_sees_the_others(kind: Kind) -> None:
    rng = np.random.default_rng(4)
    for problem in problems("relu", "gelu"):
        psi = parameters(kind, random_neurons(rng, 12, problem), problem, rng)
        many = kind.evaluator(problem, psi).loss_and_gradient(psi)
        for i in (0, 5, 11):
            one = kind.evaluator(problem, psi[:, i]).loss_and_gradient(psi[:, i])
            # A sample's sum may be taken in another order.
            np.testing.assert_allclose(many[0][i], one[0], rtol=1e-14, atol=1e-16)
            np.testing.assert_allclose(many[1][:, i], one[1], rtol=1e-12, atol=1e-15)


@ALL
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0)])
def test_arrays_keep_their_shape_and_dtype(kind: Kind, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(5)
    for problem in (Problem(), Problem(activation="silu"), problems("relu")[-2]):
        for dtype, tolerance in (("float64", 1e-11), ("float32", 2e-4)):
            n = int(np.prod(shape))
            theta = random_neurons(rng, n, problem).reshape(4, *shape)
            psi = kind.start(theta.astype(dtype), problem)
            value, slope = kind.evaluator(problem, psi).loss_and_gradient(psi)
            assert (value.shape, slope.shape) == (shape, (len(kind.parameters), *shape))
            assert value.dtype == slope.dtype == psi.dtype == dtype
            flat = np.asarray(psi, dtype=np.float64).reshape(len(kind.parameters), -1)
            for i in range(n):
                expected = loss(kind.name, flat[:, i], problem)
                assert value.ravel()[i] == pytest.approx(expected, rel=tolerance, abs=tolerance)


@ALL
def test_teachers_and_intervals_may_be_arrays(kind: Kind) -> None:
    rng = np.random.default_rng(6)
    slopes, lows = np.array([[1.0], [-0.7]]), np.array([-1.0, -0.5, 0.25])
    problem = Problem(Neuron(slopes, 0.1, 1.0, 0.2), Uniform(lows, lows + 2.0))
    psi = parameters(kind, random_neurons(rng, 1, Problem()), Problem(), rng)[:, 0]
    value, slope = kind.evaluator(problem, psi).loss_and_gradient(psi)
    assert (value.shape, slope.shape) == ((2, 3), (len(kind.parameters), 2, 3))
    for i in range(2):
        for j in range(3):
            one = Problem(Neuron(float(slopes[i, 0]), 0.1, 1.0, 0.2), Uniform(lows[j], lows[j] + 2.0))
            assert value[i, j] == pytest.approx(loss(kind.name, psi, one), rel=1e-11)


@ALL
def test_a_wrong_gradient_would_be_seen(kind: Kind) -> None:
    rng = np.random.default_rng(8)
    problem = Problem()
    psi = parameters(kind, random_neurons(rng, 1, problem), problem, rng)[:, 0]
    slope = kind.evaluator(problem, psi).gradient(psi)
    expected = central(lambda at: loss(kind.name, at, problem), psi, 1e-4)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(slope * 1.0001, expected, rtol=2e-6, atol=2e-7)
