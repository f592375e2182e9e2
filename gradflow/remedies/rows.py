"""The remedies, each as data: what it changes of the neuron, the problem, the start or the steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradflow.activations import GELU, SILU, PiecewiseLinear
from gradflow.descent import GD, Adam, Chain, Cosine, HeavyBall, StepDecay, Warmup, constant
from gradflow.descent.hyper import Config
from gradflow.descent.modifiers import NONE, Modifiers
from gradflow.descent.schedules import Constant, Schedule
from gradflow.field.baselines import best_constant
from gradflow.neurons import (
    BOUNDED,
    BOUNDED_SOLVED_BIAS,
    GATED,
    PLAIN,
    SHIFTED,
    SOLVED_BIAS,
    SOLVED_OUTPUT,
    Kind,
)
from gradflow.problem import Neuron, Problem, Uniform

COUPLED, DECOUPLED = 1e-3, 1e-2
"""The coefficients of weight decay: the L2 penalty is (λ/2)|θ|², and AdamW's default λ."""

CLIP = 1.0
MOMENTUM = 0.9
WARMUP = 500
LEAKY = 0.01

SEED = 0
"""Of the remedies that draw their starts."""

Start = Callable[[Neuron], Neuron]
Optimizer = Callable[[str, Any], Config | None]


def _optimizer(method: str, rate: Any) -> Config | None:
    return GD(rate) if method == "gd" else Adam(rate)


def _same(neuron: Neuron) -> Neuron:
    return neuron


def _constant(steps: int) -> Schedule:
    return constant


@dataclass(frozen=True)
class Remedy:
    """One remedy.

    Attributes
    ----------
    id, group, name : str
        Short; what it belongs to; what the table calls it.
    kind : Kind
        How the neuron is written down.
    problem : Problem
        The task; the teacher has the student's activation.
    start : callable
        What becomes of the starts.
    schedule : callable
        The schedule for a number of steps.
    optimizer : callable
        The config for "gd" or "adam" and a rate (or an array of them); None where there is nothing to try.
    modifiers : Modifiers
    changes_flow : bool
        Whether it does anything at an infinitesimal rate.
    """

    id: str
    group: str
    name: str
    kind: Kind = PLAIN
    problem: Problem = Problem()
    start: Start = _same
    schedule: Callable[[int], Schedule] = _constant
    optimizer: Optimizer = _optimizer
    modifiers: Modifiers = NONE
    changes_flow: bool = True


def _momentum(method: str, rate: Any) -> Config | None:
    return HeavyBall(rate, MOMENTUM) if method == "gd" else None


def _weights(neuron: Neuron) -> tuple[np.ndarray, np.ndarray]:
    """Return standard normal weights, one pair a start."""
    shape = np.broadcast_shapes(*(np.shape(value) for value in neuron))
    w1, w2 = np.random.default_rng(SEED).normal(size=(2, *shape))
    return w1, w2


def _zero_bias(neuron: Neuron) -> Neuron:
    w1, w2 = _weights(neuron)
    return Neuron(w1, 0.0, w2, 0.0)


def _kaiming(neuron: Neuron) -> Neuron:
    """Kaiming normal with fan-in 1: variance 2 (He et al., arXiv:1502.01852), and no biases."""
    w1, w2 = _weights(neuron)
    return Neuron(math.sqrt(2.0) * w1, 0.0, math.sqrt(2.0) * w2, 0.0)


def _drawn(neuron: Neuron) -> Neuron:
    """Return the same weights as `_zero_bias` with the biases of the grid."""
    w1, w2 = _weights(neuron)
    return neuron._replace(w1=w1, w2=w2)


def _normalised(problem: Problem) -> Problem:
    """Return the problem in inputs of mean 0 and variance 1."""
    lo, hi = float(problem.lo), float(problem.hi)
    mean, deviation = 0.5 * (lo + hi), (hi - lo) / math.sqrt(12.0)
    w1, b1, w2, b2 = problem.teacher
    teacher = Neuron(w1 * deviation, b1 + w1 * mean, w2, b2)
    return replace(problem, teacher=teacher, inputs=Uniform((lo - mean) / deviation, (hi - mean) / deviation))


