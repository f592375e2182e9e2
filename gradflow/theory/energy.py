"""Energy barriers: what the loss alone decides about the end of a ReLU neuron's flow.

``derivations/11_energy_barriers.py`` proves it for slopes (0, s₊), the population, and a teacher with its
breakpoint inside the input. The loss never rises along the flow, so each statement goes on to hold. Nothing
is claimed where the error of the computed loss, or of the level, spans the level.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array, as_floating
from gradflow.field import formulas
from gradflow.field.baselines import Bounded, adaptable, lines
from gradflow.field.bounds import EPS, has_exact_signs, in_double, root_loss
from gradflow.field.population import operations
from gradflow.neuron.activity import BALANCED, DEAD, activity
from gradflow.neuron.problem import Neuron, Problem, Uniform, as_neuron, as_problem


class Barriers(NamedTuple):
    """The losses below which the flow reaches the teacher, or never the best constant; 0: nothing known."""

    line: Array
    constant: Array


def barriers(problem: Problem = Problem()) -> Barriers:
    """Return L_line and Var f* where the theorem holds, and 0 where its hypotheses do not."""
    problem = as_problem(problem)
    of = lines(problem)
    return Barriers(*(_level(problem, level.value) for level in (of.line_loss, of.constant_loss)))


def _level(problem: Problem, level: Array) -> Array:
    """Return a level where the hypotheses of the theorems hold, and 0 elsewhere."""
    if not (
        isinstance(problem.inputs, Uniform)
        and problem.has_theorems
        and problem.stays_dead
        and problem.slopes[1] != 0.0
    ):
        return 0.0 * level
    xp, (level, w2, *rest) = as_floating((level, problem.teacher.w2, *_breakpoint_inside(problem)))
    holds = (rest[0] != 0.0) & (w2 != 0.0)
    none = xp.zeros_like(level + w2)
    return xp.where(holds, level + none, none)


@np.errstate(over="ignore", invalid="ignore")
def reaches_teacher(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Whether the flow is proved to end at the teacher: a balanced neuron's loss is below the best line's."""
    problem = as_problem(problem)
    neuron, problem = in_double(neuron, problem)
    below = _below(neuron, problem, lines(problem).line_loss)
    return below & (activity(neuron, problem) == BALANCED)


@np.errstate(over="ignore", invalid="ignore")
def never_constant(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Whether the flow is proved not to end at the best constant: a living neuron's loss is below it."""
    problem = as_problem(problem)
    neuron, problem = in_double(neuron, problem)
    below = _below(neuron, problem, lines(problem).constant_loss)
    return below & (activity(neuron, problem) != DEAD)


@np.errstate(over="ignore", invalid="ignore")
def limit(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Return where on the global minima the flow ends, shape (4, …): the point that has the start's Q.

    With q the teacher's breakpoint and k = w1ᵀ w2ᵀ, w1² = (Q + √(Q² + 4 (1 + q²) k²))/(2 (1 + q²)), w1 has
    the sign of w1ᵀ, b1 = −q w1, w2 = k/w1 and b2 = b2ᵀ.

    Returns
    -------
    array
        NaN for starts of which `reaches_teacher` does not know the end.
    """
    problem = as_problem(problem)
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


def _below(neuron: Neuron, problem: Problem, level: Bounded) -> Array:
    """Whether the loss is below a level, where that is a barrier: with all errors against it."""
    least = _level(problem, level.value - level.error)
    root = root_loss(neuron, problem)
    xp, (value, error, least) = as_floating((*root, *adaptable(least)))
    at = xp.sqrt(xp.where(least > 0.0, least, xp.zeros_like(least)))
    return (value + error < at * (1.0 - 4.0 * EPS)) & has_exact_signs(neuron, problem)


def _breakpoint_inside(problem: Problem) -> tuple[Any, ...]:
    """Return 1 where the teacher's breakpoint is inside the input and 0 elsewhere."""
    inputs = problem.inputs
    xp, (w1, b1, w2, b2, lo, hi) = as_floating((*problem.teacher, inputs.lo, inputs.hi))
    aim = formulas.target(operations(xp, w1), (w1, b1, w2, b2), lo, hi, problem.teacher_slopes)
    # At an end of the input it is not inside: then there is no second piece.
    inside = aim.has_breakpoint & (aim.widths[0] > 0.0) & (aim.widths[1] > 0.0)
    return (xp.where(inside, xp.ones_like(w1 + lo), xp.zeros_like(w1 + lo)),)
