"""Rest: when a flow can no longer be told from standing still, given how accurate its states are.

What is left to go from a state θ to the critical point beside it is −H⁻¹∇L, mode by mode. A state is at
rest if that is no more than the error which the state has anyway. In the coordinates in which the
integrators control their error (the pre-activations at both ends, w2 and b2, each relative to its size),
a trajectory that has converged keeps within 1 to 3 times rtol of the critical point, in every cell and for
any units of input and output; `MARGIN` is 10. So rest is not lost again, and a mode that creeps, however
small its gradient, is not at rest while it has far to go.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array, as_floating, device
from gradflow.base.checks import number
from gradflow.base.error_free import affine, splitter
from gradflow.ends.wells import NOWHERE, found, has_wells, in_numpy
from gradflow.field import gradient, hessian, loss
from gradflow.field.baselines import adaptable, best_constant
from gradflow.field.bounds import require_fit
from gradflow.neuron.activations import derivatives
from gradflow.neuron.activity import BALANCED, DEAD, activity
from gradflow.neuron.among import among
from gradflow.neuron.problem import Neuron, Problem, Sample, as_neuron, as_problem

ACCURACY = 1e-7
"""The accuracy of states of which nothing else is known, such as an optimiser's."""

MARGIN = 10.0
"""So many times its error a state may be away from the critical point."""

FLAT = 1e-4
"""Modes that curve less than this, relative to the steepest, count as curving so much.

Along a family of critical points there is no curvature, and a gradient of second order in the distance.
"""

_FLOOR = 1e-2
"""The sizes of a pre-activation and of w2 are at least this times those of the largest beside them."""

_STEEPEST = 100.0
"""More than the largest curvature in units of the states' sizes, relative to the square of the output's."""

_EPS = 4096.0


class Landscape(NamedTuple):
    """Functions of states of shape (4, …) by which rest is judged.

    Attributes
    ----------
    loss, gradient, hessian : callable
        As those of `gradflow.field`.
    gram : callable
        2 E[∇f ∇fᵀ], as `gram`.
    scales : callable
        The states' units.
    moves : array, shape (4,), or None
        0 of parameters that are frozen, else 1; None if all move. The derivatives by those that are frozen
        are then 0, and all states in NumPy.
    """

    loss: Callable[[Any], Array]
    gradient: Callable[[Any], Array]
    hessian: Callable[[Any], Array]
    gram: Callable[[Any], Array]
    scales: Callable[[Any], Scales]
    moves: np.ndarray | None = None


def landscape_of(problem: Problem) -> Landscape:
    """Return that of a problem whose parameters all move."""
    some: Any = (partial(function, problem=problem) for function in (loss, gradient, hessian, gram, _scales))
    return Landscape(*some)


@np.errstate(over="ignore", invalid="ignore")
def at_rest(neuron: Neuron | Array, problem: Problem = Problem(), accuracy: float = ACCURACY) -> Array:
    """Whether the flow has come to rest: no further to go than the state's own error, and no way down.

    A trajectory lingers at a saddle with as small a gradient as one likes, so the Hessian must not have a
    negative eigenvalue, beyond what the state's error makes of 0. A neuron about to revive has one: the
    point mass of its breakpoint. Nor may the loss have more to lose than the state's error makes of it:
    beside a weight that is large, what the others have to go may look small. Which side of a wall it is on, a
    state closer to it than its error does not tell.

    For a sample the Hessian is that between the hypersurfaces where an input meets the breakpoint. On one
    of these, where the gradient jumps and does not vanish, a state is at rest if it is no further than its
    error from the minimum of a well that it is in (`gradflow.ends.wells`). An optimiser is further away: its
    finite steps lead it to and fro across the input.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        The states.
    accuracy : float
        Their error, relative to their size, at most 1: a flow's rtol. Rounding, if that is more.
    """
    problem, accuracy = as_problem(problem), number("accuracy", accuracy, 0.0, 1.0)
    require_fit(neuron, problem)
    slow = may_rest(neuron, landscape_of(problem), accuracy)
    rests = among(slow, partial(_rests, accuracy=accuracy), neuron, problem)
    return rests | on_input(neuron, problem, accuracy) if has_wells(problem) else rests


