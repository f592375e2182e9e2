"""The walls x_i·w = 0, and the field that holds while no neuron changes its side of any.

Inputs that are multiples of each other share a wall. Beyond its walls the field of one pattern is
continued as it stands, so it is smooth everywhere; where the fields of both sides point at a wall, the
solution slides along it (Filippov): the gates of its data take the value that keeps it there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradflow.networks.two_layer.filippov import choose_gates
from gradflow.networks.two_layer.losses import Loss, Objective
from gradflow.networks.two_layer.network import TwoLayer, velocity
from gradflow.networks.two_layer.patterns import ACTIVE, INACTIVE, SLIDING

MINUS, PLUS = INACTIVE, ACTIVE
"""The sides of a wall: the gates of a datum that faces as its normal; or SLIDING."""

ROUNDING = 16.0 * float(np.finfo(float).eps)
"""Largest distance from a wall at which a direction counts as on it."""


class System(NamedTuple):
    """Data, loss and walls.

    Attributes
    ----------
    x : array, shape (n, D)
    y : array, shape (n,)
    loss : Loss
    weight : float
        1 or 1/n.
    normals : array, shape (m, D)
        Unit normals of the m different walls.
    wall : array of int, shape (n,)
        Each datum's wall.
    facing : array of bool, shape (n,)
        Whether x_i is a positive multiple of the normal.
    lengths : array, shape (n,)
        The ‖x_i‖.
    """

    x: np.ndarray
    y: np.ndarray
    loss: Loss
    weight: float
    normals: np.ndarray
    wall: np.ndarray
    facing: np.ndarray
    lengths: np.ndarray


class Slide(NamedTuple):
    """One neuron's sliding walls: normals (k, D) and an orthonormal basis (D, rank) of their span."""

    walls: np.ndarray
    normals: np.ndarray
    basis: np.ndarray


class Cell(NamedTuple):
    """A pattern that stays as it is.

    Attributes
    ----------
    sides : array of int8, shape (h, m)
        MINUS, PLUS or SLIDING.
    dead : array of bool, shape (h,)
        Neurons that were active on nothing at the start.
    gates : array, shape (h, n)
        1.0 where a datum acts in the smooth field; sliding walls are taken on their minus side, and
        `slides` corrects for it.
    slides : dict
        By neuron.
    """

    sides: np.ndarray
    dead: np.ndarray
    gates: np.ndarray
    slides: dict[int, Slide]


def system(objective: Objective) -> System:
    """Return the data of an objective with their walls, in float64."""
    x, y = (np.asarray(values, dtype=float) for values in (objective.data.inputs, objective.data.labels))
    # Scaled by the largest entry first: squares must not underflow.
    largest = np.max(np.abs(x), axis=1)
    lengths = largest * np.linalg.norm(x / largest[:, None], axis=1)
    units = x / lengths[:, None]
    leading = units[np.arange(len(units)), np.argmax(np.abs(units), axis=1)]
    facing = np.ones(len(units), dtype=bool)
    normals: list[np.ndarray] = []
    wall = np.empty(len(units), dtype=int)
    signed = units * np.sign(leading)[:, None]
    for i, unit in enumerate(units):
        # Two largest entries of equal size and other signs: both signs must be compared.
        known = np.array(normals).reshape(-1, unit.size)
        for sign in (np.sign(leading[i]), -np.sign(leading[i])):
            near = np.flatnonzero(np.max(np.abs(known - sign * unit), axis=1, initial=0.0) <= ROUNDING / 4)
            if near.size:
                wall[i], facing[i] = near[0], sign > 0
                break
        else:
            wall[i], facing[i] = len(normals), leading[i] > 0
            normals.append(signed[i])
    return System(x, y, objective.loss, objective.weight, np.array(normals), wall, facing, lengths)


