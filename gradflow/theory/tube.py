"""Tubes: all starts near one start stay near its curve, hence trapped if that is far enough from the walls.

A curve is computed, and with it a radius that grows as fast as solutions near it can part. What is claimed
does not rest on the accuracy of the curve: its defect, by how much it fails to solve the flow, makes the
radius grow. ``derivations/14_tubes.py`` proves it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradflow.base.arrays import Array, as_floating, to_numpy
from gradflow.field.baselines import lines
from gradflow.field.bounds import EPS, TINY
from gradflow.neuron.activity import end_preactivations
from gradflow.neuron.problem import Neuron, Problem, as_neuron
from gradflow.theory.hyperactive import contraction, line

STEP = 0.1
"""A step of the curve, in units of one over a bound on the rate at which the residuals decay."""

KEPT = 0.5
"""The part κ of the Gauss–Newton term that is kept against the curvature; the rest pays for the square."""

ROUNDED_UP = 1.0 + 1e-13
"""A factor that makes up for a few roundings."""

DEGREE = 9
"""Of the defect on a step, as a polynomial: a cubic curve in a cubic field."""


class Tube(NamedTuple):
    """Proved properties of the ball around each start, arrays of the starts' shape.

    Attributes
    ----------
    trapped : array of bool
        Every start in the ball stays without a breakpoint inside and ends at the best line.
    time : array
        When the trapping region of derivation 8 held for the whole tube; NaN where it did not.
    radius : array
        The tube's radius when it was left.
    """

    trapped: Array
    time: Array
    radius: Array


def surround(
    neuron: Neuron | Array, problem: Problem = Problem(), radius: Array = 0.0, *, steps: int = 2000
) -> Tube:
    """Try to prove that all starts within `radius` of each start are trapped without a breakpoint inside.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        The centres: hyperactive, or dead where s₋ ≠ 0; of others nothing is proved.
    problem : Problem
        One teacher and one interval, or a sample.
    radius : number or array
        Euclidean, in (w1, b1, w2, b2); 0 for the start alone.
    steps : int
        Of the curve, at most.

    Returns
    -------
    Tube
        NumPy arrays. "Not trapped" means that nothing was proved.

    Raises
    ------
    ValueError
        If the problem is an array of problems, or the radius is negative or not finite.
    """
    flat, reach, shape = balls(neuron, problem, radius)
    proved, time = np.zeros(reach.shape, dtype=bool), np.full(reach.shape, np.nan)
    z = np.stack([to_numpy(end) for end in end_preactivations(flat, problem)])
    for s, sign in ((problem.slopes[1], 1.0), (problem.slopes[0], -1.0)):
        inside = np.all(sign * z > 0.0, axis=0) & np.all(np.isfinite(flat), axis=0)
        if s == 0.0 or not np.any(inside):
            continue
        proved[inside], time[inside], reach[inside] = _follow(
            cell_of(problem, s, sign),
            flat[:, inside],
            reach[inside],
            steps,
        )
    return Tube(proved.reshape(shape), time.reshape(shape), reach.reshape(shape))


def balls(
    neuron: Neuron | Array, problem: Problem, radius: Array
) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    """Return centres, shape (4, n), and radii of balls of starts of one problem, and their shape.

    Raises
    ------
    ValueError
        If the problem is an array of problems, or the radius is negative or not finite.
    """
    _, fields = as_floating(as_neuron(neuron))
    # By itself: beside neurons of float32 it might be rounded down.
    _, (radius,) = as_floating((radius,))
    *fields, radius = (to_numpy(value).astype(np.float64) for value in (*fields, radius))
    theta = np.stack(np.broadcast_arrays(*fields))
    if any(np.ndim(value) for value in (*problem.teacher, problem.lo, problem.hi)):
        raise ValueError("problem: expected one teacher and one interval, got arrays of them")
    if not np.all((radius >= 0.0) & np.isfinite(radius)):
        raise ValueError("radius: expected finite numbers >= 0")
    shape = np.broadcast_shapes(theta.shape[1:], radius.shape)
    flat = np.ascontiguousarray(np.broadcast_to(theta, (4, *shape)).reshape(4, -1))
    return flat, np.array(np.broadcast_to(radius, shape), dtype=np.float64).reshape(-1), shape


class Cell(NamedTuple):
    """A linear cell: the slope of φ, the sign of the pre-activation, input, moments, best line, c.

    `lost` is by how much the best line's slope and level may be wrong, `relative` the same of E x and Var x
    relative to 1 + |E x| and Var x.
    """

    s: float
    sign: float
    lo: float
    hi: float
    mean_x: float
    variance: float
    mean: float
    slope: float
    c: float
    lost: float = 0.0
    relative: float = 0.0


def cell_of(problem: Problem, s: float, sign: float) -> Cell:
    """Return the linear cell where φ has the slope s and the pre-activation this sign."""
    of = lines(problem)
    numbers = (problem.lo, problem.hi, *line(problem), contraction(problem, s))
    cell = Cell(s, sign, *(float(value) for value in numbers))
    of_mean_x, of_variance = float(of.mean_x.error), float(of.variance_x.error)
    relative = of_mean_x / (1.0 + abs(cell.mean_x)) + (of_variance / cell.variance if cell.variance else 0.0)
    return cell._replace(lost=float(of.slope.error) + float(of.mean.error), relative=relative)


class Rates(NamedTuple):
    """ρ1 and ρ0 and their gradients, shapes (n,) and (4, n)."""

    rho1: np.ndarray
    rho0: np.ndarray
    g1: np.ndarray
    g0: np.ndarray


def rates(cell: Cell, theta: np.ndarray) -> Rates:
    """Return the residuals and their gradients."""
    w1, b1, w2, b2 = theta
    s, m = cell.s, cell.mean_x
    nothing = np.zeros_like(w1)
    beta = m * w1 + b1
    return Rates(
        s * w1 * w2 - cell.slope,
        s * w2 * beta + b2 - cell.mean,
        s * np.stack([w2, nothing, w1, nothing]),
        np.stack([s * m * w2, s * w2, s * beta, nothing + 1.0]),
    )


def descent(cell: Cell, theta: np.ndarray) -> np.ndarray:
    """Return −∇e."""
    r = rates(cell, theta)
    return np.asarray(-2.0 * (cell.variance * r.rho1 * r.g1 + r.rho0 * r.g0))


def _follow(
    cell: Cell, theta: np.ndarray, radius: np.ndarray, steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return for each start whether it is proved to be trapped, when, and the radius then."""
    n = radius.shape[0]
    proved, time, left = np.zeros(n, dtype=bool), np.full(n, np.nan), radius.copy()
    which, t = np.arange(n), np.zeros(n)
    excess = largest_root_excess(cell, theta, radius)
    for _ in range(steps):
        done = ends(cell, theta, radius, excess)
        proved[which[done]], time[which[done]] = True, t[done]
        left[which] = radius
        h, new, grown, fallen = _step(cell, theta, radius, excess)
        going = ~done & (grown < np.inf)
        if not np.any(going):
            break
        which, t = which[going], (t + h)[going]
        theta, radius, excess = new[:, going], grown[going], fallen[going]
    return proved, time, left


