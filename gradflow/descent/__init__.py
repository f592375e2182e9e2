"""Optimisers with finite learning rates, schedules and the training loop.

An optimiser is a NamedTuple of hyper-parameters and two pure functions, ``init(config, theta)`` and
``update(config, gradient, state, theta, lr)``. Hyper-parameters broadcast like any array, so that one
call sweeps thousands of them. `register` adds an optimiser from outside; one that belongs here is a file
beside ``gd.py`` and a line in ``registry.py``.
"""

from gradflow.descent.adam import Adam
from gradflow.descent.adamw import AdamW
from gradflow.descent.events import Crossing
from gradflow.descent.gd import GD
from gradflow.descent.heavy_ball import HeavyBall
from gradflow.descent.loop import Descent, train
from gradflow.descent.nesterov import Nesterov
from gradflow.descent.registry import (
    OPTIMIZERS,
    check,
    init,
    is_switch,
    optimizer,
    optimizer_name,
    register,
    update,
)
from gradflow.descent.rmsprop import RMSProp
from gradflow.descent.schedules import Chain, Constant, Cosine, Schedule, StepDecay, Warmup, constant
from gradflow.descent.sign import Sign

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
    "train",
    "update",
]
