"""Population loss, gradient and Hessian for arrays of neurons: the formulas on any array namespace."""

from __future__ import annotations

import math
import sys
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array, as_floating, device, namespace
from gradflow.base.error_free import splitter
from gradflow.field import formulas
from gradflow.neuron.problem import Neuron, Problem


class Bound(NamedTuple):
    """A problem's arrays and what depends on nothing else, for neurons of one namespace, dtype and device."""

    xp: Any
    ops: formulas.Operations
    teacher: tuple[Array, ...]
    aim: formulas.Target
    slopes: tuple[float, float]
    exact: bool


class Prepared(NamedTuple):
    """The arguments of the formulas's integrals, for a batch of neurons."""

    parts: formulas.Parts
    z: tuple[Array, Array, Array]
    line: tuple[Array, Array]
    w2: Array
    offset: Array


def bind(problem: Problem, like: Array) -> Bound:
    """Prepare a problem for neurons like `like`, which computes the teacher's side once for many calls."""
    inputs = problem.inputs
    xp, arrays = as_floating((like, *problem.teacher, inputs.lo, inputs.hi))
    ops = operations(xp, arrays[0])
    teacher, lo, hi = tuple(arrays[1:5]), arrays[5], arrays[6]
    aim = formulas.target(ops, teacher, lo, hi, problem.teacher_slopes)
    exact = all(_is_scaling(value) for value in (inputs.lo, inputs.hi, *problem.teacher[:2]))
    return Bound(xp, ops, teacher, aim, problem.slopes, exact)


def prepare(bound: Bound, theta: Neuron | Array) -> Prepared:
    """Cut the input of every neuron at breakpoints. All shapes broadcast; nothing branches on the neurons."""
    w1, b1, w2, b2 = parameters(theta)
    z = preactivations(bound, w1, b1)
    parts = formulas.parts(bound.ops, z, formulas.signs(bound.ops, z), bound.aim)
    return Prepared(parts, z, (w1, b1), w2, b2 - bound.teacher[3])


def preactivations(bound: Bound, w1: Array, b1: Array) -> formulas.Triple:
    """Return the pre-activations at lo, q and hi."""
    return formulas.preactivations(bound.ops, w1, b1, bound.teacher, bound.aim, exact=bound.exact)


def parameters(theta: Neuron | Array) -> tuple[Array, ...]:
    """Return w1, b1, w2 and b2, each an array."""
    return tuple(theta) if isinstance(theta, tuple) else tuple(theta[i, ...] for i in range(4))


def loss(bound: Bound, theta: Neuron) -> Array:
    """Return E[(f − f*)²] for every neuron."""
    p = prepare(bound, theta)
    return formulas.loss(bound.ops, p.parts, p.w2, p.offset, bound.slopes)


def gradient(bound: Bound, theta: Neuron) -> Array:
    """Return the gradient, shape (4, …); of a ReLU neuron only the active part is cut out."""
    if not _is_one_sided(bound):
        return _stacked(bound, gradient_of(bound, prepare(bound, theta)))
    w1, b1, w2, b2 = parameters(theta)
    z, aim = preactivations(bound, w1, b1), bound.aim
    active = formulas.part(bound.ops, z, formulas.signs(bound.ops, z), aim, True)
    offset = b2 - bound.teacher[3]
    return _stacked(bound, formulas.one_sided_gradient(bound.ops, active, aim, w2, offset, bound.slopes[1]))


def _is_one_sided(bound: Bound) -> bool:
    low = bound.slopes[0]
    return isinstance(low, float) and low == 0.0


def gradient_of(bound: Bound, p: Prepared) -> tuple[Array, Array, Array, Array]:
    """Return the gradient's components; of a ReLU neuron only the active part is integrated."""
    if _is_one_sided(bound):
        active, aim = p.parts.active, p.parts.aim
        return formulas.one_sided_gradient(bound.ops, active, aim, p.w2, p.offset, bound.slopes[1])
    return formulas.gradient(bound.ops, p.parts, p.w2, p.offset, bound.slopes)


def loss_and_gradient(bound: Bound, theta: Neuron) -> tuple[Array, Array]:
    """Return both, cutting the input once."""
    p = prepare(bound, theta)
    value = formulas.loss(bound.ops, p.parts, p.w2, p.offset, bound.slopes)
    return value, _stacked(bound, gradient_of(bound, p))


def hessian(bound: Bound, theta: Neuron) -> Array:
    """Return the Hessian, shape (4, 4, …)."""
    p = prepare(bound, theta)
    rows = formulas.hessian(bound.ops, p.parts, p.z, p.line, p.w2, p.offset, bound.slopes)
    entries = _stacked(bound, tuple(entry for row in rows for entry in row))
    return bound.xp.reshape(entries, (4, 4, *entries.shape[1:]))


def _stacked(bound: Bound, entries: tuple[Array, ...]) -> Array:
    return bound.xp.stack(bound.xp.broadcast_arrays(*entries))


def _is_scaling(values: Array) -> bool:
    """Whether every entry is known to be 0 or ± a power of two: products and quotients are exact."""
    if not isinstance(values, (int, float, np.generic, np.ndarray)):
        return False
    if type(values) is float:
        # As below, in a tenth of the time.
        part, power = math.frexp(values)
        return part == 0.0 or (abs(part) == 0.5 and abs(power) < sys.float_info.max_exp - 2)
    mantissa, exponent = np.frexp(values)
    # Its reciprocal must be a number too.
    is_power = (np.abs(mantissa) == 0.5) & (np.abs(exponent) < np.finfo(mantissa.dtype).maxexp - 2)
    return bool(np.all((mantissa == 0.0) | is_power))


def operations(xp: Any, like: Array) -> formulas.Operations:
    """Return the formulas's operations on arrays of the dtype and device of `like`."""
    return _of_numpy(like.dtype) if type(like) is np.ndarray else _operations(xp, like)


@cache
def _of_numpy(dtype: np.dtype) -> formulas.Operations:
    like = np.empty(0, dtype)
    return _operations(namespace(like), like)


def _operations(xp: Any, like: Array) -> formulas.Operations:
    # Formulas have few constants, but rules may put a rate of every step there.
    @lru_cache(maxsize=256)
    def constant(value: float) -> Array:
        return xp.asarray(value, dtype=like.dtype, device=device(like))

    def where(condition: Array, a: Any, b: Any) -> Array:
        return xp.where(
            condition,
            constant(a) if type(a) is float else a,
            constant(b) if type(b) is float else b,
        )

    return formulas.Operations(where=where, positive=lambda value: value > 0, splitter=splitter(like.dtype))
