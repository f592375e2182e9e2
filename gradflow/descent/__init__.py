"""Optimisers with finite learning rates, schedules and the training loop.

An optimiser is a NamedTuple of hyper-parameters and two pure functions, ``init(config, theta)`` and
``update(config, gradient, state, theta, lr, k)``. Hyper-parameters broadcast like any array, so that one
call sweeps thousands of them. `register` adds an optimiser from outside; one that belongs here is a file
beside ``gd.py`` and a line in ``registry.py``.
"""

from gradflow.descent.events import Crossing
from gradflow.descent.loop import train_arrays
from gradflow.descent.optimisers.adam import Adam
from gradflow.descent.optimisers.adamw import AdamW
from gradflow.descent.optimisers.gd import GD
from gradflow.descent.optimisers.heavy_ball import HeavyBall
from gradflow.descent.optimisers.nesterov import Nesterov
from gradflow.descent.optimisers.registry import (
    OPTIMIZERS,
    check,
    init,
    is_switch,
    optimizer,
    optimizer_name,
    register,
    update,
)
from gradflow.descent.optimisers.rmsprop import RMSProp
from gradflow.descent.optimisers.sign import Sign
from gradflow.descent.prepared import Descent
from gradflow.descent.schedules import Chain, Constant, Cosine, Schedule, StepDecay, Warmup, constant

__all__ = [
    "GD",
    "OPTIMIZERS",
    "Adam",
    "AdamW",
    "Chain",
    "Constant",
    "Cosine",
    "Crossing",
    "Descent",
    "HeavyBall",
    "Nesterov",
    "RMSProp",
    "Schedule",
    "Sign",
    "StepDecay",
    "Warmup",
    "check",
    "constant",
    "init",
    "is_switch",
    "optimizer",
    "optimizer_name",
    "register",
    "train_arrays",
    "update",
]