@np.errstate(over="ignore", invalid="ignore")
def may_rest(neuron: Neuron | Array, on: Landscape, accuracy: float) -> Array:
    """Whether the gradient allows rest: where it does not, the Hessian need not be known."""
    scales = on.scales(neuron)
    xp, (slope,) = as_floating((on.gradient(neuron),))
    limit = _STEEPEST * _margin(xp, slope, accuracy) * scales.output * scales.output
    # The squares of what is huge overflow: nothing is known of it.
    return (xp.max(xp.abs(_in_units(xp, scales, slope)), axis=0) <= limit) & xp.isfinite(limit)


@np.errstate(over="ignore", invalid="ignore")
def at_one_place(a: Array, b: Array, problem: Problem = Problem(), accuracy: float = ACCURACY) -> Array:
    """Whether states of shape (4, …) differ by no more than two states at rest beside one point may."""
    return near(_scales(a, problem), a, b, accuracy)


@np.errstate(over="ignore", invalid="ignore")
def near(scales: Scales, a: Array, b: Array, accuracy: float) -> Array:
    """Whether that is so (`at_one_place`) in given units."""
    xp, (a, b) = as_floating((a, b))
    limit = 2.0 * _margin(xp, a, accuracy)
    ends = [xp.abs((b[0, ...] - a[0, ...]) * x + b[1, ...] - a[1, ...]) for x in (scales.lo, scales.hi)]
    rest = [xp.abs(b[i, ...] - a[i, ...]) for i in (2, 3)]
    return xp.all(xp.stack((*ends, *rest)) <= limit * scales.sizes, axis=0)


@np.errstate(over="ignore", invalid="ignore")
def at_one_height(a: Array, b: Array, problem: Problem = Problem(), accuracy: float = ACCURACY) -> Array:
    """Whether the losses of states of shape (4, …) differ by no more than the states' errors make of them.

    An explicit method at the limit of its stability moves a trajectory that rests by far more than its
    tolerance, in modes that hardly matter. One that leaves a place for good goes down.
    """
    return level(_scales(a, problem), loss(a, problem), loss(b, problem), accuracy)


@np.errstate(over="ignore", invalid="ignore")
def level(scales: Scales, first: Array, second: Array, accuracy: float) -> Array:
    """Whether that is so (`at_one_height`) of losses, in given units."""
    xp, (first, second) = as_floating((first, second))
    margin = _margin(xp, first, accuracy)
    return xp.abs(second - first) <= margin * first + (margin * scales.sizes[3, ...]) ** 2


def revives(theta: np.ndarray, state: np.ndarray | int, problem: Problem) -> np.ndarray:
    """Whether a ReLU neuron that is balanced, but whose (w1, b1) round to a dead one, comes back to life.

    Its Hessian shows nothing of it. The active end grows if w2 (b2 − f*) < 0 there.
    """
    if not problem.stays_dead:
        return np.zeros(np.shape(state), dtype=bool)
    rounded = activity(theta, problem) == DEAD
    return np.asarray((state == BALANCED) & rounded & np.asarray(grows(theta, problem)))


@np.errstate(over="ignore", invalid="ignore")
def grows(neuron: Neuron | Array, problem: Problem) -> Array:
    """Whether a neuron that hardly touches the input grows: s₊ w2 (b2 − f*) < 0 at its active end."""
    given = (*as_neuron(neuron), *problem.teacher, problem.lo, problem.hi)
    xp, (w1, _, w2, b2, v1, c1, v2, c2, lo, hi) = as_floating(given)
    at_end = xp.where(w1 > 0.0, hi, lo)
    target = v2 * derivatives(problem.teacher_activation, v1 * at_end + c1, 0)[0] + c2
    return problem.slopes[1] * w2 * (b2 - target) < 0.0


