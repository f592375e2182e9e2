"""How long the flow cannot kill a neuron: for ever if Q ≥ 0, at least for a computable time if not.

``derivations/10_the_flow_cannot_kill.py`` proves it for ReLU-like slopes (0, s₊) and the population.
"""

from __future__ import annotations

from gradflow.activity import DEAD, activity
from gradflow.backend import Array, as_floating
from gradflow.field import loss
from gradflow.field.baselines import adaptable, moments
from gradflow.problem import Neuron, Problem, Uniform, as_neuron


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
        The time, ≥ 0; 0 for a dead neuron. Q is rounded: where it is 0 in exact arithmetic but not in
        floating point the bound is finite.

    Raises
    ------
    ValueError
        If s₋ ≠ 0 or the inputs are a sample, whose flow can kill in finite time.
    """
    if not isinstance(problem.inputs, Uniform):
        raise ValueError("inputs: the flow on a sample can kill a neuron; nothing is claimed")
    if problem.slopes[0] != 0.0:
        raise ValueError(f"slopes: expected (0, s+), got {problem.slopes}")
    m = moments(problem)
    given = (*as_neuron(neuron), loss(neuron, problem), *adaptable(m.mean_x, m.variance_x))
    xp, (w1, b1, w2, _, value, mean_x, variance) = as_floating(given)
    size = xp.sqrt(w1 * w1 + b1 * b1)
    # As a product it does not lose the sign of Q where both are large.
    deficit = (xp.abs(w2) - size) * (xp.abs(w2) + size)
    speed = 2.0 * abs(problem.slopes[1]) * xp.sqrt(value * (1.0 + variance + mean_x * mean_x))
    one, none = xp.ones_like(deficit), xp.zeros_like(deficit)
    may_end = (deficit > 0.0) & (speed > 0.0)
    ratio = size / xp.sqrt(xp.where(may_end, deficit, one))
    bound = xp.where(may_end, xp.asinh(ratio) / xp.where(may_end, speed, one), xp.inf * one)
    bound = xp.where(xp.isnan(speed + deficit), speed + deficit, bound)
    return xp.where(activity(neuron, problem) == DEAD, none, bound)
