"""Outcomes: where a trajectory ends, and the rule that says so."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np

from gradflow.base.arrays import Array, as_floating, device, namespace
from gradflow.base.checks import batch_shape, flags, number, require_numbers
from gradflow.ends.rest import ACCURACY, at_rest, grows, on_input
from gradflow.ends.wells import has_wells, stayed
from gradflow.field import loss
from gradflow.field.baselines import adaptable, lines
from gradflow.field.bounds import root_loss
from gradflow.neuron.activity import DEAD, HYPERACTIVE, activity
from gradflow.neuron.among import among
from gradflow.neuron.problem import Neuron, Problem, as_neuron, as_problem
from gradflow.theory.critical_points import knows_all
from gradflow.theory.energy import never_constant
from gradflow.theory.hyperactive import trapped

OUTCOMES = ("global", "linear", "constant", "local", "diverged", "undecided")
GLOBAL, LINEAR, CONSTANT, LOCAL, DIVERGED, UNDECIDED = range(6)

TOLERANCE = 1e-3
"""How close, relative to the reference losses, a loss counts as having arrived."""


def outcome(
    neuron: Neuron | Array,
    problem: Problem = Problem(),
    diverged: Array | bool = False,
    accuracy: float = ACCURACY,
    before: Array | None = None,
) -> Array:
    """Return the outcome code (`OUTCOMES`) that the states where trajectories were left allow.

    global
        L ≤ 1e-3 of the best constant's loss, and of the best line's unless that is 0.
    linear
        L within 1e-3 of the best line's loss, and the neuron trapped in the hyperactive cell
        (`gradflow.theory.hyperactive.trapped`) or at rest (`gradflow.ends.rest.at_rest`).
    constant
        L within 1e-3 of the best constant's loss, and the neuron dead (if φ is 0 below 0) or at rest, and
        then not below that loss where that excludes this end (`gradflow.theory.energy.never_constant`).
    local
        At rest at a critical point that is none of these: a minimum, or a flat one of minima. There is none
        where derivation 9 names all critical points: on the population, slopes (0, s₊) of both neurons.
        On a sample the minimum may lie where the breakpoint meets an input and the gradient jumps, so that
        no optimiser comes to rest: it counts as resting if it has stayed in the minimum's well
        (`gradflow.ends.wells`) since the states `before`, and was within 1e-3 of the minimum's loss there.
        That holds the flow there; Adam or RMSProp at a fixed rate may be thrown out of a narrow well later.
    diverged
        A parameter is not finite, or `diverged` says so.
    undecided
        None of these: the trajectory was left too early to say, its loss is hidden by rounding, or the method
        rests where the loss has no critical point, as under weight decay.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        The last states.
    diverged : bool or array of bool
        Trajectories that were stopped because they left the range of their numbers.
    accuracy : float
        The states' error relative to their size, which says what rest is: a flow's rtol.
    before : array, shape (K, 4, …), optional
        Earlier states of an optimiser (`gradflow.descent.Descent.last`).
    """
    problem, diverged = as_problem(problem), flags("diverged", diverged)
    accuracy = number("accuracy", accuracy, 0.0)
    # States that left the range of their numbers are valid input: they have diverged.
    with np.errstate(over="ignore", invalid="ignore"):
        value = loss(neuron, problem)
        xp, (value, *parameters) = as_floating((value, *as_neuron(neuron)))
        is_near, may_be_near = _near(value, neuron, problem)
        is_dead = (activity(neuron, problem) == DEAD) & problem.stays_dead
        is_trapped = is_near.linear & False
        if problem.is_bent:
            is_trapped = among(is_near.linear, trapped, neuron, problem)
        stopped = xp.asarray(diverged)
        batch_shape("neurons and diverged", [value.shape, stopped.shape])
        is_diverged = ~xp.isfinite(value) | stopped
        for parameter in parameters:
            is_diverged = is_diverged | ~xp.isfinite(parameter)
        settled = is_near.zero | (is_near.linear & is_trapped) | (is_near.constant & is_dead) | is_diverged
        is_resting = among(~settled, partial(at_rest, accuracy=accuracy), neuron, problem)
        is_on_input = ~settled & _on_input(neuron, problem, accuracy, before, value)
    is_resting = is_resting | is_on_input
    is_linear = is_near.linear & (is_trapped | is_resting)
    # Below the best constant's loss a living neuron does not end there (derivation 11), however slow it is.
    sinks = among(is_near.constant & is_resting, never_constant, neuron, problem)
    # The loss of a well is that of a regression, and none of the others to within rounding.
    is_local = (is_resting & ~may_be_near) | is_on_input
    if knows_all(problem):
        # Every critical point is a teacher, a line, or a constant that the neuron, if it lives, fades to.
        is_local = is_local & False
        sinks = sinks | (activity(neuron, problem) == HYPERACTIVE) | grows(neuron, problem)
    is_constant = is_near.constant & (is_dead | (is_resting & ~sinks))

    codes = xp.full(value.shape, UNDECIDED, dtype=xp.int8)
    for code, holds in (
        (LOCAL, is_local),
        (CONSTANT, is_constant),
        (LINEAR, is_linear),
        (GLOBAL, is_near.zero),
        (DIVERGED, is_diverged),
    ):
        codes = xp.where(holds, xp.asarray(code, dtype=xp.int8), codes)
    return codes


def _on_input(
    neuron: Neuron | Array, problem: Problem, accuracy: float, before: Array | None, like: Array
) -> Array:
    """Whether trajectories end where the breakpoint meets an input of a sample."""
    if before is not None:
        require_numbers("before", before)
        _, (before,) = as_floating((before,))
        if before.ndim < 2 or tuple(before.shape[1:]) != (4, *like.shape):
            raise ValueError(
                f"before: expected an array of shape (K, 4, *batch), the batch being {tuple(like.shape)}, "
                f"got shape {tuple(before.shape)}"
            )
    if not has_wells(problem):
        return like != like
    rests = on_input(neuron, problem, accuracy)
    if before is None or before.shape[0] == 0:
        return rests
    stays = stayed(neuron, before, problem).excess <= TOLERANCE
    return rests | namespace(like).asarray(stays, device=device(like))


class References(NamedTuple):
    """The losses of the best constant and the best line, and how close to them and to 0 is near."""

    constant: Array
    line: Array
    near_constant: Array
    near_line: Array


def references(problem: Problem = Problem()) -> References:
    """Return the reference losses of a problem.

    Near means within `TOLERANCE`, relative to the best constant's loss for the constant, and to the
    lower of the two that is not 0 for the line and for 0.
    """
    problem = as_problem(problem)
    of = lines(problem)
    xp, (constant, line) = as_floating((of.constant_loss.value, of.line_loss.value))
    # Which of them are 0 is known: a computed one may be the square of a rounding error.
    spread = xp.where(of.flat, xp.ones_like(constant), constant)
    bend = xp.where(of.straight, spread, line)
    return References(constant, line, TOLERANCE * spread, TOLERANCE * xp.where(bend < spread, bend, spread))


class Near(NamedTuple):
    """Which of the reference losses a loss is close to."""

    zero: Array
    linear: Array
    constant: Array


def near(value: Array, levels: References) -> Near:
    """Return which reference losses `value` is near to."""
    levels = References(*adaptable(*levels))
    return Near(
        value <= levels.near_line,
        abs(value - levels.line) <= levels.near_line,
        abs(value - levels.constant) <= levels.near_constant,
    )


def _near(value: Array, neuron: Neuron | Array, problem: Problem) -> tuple[Near, Array]:
    """Return which reference losses a loss is near to, for all that rounding does to it; and which may be."""
    levels = References(*adaptable(*references(problem)))
    root = root_loss(neuron, problem)
    error = (2.0 * root.value + root.error) * root.error
    found = near(value, levels)
    as_line, as_constant = error <= levels.near_line, error <= levels.near_constant
    sure = Near(found.zero & as_line, found.linear & as_line, found.constant & as_constant)
    wide = levels._replace(near_line=levels.near_line + error, near_constant=levels.near_constant + error)
    maybe = near(value, wide)
    return sure, maybe.zero | maybe.linear | maybe.constant
