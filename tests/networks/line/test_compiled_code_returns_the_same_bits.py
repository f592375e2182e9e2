"""The field in compiled code is that of the arrays, to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradflow as gf
from gradflow.networks import line
from gradflow.networks.line import evaluate, fast, field
from gradflow.networks.line.task import task_of

STEPS: Any = gf.Steps([-1.0, -0.3, 0.2, 1.5], [1.0, 0.0, 3.0])
PROBLEMS = {
    "abs": gf.Problem(target="abs"),
    "a jump": gf.Problem(target="step", law=gf.Uniform(-1.0, 2.0)),
    "a teacher": gf.Problem(gf.Neuron(1.0, 0.2, 0.7, 0.1)),
    "a leaky one on steps": gf.Problem(activation=(0.1, 1.0), law=STEPS),
    "a network": gf.Problem(
        target=line.start("kernel", 5, 1), law=STEPS, activation=(0.2, 1.0), teacher_activation="relu"
    ),
}


def some_rows(m: int, n: int) -> np.ndarray:
    """Return networks with neurons that are dead, flat, alike, and with breakpoints on knots and ends."""
    rows = np.random.default_rng(m).normal(size=(3 * m + 1, n))
    rows[0] = 0.0
    rows[m : m + m // 2, 0] = 0.0
    if m > 5:
        rows[m + 1 : m + 3], rows[1:3] = rows[1:3], -rows[1:3]
        rows[[4, m + 4]] = rows[[5, m + 5]]
        rows[3], rows[m + 3] = 1e-200, 1e-201
    return rows


@pytest.mark.parametrize("name", list(PROBLEMS))
def test_of_losses_and_gradients(name: str) -> None:
    task = task_of(PROBLEMS[name])
    code = fast.evaluated(task)
    for m, n in ((1, 20), (10, 30), (47, 4), (300, 2)):
        rows = some_rows(m, n)
        some = field.cut(rows, task)
        loss, gradient = code(rows)
        assert np.array_equal(loss, field.loss_of(some))
        assert np.array_equal(gradient, field.gradient_of(some))
        assert np.array_equal(code(rows[:, 1], False)[0], loss[1])


def test_of_many_networks_on_all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    task, rows = task_of(PROBLEMS["a network"]), some_rows(6, 50)
    known = fast.evaluated(task)(rows)
    monkeypatch.setattr(fast, "SHARE", 1)
    monkeypatch.setattr(fast, "cores", lambda: 7)
    code = fast.evaluated(task)
    for found in (code(rows), code(rows)):
        assert np.array_equal(found[0], known[0])
        assert np.array_equal(found[1], known[1])
    assert np.array_equal(code(rows, False)[0], known[0])
    assert np.array_equal(code(rows[:, :3])[1], known[1][:, :3])


def test_code_takes_over_without_a_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    task, rows = task_of(PROBLEMS["abs"]), some_rows(8, 3)
    monkeypatch.setattr(fast, "_loaded", {})
    monkeypatch.setattr(fast, "WORTH", 2 * (evaluate.OVERHEAD + 8 * 3))
    some = evaluate.evaluator(task)
    first, _, third = some.gradient(rows), some.loss(rows), some.gradient(rows)
    assert fast._loaded
    assert np.array_equal(first, third)


def test_what_has_no_compiled_code_goes_on_in_numpy() -> None:
    for problem in (gf.Problem(law=gf.Normal()), gf.Problem(target="sine"), gf.Problem(inputs=gf.grid(5))):
        assert not fast.pays(task_of(problem), 10**12)


@pytest.mark.parametrize(
    "problem",
    [
        *PROBLEMS.values(),
        gf.Problem(law=gf.Normal(0.1, 0.7), target="hat"),
        gf.Problem(target="sine", activation="tanh"),
    ],
)
def test_of_products_with_the_hessian(problem: gf.Problem) -> None:
    rng = np.random.default_rng(3)
    for m in (1, 6, 20):
        rows, vector = rng.normal(size=(2, 3 * m + 1, 3))
        rows[m // 2] = 0.0
        whole = np.einsum("ij...,j...->i...", line.hessian(rows, problem), vector)
        assert np.max(np.abs(line.hessian_product(rows, vector, problem) - whole)) < 1e-12 * (
            1 + np.max(np.abs(whole))
        )
    with pytest.raises(ValueError, match=r"vector: expected the network's shape \(4,\), got \(4, 2\)"):
        line.hessian_product(gf.Neuron(), np.ones((4, 2)))


def test_the_spectrum_is_that_of_the_kernel() -> None:
    network, at = line.start("uniform", 5, 2), gf.grid(40)
    found = line.tangent_spectrum(network, gf.Problem(inputs=at))
    assert np.all(np.diff(found) <= 0)
    w1, b1, w2 = (np.array(getattr(network, name))[:, None] for name in ("w1", "b1", "w2"))
    x = np.array(at.x)
    z = w1 * x + b1
    rows = np.concatenate([w2 * (z > 0) * x, w2 * (z > 0), np.maximum(z, 0), np.ones((1, 40))])
    kernel = np.linalg.eigvalsh(rows.T @ rows / 40)[::-1]
    assert np.allclose(found, kernel[: len(found)], rtol=0, atol=1e-13)