def on_input(neuron: Neuron | Array, problem: Problem, accuracy: float = ACCURACY) -> Array:
    """Whether the states of a problem that has wells rest where the breakpoint meets an input."""
    xp, (like,) = as_floating((loss(neuron, problem),))
    states, plain = in_numpy(neuron, problem)
    well = found(states, plain)
    inside = well.which != NOWHERE
    place = np.stack([np.where(inside, value, 0.0) for value in well.place])
    # Two states at rest may differ by twice as much as one from the place; the dtype is that which is given.
    accuracy = 0.5 * _margin(xp, like, accuracy) / MARGIN
    beside = at_one_place(place, np.stack(states), plain, accuracy)
    return xp.asarray(inside & np.asarray(beside), device=device(like))


def _rests(neuron: Neuron | Array, problem: Problem, accuracy: float) -> Array:
    return rests(neuron, landscape_of(problem), accuracy)


@np.errstate(over="ignore", invalid="ignore")
def rests(neuron: Neuron | Array, on: Landscape, accuracy: float) -> Array:
    """Whether states are at rest (`at_rest`), where the gradient does not jump."""
    scales = on.scales(neuron)
    xp, (slope, curvature) = as_floating((on.gradient(neuron), on.hessian(neuron)))
    margin = _margin(xp, slope, accuracy)
    finite = xp.all(xp.isfinite(curvature), axis=(0, 1))
    curvature = xp.where(finite, curvature, xp.zeros_like(curvature))
    scaled = _in_units(xp, scales, _turned(xp, _in_units(xp, scales, curvature)))
    along = _in_units(xp, scales, slope)
    if on.moves is not None:
        along, scaled = _held(scales, along, scaled, on.moves)
    way, creeping, lowest = _way(xp, scales, along, scaled)
    left = margin * on.loss(neuron) + (margin * scales.sizes[3, ...]) ** 2
    # Teachers and intervals may have more axes than the neuron.
    _, (*parts, _) = as_floating((*as_neuron(neuron), slope))
    whole = Neuron(*(xp.broadcast_to(part, slope.shape[1:]) for part in parts))
    low = fall(xp, on.gram(whole), slope) <= left
    # A mode that grows may be weak in these units and fast in time, or the other way round.
    grows = (lowest < -margin) | (_lowest(xp, curvature) < -margin)
    furthest = xp.max(xp.maximum(xp.abs(way), xp.abs(creeping)), axis=0)
    return finite & (furthest <= margin) & low & ~grows


