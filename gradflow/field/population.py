"""Population loss, gradient and Hessian for arrays of neurons: the kernel on any array namespace."""

from __future__ import annotations

from typing import Any, NamedTuple

from gradflow.backend import Array, as_floating, device, is_array
from gradflow.compensated import splitter
from gradflow.field import kernel
from gradflow.problem import Neuron, Problem


class Prepared(NamedTuple):
    """The arguments of the kernel's integrals, for a batch of neurons."""

    xp: Any
    ops: kernel.Operations
    parts: list[kernel.Segment]
    z: tuple[Array, Array, Array]
    w2: Array
    offset: Array


def prepare(neuron: Neuron, problem: Problem) -> Prepared:
    """Cut the input of every neuron at the kinks. All shapes broadcast; nothing branches on data."""
    w1, b1, w2, b2 = neuron
    teacher = problem.teacher
    bounds = (problem.inputs.lo, problem.inputs.hi)
    xp, arrays = as_floating((w1, b1, w2, b2, *teacher, *bounds))
    w1, b1, w2, b2, *fixed = arrays
    wt, lo, hi = tuple(fixed[:4]), fixed[4], fixed[5]
    ops = operations(xp, w1)
    aim = kernel.target(ops, wt, lo, hi, problem.slopes)
    z = kernel.preactivations(ops, w1, b1, wt, aim)
    parts = kernel.segments(ops, z, kernel.signs(ops, z), aim, problem.slopes)
    return Prepared(xp, ops, parts, z, w2, b2 - wt[3])


def loss(neuron: Neuron, problem: Problem) -> Array:
    """Return E[(f − f*)²] for every neuron."""
    p = prepare(neuron, problem)
    return kernel.loss(p.parts, p.w2, p.offset)


def gradient(neuron: Neuron, problem: Problem) -> Array:
    """Return the gradient, shape (4, …)."""
    p = prepare(neuron, problem)
    return p.xp.stack(p.xp.broadcast_arrays(*kernel.gradient(p.parts, p.w2, p.offset)))


def loss_and_gradient(neuron: Neuron, problem: Problem) -> tuple[Array, Array]:
    """Return both, cutting the input once."""
    p = prepare(neuron, problem)
    g = p.xp.stack(p.xp.broadcast_arrays(*kernel.gradient(p.parts, p.w2, p.offset)))
    return kernel.loss(p.parts, p.w2, p.offset), g


def hessian(neuron: Neuron, problem: Problem) -> Array:
    """Return the Hessian, shape (4, 4, …)."""
    p = prepare(neuron, problem)
    rows = kernel.hessian(p.ops, p.parts, p.z, p.w2, p.offset, problem.slopes)
    entries = p.xp.broadcast_arrays(*(entry for row in rows for entry in row))
    return p.xp.reshape(p.xp.stack(entries), (4, 4, *entries[0].shape))


def operations(xp: Any, like: Array) -> kernel.Operations:
    """Return the kernel's operations on arrays of the dtype and device of `like`."""

    def number(value: Any) -> Array:
        return value if is_array(value) else xp.asarray(value, dtype=like.dtype, device=device(like))

    return kernel.Operations(
        where=lambda condition, a, b: xp.where(condition, number(a), number(b)),
        positive=lambda value: value > 0,
        splitter=splitter(like.dtype),
    )
