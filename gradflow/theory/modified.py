"""The flows that gradient descent and heavy ball follow to second and third order in the rate.

``derivations/17_steps_against_flow.py`` proves the orders within a cell and says what a wall does to them.
Times are those of the loss without ½: k steps of rate η take the time t = k η.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow import field
from gradflow.base.arrays import Array, ArrayLike, as_floating
from gradflow.base.checks import numbers
from gradflow.field.formulas import Signs
from gradflow.field.jet import Derivatives, derivatives
from gradflow.neuron.problem import Neuron, Problem, Uniform, as_neuron

ORDERS = (1, 2, 3)


def gd_field(
    theta: Neuron | Array,
    problem: Problem = Problem(),
    lr: ArrayLike = 0.0,
    order: int = 2,
    *,
    cell: Signs | None = None,
) -> Array:
    """Return dθ/dt of the flow that gradient descent of rate η follows to the given order.

    −g, −g − (η/2) Hg and −g − (η/2) Hg − η² (HHg/3 + ∇³L[g, g]/12) with g = ∇L, H = ∇²L.

    Parameters
    ----------
    theta : Neuron or array, shape (4, …)
        The parameters.
    problem : Problem
        Population; or a sample, while the breakpoint passes no input: there its gradient jumps.
    lr : number or array
        η, which broadcasts against the neurons.
    order : {1, 2, 3}
        The error after a fixed time is O(η^order) within a cell. Where the breakpoint crosses an end of the
        population's input it is O(η²) for order 3.
    cell : optional
        Use this cell's formulas, also beyond its walls (`gradflow.field.jet.derivatives`).

    Returns
    -------
    array
        The velocity, shape (4, …). On walls that of the dead or hyperactive side.

    Raises
    ------
    ValueError
        If the order is not 1, 2 or 3.
    """
    if order not in ORDERS:
        raise ValueError(f"order: expected 1, 2 or 3, got {order!r}")
    theta, (rate,) = together(theta, lr)
    g = gradient_in(theta, problem, cell)
    if order == 1:
        return -g
    along_g = _along(theta, g, problem, cell)
    velocity = -g - 0.5 * rate * along_g.second
    if order == 2:
        return velocity
    twice = _along(theta, along_g.second, problem, cell).second
    return velocity - rate * rate * (twice / 3.0 + along_g.third / 12.0)


def heavy_ball_field(
    theta: Neuron | Array,
    problem: Problem = Problem(),
    lr: ArrayLike = 0.0,
    momentum: ArrayLike = 0.9,
    order: int = 2,
    *,
    cell: Signs | None = None,
) -> Array:
    """Return dθ/dt of the flow that heavy ball (θ ← θ − η B, B ← μ B + g) follows to the given order.

    −g/(1 − μ) and −g/(1 − μ) − η (1 + μ)/(2 (1 − μ)³) Hg.

    Parameters
    ----------
    theta, problem, cell
        As for `gd_field`.
    lr, momentum : number or array
        η, and μ in [0, 1).
    order : {1, 2}
        The error after a fixed time is O(η^order). For order 2 the flow has to start at `heavy_ball_start` if
        the buffer starts at 0.

    Raises
    ------
    ValueError
        If the order is not 1 or 2, or a momentum is not in [0, 1).
    """
    if order not in (1, 2):
        raise ValueError(f"order: expected 1 or 2, got {order!r}")
    theta, (rate, mu) = together(theta, lr, _momentum(momentum))
    g = gradient_in(theta, problem, cell)
    left = 1.0 - mu
    if order == 1:
        return -g / left
    return -g / left - rate * (1.0 + mu) / (2.0 * left**3) * _along(theta, g, problem, cell).second


def heavy_ball_start(
    theta: Neuron | Array,
    problem: Problem = Problem(),
    lr: ArrayLike = 0.0,
    momentum: ArrayLike = 0.9,
) -> Array:
    """Return where heavy ball's flow of order 2 starts, if heavy ball starts at θ without momentum.

    θ + η μ/(1 − μ)² g: while the buffer fills, heavy ball falls behind by this much and never makes it up.
    From a buffer g/(1 − μ) the flow starts at θ.
    """
    theta, (rate, mu) = together(theta, lr, _momentum(momentum))
    return theta + rate * mu / (1.0 - mu) ** 2 * field.gradient(theta, problem)


def wall_defect(
    theta: Neuron | Array, problem: Problem, lr: ArrayLike, wall: str, *, entering: bool
) -> Array:
    """Return, over s (1 − s), what a crossing adds to the third-order flow minus gradient descent.

    Let the flow reach the wall at an end e after the fraction s of a step. At the step's end its θ minus that
    of gradient descent is s (1 − s) times this, up to O(η³):

        (η²/2) c (n·θ′) n,    n = (e, 1, 0, 0),    c = ± 2 (s₊ − s₋) w2 r(e) / (|w1| (hi − lo)),

    with θ′ = −g at the wall and the sign of `entering`.

    Parameters
    ----------
    theta : Neuron or array, shape (4, …)
        Where the wall is crossed.
    problem : Problem
        The population.
    lr : number or array
        η.
    wall : {'lo', 'hi'}
        At which end of the input.
    entering : bool
        Whether the neuron becomes balanced, or ceases to be.

    Raises
    ------
    ValueError
        If there is no such wall, w1 = 0, where no neuron crosses it, or the inputs are a sample.
    """
    if not isinstance(problem.inputs, Uniform):
        raise ValueError("inputs: the gradient of a sample's loss jumps on walls; expected the population")
    if wall not in ("lo", "hi"):
        raise ValueError(f"wall: expected lo or hi, got {wall!r}")
    g = field.gradient(theta, problem)
    end, other = (problem.lo, problem.hi) if wall == "lo" else (problem.hi, problem.lo)
    xp, arrays = as_floating((g, lr, end, other, *as_neuron(theta), *problem.teacher))
    g, rate, end, other, w1, _, w2, b2, *(v1, c1, v2, c2) = arrays
    if bool(xp.any(w1 == 0.0)):
        raise ValueError("theta: expected neurons on the wall, got w1 = 0")
    low, high = problem.shared_slopes
    out = v1 * end + c1
    residual = b2 - c2 - v2 * xp.where(out > 0, high * out, low * out)
    jump = 2.0 * (high - low) * w2 * residual / (xp.abs(w1) * xp.abs(end - other))
    speed = -(end * g[0, ...] + g[1, ...])
    size = (0.5 if entering else -0.5) * rate * rate * jump * speed
    return xp.stack(xp.broadcast_arrays(end * size, size, 0.0 * size, 0.0 * size))


def together(theta: Neuron | Array, *values: ArrayLike) -> tuple[Array, list[Array]]:
    """Return neurons as one array, broadcast against some numbers or arrays, and those as arrays."""
    xp, arrays = as_floating((*as_neuron(theta), *values))
    return xp.stack(xp.broadcast_arrays(*arrays)[:4]), arrays[4:]


def gradient_in(theta: Array, problem: Problem, cell: Signs | None) -> Array:
    """Return ∇L by the formulas of a cell; of the neuron's own if it is None."""
    return field.gradient(theta, problem) if cell is None else _along(theta, theta, problem, cell).gradient


def _along(theta: Any, direction: Array, problem: Problem, cell: Signs | None) -> Derivatives:
    return derivatives(theta, direction, problem, cell=cell)


def _momentum(value: ArrayLike) -> ArrayLike:
    array = numbers("momentum", value)
    if not np.all((array >= 0.0) & (array < 1.0)):
        raise ValueError(f"momentum: expected a number in [0, 1), got {value!r}")
    return value