def _held(
    scales: Scales, slope: np.ndarray, curvature: np.ndarray, moves: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return slope and curvature along what moves; across it no slope, and the steepest curvature."""
    none, one = np.zeros_like(scales.sizes[0]), np.ones_like(scales.sizes[0])
    every = [(scales.lo, scales.hi, none, none), (one, one, none, none)]
    every += [(none, none, one, none), (none, none, none, one)]
    free = [np.stack(row) / scales.sizes for row, moving in zip(every, moves, strict=True) if moving]
    basis = np.linalg.qr(np.moveaxis(np.stack(free), (1, 0), (-2, -1)))[0]
    along = basis @ np.swapaxes(basis, -1, -2)
    bent = along @ np.moveaxis(curvature, (0, 1), (-2, -1)) @ along
    top = np.linalg.eigvalsh(bent)[..., -1:, None]
    bent = bent + np.where(top > 0.0, top, 1.0) * (np.eye(4) - along)
    turned = (along @ np.moveaxis(slope, 0, -1)[..., None])[..., 0]
    return np.moveaxis(turned, -1, 0), np.moveaxis(bent, (-2, -1), (0, 1))


class Scales(NamedTuple):
    """The ends of the input, the sizes of z_lo, z_hi, w2, b2 and of the output."""

    lo: Array
    hi: Array
    sizes: Array
    output: Array


def _scales(neuron: Neuron | Array, problem: Problem) -> Scales:
    best = best_constant(problem)
    mean, spread = adaptable(best.intercept, best.loss)
    return scales_of(neuron, (problem.lo, problem.hi), (mean, spread), problem.teacher)


def scales_of(
    neuron: Neuron | Array, ends: tuple[Any, Any], constant: tuple[Any, Any], beside: tuple[Any, ...] = ()
) -> Scales:
    """Return the units of states.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
    ends : (number, number) or arrays
        Of the inputs.
    constant : (number, number) or arrays
        The best constant and its loss.
    beside : tuple of arrays
        What broadcasts with all these.
    """
    xp, given = as_floating((*as_neuron(neuron), *ends, *constant, *beside))
    w1, b1, w2, b2, lo, hi, mean, spread = xp.broadcast_arrays(*given)[:8]
    split, one = splitter(w1.dtype), xp.ones_like(w1)
    z_lo, z_hi = affine(w1, lo, b1, split), affine(w1, hi, b1, split)
    z, spread = xp.maximum(xp.abs(z_lo), xp.abs(z_hi)), xp.sqrt(spread)
    weight = xp.maximum(z, xp.abs(w2))
    weight = xp.where(weight > 0.0, weight, xp.where(spread > 0.0, xp.sqrt(spread), one))
    amplitude = xp.maximum(xp.maximum(xp.abs(b2), xp.abs(w2) * z), spread)
    # The least sizes are those of the integrators' tolerances.
    least = (xp.where(z > 0.0, z, weight), xp.where(z > 0.0, z, weight), weight)
    sizes = [xp.maximum(xp.abs(v), _FLOOR * size) for v, size in zip((z_lo, z_hi, w2), least, strict=True)]
    sizes.append(xp.where(amplitude > 0.0, amplitude, one))
    # One input is an interval without a width, and its pre-activation moves with b1 alone.
    point = hi == lo
    lo, hi = xp.where(point, lo - 0.5, lo), xp.where(point, hi + 0.5, hi)
    output = sizes[3] + sizes[2] * (1.0 + weight) + 3.0 * spread + xp.abs(mean)
    return Scales(lo, hi, xp.stack(sizes), output)


def _in_units(xp: Any, scales: Scales, rows: Array) -> Array:
    """Return derivatives by (w1, b1, w2, b2), the first axis, as those by z_lo, z_hi, w2, b2 in sizes."""
    span = scales.hi - scales.lo
    w1, b1, w2, b2 = (rows[i, ...] for i in range(4))
    by_lo, by_hi = (b1 * scales.hi - w1) / span, (w1 - b1 * scales.lo) / span
    return xp.stack(tuple(by * scales.sizes[i, ...] for i, by in enumerate((by_lo, by_hi, w2, b2))))


def _turned(xp: Any, matrices: Array) -> Array:
    return xp.permute_dims(matrices, (1, 0, *range(2, matrices.ndim)))


def _last(xp: Any, matrices: Array) -> Array:
    return xp.permute_dims(matrices, (*range(2, matrices.ndim), 0, 1))


def _margin(xp: Any, like: Array, accuracy: float) -> float:
    return MARGIN * max(accuracy, _EPS * float(xp.finfo(like.dtype).eps))


def _way(xp: Any, scales: Scales, slope: Array, curvature: Array) -> tuple[Array, Array, Array]:
    """Return the way to the critical point, that of flat modes, and the lowest curvature over the highest.

    The ways have the shape (4, …). Of a flat mode it is what it would be if it curved by `FLAT`.
    """
    curves, modes = xp.linalg.eigh(_last(xp, curvature))
    top = curves[..., -1:]
    top = xp.where(top > 0.0, top, xp.ones_like(top))
    flat = curves <= FLAT * top
    along = _times(xp, xp.matrix_transpose(modes), _last_axis(xp, slope))
    nothing = xp.zeros_like(along)
    way = _times(xp, modes, xp.where(flat, nothing, -along / xp.where(flat, top, curves)))
    creeping = _times(xp, modes, xp.where(flat, -along / (FLAT * top), nothing))
    # To a family of critical points there are many ways; the flow's is at right angles to it, in θ.
    directions = xp.where(flat[..., None, :], modes, xp.zeros_like(modes))
    columns = xp.permute_dims(directions, (-2, -1, *range(directions.ndim - 2)))
    straight = _last_axis(xp, _to_theta(xp, scales, _first(xp, way)))
    sideways = _times(xp, xp.linalg.pinv(_last(xp, _to_theta(xp, scales, columns))), straight)
    way = way - _times(xp, directions, sideways)
    return _first(xp, way), _first(xp, creeping), curves[..., 0] / top[..., 0]


def fall(xp: Any, products: Array, slope: Array) -> Array:
    """Return what the loss loses by the best change of the output that is a change of the parameters.

    To first order that is the part of the residual in the span of ∂f/∂θ, ½ ∇Lᵀ G⁺ ∇L with G = 2 E[∇f ∇fᵀ].
    It does not depend on the units of the parameters.

    Parameters
    ----------
    products : array, shape (4, 4, …)
        G, from `gram`.
    slope : array, shape (4, …)
        ∇L.
    """
    sizes = xp.stack([xp.sqrt(xp.abs(products[i, i, ...])) for i in range(4)])
    units = xp.where(sizes > 0.0, 1.0 / xp.where(sizes > 0.0, sizes, xp.ones_like(sizes)), 0.0 * sizes)
    curves, modes = xp.linalg.eigh(_last(xp, products * units[None, ...] * units[:, None, ...]))
    along = _times(xp, xp.matrix_transpose(modes), _last_axis(xp, slope * units))
    least = 64.0 * float(xp.finfo(slope.dtype).eps)
    return xp.sum(0.5 * along * along / xp.maximum(curves, least * xp.ones_like(curves)), axis=-1)


def gram(neuron: Neuron | Array, problem: Problem) -> Array:
    """Return 2 E[∇f ∇fᵀ], shape (4, 4, …): the Hessian were the student its own teacher."""
    xp, parameters = as_floating(tuple(as_neuron(neuron)))
    # Squares of what is larger may overflow.
    most = min(1e50, 0.1 * math.sqrt(float(xp.finfo(parameters[0].dtype).max)))
    finite = [xp.where(abs(value) < most, value, xp.zeros_like(value)) for value in parameters]
    inputs = problem.inputs
    if isinstance(inputs, Sample):
        inputs = Sample(inputs.x, weights=inputs.weights)
    own = replace(problem, teacher=Neuron(*finite), inputs=inputs, teacher_activation=problem.activation)
    _, (products,) = as_floating((hessian(Neuron(*finite), own),))
    return products


def _last_axis(xp: Any, vectors: Array) -> Array:
    return xp.permute_dims(vectors, (*range(1, vectors.ndim), 0))


def _first(xp: Any, vectors: Array) -> Array:
    return xp.permute_dims(vectors, (vectors.ndim - 1, *range(vectors.ndim - 1)))


def _to_theta(xp: Any, scales: Scales, rows: Array) -> Array:
    """Return changes of (w1, b1, w2, b2), the first axis, from those of z_lo, z_hi, w2, b2 in sizes."""
    span = scales.hi - scales.lo
    z_lo, z_hi, w2, b2 = (rows[i, ...] * scales.sizes[i, ...] for i in range(4))
    return xp.stack(((z_hi - z_lo) / span, (z_lo * scales.hi - z_hi * scales.lo) / span, w2, b2))


def _times(xp: Any, matrices: Array, vectors: Array) -> Array:
    return xp.matmul(matrices, vectors[..., None])[..., 0]


def _lowest(xp: Any, curvature: Array) -> Array:
    """Return the lowest eigenvalue relative to the highest."""
    curves = xp.linalg.eigvalsh(_last(xp, curvature))
    top = curves[..., -1]
    return curves[..., 0] / xp.where(top > 0.0, top, xp.ones_like(top))