def _step(
    cell: Cell, theta: np.ndarray, radius: np.ndarray, excess: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the step's length, and state, radius (∞: nothing is proved) and bound on √e after it."""
    reach = 1.0 + max(cell.lo**2, cell.hi**2)
    r = rates(cell, theta)
    bent = np.abs(r.rho1) + np.abs(r.rho0)
    h = STEP / (1.0 + cell.s**2 * reach * np.sum(theta[:3] ** 2, axis=0) + _norm(cell) * bent)
    k1 = descent(cell, theta)
    k2 = descent(cell, theta + 0.5 * h * k1)
    k3 = descent(cell, theta + 0.5 * h * k2)
    k4 = descent(cell, theta + h * k3)
    new = theta + h * (k1 + 2.0 * k2 + 2.0 * k3 + k4) / 6.0
    # The curve is the cubic with these control points.
    control = np.stack([theta, theta + h * k1 / 3.0, new - h * descent(cell, new) / 3.0, new])
    middle = (control[0] + 3.0 * control[1] + 3.0 * control[2] + control[3]) / 8.0
    width = np.max(np.sqrt(np.sum((control - middle) ** 2, axis=1)), axis=0)
    error = h * defect(cell, control, h)
    cap = 1.25 * radius + 4.0 * error
    growth = divergence(cell, middle, width) + quadratic(cell) * cap * cap
    factor = np.exp(np.minimum(h * growth, 1.0))
    grown = (radius * factor + error * np.maximum(factor, 1.0)) * ROUNDED_UP
    weight = np.min(np.abs(control[:, 2]), axis=0) - cap
    same_sign = (np.min(control[:, 2], axis=0) > 0.0) | (np.max(control[:, 2], axis=0) < 0.0)
    weight = np.where(same_sign, np.maximum(weight, 0.0), 0.0)
    fallen = excess * np.exp(-2.0 * (cell.c * weight) ** 2 * h) * ROUNDED_UP
    inside = (np.maximum(radius, grown) <= cap) & (h * growth <= 1.0) & (wall_distance(cell, control) > cap)
    return h, new, np.where(inside, grown, np.inf), fallen


def divergence(cell: Cell, theta: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Bound the rate at which solutions part, but for the term in radius², within `width` of a point.

    −λ_min of 2 V (ρ1 P1 + κ g1 g1ᵀ) + 2 (ρ0 P0 + κ g0 g0ᵀ), with P1 and P0 the constant Hessians of ρ1
    and ρ0, plus what this matrix can change by over the width.
    """
    r, (p1, p0) = rates(cell, theta), hessians(cell)
    variance = cell.variance
    matrix = 2.0 * variance * _against(r.rho1, p1, r.g1) + 2.0 * _against(r.rho0, p0, r.g0)
    change = np.zeros_like(width)
    for weight, gradient, norm in ((variance, r.g1, abs(cell.s)), (1.0, r.g0, _norm(cell))):
        size = np.sqrt(np.sum(gradient**2, axis=0))
        change += 2.0 * weight * norm * width * (size + 0.5 * norm * width)
        change += 2.0 * weight * KEPT * norm * width * (2.0 * size + norm * width)
    # Eigenvalues are computed to rounding of the norm; of numbers too large for them nothing is known.
    size = np.sum(np.abs(matrix), axis=(-2, -1))
    finite = np.isfinite(size)
    lowest = np.linalg.eigvalsh(np.where(finite[:, None, None], matrix, 0.0))[..., 0]
    return np.asarray(np.where(finite, -lowest + change + 1e-13 * size, np.inf))


def quadratic(cell: Cell) -> float:
    """Return k in the term k radius² of the rate: 2 (1/16 + (9/16) (1/(1 − κ) − 1)) (V |P1|² + |P0|²)."""
    factor = 1.0 / 16.0 + 9.0 / 16.0 * (1.0 / (1.0 - KEPT) - 1.0)
    return 2.0 * factor * (cell.variance * cell.s**2 + _norm(cell) ** 2)


def hessians(cell: Cell) -> tuple[np.ndarray, np.ndarray]:
    """Return the Hessians of ρ1 and ρ0, which are constant."""
    p1, p0 = np.zeros((4, 4)), np.zeros((4, 4))
    p1[0, 2] = p1[2, 0] = cell.s
    p0[0, 2] = p0[2, 0] = cell.s * cell.mean_x
    p0[1, 2] = p0[2, 1] = cell.s
    return p1, p0


def defect(cell: Cell, control: np.ndarray, h: np.ndarray) -> np.ndarray:
    """Bound |y' + ∇e(y)| over a step: it is a polynomial, so its Bernstein coefficients bound it."""
    at = np.linspace(0.0, 1.0, DEGREE + 1)
    u = 1.0 - at
    basis = np.stack([u**3, 3.0 * at * u**2, 3.0 * at**2 * u, at**3])
    slopes = np.stack([u**2, 2.0 * at * u, at**2])
    values = np.einsum("kn...,kp->pn...", control, basis)
    speed = np.einsum("kn...,kp->pn...", 3.0 * np.diff(control, axis=0), slopes) / h
    missing = np.stack([v - descent(cell, y) for v, y in zip(speed, values, strict=True)])
    coefficients = np.einsum("pq,qn...->pn...", _to_bernstein(), missing)
    # Rounding of the curve's own speed and of ∇e; the transformation amplifies it by its norm, about 1e3.
    size = np.max(np.abs(control), axis=(0, 1))
    terms = _terms(cell, control)
    slack = 1e-12 * (np.max(np.abs(speed), axis=(0, 1)) + size / h + terms)
    # And what the moments may be wrong by.
    slack = slack + 8.0 * cell.relative * terms + 4.0 * cell.lost * _lever(cell, size) * (1.0 + cell.variance)
    return np.asarray(np.max(np.sqrt(np.sum(coefficients**2, axis=1)), axis=0) + slack)


def _terms(cell: Cell, control: np.ndarray) -> np.ndarray:
    """Return the size of the terms of which ∇e consists on a step."""
    size = np.max(np.abs(control), axis=(0, 1))
    lever, levels = _lever(cell, size), abs(cell.slope) + abs(cell.mean)
    return np.asarray(lever * (lever * (1.0 + size) + levels) * (1.0 + cell.variance))


def _lever(cell: Cell, size: np.ndarray) -> np.ndarray:
    """Bound the gradients of ρ1 and ρ0 of states of a size."""
    return np.asarray((1.0 + abs(cell.s) * (1.0 + abs(cell.mean_x))) * (1.0 + size))


def largest_root_excess(cell: Cell, theta: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Bound √e on a ball, by Taylor's formula for ρ1 and ρ0, which are quadratic."""
    r = rates(cell, theta)
    w1, b1, w2, b2 = np.abs(theta)
    out, mean_x = abs(cell.s) * w2, abs(cell.mean_x)
    # The terms that cancel in ρ1 and in ρ0.
    terms = out * w1 + abs(cell.slope), out * (mean_x * w1 + b1) + b2 + abs(cell.mean)
    moved = 0.0 * w1, out * w1 * cell.relative * (1.0 + mean_x)
    bounds = []
    for value, gradient, norm, size, more in zip(
        (r.rho1, r.rho0), (r.g1, r.g0), (abs(cell.s), _norm(cell)), terms, moved, strict=True
    ):
        steep = np.sqrt(np.sum(gradient**2, axis=0))
        wrong = 8.0 * EPS * size + cell.lost + more
        bounds.append(np.abs(value) + wrong + radius * (steep + 0.5 * norm * radius))
    root = np.sqrt(cell.variance * (1.0 + cell.relative) * bounds[0] ** 2 + bounds[1] ** 2)
    # Squares may underflow.
    return np.asarray(root * ROUNDED_UP + TINY**0.5)


def ends(cell: Cell, theta: np.ndarray, radius: np.ndarray, excess: np.ndarray) -> np.ndarray:
    """Whether derivation 8's trapping region has all states of the ball whose √e is at most `excess`."""
    weight = np.maximum(np.abs(theta[2]) - radius, 0.0)
    root = np.minimum(excess, largest_root_excess(cell, theta, radius))
    if cell.c == 0.0:
        return np.zeros(radius.shape, dtype=bool)
    twice = 2.0 * root / cell.c * ROUNDED_UP
    room = weight**2 / ROUNDED_UP - twice
    bounded = (room >= 0.0) & (weight > 0.0) & np.isfinite(room)
    path = twice / np.where(bounded, weight + np.sqrt(np.where(bounded, room, 0.0)), 1.0)
    return np.asarray(bounded & (wall_distance(cell, theta[None]) - radius > path * ROUNDED_UP))


def wall_distance(cell: Cell, control: np.ndarray) -> np.ndarray:
    """Return the smallest distance of the control points to a wall, negative beyond it, rounded down."""
    found = []
    for end in (cell.lo, cell.hi):
        slope, level = control[:, 0] * end, control[:, 1]
        z = cell.sign * (slope + level) - 8.0 * EPS * (np.abs(slope) + np.abs(level))
        found.append(np.min(z, axis=0) / np.hypot(1.0, end))
    return np.asarray(np.minimum(*found))


def _against(rho: np.ndarray, p: np.ndarray, g: np.ndarray) -> np.ndarray:
    """Return ρ P + κ g gᵀ, shape (n, 4, 4)."""
    outer: np.ndarray = np.einsum("in,jn->nij", g, g)
    return np.asarray(rho[:, None, None] * p + KEPT * outer)


def _norm(cell: Cell) -> float:
    """Return the spectral norm of ρ0's Hessian."""
    return abs(cell.s) * float(np.hypot(1.0, cell.mean_x))


def _to_bernstein() -> np.ndarray:
    """Return the matrix from values at equidistant points to Bernstein coefficients."""
    from math import comb

    at = np.linspace(0.0, 1.0, DEGREE + 1)
    rows = [[comb(DEGREE, k) * x**k * (1.0 - x) ** (DEGREE - k) for k in range(DEGREE + 1)] for x in at]
    return np.linalg.inv(np.array(rows))
