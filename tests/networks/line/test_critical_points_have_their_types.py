"""Critical points of networks have the types known for them, and kernels that symmetries account for."""

from __future__ import annotations

import numpy as np
import pytest

import gradflow as gf
from gradflow.networks.line.critical import KINDS, critical_point
from gradflow.study.claims.networks.affine import saddle

LINE = gf.Problem(target=gf.Knots([-1.0, 1.0], [-1.0, 1.0]))


@pytest.mark.parametrize("n", [2, 4, 6])
def test_equally_spaced_breakpoints_are_a_saddle(n: int) -> None:
    found = critical_point(saddle(n), LINE)
    assert found.kind == "saddle"
    assert found.loss == pytest.approx(1.0 / (3.0 * (n + 1) ** 4), rel=1e-13)
    # Each neuron's weights may be rescaled, and nothing else is free.
    assert (found.negative, found.kernel, found.symmetries) == (n, n, n)
    assert np.allclose(found.breakpoints, -1.0 + 2.0 * np.arange(1, n + 1) / (n + 1))
    assert found.activity == {"dead": 0, "balanced": n, "hyperactive": 0}
    assert not found.on_wall


@pytest.mark.parametrize(
    ("network", "kind", "kernel", "symmetries", "breakpoints"),
    [
        # Of one neuron: hyperactive on the best line, dead with the best constant, the teacher.
        (gf.Neuron(1.0, 2.0, 0.5, -0.75), "minimum", 2, 2, 0),
        (gf.Neuron(1.0, -2.0, 0.5, 0.25), "minimum", 3, 3, 0),
        (gf.Neuron(2.0, 0.0, 0.5, 0.0), "global", 1, 1, 1),
        # Two on the teacher's breakpoint: one direction more, along which the loss is cubic.
        (gf.Network([1.0, 2.0], [0.0, 0.0], [0.5, 0.25]), "global", 4, 3, 1),
        (gf.Network([1.0, 2.0, 1.0], [0.0] * 3, [0.5, 0.125, 0.25]), "global", 7, 5, 1),
        # One of them without an output weight, or dead, or facing the other way.
        (gf.Network([1.0, 1.0], [0.0, 0.5], [1.0, 0.0]), "global", 3, 3, 1),
        (gf.Network([1.0, 1.0], [0.0, -3.0], [1.0, 2.0]), "global", 4, 4, 1),
        (gf.Network([1.0, -1.0], [3.0, 0.0], [1.0, 1.0], -3.0), "global", 3, 3, 1),
        # Two that cancel may go anywhere together.
        (gf.Network([1.0, 1.0, 1.0], [0.0, 0.3, 0.3], [1.0, 1.0, -1.0]), "global", 5, 5, 1),
        (gf.Neuron(1.0, 0.3, 0.5, 0.0), "none", 0, 1, 1),
    ],
)
def test_kernels_are_accounted_for(
    network: gf.Network | gf.Neuron, kind: str, kernel: int, symmetries: int, breakpoints: int
) -> None:
    found = critical_point(network)
    assert found.kind == kind in KINDS
    assert (found.kernel, found.symmetries) == (kernel, symmetries)
    assert len(found.breakpoints) == breakpoints


def test_walls_are_told() -> None:
    assert critical_point(gf.Neuron(1.0, 1.0, 0.5, -0.25)).on_wall
    assert not critical_point(gf.Neuron(1.0, 1.1, 0.5, -0.3)).on_wall


def test_on_walls_the_hessian_does_not_decide() -> None:
    # Below each of these there is a lower loss nearby: inwards from the wall, and away from w1 = b1 = 0.
    level = 0.25
    for network, near in (
        (gf.Neuron(1.0, -1.0, 1.0, level), gf.Neuron(1.0, -0.999, 1.0, level)),
        (gf.Neuron(1.0, -1.0, 0.0, level), gf.Neuron(1.0, -0.999, 1e-3, level)),
        (gf.Neuron(0.0, 0.0, 1.0, level), gf.Neuron(1e-3, 0.0, 1.0, level)),
        (gf.Neuron(0.0, 0.0, 0.0, level), gf.Neuron(1e-3, 0.0, 1e-3, level)),
    ):
        assert critical_point(near).loss < critical_point(network).loss
        assert critical_point(network).kind == "degenerate"


def test_symmetries_leave_the_graph() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        w, b, a = rng.normal(size=(3, 4))
        found = critical_point(gf.Network(w, b, a))
        gram = np.linalg.eigvalsh(gf.networks.line.gram(gf.Network(w, b, a)))
        # Off critical points, too: as many as the tangent features lack in rank where breakpoints differ.
        assert found.symmetries == np.sum(gram < 1e-13 * gram[-1])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"network": gf.Network(np.ones((2, 3)), np.ones((2, 3)), np.ones((2, 3)))}, "network: expected one"),
        ({"network": gf.Neuron(), "rest": 0.0}, "rest: expected a number between 0 and 1"),
        ({"network": gf.Neuron(), "tolerance": 2.0}, "tolerance: expected a number between 0 and 1"),
    ],
)
def test_others_are_refused(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}"):
        critical_point(**arguments)  # type: ignore[arg-type]
