"""The landscape of an affine target: saddle points at known levels, and minima with dead neurons."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.descent import GD
from gradflow.networks.line.field import cut, gradient_of, hessian_of, loss_of
from gradflow.networks.line.task import task_of
from gradflow.networks.line.training import descend
from gradflow.networks.line.walls import preactivations
from gradflow.neuron.problem import Problem
from gradflow.neuron.targets import Knots
from gradflow.study.claims.evidence import count, largest
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.words import each, finding

SLOPE = 1.0
TASK = task_of(Problem(target=Knots([-1.0, 1.0], [-SLOPE, SLOPE])))

NEURONS, RATE, AT_ONCE = 3, 0.2, 500
"""The width of the random networks, GD's rate, and its steps between two looks."""

REST, FLAT, LOW = 1e-9, 1e-8, 1e-6
"""How small a gradient is at rest, how negative an eigenvalue of a minimum, and a loss on its way to 0."""

FADED = 1e-9
"""The largest pre-activation of a neuron that is dead, or will be in the limit: it falls exponentially."""


def saddle(n: int) -> np.ndarray:
    """Return the parameters of the saddle point with n breakpoints, an even number, and as many neurons.

    Odd ones are active to the right of their breakpoint, even ones to the left, so that each is active on an
    even number of pieces, over which the error and the error times x have no mean.
    """
    at = -1.0 + 2.0 * np.arange(1, n + 1) / (n + 1)
    sign = np.where(np.arange(n) % 2 == 0, 1.0, -1.0)
    weight = np.sqrt(2.0 * SLOPE / (n + 1)) * np.ones(n)
    rows = np.concatenate([sign * weight, -sign * weight * at, sign * weight, [0.0]])
    rows[-1] = -0.5 * gradient_of(cut(rows, TASK))[-1]
    return rows


def saddles(quick: bool) -> Finding:
    """Compute loss, gradient and least curvature at the saddle points with 2, 4, … breakpoints."""
    found: dict[str, Any] = {}
    for n in range(2, 8 if quick else 22, 2):
        some = cut(saddle(n), TASK)
        value = float(loss_of(some))
        found[str(n)] = {
            "one_over_loss": 1.0 / value,
            "predicted": 3.0 * (n + 1) ** 4 / SLOPE**2,
            "gradient": largest(gradient_of(some)),
            "least_curvature": float(np.linalg.eigvalsh(hessian_of(some, TASK))[0]),
        }
    steepest = max(row["gradient"] for row in found.values())
    off = max(abs(row["one_over_loss"] / row["predicted"] - 1.0) for row in found.values())
    falls = all(row["least_curvature"] < -1e-6 for row in found.values())
    return finding(
        by_rule(refuted=not (steepest < 1e-13 and off < 1e-12 and falls)),
        "With as many neurons as breakpoints, every other one facing left, the gradient is 0 (at most {steepest:.0e}) for n = {ns}, the Hessian has a negative eigenvalue, and the loss is alpha^2/(3 (n + 1)^4) to {off:.0e}: 1/loss = {levels} for alpha = 1.",
        {"saddles": found, "steepest": steepest, "largest_relative_deviation": off},
        ns=each("{label}", found),
        levels=each("{one_over_loss:.6g}", found),
        off=max(off, 1e-16),
    )


def minima(quick: bool) -> Finding:
    """Follow random networks by gradient descent, and look at where they come to rest."""
    starts, rounds = (200, 6) if quick else (10_000, 6)
    rng = np.random.default_rng(0)
    whole = rng.normal(size=(3 * NEURONS + 1, starts))
    left = np.arange(starts)
    steepest, losses = np.full(starts, np.inf), np.full(starts, np.inf)
    for _ in range(rounds):
        run = descend(whole[:, left], TASK, GD(RATE), [0, AT_ONCE], lambda step: 1.0, np.ones(len(whole)))
        whole[:, left] = run.states[-1]
        some = cut(whole[:, left], TASK)
        steepest[left], losses[left] = np.max(np.abs(gradient_of(some)), axis=0), loss_of(some)
        left = left[(steepest[left] > REST) & (losses[left] > LOW) & ~run.diverged]
        if not left.size:
            break
    is_global, rests = losses <= LOW, (steepest <= REST) & (losses > LOW)
    dead = np.any(np.max(preactivations(whole, np.array([TASK.lo, TASK.hi])), axis=0) <= FADED, axis=0)
    suspects = np.flatnonzero(rests & ~dead)
    least = [float(np.linalg.eigvalsh(hessian_of(cut(whole[:, i], TASK), TASK))[0]) for i in suspects]
    against = count(np.array(least) > -FLAT)
    return finding(
        by_rule(open=not count(is_global | rests) > starts // 10, refuted=against),
        "Of {starts} networks of {neurons} neurons, started from N(0, 1), gradient descent at rate {rate} has brought {global} to losses below {low:g} within {steps} steps; {resting} rest above, {resting_with_a_dead_neuron} of these with a neuron that is dead or fades away, {saddles} at a saddle and {against_it} at a minimum without such a neuron. {unfinished} are under way.",
        {
            "starts": starts,
            "neurons": NEURONS,
            "rate": RATE,
            "steps": rounds * AT_ONCE,
            "global": count(is_global),
            "resting": count(rests),
            "resting_with_a_dead_neuron": count(rests & dead),
            "saddles": len(least) - against,
            "against_it": against,
            "unfinished": starts - count(is_global | rests),
        },
        low=LOW,
    )
