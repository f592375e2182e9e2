"""Exits from a pattern within one step: a wall, a share that reaches 0 or 1, an output that changes its sign.

A step's dense output is a polynomial of degree 7, and so is every margin; `gradflow.flow.crossing` finds its
first change of sign, also where there are two within the step.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from gradflow.flow.crossing import NODES, Exit, cleared, first_exit
from gradflow.networks.two_layer.motion import split
from gradflow.networks.two_layer.network import TwoLayer
from gradflow.networks.two_layer.path import Switch, pack, unpack
from gradflow.networks.two_layer.patterns import SLIDING
from gradflow.networks.two_layer.status import CHATTERING
from gradflow.networks.two_layer.walls import (
    MINUS,
    PLUS,
    ROUNDING,
    Cell,
    System,
    forces,
    margins,
    pull_errors,
    sides_push,
)

WALL, SHARE, OUTPUT = 0, 1, 2
"""Kinds of exit: by a margin, by the share of a sliding wall, by the sign of a sliding neuron's output."""

CERTAIN = 10.0
"""A crossing counts once it is so many tolerances deep: what converges to a wall changes sides by error."""

BETWEEN = 100.0
"""So much deeper within a step: near instability the dense output is less exact than the step's end."""

_OFTEN, _RECENT = 200, 4096
"""A gate that has changed so often among the last changes of any is taken to chatter."""

_NEGLIGIBLE, _LEAP_TO = -45.0, -40.0
_WEIGHTS = (-1.0) ** np.arange(NODES.size) * np.where((NODES == 0.0) | (NODES == 1.0), 0.5, 1.0)


class Key(NamedTuple):
    """Name of an exit: kind, neuron, wall (−1 for OUTPUT) and, of a SHARE, the side it goes to."""

    kind: int
    neuron: int
    wall: int
    side: int


class FoundExit(NamedTuple):
    """An exit at time `t`, and whether it is certain."""

    key: Key
    t: float
    certain: bool


class Candidate(NamedTuple):
    """A sign change that is not yet known to be more than the solver's error."""

    t: float
    dense: Callable[[float], np.ndarray]
    mark: tuple[int, int, float]


class Step(NamedTuple):
    """An accepted step: its times, states as a function of time, and the velocity at its start."""

    t_old: float
    t: float
    dense: Callable[[float], np.ndarray]
    slope: np.ndarray


def exits(system: System, cell: Cell, step: Step, fresh: np.ndarray, rtol: float) -> list[FoundExit]:
    """Return all exits from the cell during a step, each with the time of its first sign change.

    Parameters
    ----------
    system : System
    cell : Cell
    step : Step
    fresh : array of bool, shape (h, m)
        Walls on which the step starts, where the sign of a margin says nothing.
    rtol : float
        The solver's tolerance.
    """
    h = len(cell.dead)
    span = step.t - step.t_old
    states = np.stack([step.dense(step.t_old + span * s) for s in NODES], axis=-1)
    weights = states[: -2 * h - 1].reshape(h, -1, NODES.size)
    signs = np.where(cell.sides == PLUS, 1.0, -1.0)
    values = signs[..., None] * np.matmul(system.normals, weights)
    sizes = np.sqrt(np.max(np.sum(weights * weights, axis=1), axis=-1))
    slopes = signs * span * margins(system, step.slope[: -2 * h - 1].reshape(h, -1))
    on_wall = fresh | (np.abs(values[..., 0]) <= ROUNDING * sizes[:, None])
    # From a wall: the polynomial divided by s, whose value at 0 is the known speed.
    values[on_wall, 1:] = (values[on_wall, 1:] - values[on_wall, :1]) / NODES[1:]
    values[on_wall, 0] = slopes[on_wall]
    watched = ~cell.dead[:, None] & (cell.sides != SLIDING)
    left = np.argwhere(watched & ~cleared(values))
    found, end = [], 1.0
    # The likely first ones first; afterwards only what may come before the earliest certain exit matters.
    left = left[np.argsort(np.argmin(values[left[:, 0], left[:, 1]] > 0.0, axis=1), kind="stable")]
    while len(left):
        j, k = left[0].tolist()
        left, heights, least = left[1:], values[j, k], CERTAIN * rtol * float(sizes[j])
        leaves: Exit | None
        if on_wall[j, k] and heights[0] < -least:
            leaves = Exit(0.0, 2.0 * least)
        else:
            leaves = first_exit(heights, partial(_polynomial, heights), 1.0)
        if leaves is None:
            continue
        found.append(FoundExit(Key(WALL, j, k, -1), step.t_old + span * leaves.s, leaves.depth > least))
        if leaves.depth > least and leaves.s < end and len(left):
            end = leaves.s
            sooner = values[left[:, 0], left[:, 1]] @ _interpolation(end * NODES).T
            left = left[~cleared(sooner)]
    for j in cell.slides:
        found += _end_of_slide(system, cell, step, states, j, rtol)
    return found


