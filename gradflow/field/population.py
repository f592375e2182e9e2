"""Population loss, gradient and Hessian for arrays of neurons: the formulas on any array namespace."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array, as_floating, device
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
    z = formulas.preactivations(bound.ops, w1, b1, bound.teacher, bound.aim, exact=bound.exact)
    parts = formulas.parts(bound.ops, z, formulas.signs(bound.ops, z), bound.aim)
    return Prepared(parts, z, (w1, b1), w2, b2 - bound.teacher[3])


def parameters(theta: Neuron | Array) -> tuple[Array, ...]:
    """Return w1, b1, w2 and b2, each an array."""
    return tuple(theta) if isinstance(theta, tuple) else tuple(theta[i, ...] for i in range(4))


def loss(bound: Bound, theta: Neuron) -> Array:
    """Return E[(f − f*)²] for every neuron."""
    p = prepare(bound, theta)
    return formulas.loss(bound.ops, p.parts, p.w2, p.offset, bound.slopes)


def gradient(bound: Bound, theta: Neuron) -> Array:
    """Return the gradient, shape (4, …)."""
    p = prepare(bound, theta)
    return _stacked(bound, gradient_of(bound, p))


def gradient_of(bound: Bound, p: Prepared) -> tuple[Array, Array, Array, Array]:
    """Return the gradient's components; of a ReLU neuron only the active part is integrated."""
    low, high = bound.slopes
    if isinstance(low, float) and low == 0.0:
        return formulas.one_sided_gradient(bound.ops, p.parts, p.w2, p.offset, high)
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
    mantissa, exponent = np.frexp(values)
    # Its reciprocal must be a number too.
    is_power = (np.abs(mantissa) == 0.5) & (np.abs(exponent) < np.finfo(mantissa.dtype).maxexp - 2)
    return bool(np.all((mantissa == 0.0) | is_power))


def operations(xp: Any, like: Array) -> formulas.Operations:
    """Return the formulas's operations on arrays of the dtype and device of `like`."""

    @cache
    def constant(value: float) -> Array:
        return xp.asarray(value, dtype=like.dtype, device=device(like))

    def where(condition: Array, a: Any, b: Any) -> Array:
        return xp.where(
            condition,
            constant(a) if type(a) is float else a,
            constant(b) if type(b) is float else b,
        )

    return formulas.Operations(where=where, positive=lambda value: value > 0, splitter=splitter(like.dtype))