def cell_of(system: System, sides: np.ndarray, dead: np.ndarray) -> Cell:
    """Return the cell with these sides."""
    gates = (_codes(system, sides) == PLUS) | (~system.facing & (sides[:, system.wall] == SLIDING))
    slides = {}
    for j in np.flatnonzero(np.any(sides == SLIDING, axis=1)):
        walls = np.flatnonzero(sides[j] == SLIDING)
        normals = system.normals[walls]
        left, sizes, _ = np.linalg.svd(normals.T, full_matrices=False)
        slides[int(j)] = Slide(walls, normals, left[:, sizes > 1e-12 * sizes[0]])
    return Cell(sides, dead, np.where(dead[:, None], 0.0, gates.astype(float)), slides)


def pattern(system: System, cell: Cell) -> np.ndarray:
    """Return the gate of every neuron and datum, int8 of shape (h, n)."""
    return np.where(cell.dead[:, None], np.int8(0), _codes(system, cell.sides))


def _codes(system: System, sides: np.ndarray) -> np.ndarray:
    codes = sides[..., system.wall]
    return np.where(system.facing | (codes == SLIDING), codes, 1 - codes).astype(np.int8)


def margins(system: System, weights: np.ndarray) -> np.ndarray:
    """Return the products of directions (…, D) with the normals, shape (…, m)."""
    return np.asarray(weights @ system.normals.T)


def outputs(system: System, cell: Cell, network: TwoLayer) -> np.ndarray:
    """Return f(x_i), shape (n,), continued beyond the walls."""
    mixing = network.outputs * np.exp(2.0 * network.log_scale)
    return np.asarray(np.sum(mixing[:, None] * cell.gates * (network.weights @ system.x.T), axis=0))


def loss(system: System, cell: Cell, network: TwoLayer) -> float:
    """Return the objective."""
    value = system.loss.value(system.y, outputs(system, cell, network))
    return float(system.weight * np.sum(value))


def pulls(system: System, cell: Cell, network: TwoLayer) -> np.ndarray:
    """Return g_i = −∂(objective)/∂f(x_i), shape (n,)."""
    return np.asarray(system.weight * system.loss.pull(system.y, outputs(system, cell, network)))


def forces(system: System, cell: Cell, network: TwoLayer) -> np.ndarray:
    """Return G_j, shape (h, D); that of a sliding neuron is orthogonal to the normals of its walls."""
    return on_walls(cell, np.asarray((cell.gates * pulls(system, cell, network)) @ system.x))


def rates(system: System, cell: Cell, network: TwoLayer) -> tuple[TwoLayer, float]:
    """Return the velocity in the state's coordinates, and ‖∇L‖²."""
    force = forces(system, cell, network)
    along = np.sum(network.weights * force, axis=1)
    squares = network.outputs**2 * np.sum(force * force, axis=1) + along * along
    return velocity(network, force), float(np.sum(np.exp(2.0 * network.log_scale) * squares))