def earliest(
    candidates: dict[Key, Candidate],
    found: list[FoundExit],
    dense: Callable[[float], np.ndarray],
    mark: tuple[int, int, float],
) -> tuple[Key, Candidate] | None:
    """Return the earliest exit that has become certain; the others wait in `candidates`."""
    seen = {exit_.key for exit_ in found}
    for key in [key for key in candidates if key not in seen]:
        del candidates[key]
    for exit_ in found:
        candidates.setdefault(exit_.key, Candidate(exit_.t, dense, mark))
    certain = [(candidates[exit_.key].t, exit_.key) for exit_ in found if exit_.certain]
    return (min(certain)[1], candidates[min(certain)[1]]) if certain else None


def stuck(crossings: list[Switch]) -> int | None:
    """Return the status of a run whose last gate to change does so again and again, None if it does not."""
    last = crossings[-1:]
    often = sum(s.neuron == last[0].neuron and s.datum == last[0].datum for s in crossings[-_RECENT:])
    return CHATTERING if often >= _OFTEN else None


def _interpolation(at: np.ndarray) -> np.ndarray:
    """Return the matrix (…, 8) that takes a polynomial's values at `NODES` to those at some points."""
    gaps = at[:, None] - NODES
    here = gaps == 0.0
    terms = _WEIGHTS / np.where(here, 1.0, gaps)
    rows = terms / np.sum(terms, axis=1, keepdims=True)
    matrix: np.ndarray = np.where(np.any(here, axis=1, keepdims=True), here, rows)
    return matrix


def _polynomial(values: np.ndarray, s: float) -> float:
    """Return a polynomial's value at s from those at `NODES`, by the barycentric formula."""
    return float(_interpolation(np.array([s]))[0] @ values)


def _end_of_slide(
    system: System, cell: Cell, step: Step, states: np.ndarray, neuron: int, rtol: float
) -> list[FoundExit]:
    h, span = len(cell.dead), step.t - step.t_old

    def at(s: float) -> TwoLayer:
        return unpack(step.dense(step.t_old + span * s), h)

    found = []
    outputs = states[-2 * h - 1 + neuron]
    sign = float(np.sign(outputs[0]))
    values = np.array([sides_push(system, cell, unpack(y, h), neuron) for y in states.T])
    # What has converged pushes to either side by the solver's error, which no share of a small γ shows.
    error = rtol * np.abs(np.sum(values[0], axis=0))
    error = error + np.sum(system.lengths * pull_errors(system, cell, unpack(states[:, 0], h), rtol))
    for i, wall in enumerate(cell.slides[neuron].walls.tolist()):
        for side in (MINUS, PLUS):

            def push(s: float, i: int = i, side: int = side) -> float:
                return float(sides_push(system, cell, at(s), neuron)[side][i])

            if cleared(error[i] - sign * values[:, side, i]):
                continue
            leaves = first_exit(values[:, side, i], push, -sign)
            if leaves is not None:
                t = step.t_old + span * leaves.s
                deep = CERTAIN * error[i]
                certain = bool(leaves.depth > BETWEEN * deep or sign * values[-1, side, i] > deep)
                found.append(FoundExit(Key(SHARE, neuron, wall, side), t, certain))
    least = CERTAIN * rtol
    leaves = first_exit(outputs, lambda s: float(at(s).outputs[neuron]), sign)
    if leaves is not None:
        t = step.t_old + span * leaves.s
        found.append(FoundExit(Key(OUTPUT, neuron, -1, -1), t, leaves.depth > least))
    return found


def leap(
    system: System, cell: Cell, state: np.ndarray, t: float, t_end: float
) -> tuple[float, Callable[[float], np.ndarray]] | None:
    """Return a later time, and the states until then in closed form, while the outputs are below rounding.

    As long as max|f| < e^−40 the pulls are those at f = 0 to the last digit, so G_j is constant (`motion`).
    There is no leap if a margin might change its sign: c₀ + c₁ s + c₂ s² with s = exp(−|G|t) is positive if
    its Bernstein coefficients are.
    """
    network = unpack(state, len(cell.dead))
    reach = 2.0 * network.log_scale + np.log(len(cell.dead) * float(np.max(system.lengths)))
    if float(np.max(reach)) >= _NEGLIGIBLE:
        return None
    parts = split(network, forces(system, cell, network))
    rate = np.where(parts.size > 0.0, 2.0 * parts.size, 1e-300)
    span = min(float(np.min((_LEAP_TO - reach) / rate)), t_end - t)
    if span * float(np.max(parts.size)) < 3.0 and span < t_end - t:
        return None
    signs = np.where(cell.sides == PLUS, 1.0, -1.0)
    facing = signs * margins(system, parts.unit)
    c0, c2 = facing * parts.growing[:, None], facing * parts.shrinking[:, None]
    c1 = signs * margins(system, parts.across)
    lowest = np.minimum(np.minimum(c0, c0 + 0.5 * c1), c0 + c1 + c2)
    watched = (parts.size > 0.0)[:, None] & (cell.sides != SLIDING)
    turns = any(parts.growing[j] * network.outputs[j] <= 0.0 for j in cell.slides)
    if turns or np.any(watched & (lowest < -ROUNDING)):
        return None
    return t + span, lambda time: pack(parts.after(time - t), state[-1])
