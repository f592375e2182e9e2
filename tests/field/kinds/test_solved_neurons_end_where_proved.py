"""With b2, or w2 and b2, solved for, starts end where derivation 21 says; outside they need not."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.field.baselines import best_constant, best_line
from gradflow.field.kinds import SOLVED_BIAS, SOLVED_OUTPUT, Kind
from gradflow.flow.of_kind import flow
from gradflow.flow.status import CONVERGED, REACHED
from gradflow.neuron.problem import Neuron, Problem, Uniform

LINE, CONSTANT = 1.0 / 48.0, 5.0 / 48.0


def best_slope(p: np.ndarray) -> np.ndarray:
    """Return Cov(ReLU(x − p), ReLU(x))/Var ReLU(x − p) on [−1, 1], by sums over a fine grid."""
    x = ((np.arange(4000) + 0.5) / 2000 - 1.0)[:, None]
    ramp, teacher = np.maximum(x - np.ravel(p), 0.0), np.maximum(x, 0.0)
    centred = ramp - ramp.mean(0)
    found = (centred * teacher).mean(0) / (centred**2).mean(0)
    return np.asarray(np.reshape(found, np.shape(p)))


def losses(kind: Kind, neuron: Neuron, t_end: float = 300.0, problem: Problem = Problem()) -> np.ndarray:
    """Return the losses at the end of the flow."""
    run = flow(kind, neuron, problem, t_end, rtol=1e-6)
    assert np.all(np.isin(run.status, (REACHED, CONVERGED)))
    return np.asarray(run.loss)


def proved(w1: np.ndarray, p: np.ndarray, w2: np.ndarray) -> np.ndarray:
    """Whether part 7 says that the start goes to the teacher, 2% off the border of its region."""
    w, best = w1 * w2, best_slope(p)
    J, border = w**2 * (1 + p**2), np.maximum(0.5, best**2 * (1 + p**2))
    return np.asarray(np.where(p >= 0.0, w < 1.96 * best, J / border <= 0.98))


def starts(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return balanced starts with w1, w2 > 0 that are neither tiny nor huge."""
    return rng.uniform(0.4, 1.8, n), rng.uniform(-0.97, 0.95, n), rng.uniform(0.3, 1.8, n)


def hunt(n: int, seed: int) -> None:
    """Show that every start in the region of part 7 learns the teacher, and that some outside do not."""
    w1, p, w2 = starts(np.random.default_rng(seed), n)
    inside = proved(w1, p, w2)
    end = losses(SOLVED_BIAS, Neuron(w1, -w1 * p, w2))
    assert 0.3 * n < np.sum(inside) < n
    assert np.all(end[inside] < 0.5 * LINE)
    lost = ~inside & (np.abs(end - LINE) < 1e-4 * LINE)
    assert np.any(lost), "outside the region some are lost"
    assert np.all((p < 0.0)[lost])
    assert np.all((w1 * w2)[lost] > 0.5)
    below = ~inside & (p < 0.0) & (w1 * w2 < 2 * best_slope(p))
    assert np.all((end[below] < 0.5 * LINE) | (np.abs(end[below] - LINE) < 1e-4 * LINE))


def test_starts_in_the_region_learn_the_teacher() -> None:
    hunt(100, 0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_many_starts_in_the_region_learn_the_teacher(seed: int) -> None:
    hunt(3000, seed)


def test_from_equal_weights_the_sign_of_the_bias_decides() -> None:
    b1 = np.array([-2.0, -1.0, -0.999, -0.9, -0.5, -0.1, 0.0, 0.3, 0.99, 0.999, 1.0, 1.5])
    end = losses(SOLVED_BIAS, Neuron(1.0, b1, 1.0), 400.0)
    dead, home, line = b1 <= -1.0, (b1 > -1.0) & (b1 <= 0.3), b1 >= 0.99
    np.testing.assert_allclose(end[dead], CONSTANT, rtol=1e-14)
    assert np.all(end[home] < 1e-10)
    # Balanced starts among them: solving b2 does not keep all of these from the line.
    np.testing.assert_allclose(end[line], LINE, rtol=1e-9)


def test_what_starts_hyperactive_moves_on_its_hyperbola() -> None:
    rng = np.random.default_rng(3)
    w1, w2 = rng.uniform(-2.0, 2.0, (2, 60))
    kappa = w1**2 - w2**2
    limit = np.sqrt((kappa + np.sqrt(kappa**2 + 1.0)) / 2.0)
    b1 = 1.05 * np.maximum(np.abs(w1), limit)
    run = flow(SOLVED_BIAS, Neuron(w1, b1, w2), Problem(), 300.0, rtol=1e-9)
    np.testing.assert_allclose(run.final[1], b1, rtol=0, atol=1e-12)
    np.testing.assert_allclose(run.final[0] * run.final[2], 0.5, atol=1e-6)
    np.testing.assert_allclose(np.abs(run.final[0]), limit, atol=1e-6)


def test_with_both_solved_the_side_decides() -> None:
    rng = np.random.default_rng(4)
    n = 80
    for problem, side in ((Problem(), 1.0), (Problem(Neuron(-1.3, 0.5, 0.7, 0.2), Uniform(-0.5, 2.0)), -1.0)):
        w1, b1 = rng.standard_normal((2, n))
        ends = np.stack((w1 * float(problem.lo) + b1, w1 * float(problem.hi) + b1))
        size = np.hypot(w1, b1)
        # Time runs like the squared length.
        w1, b1 = w1 / size, b1 / size
        end = losses(SOLVED_OUTPUT, Neuron(w1, b1), 600.0, problem)
        line, constant = float(best_line(problem).loss), float(best_constant(problem).loss)
        dead, hyperactive = np.all(ends <= 0, axis=0), np.all(ends >= 0, axis=0)
        right = ~dead & ~hyperactive & (side * w1 > 0)
        wrong = ~dead & ~hyperactive & (side * w1 < 0)
        assert min(map(np.sum, (dead, hyperactive, right, wrong))) > 3
        np.testing.assert_allclose(end[dead], constant, rtol=1e-12)
        np.testing.assert_allclose(end[hyperactive], line, rtol=1e-9)
        assert np.all(end[right] < 1e-3 * line)
        # The wall is approached but not reached: the loss stays above the line's.
        assert np.all((end[wrong] > line * (1 - 1e-12)) & (end[wrong] < 1.02 * line))


def test_symmetric_starts_end_at_the_derived_shares() -> None:
    angle = (np.arange(120) + 0.5) / 120 * 2 * np.pi
    end = losses(SOLVED_OUTPUT, Neuron(np.cos(angle), np.sin(angle)), 600.0)
    shares = [
        np.mean(hits) for hits in (end < 1e-6, np.abs(end - LINE) < 1e-3, np.abs(end - CONSTANT) < 1e-9)
    ]
    assert shares == [0.25, 0.5, 0.25]
