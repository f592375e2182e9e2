"""Energy barriers: what the loss alone decides about the end of a ReLU neuron's flow.

``derivations/11_energy_barriers.py`` proves it for slopes (0, s₊), the population, and a teacher with its
breakpoint inside the input. The loss never rises along the flow, so each statement goes on to hold.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gradflow.backend import Array, as_floating
from gradflow.field import kernel, loss
from gradflow.field.baselines import adaptable, best_constant, best_line
from gradflow.field.population import operations
from gradflow.problem import Neuron, Problem, Uniform, as_neuron


class Barriers(NamedTuple):
    """The losses below which the flow reaches the teacher, or never the best constant; 0: nothing known."""

    line: Array
    constant: Array


def barriers(problem: Problem = Problem()) -> Barriers:
    """Return L_line and Var f* where the theorem holds, and 0 where its hypotheses do not."""
    line, constant = best_line(problem).loss, best_constant(problem).loss
    if not (
        isinstance(problem.inputs, Uniform)
        and problem.has_theorems
        and problem.stays_dead
        and problem.slopes[1] != 0.0
    ):
        return Barriers(0.0 * line, 0.0 * constant)
    xp, (line, constant, w2, *rest) = as_floating((line, constant, problem.teacher.w2, *_ends(problem)))
    holds = (rest[0] != 0.0) & (w2 != 0.0)
    none = xp.zeros_like(line + w2)
    return Barriers(xp.where(holds, line + none, none), xp.where(holds, constant + none, none))


def reaches_teacher(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Whether the flow is proved to end at the teacher: the loss is below the best line's."""
    return _below(neuron, problem, barriers(problem).line)


def never_constant(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Whether the flow is proved not to end at the best constant: the loss is below it."""
    return _below(neuron, problem, barriers(problem).constant)


def limit(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Return where on the global minima the flow ends, shape (4, …): the point that has the start's Q.

    With q the teacher's breakpoint and k = w1ᵀ w2ᵀ, w1² = (Q + √(Q² + 4 (1 + q²) k²))/(2 (1 + q²)), w1 has
    the sign of w1ᵀ, b1 = −q w1, w2 = k/w1 and b2 = b2ᵀ.

    Returns
    -------
    array
        NaN for starts of which `reaches_teacher` does not know the end.
    """
    known = reaches_teacher(neuron, problem)
    given = (*as_neuron(neuron), *problem.teacher)
    xp, (w1, b1, w2, _, wt, bt, vt, ct) = as_floating(given)
    one = xp.ones_like(w1 + wt)
    slope = xp.where(known, wt, one)
    q, k = -bt / slope, wt * vt
    scale = 1.0 + q * q
    balance = w1 * w1 + b1 * b1 - w2 * w2
    # The root without cancellation: of the two forms, that whose terms have the same sign.
    root = xp.sqrt(balance * balance + 4.0 * scale * (k * k))
    total = root + xp.abs(balance)
    safe = xp.where(known, total, one)
    square = xp.where(balance >= 0.0, total / (2.0 * scale), 2.0 * (k * k) / safe)
    out = xp.sqrt(square) * xp.where(slope > 0.0, one, -one)
    parts = (out, -q * out, k / xp.where(known, out, one), ct + 0.0 * out)
    nowhere = xp.nan * one
    return xp.stack([xp.where(known, part, nowhere) for part in xp.broadcast_arrays(*parts)])


def _below(neuron: Neuron | Array, problem: Problem, level: Array) -> Array:
    """Whether the loss is below a level by more than rounding."""
    values = (loss(neuron, problem), *adaptable(level))
    xp, (value, level) = as_floating(values)
    return value < level * (1.0 - 64.0 * float(xp.finfo(value.dtype).eps))


def _ends(problem: Problem) -> tuple[Any, ...]:
    """Return 1 where the teacher's breakpoint is inside the input and 0 elsewhere."""
    inputs = problem.inputs
    xp, (w1, b1, w2, b2, lo, hi) = as_floating((*problem.teacher, inputs.lo, inputs.hi))
    aim = kernel.target(operations(xp, w1), (w1, b1, w2, b2), lo, hi, problem.teacher_slopes)
    # At an end of the input it is not inside: then there is no second piece.
    inside = aim.has_kink & (aim.widths[0] > 0.0) & (aim.widths[1] > 0.0)
    return (xp.where(inside, xp.ones_like(w1 + lo), xp.zeros_like(w1 + lo)),)
