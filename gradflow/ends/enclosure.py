"""Enclosures: a computed curve of the flow, with a radius, proves where a whole ball of starts ends.

Unlike that of `gradflow.theory.tube` the curve may cross the walls between balanced and hyperactive neurons,
and end at the teacher. What is claimed does not rest on the curve's accuracy: its defect, by how much it
fails to solve the flow, makes the radius grow. ``derivations/36_enclosures.py`` proves it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gradflow.base.arrays import Array, to_numpy
from gradflow.ends.balls import ROUNDED_UP, Ball, Setting, ball, curvature, setting
from gradflow.ends.outcome import CONSTANT, GLOBAL, LINEAR, UNDECIDED
from gradflow.field import gradient
from gradflow.field.baselines import lines
from gradflow.field.bounds import root_loss
from gradflow.neuron.problem import Neuron, Problem, Uniform, as_problem
from gradflow.theory.signs import oriented
from gradflow.theory.tube import balls
from gradflow.theory.tube import ends as held_by_path

EFFORTS = ((1e-2, 200), (1e-3, 800), (1e-4, 3000))
"""The defects that are aimed at and the numbers of steps, if nothing else is asked for."""

LONGEST = 0.1
"""The longest step."""

WIDEST = 0.5
"""A radius beyond which a ball is given up."""

EVERY = 4
"""Steps after which theorems are asked."""


class Enclosed(NamedTuple):
    """Where all starts of a ball provably end, arrays of the starts' shape.

    Attributes
    ----------
    outcome : array of int8
        Codes of `gradflow.ends.outcome.OUTCOMES`; undecided where nothing was proved.
    time, radius : array
        When that was known, and the radius of the ball then; NaN where it was not.
    """

    outcome: np.ndarray
    time: np.ndarray
    radius: np.ndarray


def enclose(
    neuron: Neuron | Array,
    problem: Problem = Problem(),
    radius: Array = 0.0,
    *,
    efforts: Sequence[tuple[float, int]] = EFFORTS,
) -> Enclosed:
    """Try to prove where the flow ends from all starts within `radius` of each start.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        The centres.
    problem : Problem
        One teacher, with a piecewise linear activation, uniform inputs on one interval, slopes (0, s₊).
    radius : number or array
        Euclidean, in (w1, b1, w2, b2); 0 for the start alone.
    efforts : sequence of (float, int)
        Defects of the curve that are aimed at, one after the other for what is still undecided, and how many
        steps it has then.

    Returns
    -------
    Enclosed
        NumPy arrays. Starts that linger, and those near a separatrix, stay undecided.

    Raises
    ------
    ValueError
        If the problem is another one, or the radius is negative or not finite.
    """
    problem = as_problem(problem)
    simple = isinstance(problem.inputs, Uniform) and not problem.is_general and problem.is_linear
    if not (simple and problem.stays_dead and problem.slopes[1] != 0.0):
        raise ValueError("problem: expected slopes (0, s+), a piecewise linear teacher and uniform inputs")
    flat, first, shape = balls(neuron, problem, radius)
    codes = np.full(first.shape, UNDECIDED, dtype=np.int8)
    time, last = np.full(first.shape, np.nan), np.full(first.shape, np.nan)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        of = setting(problem)
        for aim, steps in efforts:
            left = np.flatnonzero((codes == UNDECIDED) & np.all(np.abs(flat) < 1e6, axis=0))
            if left.size:
                codes[left], time[left], last[left] = _follow(of, flat[:, left], first[left], aim, steps)
    known = lines(problem)
    # Where the best line or constant is exact, to end there is to end at the teacher.
    for code, exact in ((LINEAR, known.straight), (CONSTANT, known.flat)):
        codes[(codes == code) & bool(exact)] = GLOBAL
    return Enclosed(codes.reshape(shape), time.reshape(shape), last.reshape(shape))


def known_ends(of: Setting, theta: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Return the outcomes that theorems know of whole balls, from their centres and radii."""
    on = ball(of, theta, radius)
    codes = np.full(radius.shape, UNDECIDED, dtype=np.int8)
    root = root_loss(theta, of.problem)
    loss = (to_numpy(root.value) + to_numpy(root.error) + radius * on.steep) * ROUNDED_UP
    codes[on.balanced & (loss < of.level)] = GLOBAL
    codes[on.dead] = CONSTANT
    hyper = on.hyperactive & (
        held_by_signs(of, theta, radius) | held_by_path(of.cell, theta, radius, _far(radius))
    )
    codes[hyper] = LINEAR
    return codes


def _far(radius: np.ndarray) -> np.ndarray:
    return np.full(radius.shape, np.inf)


