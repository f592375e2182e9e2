"""What is solved for keeps its digits where φ hardly varies: far from its breakpoint, tiny, on a sliver."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import mpmath
import numpy as np
import pytest

from gradflow.field.kinds import SOLVED_BIAS, SOLVED_OUTPUT
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform

Exact = tuple[mpmath.mpf, list[mpmath.mpf], mpmath.mpf]


def exact(psi: np.ndarray, problem: Problem, w2: float | None = None) -> Exact:
    """Return loss, gradient and w2 by quadrature (a sum) between the breakpoints, in many digits."""
    w1, b1 = (mpmath.mpf(float(value)) for value in psi[:2])
    t = [mpmath.mpf(float(value)) for value in problem.teacher]
    smooth = not hasattr(problem.activation, "low")

    def phi(z: mpmath.mpf) -> mpmath.mpf:
        if smooth:
            return z / (1 + mpmath.exp(-z))
        low, high = problem.slopes
        return mpmath.mpf(high if z > 0 else low) * z

    def slope(z: mpmath.mpf) -> mpmath.mpf:
        if smooth:
            s = 1 / (1 + mpmath.exp(-z))
            return s + z * s * (1 - s)
        return mpmath.mpf(problem.slopes[1 if z > 0 else 0])

    def target(x: mpmath.mpf) -> mpmath.mpf:
        return t[2] * phi(t[0] * x + t[1]) + t[3]

    if isinstance(problem.inputs, Sample):
        points = [mpmath.mpf(float(x)) for x in problem.inputs.x]

        def mean(f: Any) -> mpmath.mpf:
            return mpmath.fsum(f(x) for x in points) / len(points)

    else:
        lo, hi = (mpmath.mpf(float(v)) for v in (problem.lo, problem.hi))
        inside = [-b / w for w, b in ((w1, b1), (t[0], t[1])) if w and lo < -b / w < hi and not smooth]
        ends = sorted({lo, hi, *inside})
        points_and_weights = nodes(12 if smooth else 3)
        rule = [
            ((a + b) / 2 + (b - a) / 2 * mpmath.mpf(x), (b - a) / (hi - lo) / 2 * weight)
            for a, b in itertools.pairwise(ends)
            for x, weight in points_and_weights
        ]

        def mean(f: Any) -> mpmath.mpf:
            return mpmath.fsum(weight * f(x) for x, weight in rule)

    middle, level = mean(lambda x: phi(w1 * x + b1)), mean(target)
    if w2 is None:
        variance = mean(lambda x: (phi(w1 * x + b1) - middle) ** 2)
        best = mean(lambda x: (phi(w1 * x + b1) - middle) * (target(x) - level)) / variance
    else:
        best = mpmath.mpf(w2)

    def r(x: mpmath.mpf) -> mpmath.mpf:
        return best * (phi(w1 * x + b1) - middle) - (target(x) - level)

    gradient = [
        2 * best * mean(lambda x: r(x) * slope(w1 * x + b1) * x),
        2 * best * mean(lambda x: r(x) * slope(w1 * x + b1)),
        2 * mean(lambda x: r(x) * (phi(w1 * x + b1) - middle)),
    ]
    return mean(lambda x: r(x) ** 2), gradient[: 2 if w2 is None else 3], best


@functools.cache
def nodes(n: int) -> list[tuple[mpmath.mpf, mpmath.mpf]]:
    """Return Gauss-Legendre points and weights to the digits in use."""
    found = []
    for guess in np.polynomial.legendre.leggauss(n)[0]:
        x = mpmath.findroot(lambda x: mpmath.legendre(n, x), guess)
        slope = n * (x * mpmath.legendre(n, x) - mpmath.legendre(n - 1, x)) / (x * x - 1)
        found.append((x, 2 / ((1 - x * x) * slope**2)))
    return found


PROBLEMS = {
    "default": Problem(),
    "shifted": Problem(Neuron(0.8, 0.3, -1.5, 10.0), Uniform(2.0, 5.0)),
    "leaky": Problem(Neuron(-0.7, 0.2, 1.1, 0.0), Uniform(-1.0, 3.0), (0.1, 1.0)),
    "sample": Problem(Neuron(0.8, 0.3, 1.5, -0.2), Sample(np.array([-1.3, -0.4, 0.1, 0.35, 0.8, 1.7]))),
}


def hard(problem: Problem) -> list[tuple[float, float]]:
    """Return (w1, b1) of neurons whose φ hardly varies, on both sides and at all scales."""
    lo, hi = float(problem.lo), float(problem.hi)
    far = [(w1, b1) for w1 in (1e-1, -1e-5, 1e-8, -1e-60) for b1 in (0.7, 1e9)]
    tiny = [
        (size * sign, -size * sign * (lo + share * (hi - lo)))
        for size in (1e-8, 1e9)
        for sign in (1, -1)
        for share in (0.3, 0.8)
    ]
    slivers = [(1.0, -(hi - width)) for width in (1e-2, 1e-6)] + [(-1.0, lo + 1e-6)]
    outside = [(1.0, -lo + 1e-7), (-1.0, hi + 3e3)]
    below = [(w1, -b1) for w1, b1 in far] if problem.slopes[0] else []
    return far + below + tiny + outside + (slivers if not isinstance(problem.inputs, Sample) else [])


@pytest.mark.parametrize("name", list(PROBLEMS))
def test_the_best_output_and_its_gradient_are_exact(name: str) -> None:
    problem = PROBLEMS[name]
    psi = np.array(hard(problem)).T
    evaluator = SOLVED_OUTPUT.evaluator(problem, psi)
    loss, gradient = evaluator.loss_and_gradient(psi)
    np.testing.assert_array_equal(loss, evaluator.loss(psi))
    np.testing.assert_array_equal(gradient, evaluator.gradient(psi))
    reach = max(abs(float(problem.lo)), abs(float(problem.hi)))
    with mpmath.workdps(150):
        for i in range(psi.shape[1]):
            value, slopes, w2 = exact(psi[:, i], problem)
            assert loss[i] == pytest.approx(float(value), rel=1e-11, abs=1e-15), psi[:, i]
            # Of the terms, |w2| E|r φ′ x| and |w2| E|r φ′|.
            size = 2.0 * abs(float(w2)) * max(float(value), 1e-4) ** 0.5
            np.testing.assert_allclose(
                gradient[:, i],
                [float(v) for v in slopes],
                rtol=1e-9,
                atol=1e-13 * size * (1.0 + reach),
                err_msg=str(psi[:, i]),
            )


@pytest.mark.parametrize("name", list(PROBLEMS))
def test_with_the_bias_alone_solved_too(name: str) -> None:
    problem = PROBLEMS[name]
    pairs = np.array(hard(problem)).T
    with mpmath.workdps(150):
        outputs = [0.7 * float(exact(pairs[:, i], problem)[2]) for i in range(pairs.shape[1])]
        psi = np.stack([*pairs, np.array(outputs)])
        loss, gradient = SOLVED_BIAS.evaluator(problem, psi).loss_and_gradient(psi)
        for i, w2 in enumerate(outputs):
            value, slopes, _ = exact(psi[:, i], problem, w2)
            assert loss[i] == pytest.approx(float(value), rel=1e-11, abs=1e-15), psi[:, i]
            for found, wanted in zip(gradient[:, i], slopes, strict=True):
                scale = float(max(abs(v) for v in slopes[:2])) if wanted is not slopes[2] else 0.0
                assert found == pytest.approx(float(wanted), rel=1e-9, abs=1e-11 * scale + 1e-300), psi[:, i]


def test_a_hyperactive_neuron_rests_however_flat() -> None:
    """The default problem, both solved, b1 = 0.7: the gradient is 0, as a sum of terms of the size of w2."""
    for w1 in (1e-3, 1e-5, 1e-8, 1e-12):
        psi = np.array([w1, 0.7])
        evaluator = SOLVED_OUTPUT.evaluator(Problem(), psi)
        assert float(evaluator.loss(psi)) == pytest.approx(1.0 / 48.0, rel=1e-14)
        assert np.all(np.abs(evaluator.gradient(psi)) * w1 < 1e-15)


def test_smooth_neurons_are_centred() -> None:
    cases = ((0.3, 1e-13, 1e-14), (1e-2, 1e-13, 1e-14), (1e-4, 1e-10, 1e-12), (1e-6, 1e-8, 1e-10))
    for w1, of_loss, of_gradient in cases:
        psi = np.array([w1, 0.7])
        for inputs in (Uniform(), Sample(np.linspace(-1.0, 1.0, 9))):
            problem = Problem(inputs=inputs, activation="silu")
            evaluator = SOLVED_OUTPUT.evaluator(problem, psi)
            with mpmath.workdps(50):
                value, slopes, w2 = exact(psi, problem)
            assert float(evaluator.loss(psi)) == pytest.approx(float(value), rel=of_loss)
            np.testing.assert_allclose(
                evaluator.gradient(psi),
                [float(v) for v in slopes],
                rtol=0.0,
                atol=of_gradient * abs(float(w2)),
            )
