"""Training with smooth activations and on small samples agrees with NumPy's: to rounding, or to the bit."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np
import pytest

from gradflow.descent import GD, Adam, HeavyBall, train_arrays
from gradflow.descent import compiled as fused
from gradflow.field import means, quadrature
from gradflow.neuron.problem import Neuron, Problem, grid
from tests.compiled.batches import assert_same_bits
from tests.compiled.smooth_cases import FEW, PAIRS, SMALL_SAMPLES, M, assert_close, problems, starts

STEPS = 200
GENTLE = GD(3e-4)
"""Steps with which neurons of |w1| = 100 are stable: nothing chaotic is compared."""
TOLERANCE = {"float64": 1e-12, "float32": 1e-4}


def in_numpy(*case: Any, **options: Any) -> Any:
    return train_arrays(*case, events=False, backend="numpy", **options)


def compare(student: str, teacher: str, name: str, dtype: str = "float64", config: Any = GENTLE) -> None:
    case = (starts(dtype), problems(student, teacher)[name], config, STEPS)
    expected = in_numpy(*case, dtype=dtype)
    assert expected.final.dtype == dtype
    assert not np.any(expected.diverged)
    assert np.max(np.abs(expected.final - starts(dtype))) > 0.01
    assert_close(fused.train(*case, dtype=dtype), expected, TOLERANCE[dtype])


@pytest.mark.slow
@pytest.mark.parametrize(("student", "teacher"), FEW)
def test_after_200_steps_with_steep_neurons_among_them(student: str, teacher: str) -> None:
    compare(student, teacher, "one")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["steep", "arrays"])
def test_for_steep_teachers_and_arrays_of_them(name: str) -> None:
    compare("silu", "gelu", name, config=GD(3e-5))
    compare("relu", "tanh", name, config=HeavyBall(3e-6))


@pytest.mark.slow
def test_in_single_precision() -> None:
    compare("silu", "softplus", "arrays", "float32")


def absolute(problem: Problem, theta: np.ndarray) -> np.ndarray:
    """Return the integrals of the absolute values of the gradient's terms, shape (4, M)."""

    def terms(xp: Any, e: means.Evaluated) -> tuple[np.ndarray, ...]:
        weighted = 2.0 * e.inputs.weights * e.residual
        through = weighted * e.w2 * e.phi[1]
        parts = (through * e.inputs.x, through, weighted * e.phi[0], weighted)
        return tuple(xp.sum(xp.abs(part), axis=-1) for part in parts)

    return np.asarray(quadrature.each(quadrature.bind(problem, theta), theta, terms))


def one_gradient(student: str, teacher: str, name: str) -> None:
    problem, theta = problems(student, teacher)[name], starts()
    stepped = theta - fused.train(theta, problem, GD(1.0), 1).final
    expected = quadrature.gradient(quadrature.bind(problem, theta), theta)
    # The subtraction rounds by the size of the parameters.
    bound = 2e-15 * (absolute(problem, theta) + np.abs(theta) + np.abs(expected))
    assert np.all(np.abs(stepped - expected) <= bound)


@pytest.mark.slow
def test_one_gradient_to_a_few_units_of_rounding() -> None:
    for student, teacher in FEW[:3]:
        one_gradient(student, teacher, "steep")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("student", "teacher", "name"),
    [(*pair, name) for pair, name in zip(PAIRS, cycle(("one", "steep", "arrays")), strict=False)],
)
def test_for_every_activation_on_either_side(student: str, teacher: str, name: str) -> None:
    one_gradient(student, teacher, name)
    compare(student, teacher, name, config=GD(3e-5))


@pytest.mark.slow
def test_small_samples_keep_every_bit() -> None:
    for dtype in ("float64", "float32"):
        for name, problem in SMALL_SAMPLES.items():
            case = (starts(dtype), problem, Adam(0.02), 60)
            run = fused.train(*case)
            assert run.final.dtype == dtype, name
            assert_same_bits(run, in_numpy(*case))


@pytest.mark.slow
def test_smooth_students_on_samples_of_any_size() -> None:
    for n in (3, 300):
        problem = Problem(Neuron(2.0, 0.5, 1.0, 0.1), grid(n), "gelu", "relu")
        for dtype in ("float64", "float32"):
            case = (starts(dtype), problem, GENTLE, STEPS)
            assert_close(fused.train(*case), in_numpy(*case), TOLERANCE[dtype])


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [
        (starts(), problems("silu", "silu")["arrays"], GD(0.02), 40),
        (starts("float32"), SMALL_SAMPLES["grid of 129"], Adam(0.02), 40),
    ],
)
def test_the_bits_are_the_same_for_any_threads_and_chunk(case: tuple[Any, ...]) -> None:
    expected = fused.train(*case)
    for threads, chunk in ((1, None), (3, 5), (2, 16), (7, 1)):
        assert_same_bits(fused.train(*case, threads=threads, chunk=chunk), expected)
    one = fused.train(case[0][:, :1], _first(case[1]), *case[2:])
    assert one.final.tobytes() == np.ascontiguousarray(expected.final[:, :1]).tobytes()


def _first(problem: Problem) -> Problem:
    """Return the first neuron's problem."""
    if np.ndim(problem.lo) == np.ndim(problem.teacher.w1) == np.ndim(problem.hi) == 0:
        return problem
    teacher = Neuron(*(np.broadcast_to(value, M)[:1] for value in problem.teacher))
    inputs = type(problem.inputs)(*(np.broadcast_to(value, M)[:1] for value in (problem.lo, problem.hi)))
    return Problem(teacher, inputs, problem.activation, problem.teacher_activation)


def test_what_diverges_is_labelled_and_the_others_go_on() -> None:
    rates = np.where(np.arange(M) % 2, 1e30, 3e-4)
    case = (starts(), problems("silu", "silu")["one"], GD(rates), 50)
    run, expected = fused.train(*case), in_numpy(*case)
    assert np.any(run.diverged)
    assert not np.all(run.diverged)
    assert_close(run, expected, TOLERANCE["float64"])


def test_what_may_differ_in_rounding_is_known() -> None:
    assert fused.rounds(Problem(activation="silu"))
    assert fused.rounds(Problem(teacher_activation="silu"))
    assert fused.rounds(Problem(activation="silu", inputs=grid(10)))
    assert not any(map(fused.rounds, (Problem(), *SMALL_SAMPLES.values(), Problem(inputs=grid(300)))))
    assert fused.takes(Problem(activation="silu"), Adam(0.01), "float64")
    assert not fused.takes(Problem(inputs=grid(300)), Adam(0.01), "float32")