def held_by_signs(of: Setting, theta: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Whether derivation 13 (1) holds on whole balls of hyperactive neurons."""
    w1, b1, w2, _ = theta
    s, m = abs(of.s), of.cell.mean_x
    view = oriented(Neuron(*theta), of.problem, of.s, 1.0)
    parts = (
        view.slope,
        view.depth,
        view.level,
        view.aim,
        view.upper,
        view.lower,
        view.place,
        view.z,
        view.reach,
    )
    slope, depth, level, aim, upper, lower, place, z, reach = (to_numpy(part) for part in parts)
    tilt = np.hypot(1.0, m)
    of_slope = s * radius * (np.hypot(w1, w2) + 0.5 * radius) * ROUNDED_UP
    steep = np.sqrt((s * w2 * tilt) ** 2 + (s * (m * w1 + b1)) ** 2 + 1.0)
    of_level = radius * (steep + 0.5 * s * tilt * radius) * ROUNDED_UP
    least = slope - of_slope
    edge = np.where(least > 0.0, upper * least, 0.0) / ROUNDED_UP
    floor = np.where(np.isfinite(lower) & (least > 0.0), lower * least, 0.0) / ROUNDED_UP
    above = np.isinf(lower) | (depth - of_level >= -floor)
    signs = (np.abs(w1) > radius) & (np.abs(w2) > radius) & (aim > 0.0) & place
    beyond = z > radius * np.hypot(1.0, reach) * ROUNDED_UP
    return np.asarray(signs & beyond & (least >= 0.0) & (level + of_level <= edge) & above)


def _follow(
    of: Setting, theta: np.ndarray, radius: np.ndarray, aim: float, steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return codes, times and last radii of balls, followed with steps whose defect is about `aim`."""
    codes = np.full(radius.shape, UNDECIDED, dtype=np.int8)
    times, radii = np.full(radius.shape, np.nan), np.full(radius.shape, np.nan)
    which, t, speed = np.arange(radius.size), np.zeros(radius.size), -np.asarray(gradient(theta, of.problem))
    nothing = np.int8(UNDECIDED)
    for k in range(steps):
        found = known_ends(of, theta, radius) if k % EVERY == 0 else np.full(radius.shape, nothing)
        done = found != UNDECIDED
        codes[which[done]], times[which[done]], radii[which[done]] = found[done], t[done], radius[done]
        h, new, after, grown = step(of, theta, speed, radius, aim)
        going = ~done & (grown < WIDEST)
        if not np.any(going):
            break
        which, t = which[going], ((t + h) * ROUNDED_UP)[going]
        theta, speed, radius = new[:, going], after[:, going], grown[going]
    return codes, times, radii


def step(
    of: Setting, theta: np.ndarray, speed: np.ndarray, radius: np.ndarray, aim: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return a step's length, the state and its speed after it, and the radius then (∞: not known)."""

    def flow(at: np.ndarray) -> np.ndarray:
        return -np.asarray(gradient(at, of.problem))

    here = ball(of, theta, radius)
    size = np.sqrt(np.sum(speed**2, axis=0))
    h = np.sqrt(8.0 * aim / (here.turns * size**2 + 64.0 * size + aim))
    h = np.where(np.isfinite(h), np.minimum(h, LONGEST), 0.0)
    # Near a wall the defect is of first order: shorter steps there.
    near = ball(of, theta, radius + 2.0 * h * size)
    short = np.where(near.known, 16.0 * aim / (near.jump * size + aim), 0.0)
    h = np.where(near.open, np.minimum(h, short), h)
    k2 = flow(theta + 0.5 * h * speed)
    k3 = flow(theta + 0.5 * h * k2)
    new = theta + h * (speed + 2.0 * k2 + 2.0 * k3 + flow(theta + h * k3)) / 6.0
    after = flow(new)
    # The curve is the cubic with these control points.
    control = np.stack([theta, theta + h * speed / 3.0, new - h * after / 3.0, new])
    middle = (control[0] + 3.0 * control[1] + 3.0 * control[2] + control[3]) / 8.0
    width = np.max(_length(control - middle), axis=0)
    cap = 1.25 * radius + 16.0 * h * aim
    reach = (width + cap) * ROUNDED_UP
    on = ball(of, middle, reach)
    least, norm = curvature(of, middle, on)
    gone = defect(of, control, h, on, norm + on.turns * reach)
    growth = on.turns * reach - least
    factor = np.exp(np.minimum(h * growth, 1.0))
    grown = (radius * factor + h * gone * np.maximum(factor, 1.0)) * ROUNDED_UP
    inside = on.known & (np.maximum(radius, grown) <= cap) & (h * growth <= 1.0) & (h > 0.0)
    return h, new, after, np.where(inside, grown, np.inf)


def defect(of: Setting, control: np.ndarray, h: np.ndarray, on: Ball, norm: np.ndarray) -> np.ndarray:
    """Bound |y' + ∇L(y)| over a step, from the curve's derivatives and bounds of the Hessian.

    It is 0 at both ends but for rounding; between them its second derivative is bounded where no wall is met,
    and its first one jumps by at most `on.jump` |y'| at walls.
    """
    safe = np.where(h > 0.0, h, 1.0)
    differences = np.diff(control, axis=0)
    fast = 3.0 * np.max(_length(differences), axis=0) / safe
    bends = 6.0 * np.max(_length(np.diff(differences, axis=0)), axis=0) / safe**2
    third = 6.0 * _length(np.diff(differences, n=2, axis=0)[0]) / safe**3
    # With the part of balanced neurons where it is there all the time or may come and go.
    smooth = third + on.turns * fast**2 + norm * bends
    size = np.max(np.abs(control), axis=(0, 1))
    lever = on.steep * (on.steep * (1.0 + size) + of.highest)
    # Of differences, of ∇L, and of bounds of second and third order, times h²/8.
    rounding = 1e-13 * (lever + size / safe)
    return np.asarray(
        (h * h / 8.0 * smooth + np.where(on.open, 0.5 * h * on.jump * fast, 0.0)) * ROUNDED_UP + rounding
    )


def _length(vectors: np.ndarray) -> np.ndarray:
    """Return the lengths of vectors of shape (…, 4, n)."""
    return np.asarray(np.sqrt(np.sum(vectors**2, axis=-2)))
