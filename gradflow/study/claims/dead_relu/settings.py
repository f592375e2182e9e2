"""The article's example, and the runs that several of its claims look at.

The article names neither the inputs, nor the loss, nor the optimiser, nor what stands around the neuron. Here
the isolated neuron is z = 0.1 x − 0.5 in f = w2 ReLU(z) + b2, with inputs uniform on [−1, 1], and plain
gradient descent; the neuron in a network stands behind an upstream layer and beside a second path (derivation
18), with random weights.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np

from gradflow.descent import GD, train_arrays
from gradflow.neuron.activity import DEAD, activity
from gradflow.neuron.problem import Neuron, Problem
from gradflow.study.claims.evidence import count, largest, share
from gradflow.study.claims.theory.irreversibility import (
    MOMENTUM,
    Returns,
    after_death,
    dead_starts,
    with_decay,
)
from gradflow.study.claims.words import each
from gradflow.theory.upstream import UNIFORM, Network, limit, preactivation, revival_steps, revival_time

EXAMPLE = Neuron(w1=0.1, b1=-0.5, w2=1.0, b2=0.0)
PROBLEM = Problem()
SMALL, LARGE = 1e-4, 0.01
STEPS = 10_000
RATES = (1e-6, SMALL, LARGE, 1.0, 100.0)
"""Rates of the isolated neuron; the article's are the second and the third."""

STATED_SMALL = (-0.5000, -0.4999, -0.4998)
STATED_LARGE = (-0.50, -0.30, -0.10, 0.05)
STATED_THRESHOLD = -0.1
"""The article's biases in its two cases, and the one from which on some inputs activate the neuron."""

BUDGET = 300
"""A fixed number of steps."""

HORIZON = 40.0
"""The time, rate times steps, after which a network has settled."""

SLOW = 0.004
"""The rate below which networks are followed for the budget only."""

UPSTREAM_RATES = (1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5)


class Revivals(NamedTuple):
    """Which dead networks come back: under the flow, and at some rates within a budget and within a time."""

    network: Network
    time: np.ndarray
    rates: tuple[float, ...]
    budget: np.ndarray
    settled: np.ndarray
    stable: np.ndarray

    @property
    def n(self) -> int:
        """The number of networks."""
        return int(self.time.size)

    @property
    def within(self) -> dict[str, float]:
        """The share that is back within the budget, by rate."""
        return shares(self.budget, self.rates)

    @property
    def in_the_end(self) -> dict[str, float]:
        """The share that is back when the networks have settled, by rate."""
        return shares(self.settled, self.rates)

    @property
    def ever(self) -> float:
        """The share that comes back under the flow."""
        return share(np.isfinite(self.time))

    @property
    def only_at_a_larger_rate(self) -> int:
        """How many are back within the budget at some rate, and not at the first."""
        return count(~self.budget[:, 0] & np.any(self.budget[:, 1:], axis=1))


def step_size(values: tuple[float, ...]) -> list[float]:
    """Return the differences of stated values, without the rounding of their last digits."""
    return [round(b - a, 10) for a, b in itertools.pairwise(values)]


def run_example(rate: float, steps: int = STEPS) -> np.ndarray:
    """Return w1, b1, w2, b2 of the example after so many steps of gradient descent."""
    return np.asarray(train_arrays(EXAMPLE, PROBLEM, GD(rate), steps, events=False, first_change=False).final)


def isolated(quick: bool) -> dict[str, Any]:
    """Train dead neurons, each at every rate: how many come back, and how far w1, b1, w2 and b2 move."""
    n, steps = 100 if quick else 1000, 100
    start = dead_starts(n)[:, :, None]
    end = train_arrays(start, PROBLEM, GD(np.array(RATES)), steps, events=False, first_change=False).final
    *own, of_b2 = np.abs(end - start)
    return {
        "neurons": n,
        "steps": steps,
        "rates": list(RATES),
        "returned": count(activity(end, PROBLEM) != DEAD),
        "largest_move_of_w1_b1_w2": largest(own),
        "smallest_move_of_b2_at_the_articles_rates": float(np.min(of_b2[:, 1:3])),
    }


def momentum_returns(n: int) -> dict[str, Returns]:
    """Return how many neurons that have just died come back through what is left of the momentum."""
    return {name: after_death(config, n) for name, config in MOMENTUM.items()}


def decay_returns(n: int) -> Returns:
    """Return how many dead neurons come back through decay of the bias."""
    return with_decay(dead_starts(n), 0.0, 1.0)


def dead_networks(n: int, seed: int = 0) -> Network:
    """Return n networks with normal weights whose neuron is dead."""
    rng = np.random.default_rng(seed)
    many = Network(*rng.normal(size=(6, 8 * n)))
    return some_of(many, np.flatnonzero(preactivation(many, UNIFORM) < 0.0)[:n])


def sweep(
    n: int, rates: tuple[float, ...] = UPSTREAM_RATES, budget: int = BUDGET, slow: float = SLOW
) -> Revivals:
    """Follow n dead networks under the flow and at some rates.

    Rates below `slow` are followed for the budget only.
    """
    network = dead_networks(n)
    time = revival_time(network, UNIFORM)
    columns = Network(*(np.asarray(value)[:, None] for value in network))
    short = revival_steps(columns, UNIFORM, np.array(rates), budget)
    settled = np.zeros_like(short)
    for i, rate in enumerate(rates):
        if rate >= slow:
            settled[:, i] = revival_steps(network, UNIFORM, rate, round(HORIZON / rate))
    stable = stable_rates(network)[:, None] > np.array(rates)
    return Revivals(network, time, rates, short > 0, settled > 0, stable)


def stable_rates(network: Network) -> np.ndarray:
    """Return the rate below which the limit of a dead network's flow is stable: 1/λ (derivation 18)."""
    end = limit(network, UNIFORM)
    return np.asarray(1.0 / (end.a**2 + end.c**2 + end.d**2))


def start_of(network: Network) -> np.ndarray:
    """Return a, c and d, which alone move while the neuron is dead."""
    return np.stack([np.asarray(network.a), np.asarray(network.c), np.asarray(network.d)])


def some_of(network: Network, which: np.ndarray) -> Network:
    """Return some of the networks."""
    return Network(*(np.asarray(value)[which] for value in network))


def shares(values: np.ndarray, rates: tuple[float, ...]) -> dict[str, float]:
    """Return the share of each column."""
    return {f"{rate:g}": share(column) for rate, column in zip(rates, values.T, strict=True)}


def as_text(values: dict[str, float]) -> str:
    """Return shares as text."""
    return each("{0:.1%} at rate {label}", values)
