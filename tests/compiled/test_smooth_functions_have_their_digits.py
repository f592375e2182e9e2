"""The compiled activations have the digits that mpmath says, without any mathematical library."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from gradflow.compiled import jit, smooth
from gradflow.compiled.integral_choices import choices, phi, slope, taught
from gradflow.compiled.integral_numbers import Pair
from gradflow.neuron.activations import SMOOTH

DIGITS = 60
EPS = float(np.finfo(np.float64).eps)


def logistic(z: Any) -> Any:
    return 1 / (1 + mpmath.exp(-z))


def normal(z: Any) -> Any:
    return mpmath.erfc(-z / mpmath.sqrt(2)) / 2


EXACT: dict[str, Callable[[Any], Any]] = {
    "silu_value": lambda z: z * logistic(z),
    "silu_slope": lambda z: logistic(z) * (1 + z * logistic(-z)),
    "gelu_value": lambda z: z * normal(z),
    "gelu_slope": lambda z: normal(z) + z * mpmath.npdf(z),
    "softplus_value": lambda z: mpmath.log1p(mpmath.exp(z)),
    "softplus_slope": logistic,
    "tanh_value": mpmath.tanh,
    "tanh_slope": lambda z: mpmath.sech(z) ** 2,
}


def places() -> np.ndarray:
    """Return places of every size, where no function is below 1e-261."""
    rng = np.random.default_rng(0)
    small = 10.0 ** rng.uniform(-15.0, 1.5, 300) * rng.choice([-1.0, 1.0], 300)
    return np.concatenate((rng.uniform(-33.0, 33.0, 400), small, [0.0, 1e-300, -1e-300]))


def plainly(name: str) -> Callable[[float], float]:
    found: Callable[[float], float] = getattr(smooth, name)
    return found


def test_all_activations_are_here() -> None:
    assert {f"{name}_{part}" for name in SMOOTH for part in ("value", "slope")} == set(EXACT)


@pytest.mark.parametrize("name", EXACT)
def test_within_a_few_units_in_the_last_place(name: str) -> None:
    function = plainly(name)
    with mpmath.workdps(DIGITS):
        for z in places().tolist():
            exact = EXACT[name](mpmath.mpf(z))
            # SiLU's and GELU's slopes are 0 near -1.3 and -0.8, where their terms are not; in a Gaussian's
            # tail the rounding of z²/2 counts.
            terms = 0.1 if "slope" in name and name[0] in "sg" and abs(z) < 3.0 else 0.0
            size = max(abs(exact), mpmath.mpf(terms))
            bound = (4.0 + (z * z if name.startswith("gelu") else 0.0)) * EPS
            assert abs(function(z) - exact) <= bound * size, (name, z)


@pytest.mark.parametrize("name", EXACT)
def test_far_out_they_are_what_they_tend_to(name: str) -> None:
    function = plainly(name)
    value = name.endswith("value")
    for z in (1e3, 1e20, 1e44):
        tanh = name.startswith("tanh")
        assert function(z) == ((1.0 if tanh else z) if value else (0.0 if tanh else 1.0))
        assert abs(function(-z)) == (1.0 if tanh and value else 0.0)
    assert np.isnan(function(np.nan))


def test_nothing_of_a_mathematical_library_is_called() -> None:
    own = {name for name, _ in inspect.getmembers(smooth, inspect.isfunction)}
    called = {
        ast.unparse(node.func)
        for definition in ast.parse(inspect.getsource(smooth)).body
        # Compiled, `scaled` is two instructions.
        if isinstance(definition, ast.FunctionDef) and definition.name != "scaled"
        for node in ast.walk(definition)
        if isinstance(node, ast.Call)
    }
    assert called <= {*own, "abs", "min"}


def fill(z: np.ndarray, out: np.ndarray) -> None:
    """Compute a pair's functions at many places."""
    for i in range(z.shape[0]):
        out[0, i] = phi(z[i], 0.0, 1.0)
        out[1, i] = slope(z[i], 0.0, 1.0)
        out[2, i] = taught(z[i], 0.0, 1.0)


@pytest.mark.some(2)
@pytest.mark.parametrize("name", SMOOTH)
def test_compilers_get_the_same_bits(name: str) -> None:
    chosen = choices(Pair(name, name), 4)
    z = np.concatenate((places(), [700.0, -700.0, 1e44, -1e44]))
    out = np.zeros((3, z.shape[0]))
    jit.compiled(fill, ("float64[::1]", "float64[:,::1]"), chosen=chosen)(z, out)
    for row, part in zip(out, ("value", "slope", "value"), strict=True):
        expected = np.array([plainly(f"{name}_{part}")(v) for v in z.tolist()])
        assert row.tobytes() == expected.tobytes(), part
