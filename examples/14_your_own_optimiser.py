"""
Your own optimiser
==================

Lion in a dozen lines. Once registered it runs wherever an optimiser does: in batches, compiled, in
sweeps, on the command line. ``replace=True`` lets the cell run twice.
"""

from typing import NamedTuple

import gradflow as gf
from gradflow.descent.optimisers.hyper import FRACTION, NON_NEGATIVE
from gradflow.descent.optimisers.registry import register


class Lion(NamedTuple):
    """The hyper-parameters, with defaults."""

    lr: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.99


class Numbers(NamedTuple):
    """The numbers of one step."""

    lr: float
    beta1: float
    beta2: float


def step(ops, c, gradient, memory, theta):
    """Move by the sign of a mean of gradients; elementwise, without branches on the data."""
    (mean,) = memory
    way = c.beta1 * mean + (1.0 - c.beta1) * gradient
    sign = ops.where(way > 0.0, 1.0, ops.where(way < 0.0, -1.0, 0.0))
    return theta - c.lr * sign, (c.beta2 * mean + (1.0 - c.beta2) * gradient,)


register(
    "lion",
    Lion,
    init=lambda config, theta: (0.0 * theta,),
    coefficients=lambda config, k: Numbers(config.lr, config.beta1, config.beta2),
    rule=step,
    limits={"lr": NON_NEGATIVE, "beta1": FRACTION, "beta2": FRACTION},
    replace=True,
)

# %%

start = gf.Neuron(b2=-1.2)
runs = {
    "Lion": gf.train(start, gf.Problem(), Lion(lr=0.003), steps=1500),
    "Adam": gf.train(start, gf.Problem(), gf.Adam(lr=0.003), steps=1500),
}
figure = gf.figures.loss(runs)
figure
