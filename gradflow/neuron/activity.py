"""Dead, balanced or hyperactive, and how far from the walls between them."""

from __future__ import annotations

import numpy as np

from gradflow.base.arrays import Array, as_floating, namespace
from gradflow.base.checks import batch_shape
from gradflow.base.error_free import affine, splitter
from gradflow.neuron.problem import Neuron, Problem, as_neuron, as_problem
from gradflow.neuron.values import breakpoint_of

ACTIVITIES = ("dead", "balanced", "hyperactive")
DEAD, BALANCED, HYPERACTIVE = range(3)


@np.errstate(over="ignore", invalid="ignore")
def end_preactivations(neuron: Neuron | Array, problem: Problem = Problem()) -> tuple[Array, Array]:
    """Return the pre-activation at the smallest and at the largest input, each rounded about once."""
    problem = as_problem(problem, general=True)
    w1, b1, _, _ = as_neuron(neuron)
    _, (w1, b1, lo, hi) = as_floating((w1, b1, problem.lo, problem.hi))
    batch_shape("neurons and interval", [v.shape for v in (w1, b1, lo, hi)])
    return preactivations_at(w1, b1, lo, hi)


def preactivations_at(w1: Array, b1: Array, lo: Array, hi: Array) -> tuple[Array, Array]:
    """Return w1 lo + b1 and w1 hi + b1 of arrays of one dtype, each rounded about once."""
    split = splitter(w1.dtype)
    return affine(w1, lo, b1, split), affine(w1, hi, b1, split)


def activity(neuron: Neuron | Array, problem: Problem = Problem()) -> Array:
    """Return each neuron's activity as a code: 0 dead, 1 balanced, 2 hyperactive (`ACTIVITIES`).

    The codes are integers in the neurons' namespace. A pre-activation that is ≤ 0 on the whole input is
    dead (so w1 = b1 = 0 is), one that is ≥ 0 and not dead is hyperactive.
    """
    return classify(*end_preactivations(neuron, problem))


def classify(z_lo: Array, z_hi: Array) -> Array:
    """Return the activity codes that belong to the pre-activations at both ends."""
    dead = (z_lo <= 0) & (z_hi <= 0)
    hyperactive = (z_lo >= 0) & (z_hi >= 0) & ~dead
    xp = namespace(z_lo, z_hi)
    return xp.astype(~dead, xp.int8) + xp.astype(hyperactive, xp.int8)


def wall_distances(neuron: Neuron | Array, problem: Problem = Problem()) -> tuple[Array, Array]:
    """Return the signed distance in the (w1, b1) plane to the walls at lo and at hi.

    The wall at an end e is the line w1 e + b1 = 0; the distance is positive where the neuron is active
    at that end. Both non-positive: dead. Both non-negative, one positive: hyperactive.
    """
    z_lo, z_hi = end_preactivations(neuron, problem)
    _, (z_lo, z_hi, lo, hi) = as_floating((z_lo, z_hi, problem.lo, problem.hi))
    return z_lo / (1.0 + lo * lo) ** 0.5, z_hi / (1.0 + hi * hi) ** 0.5


def breakpoint_position(neuron: Neuron | Array) -> Array:
    """Return −b1/w1; ±∞ where w1 = 0 or too small for the quotient; NaN where both are 0 or ∞."""
    w1, b1, _, _ = as_neuron(neuron)
    return breakpoint_of(w1, b1)
