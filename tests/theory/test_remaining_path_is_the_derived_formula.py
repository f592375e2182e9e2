"""excess and remaining_path compute what derivation 8 proves: exactly, in 50 digits, and at their limits."""

from __future__ import annotations

import re
import types
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy

from gradflow.field import loss
from gradflow.field.baselines import best_line
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform
from gradflow.theory import hyperactive
from gradflow.theory.hyperactive import excess, remaining_path, trapped
from tests.theory.moments import PROBLEMS, moments


def starts(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    theta = rng.normal(0.0, 1.5, (4, n))
    theta[2] *= rng.choice([0.1, 1.0, 5.0], n)
    return theta


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_excess_is_the_loss_above_the_best_lines(problem: Problem) -> None:
    theta = starts(2000)
    reach = max(abs(float(problem.lo)), abs(float(problem.hi)))
    theta[1] = 0.01 + np.abs(theta[0]) * reach + np.abs(theta[1])
    for side in (1.0, -1.0):
        theta[1] *= side
        slope = problem.slopes[1] if side > 0 else problem.slopes[0]
        expected = loss(theta, problem) - best_line(problem).loss
        np.testing.assert_allclose(excess(theta, problem, slope), expected, rtol=1e-10, atol=1e-12)


def derived_path(theta: Any, problem: Problem, s: float) -> Any:
    """Evaluate derivation 8's ℓ = |w2| − √(w2² − 2 √e/c) with 50 digits; None where it claims nothing."""
    with mpmath.workdps(50):
        w1, b1, w2, b2 = (mpmath.mpf(float(v)) for v in theta)
        m, variance, mean, covariance, _ = (mpmath.mpf(v) for v in moments(problem))
        rho1, rho0 = s * w1 * w2 - covariance / variance, s * w2 * (m * w1 + b1) + b2 - mean
        matrix = mpmath.matrix([[variance, m * mpmath.sqrt(variance)], [m * mpmath.sqrt(variance), m**2 + 1]])
        kappa = min(mpmath.eigsy(matrix, eigvals_only=True))
        if s == 0:
            return None
        c = abs(s) * mpmath.sqrt(kappa)
        room = w2**2 - 2 * mpmath.sqrt(variance * rho1**2 + rho0**2) / c
        return None if room < 0 else abs(w2) - mpmath.sqrt(room)


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_the_path_in_fifty_digits(problem: Problem) -> None:
    theta = starts(150, seed=3)
    m = moments(problem)
    line = m.covariance / m.variance_x
    # Half of them near the best line, where the bound is finite.
    theta[0, ::2] = (line + 0.05 * theta[0, ::2]) / (problem.slopes[1] * theta[2, ::2])
    level = problem.slopes[1] * theta[2] * (theta[0] * m.mean_x + theta[1])
    theta[3, ::2] = (m.mean - level + 0.05 * theta[3])[::2]
    finite = 0
    for s in problem.slopes:
        path = remaining_path(theta, problem, s)
        for k in range(150):
            expected = derived_path(theta[:, k], problem, s)
            if expected is None:
                assert path[k] == np.inf
            else:
                finite += 1
                assert path[k] == pytest.approx(float(expected), rel=1e-9, abs=1e-13)
    assert finite > 20


def test_the_default_constants() -> None:
    # κ = 1/3: ℓ = |w2| − √(w2² − 2 √(3 e)); at (1, 2, 2, −3.75) ρ₁ = 3/2 and ρ₀ = 0, so e = 3/4.
    theta = Neuron(1.0, 2.0, 4.0, -7.75)
    assert float(excess(theta, Problem(), 1.0)) == pytest.approx((4.0 - 0.5) ** 2 / 3.0)
    e = (4.0 - 0.5) ** 2 / 3.0
    expected = 4.0 - np.sqrt(16.0 - 2.0 * np.sqrt(3.0 * e))
    assert float(remaining_path(theta, Problem(), 1.0)) == pytest.approx(expected, rel=1e-14)


class Symbols(types.SimpleNamespace):
    """The array functions that remaining_path uses, on positive symbols."""

    inf = sympy.oo
    sqrt = staticmethod(sympy.sqrt)

    @staticmethod
    def where(condition: Any, a: Any, b: Any) -> Any:
        assert condition in (True, False, sympy.true, sympy.false)
        return a if condition else b

    @staticmethod
    def ones_like(value: Any) -> Any:
        return sympy.Integer(1)

    @staticmethod
    def zeros_like(value: Any) -> Any:
        return sympy.Integer(0)


@pytest.mark.parametrize("change", [None, ("4.0 * variance", "3.0 * variance"), ("2.0 * root_e", "root_e")])
def test_the_same_lines_on_symbols(change: tuple[str, str] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    # V = κλ and m² = (1 − κ)(λ − 1) for the eigenvalues κ < 1 < λ of M; e = (c (W² − D²)/2)², D < W.
    kappa, lam = 1 / (1 + sympy.Symbol("k", positive=True)), 1 + sympy.Symbol("l", positive=True)
    d, rest, s = sympy.symbols("D rest s", positive=True)
    w = d + rest
    root_e = s * sympy.sqrt(kappa) * (w**2 - d**2) / 2
    mean_x = sympy.sqrt((1 - kappa) * (lam - 1))

    module: Any
    text = Path(hyperactive.__file__).read_text(encoding="utf-8")
    if change is not None:
        assert change[0] in text
        text = text.replace(*change)
    # Whole floats as integers, so that SymPy computes exactly; nothing is rounded then.
    module = types.ModuleType("exact")
    exec(compile(re.sub(r"(\d)\.0", r"\1", text), "exact", "exec"), module.__dict__)
    monkeypatch.setattr(module, "ROUNDED", 0)
    monkeypatch.setattr(Symbols, "sqrt", staticmethod(lambda value: sympy.sqrt(sympy.factor(value))))
    values = {"k": 0.7, "l": 1.9, "D": 0.6, "rest": 0.8, "s": 1.3}
    numbers = {
        symbol: sympy.Rational(str(values[symbol.name])) for symbol in (w * s * lam / kappa).free_symbols
    }
    root_e, mean_x = root_e.xreplace(numbers), mean_x.xreplace(numbers)
    kappa, lam, w, d, s = (value.xreplace(numbers) for value in (kappa, lam, w, d, s))
    c = s * sympy.sqrt(module.kappa(Symbols(), mean_x, kappa * lam))
    path = module.path(Symbols(), root_e, w, c)
    assert (abs(sympy.N(path - (w - d), 40)) < 1e-30) == (change is None)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shapes_and_dtypes(dtype: Any) -> None:
    theta = np.ones((4, 3, 2), dtype)
    for result in (excess(theta, Problem(), 1.0), remaining_path(theta, Problem(), 1.0)):
        assert result.shape == (3, 2)
        assert result.dtype == dtype
    assert trapped(theta).shape == (3, 2)
    assert trapped(np.ones((4, 0))).shape == (0,)
    assert trapped(Neuron()).shape == ()


def test_nothing_is_claimed_where_nothing_is_known() -> None:
    assert remaining_path(Neuron(1.0, 2.0, 0.0, 0.0), Problem(), 1.0) == np.inf
    assert remaining_path(Neuron(1.0, 2.0, 1.0, 9.0), Problem(), 1.0) == np.inf
    assert remaining_path(Neuron(1.0, -2.0, 1.0, 0.25), Problem(), 0.0) == np.inf
    assert remaining_path(Neuron(1.0, 2.0, 1.0, 0.0), Problem(inputs=Sample([0.5, 0.5])), 1.0) == np.inf
    assert not trapped(Neuron(1.0, -2.0, 1.0, 0.25))  # dead and s₋ = 0
    assert not trapped(Neuron(0.5, 0.25, 1.0, 0.0))  # balanced
    assert not trapped(Neuron(0.5, 0.5, 1.0, -0.25))  # the best line, but on the wall
    assert trapped(Neuron(0.5, 0.5 + 1e-9, 1.0, -0.25 - 1e-9))
    # On the best line ℓ = 0; its upper bound is what rounding may hide.
    assert 0.0 < remaining_path(Neuron(0.5, 1.0, 1.0, -0.75), Problem(), 1.0) < 1e-14


def test_any_array_library() -> None:
    strict = pytest.importorskip("array_api_strict")
    theta = starts(200)
    theta[3] = 0.25 - theta[2] * theta[1]
    theta[0] = 0.5 / theta[2]
    expected = trapped(theta)
    assert 0 < np.sum(expected) < 200
    np.testing.assert_array_equal(np.from_dlpack(trapped(strict.asarray(theta))), expected)


def test_arrays_of_intervals_and_teachers() -> None:
    problem = Problem(inputs=Uniform(np.array([-1.0, 0.0]), np.array([1.0, 3.0])))
    both = remaining_path(Neuron(0.5, 2.0, 2.0, -3.0), problem, 1.0)
    each = [
        float(remaining_path(Neuron(0.5, 2.0, 2.0, -3.0), Problem(inputs=Uniform(lo, hi)), 1.0))
        for lo, hi in ((-1.0, 1.0), (0.0, 3.0))
    ]
    np.testing.assert_array_equal(both, each)
