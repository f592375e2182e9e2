"""The formulas' own text, compiled: NumPy's bits, specialised by names, never stale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradflow import field
from gradflow.base import error_free
from gradflow.base.error_free import two_sum
from gradflow.compiled import jit, registers
from gradflow.compiled.registers import REGISTERS, SINGLE, Weighted, finite, last_of, sum_of
from gradflow.field import formulas
from gradflow.field.formulas import gradient, parts, preactivations, signs, target
from gradflow.neuron.problem import Neuron, Problem, Uniform
from tests.compiled.batches import starts

SLOPES = (0.1, 1.0)


def gradients(theta: Any, teacher: Any, out: Any) -> None:
    """Write the gradient of every neuron."""
    aim = target(REGISTERS, (teacher[0], teacher[1], teacher[2]), teacher[4], teacher[5], SLOPES)
    for i in range(theta.shape[1]):
        z = preactivations(REGISTERS, theta[0, i], theta[1, i], (teacher[0], teacher[1]), aim, exact=False)
        p = parts(REGISTERS, z, signs(REGISTERS, z), aim)
        g = gradient(REGISTERS, p, theta[2, i], theta[3, i] - teacher[3], SLOPES)
        out[0, i], out[1, i], out[2, i], out[3, i] = g[0], g[1], g[2], g[3]


def signature(dtype: str) -> tuple[str, ...]:
    return f"{dtype}[:,::1]", f"{dtype}[::1]", f"{dtype}[:,::1]"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_gradient_has_numpys_bits(dtype: str) -> None:
    theta = np.ascontiguousarray(starts(dtype)[:, 11:])
    problem = Problem(Neuron(-1.3, 0.4, 0.7, -0.2), Uniform(-0.7, 2.3), activation=SLOPES)
    teacher = np.asarray([-1.3, 0.4, 0.7, -0.2, -0.7, 2.3], dtype)
    out = np.empty_like(theta)
    jit.compiled(gradients, signature(dtype), dtype)(theta, teacher, out)
    expected = field.gradient(theta, problem)
    assert expected.dtype == dtype
    np.testing.assert_array_equal(out, expected)
    # As plain Python it runs too.
    if dtype == "float64":
        again = np.empty((4, 3))
        gradients(theta[:, :3], teacher, again)
        np.testing.assert_array_equal(again, out[:, :3])


def test_single_precision_has_constants_of_its_own() -> None:
    assert (REGISTERS.splitter, SINGLE.splitter) == (134217729.0, 4097.0)
    assert type(SINGLE.third) is np.float32


def double(x: float) -> float:
    """Return 2 x."""
    return 2.0 * x


def triple(x: float) -> float:
    """Return 3 x."""
    return 3.0 * x


def twice(x: float) -> float:
    """Return what is chosen for `double`, twice."""
    return double(double(x))


def test_what_a_name_stands_for_is_chosen() -> None:
    name = f"{__name__}.double"
    assert jit.compiled(twice, ("float64",))(1.0) == 4.0
    assert jit.compiled(twice, ("float64",), chosen={name: triple})(1.0) == 9.0
    assert jit.stamp(twice) != jit.stamp(twice, chosen={name: triple})
    assert jit.stamp(twice) != jit.stamp(twice, "float32")


LONG, SHORT = Weighted(((0, 2.0), (3, -1.5), (4, 0.1))), Weighted(((1, 0.7),))


def weighed(x: Any, of: Weighted) -> float:
    """Return a weighted sum of every second number behind the first, and where its last term is."""
    total: float = sum_of(of, x, 1, 2)
    return total + last_of(of)


def sums(x: Any, out: Any) -> None:
    """Put two weighted sums into an array."""
    out[0], out[1] = weighed(x, LONG), weighed(x, SHORT)


def test_a_weighted_sum_has_the_bits_of_a_loop() -> None:
    x, out, expected = np.random.default_rng(0).normal(size=10), np.empty(2), np.empty(2)
    jit.compiled(sums, ("float64[::1]", "float64[::1]"))(x, out)
    sums(x, expected)
    assert out.tobytes() == expected.tobytes()
    assert expected[0] == 2.0 * x[1] - 1.5 * x[7] + 0.1 * x[9] + 4


def product(a: float, b: float) -> float:
    """Return a b."""
    return a * b


@finite
def without(x: float) -> float:
    """Return x, and 0 x besides, which is 0 here."""
    return x + product(0.0, x)


def called(x: float) -> float:
    """Return what `without` returns."""
    return without(x)


def with_it(x: float) -> float:
    """Return x, and 0 x besides, which may be NaN."""
    return x + product(0.0, x)


def both(x: float) -> float:
    """Return the difference."""
    return without(x) - with_it(x)


def test_a_product_with_zero_is_zero_only_where_all_is_said_to_be_finite() -> None:
    def products(function: Any) -> int:
        return jit.assembly(function, ("float64",)).count("mulsd")

    assert products(with_it) > products(called)
    compiled = jit.compiled(both, ("float64",))
    assert compiled(3.0) == 0.0
    assert np.isnan(compiled(np.inf))


def of_two_modules(x: float) -> float:
    """Return 2 x, and 1 more where x > 0."""
    positive, _, _ = signs(REGISTERS, (x, x, x))
    total: float = two_sum(x, x)[0]
    return total + 1.0 if positive else total


def forget() -> None:
    """Forget what this process has compiled and digested."""
    for cached in (jit._entry, jit._stamp, jit.text):
        cached.cache_clear()


@pytest.mark.parametrize("module", [formulas, error_free, registers])
def test_a_change_of_any_file_leaves_what_was_compiled_unused(
    module: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))

    def compiled() -> tuple[int, int]:
        forget()
        stats = jit.compiled(of_two_modules, ("float64",)).stats
        return sum(stats.cache_hits.values()), sum(stats.cache_misses.values())

    assert compiled() == (0, 1)
    assert compiled() == (1, 0)
    original = jit.text

    def changed(file: str) -> bytes:
        return original(file) + (b"\n# another" if file == module.__file__ else b"")

    changed.cache_clear = lambda: None  # type: ignore[attr-defined]
    with monkeypatch.context() as patch:
        patch.setattr(jit, "text", changed)
        assert compiled() == (0, 1)
        assert compiled() == (1, 0)
    # With the old text back the old code is found again.
    assert compiled() == (1, 0)
    forget()


def test_what_is_damaged_on_the_disk_is_compiled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    forget()
    jit.compiled(twice, ("float64",))
    (file,) = tmp_path.rglob("*.nbc")
    file.write_bytes(b"not a pickle")
    forget()
    assert jit.compiled(twice, ("float64",))(1.0) == 4.0
    assert file.stat().st_size > 1000
    forget()


def test_without_a_writable_cache_it_still_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(blocked))
    forget()
    assert jit.compiled(twice, ("float64",))(1.0) == 4.0
    forget()
