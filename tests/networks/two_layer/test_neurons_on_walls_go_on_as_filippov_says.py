"""On its walls a neuron goes on with gates that contradict nothing, in the flow and in its limit alike."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from gradflow.networks.two_layer.data import Dataset
from gradflow.networks.two_layer.filippov import choose_gates
from gradflow.networks.two_layer.losses import SQUARED, Objective
from gradflow.networks.two_layer.network import gaussian
from gradflow.networks.two_layer.patterns import SLIDING
from gradflow.networks.two_layer.walls import MINUS, PLUS, cell_of, margins, pulls, resolve, system


def random_data(seed: int) -> Dataset:
    """Return a few normal inputs, or corners of a cube, of which some share a wall or depend on others."""
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(2, 8)), int(rng.integers(2, 5)))
    x = rng.normal(size=shape) if seed % 2 else rng.integers(-1, 2, size=shape).astype(float)
    x = np.concatenate([x[np.any(x != 0.0, axis=1)], np.eye(shape[1])[:1]])
    return Dataset(x, rng.normal(size=len(x)))


@pytest.mark.parametrize("crosses", [False, True])
@pytest.mark.parametrize("seeds", [range(k, k + 25) for k in (0, 25, 50, 75)], ids=str)
def test_in_the_flow(seeds: range, crosses: bool) -> None:
    for seed in seeds:
        contradicts_nothing(seed, crosses)


def contradicts_nothing(seed: int, crosses: bool) -> None:
    data, rng = random_data(seed), np.random.default_rng(seed)
    what = system(Objective(data, SQUARED))
    network = gaussian(2, data.dimension, -1.0, seed=seed)
    sides = np.where(margins(what, network.weights) > 0.0, PLUS, MINUS).astype(np.int8)
    at_wall = rng.random(len(what.normals)) < 0.6
    at_wall[0] = True
    cell = cell_of(what, sides, np.zeros(2, dtype=bool))
    row = resolve(what, cell, network, 0, at_wall, {}, 0 if crosses else None)
    assert np.array_equal(row[~at_wall], sides[0, ~at_wall])
    # By the data themselves: those of sliding walls have gates that keep G along the walls.
    g, x = pulls(what, cell, network), data.inputs
    side = row[what.wall]
    on = np.where(what.facing, side == PLUS, side == MINUS) & (side != SLIDING)
    force, slides = (on * g) @ x, np.flatnonzero(row == SLIDING)
    sign = float(np.sign(network.outputs[0]))
    for k in slides:
        force += g[(what.wall == k) & ~what.facing] @ x[(what.wall == k) & ~what.facing]
    if slides.size:
        size = np.array([g[what.wall == k] @ what.lengths[what.wall == k] for k in slides])
        columns = size * what.normals[slides].T
        found = lsq_linear(columns, -force, (0.0, 1.0), method="bvls", tol=1e-15)
        force = force + columns @ found.x
        assert np.all(sign * size < 0.0) or crosses
    speed, noise = sign * what.normals @ force, 1e-11 * np.sum(np.abs(g) * what.lengths)
    # Where the wall that is crossed has no speed, it is kept on.
    grazes = (np.arange(row.size) == 0) & crosses
    assert np.all(np.abs(speed[(row == SLIDING) & ~grazes]) <= noise)
    assert np.all(speed[at_wall & (row == PLUS) & ~grazes] >= -noise)
    assert np.all(speed[at_wall & (row == MINUS) & ~grazes] <= noise)


@pytest.mark.parametrize("through", [False, True])
def test_forces_at_concave_walls_are_the_shortest(through: bool) -> None:
    """Where all walls attract, ‖G‖ has one minimum over the gates, whoever asks."""
    for seed in range(100):
        rng = np.random.default_rng(seed)
        x, force = rng.normal(size=(4, 3)), rng.normal(size=3)
        g, guess = -rng.uniform(0.1, 2.0, 4), rng.integers(0, 2, 4).astype(float)
        gates, slides = choose_gates(1.0, guess, g, x @ force, x @ x.T, np.full(4, 1e-13), through=through)
        wanted = lsq_linear(g * x.T, -force, (0.0, 1.0), method="bvls", tol=1e-15).x
        np.testing.assert_allclose(force + (g * gates) @ x, force + (g * wanted) @ x, atol=1e-9)
        assert np.array_equal(slides, (gates > 0.0) & (gates < 1.0))


def test_a_wall_that_repels_to_both_sides_keeps_the_side() -> None:
    for guess in (0.0, 1.0):
        found = choose_gates(
            1.0,
            np.array([guess]),
            np.array([3.0]),
            np.array([-1.0]),
            np.eye(1),
            np.full(1, 1e-13),
            through=False,
        )
        assert found[0].tolist() == [guess]
        assert not found[1].any()