def sides_push(system: System, cell: Cell, network: TwoLayer, neuron: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how strongly the minus and the plus side of each sliding wall of a neuron push away from it.

    The force of the minus sides plus Σ λ_k γ_k u_k is orthogonal to every u_k, with γ_k = Σ g_i ‖x_i‖ over
    the data of the wall. The wall holds the neuron while −sign(v) λ_k γ_k, the speed towards it on its minus
    side, and −sign(v) (1 − λ_k) γ_k, that on its plus side, are positive. λ itself, the share of the plus
    side, has a pole where γ_k passes 0; these have none. They are returned without the factor −sign(v).
    """
    slide = cell.slides[neuron]
    g = pulls(system, cell, network)
    base = (cell.gates[neuron] * g) @ system.x
    needed = -np.linalg.lstsq(slide.normals.T, base, rcond=1e-12)[0]
    return needed, _gains(system, g)[slide.walls] - needed


def pull_errors(system: System, cell: Cell, network: TwoLayer, tolerance: float) -> np.ndarray:
    """Return the errors of the g_i, shape (n,), that errors of the weights relative to their size make."""
    sizes = np.abs(network.outputs) * np.linalg.norm(network.weights, axis=1)
    error = tolerance * system.lengths * ((sizes * np.exp(2.0 * network.log_scale)) @ cell.gates)
    f = outputs(system, cell, network)
    pull = system.loss.pull
    return np.asarray(0.5 * system.weight * np.abs(pull(system.y, f + error) - pull(system.y, f - error)))


def at_rest(system: System, cell: Cell, network: TwoLayer) -> bool:
    """Return whether the force on every neuron is the rounding of its parts: nothing moves any more.

    Where all G_j = 0 the second derivative of the loss is that of ℓ alone, which is convex: no saddle.
    """
    error = ROUNDING * np.abs(pulls(system, cell, network)) + pull_errors(system, cell, network, ROUNDING)
    size = np.linalg.norm(forces(system, cell, network), axis=1)
    return bool(np.all(size <= cell.gates @ (error * system.lengths)))


def _gains(system: System, pulls: np.ndarray) -> np.ndarray:
    """Return γ_k = Σ g_i ‖x_i‖ over the data of each wall, shape (m,)."""
    gains: np.ndarray = np.bincount(system.wall, pulls * system.lengths, len(system.normals))
    return gains


def resolve(
    system: System,
    cell: Cell,
    network: TwoLayer,
    neuron: int,
    at_wall: np.ndarray,
    fixed: dict[int, int],
    crossing: int | None = None,
) -> np.ndarray:
    """Return the sides on which a neuron goes on that is on several of its walls.

    Parameters
    ----------
    neuron : int
        Its row in `cell`.
    at_wall : array of bool, shape (m,)
        The walls it is on.
    fixed : dict
        Walls whose side is known.
    crossing : int, optional
        The wall it is about to cross.

    Returns
    -------
    array of int8, shape (m,)

    Notes
    -----
    This is `filippov.choose_gates` for the walls whose side is open: what the plus side of a wall adds to G
    is γ_k u_k, with γ_k = Σ g_i ‖x_i‖ over its data.
    """
    g = pulls(system, cell, network)
    gains, sign = _gains(system, g), float(np.sign(network.outputs[neuron]))
    row = np.array(cell.sides[neuron])
    if crossing is not None and sign * gains[crossing] >= 0.0:
        fixed = {**fixed, crossing: PLUS if row[crossing] == MINUS else MINUS}
    for wall, side in fixed.items():
        row[wall] = side
    free = np.flatnonzero(at_wall & ~np.isin(np.arange(row.size), list(fixed)))
    came_from = np.where(row[free] == PLUS, 1.0, 0.0)
    row[free] = MINUS
    force = ((_codes(system, row) == PLUS) * g) @ system.x
    normals = system.normals[free]
    noise = max(1e-13 * float(np.sum(np.abs(g) * system.lengths)), float(np.finfo(float).tiny))
    gates, slides = choose_gates(
        sign, came_from, gains[free], normals @ force, normals @ normals.T, np.full(free.size, noise),
        through=False,
    )  # fmt: skip
    row[free] = np.where(slides, SLIDING, np.where(gates > 0.5, PLUS, MINUS))
    if crossing is not None and row[crossing] == cell.sides[neuron, crossing]:
        # It grazes the wall, where rounding decides the sign of its speed, and is beyond it later.
        row[crossing] = SLIDING
    return row


def past_origin(
    system: System, cell: Cell, network: TwoLayer, neuron: int, distance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return weights (D,) and sides (m,) of a neuron that has slid to w = 0 along the only line left to it.

    It goes on at a small distance on the other side, where it is on the other side of all other walls.
    """
    slide = cell.slides[neuron]
    line = np.linalg.svd(slide.basis.T)[2][-1]
    sides = cell.sides.copy()
    others = sides[neuron] != SLIDING
    products = np.where(others, system.normals @ line, 0.0)
    known = int(np.argmax(np.abs(products)))
    came_from = np.sign(products[known]) * (1.0 if sides[neuron, known] == PLUS else -1.0)
    sides[neuron, others] = 1 - sides[neuron, others]
    row = resolve(system, cell_of(system, sides, cell.dead), network, neuron, ~others, {})
    return -distance * came_from * line, row


def on_walls(cell: Cell, vectors: np.ndarray) -> np.ndarray:
    """Return vectors (h, D) with those of sliding neurons put on their walls."""
    if not cell.slides:
        return vectors
    vectors = vectors.copy()
    for j, slide in cell.slides.items():
        vectors[j] -= slide.basis @ (slide.basis.T @ vectors[j])
    return vectors