def _centred(problem: Problem) -> Problem:
    """Return the problem with targets of mean 0."""
    teacher = problem.teacher
    mean = float(best_constant(problem).intercept)
    return replace(problem, teacher=teacher._replace(b2=teacher.b2 - mean))


def _decays(style: str, strength: float, modifiers: Callable[[tuple[float, ...]], Modifiers]) -> list[Remedy]:
    which = {"all": (1.0, 1.0, 1.0, 1.0), "weights": (1.0, 0.0, 1.0, 0.0), "biases": (0.0, 1.0, 0.0, 1.0)}
    return [
        Remedy(
            f"{style}-{name}", "decay", f"{style} decay {strength:g} of {name}",
            modifiers=modifiers(tuple(strength * part for part in parts)),
        )
        for name, parts in which.items()
    ]  # fmt: skip


RELU, LEAK = Problem(), Problem(activation=PiecewiseLinear(LEAKY, 1.0))
SMOOTH = {"silu": Problem(activation=SILU), "gelu": Problem(activation=GELU)}

NOTHING = Remedy("none", "none", "none")

_RATE = (
    Remedy("lower-rate", "rate", "rate / 10", schedule=lambda steps: Constant(0.1)),
    Remedy("warm-up", "rate", f"warm-up, {WARMUP} steps", schedule=lambda steps: Warmup(WARMUP)),
    Remedy("cosine", "rate", "cosine decay", schedule=Cosine),
    Remedy("step-decay", "rate", "step decay, 3 x 0.1", schedule=lambda steps: StepDecay(-(-steps // 4))),
    Remedy(
        "warm-up-cosine", "rate", "warm-up, then cosine",
        schedule=lambda steps: Chain(Warmup(WARMUP), WARMUP, Cosine(max(1, steps - WARMUP))),
    ),
)  # fmt: skip

_STEPS = (
    Remedy("momentum", "steps", f"momentum {MOMENTUM:g}", optimizer=_momentum),
    Remedy("clipping", "steps", f"clipping at {CLIP:g}", modifiers=Modifiers(clip=CLIP)),
)

REMEDIES: tuple[Remedy, ...] = (
    NOTHING,
    *(replace(remedy, changes_flow=False) for remedy in (*_RATE, *_STEPS)),
    *_decays("coupled", COUPLED, lambda values: Modifiers(coupled=values)),
    *_decays("decoupled", DECOUPLED, lambda values: Modifiers(decoupled=values)),
    Remedy("drawn", "start", "normal weights", start=_drawn),
    Remedy("zero-bias", "start", "normal weights, zero biases", start=_zero_bias),
    Remedy("kaiming", "start", "Kaiming weights, zero biases", start=_kaiming),
    Remedy("leaky", "activation", f"leaky ReLU, {LEAKY:g}", problem=LEAK),
    Remedy("silu", "activation", "SiLU", problem=SMOOTH["silu"]),
    Remedy("gelu", "activation", "GELU", problem=SMOOTH["gelu"]),
    Remedy("shifted", "parameters", "w(x + b')", kind=SHIFTED),
    Remedy(
        "shifted-decay", "parameters", f"w(x + b'), decay {DECOUPLED:g} of b'", kind=SHIFTED,
        modifiers=Modifiers(decoupled=(0.0, DECOUPLED, 0.0, 0.0)),
    ),
    Remedy("solved-bias", "parameters", "b2 solved for", kind=SOLVED_BIAS),
    Remedy("solved-output", "parameters", "w2 and b2 solved for", kind=SOLVED_OUTPUT),
    Remedy(
        "silu-solved-bias", "parameters", "SiLU, b2 solved for", kind=SOLVED_BIAS, problem=SMOOTH["silu"]
    ),
    Remedy("bounded", "parameters", "breakpoint kept inside", kind=BOUNDED),
    Remedy("bounded-solved", "parameters", "kept inside, b2 solved for", kind=BOUNDED_SOLVED_BIAS),
    Remedy("gate", "gate", "gate", kind=GATED),
    Remedy("silu-gate", "gate", "SiLU gate", kind=GATED, problem=SMOOTH["silu"]),
    Remedy("normalised", "data", "inputs of variance 1", problem=_normalised(RELU)),
    Remedy("centred", "data", "targets of mean 0", problem=_centred(RELU)),
)  # fmt: skip
"""All that are tried. The first is the post's setting, and what the others are compared with."""
