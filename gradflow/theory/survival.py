"""How long the flow cannot kill a neuron: for ever if Q ≥ 0, at least for a computable time if not.

``derivations/10_the_flow_cannot_kill.py`` proves it for ReLU-like slopes (0, s₊) and the population.
"""

from __future__ import annotations

import numpy as np

from gradflow.base.arrays import Array, as_floating
from gradflow.field.baselines import adaptable, lines
from gradflow.field.bounds import EPS, TINY, as_given, balance, has_exact_signs, in_double, root_loss
from gradflow.neuron.activity import DEAD, activity
from gradflow.neuron.problem import Neuron, Problem, Uniform, as_neuron, as_problem
from gradflow.theory.steps import require_relu


@np.errstate(over="ignore", invalid="ignore")
def survives_until(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Return a time before which the flow from each start does not make the neuron dead.

    With u = √(w1² + b1²), Q = u² − w2² and c = 2 |s₊| √(L E[1 + x²]) it is ∞ for Q ≥ 0 and arsinh(u/√−Q)/c
    for Q < 0. The flow dies at w1 = b1 = 0 only; before that time it cannot be there.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        The starts.
    problem : Problem
        The population, with s₋ = 0.

    Returns
    -------
    array
        The time, ≥ 0, rounded down; 0 for a dead neuron. The sign of Q is that of the floats given.

    Raises
    ------
    ValueError
        If s₋ ≠ 0 or the inputs are a sample, whose flow can kill in finite time.
    """
    problem = as_problem(problem)
    if not isinstance(problem.inputs, Uniform):
        raise ValueError("inputs: the flow on a sample can kill a neuron; nothing is claimed")
    require_relu(problem)
    given = neuron, problem
    neuron, problem = in_double(neuron, problem)
    of = lines(problem)
    values = (*as_neuron(neuron)[:2], *balance(neuron), *root_loss(neuron, problem))
    xp, arrays = as_floating((*values, *adaptable(of.mean_x.value, of.variance_x.value)))
    w1, b1, value, error, root, of_root, mean_x, variance = arrays
    size = xp.sqrt(w1 * w1 + b1 * b1)
    deficit = error - value
    reach = xp.sqrt(1.0 + variance + mean_x * mean_x)
    speed = 2.0 * abs(problem.slopes[1]) * ((root + of_root) * reach)
    one, none = xp.ones_like(deficit + speed), xp.zeros_like(deficit + speed)
    may_end = (deficit > 0.0) & (speed > 0.0)
    ratio = size / xp.sqrt(xp.where(may_end, deficit, one))
    bound = xp.asinh(ratio) / xp.where(may_end, speed, one) * (1.0 - 32.0 * EPS)
    bound = xp.where(may_end, xp.where(size > TINY**0.5, bound, none), xp.inf * one)
    bound = xp.where(xp.isnan(speed + deficit), speed + deficit, bound)
    alive = (activity(neuron, problem) != DEAD) & has_exact_signs(neuron, problem)
    return as_given(*given, xp.where(alive, bound, none), downwards=True)
