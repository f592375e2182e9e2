"""A hunt for critical points outside the four families, and for gradients below their floor."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.descent import GD, train_arrays
from gradflow.field import gradient, hessian
from gradflow.neuron.activity import BALANCED, activity
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform, grid
from gradflow.theory.critical_points import (
    CONSTANT,
    FAMILIES,
    GLOBAL,
    LINE,
    NONE,
    SADDLE,
    family,
    gradient_floor,
)

PROBLEMS = {
    "default": Problem(),
    "to the left": Problem(teacher=Neuron(-1.3, 0.4, 0.7, -0.2)),
    "downwards": Problem(teacher=Neuron(0.8, 0.3, -1.5, 0.1), inputs=Uniform(-0.7, 2.3)),
    "a line": Problem(teacher=Neuron(0.3, 0.9, -1.0, 0.1)),
    "steep": Problem(activation=(0.0, 2.0)),
}


def norm(theta: np.ndarray, problem: Problem) -> np.ndarray:
    return np.asarray(np.sqrt(np.sum(gradient(theta, problem) ** 2, axis=0)))


def starts(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(4, n)) * 10.0 ** rng.uniform(-1.0, 0.5, (1, n))


@pytest.mark.parametrize("name", list(PROBLEMS))
def test_the_floor_is_never_undercut(name: str) -> None:
    problem, theta = PROBLEMS[name], starts(100_000)
    floor, size = gradient_floor(theta, problem), norm(theta, problem)
    balanced = activity(theta, problem) == BALANCED
    assert np.mean(balanced) > 0.2
    # Only a breakpoint at the teacher's has no floor.
    assert np.mean(floor[balanced] > 0.0) > 0.999
    assert np.all(floor[~balanced] == 0.0)
    assert np.all(floor <= size * (1.0 + 1e-9) + 1e-12 * (1.0 + np.max(np.abs(theta), axis=0) ** 2))
    # It is not trivially small either.
    assert np.max(floor[balanced] / size[balanced]) > 0.5


def search(theta: np.ndarray, problem: Problem, steps: int) -> np.ndarray:
    """Return where Levenberg–Marquardt steps towards ∇L = 0 lead; an indefinite Hessian is no obstacle."""
    damping = np.full(theta.shape[1], 1e-2)
    for _ in range(steps):
        g, h = gradient(theta, problem), np.moveaxis(hessian(theta, problem), -1, 0)
        normal = np.einsum("nji,njk->nik", h, h) + damping[:, None, None] * np.eye(4)
        step = np.linalg.solve(normal, -np.einsum("nji,jn->ni", h, g)[..., None])[..., 0].T
        new = theta + step
        better = norm(new, problem) < np.sqrt(np.sum(g * g, axis=0))
        theta = np.where(better, new, theta)
        damping = np.where(better, np.maximum(0.3 * damping, 1e-10), 4.0 * damping)
    return theta


@pytest.mark.slow
@pytest.mark.parametrize("name", list(PROBLEMS))
def test_every_critical_point_found_is_of_a_family(name: str) -> None:
    problem = PROBLEMS[name]
    end = search(starts(20_000, 1), problem, 60)
    found = (
        (norm(end, problem) < 1e-11)
        & (np.abs(end[0]) + np.abs(end[1]) > 1e-3)
        & (np.max(np.abs(end), 0) < 1e3)
    )
    codes = family(end[:, found], problem, tolerance=1e-5)
    counts = {what: int(np.sum(codes == code)) for code, what in enumerate(FAMILIES)}
    assert counts["none"] == 0, end[:, found][:, codes == NONE][:, :5].T.tolist()
    assert counts["constant"] > 100
    assert counts["line"] + counts["global"] > 100
    if name == "default":
        assert min(counts["saddle"], counts["line"], counts["global"]) > 5


def test_the_families_are_critical() -> None:
    theta = np.array(
        [
            [0.3, -1.0, 2.0, 0.25],  # constant
            [0.5, 0.9, 1.0, -0.65],  # line
            [0.0, 0.7, 0.0, 0.25],  # saddle
            [2.0, 0.0, 0.5, 0.0],  # global
            [0.5, 0.2, 1.0, 0.0],
        ]
    ).T
    assert family(theta).tolist() == [CONSTANT, LINE, SADDLE, GLOBAL, NONE]
    assert np.all(norm(theta, Problem())[:4] < 1e-15)
    assert np.linalg.eigvalsh(hessian(theta[:, 2]))[0] < -0.1


def test_the_origin_is_in_no_family() -> None:
    # Of w1 = b1 = 0 nothing is proved, but that a loss of 0 is a minimum.
    for w2, b2 in ((0.0, 0.25), (1.0, 0.25), (1.0, 0.0)):
        assert family(Neuron(0.0, 0.0, w2, b2)) == NONE
    assert family(Neuron(0.0, 0.0, 1.0, 0.5), Problem(Neuron(0.0, 0.0, 1.0, 0.5))) == GLOBAL


def test_on_samples_the_floor_fails() -> None:
    # Between two inputs the breakpoint is free: the sample's loss is 0 for many of them.
    sample = Sample(np.linspace(-1.0, 1.0, 4))
    problem = Problem(inputs=sample)
    theta = starts(2000, 2)
    end = train_arrays(theta, problem, GD(0.05), 4000, events=False, first_change=False).final
    balanced = activity(end, Problem()) == BALANCED
    undercut = gradient_floor(end) > 10.0 * norm(end, problem) + 1e-6
    assert np.sum(undercut & balanced) > 50


def test_with_leaky_slopes_the_floor_fails() -> None:
    # The certificate of ReLU, held against the gradient of a leaky neuron.
    theta = starts(100_000, 3)
    leaky = Problem(activation=(0.5, 1.0))
    assert np.sum(gradient_floor(theta) > 1.01 * norm(theta, leaky)) > 1


def test_what_is_not_proved_is_refused() -> None:
    with pytest.raises(ValueError, match="inputs: critical points are known for the population"):
        family(Neuron(), Problem(inputs=grid(10)))
    with pytest.raises(ValueError, match="slopes: critical points"):
        gradient_floor(Neuron(), Problem(activation=(0.1, 1.0)))


def test_arrays_of_any_shape() -> None:
    assert gradient_floor(Neuron(b1=np.zeros((2, 0)))).shape == (2, 0)
    assert gradient_floor(Neuron(b1=0.3)).shape == ()
    assert gradient_floor(starts(6).astype("float32").reshape(4, 2, 3)).dtype == np.float32
    assert family(starts(6).reshape(4, 2, 3)).shape == (2, 3)
    assert gradient_floor(Neuron(0.0, 0.0, 1.0, 0.0)) == 0.0
