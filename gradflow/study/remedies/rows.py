"""The remedies, each as data: what it changes of the neuron, the problem, the start or the steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradflow.descent import GD, Adam, Chain, Cosine, HeavyBall, StepDecay, Warmup, constant
from gradflow.descent.modifiers import NONE, Modifiers
from gradflow.descent.optimisers.hyper import Config
from gradflow.descent.schedules import Constant, Schedule
from gradflow.field.baselines import adaptable, best_constant
from gradflow.field.kinds import (
    BOUNDED,
    BOUNDED_SOLVED_BIAS,
    GATED,
    PLAIN,
    SHIFTED,
    SOLVED_BIAS,
    SOLVED_OUTPUT,
    Kind,
)
from gradflow.neuron.activations import GELU, SILU, Activation, PiecewiseLinear
from gradflow.neuron.problem import Neuron, Problem, Uniform

DECAY = 1e-2
"""λ of the L2 penalty (λ/2)|θ|² and of decoupled decay, AdamW's default: one λ, so that both are comparable.

Under the flow and under gradient descent they are the same.
"""

TEACHERS = (Neuron(), Neuron(1.0, -0.5, 1.0, 0.5))
"""The two teachers: ReLU(x), and a teacher with neither its breakpoint nor its output bias at 0.

What pulls biases to 0 pulls to the first teacher's values, and away from the second's.
"""

CLIP = 1.0
MOMENTUM = 0.9
WARMUP = 500
LEAKY = 0.01

SEED = 0
"""Of the remedies that draw their starts."""

Start = Callable[[Neuron], Neuron]
Task = Callable[[Problem], Problem]
Optimizer = Callable[[str, Any], Config | None]


def _optimizer(method: str, rate: Any) -> Config | None:
    return GD(rate) if method == "gd" else Adam(rate)


def _same(neuron: Neuron) -> Neuron:
    return neuron


def _given(problem: Problem) -> Problem:
    return problem


def _with(activation: Activation) -> Task:
    """Return the task with another activation, of the student and of the teacher."""

    def task(problem: Problem) -> Problem:
        return Problem(problem.teacher, problem.inputs, activation)

    return task


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
    task : callable
        What becomes of the problem. The teacher has the student's activation.
    start : callable
        What becomes of the starts.
    schedule : callable
        The schedule for a number of steps.
    optimizer : callable
        The config for "gd" or "adam" and a rate (or an array of them); None where there is nothing to try.
    modifiers : Modifiers
    changes_flow : bool
        Whether it does anything at an infinitesimal rate.
    control : str
        The id of the remedy that it is compared with: the same without what it adds.
    """

    id: str
    group: str
    name: str
    kind: Kind = PLAIN
    task: Task = _given
    start: Start = _same
    schedule: Callable[[int], Schedule] = _constant
    optimizer: Optimizer = _optimizer
    modifiers: Modifiers = NONE
    changes_flow: bool = True
    control: str = "none"

    @property
    def penalty(self) -> tuple[float, ...] | None:
        """The coefficients λ of decay of either style, None if nothing decays."""
        return self.modifiers.coupled or self.modifiers.decoupled


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
    (mean,) = adaptable(best_constant(problem).intercept)
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


SMOOTH = _with(SILU)

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
    *_decays("coupled", DECAY, lambda values: Modifiers(coupled=values)),
    *_decays("decoupled", DECAY, lambda values: Modifiers(decoupled=values)),
    Remedy("drawn", "start", "normal weights", start=_drawn),
    Remedy("zero-bias", "start", "normal weights, zero biases", start=_zero_bias, control="drawn"),
    Remedy("kaiming", "start", "Kaiming weights, zero biases", start=_kaiming, control="drawn"),
    Remedy("leaky", "activation", f"leaky ReLU, {LEAKY:g}", task=_with(PiecewiseLinear(LEAKY, 1.0))),
    Remedy("silu", "activation", "SiLU", task=SMOOTH),
    Remedy("gelu", "activation", "GELU", task=_with(GELU)),
    Remedy("shifted", "parameters", "w(x + b')", kind=SHIFTED),
    Remedy(
        "shifted-decay", "parameters", f"w(x + b'), decay {DECAY:g} of b'", kind=SHIFTED,
        modifiers=Modifiers(decoupled=(0.0, DECAY, 0.0, 0.0)),
    ),
    Remedy("solved-bias", "parameters", "b2 solved for", kind=SOLVED_BIAS),
    Remedy("solved-output", "parameters", "w2 and b2 solved for", kind=SOLVED_OUTPUT),
    Remedy(
        "silu-solved-bias", "parameters", "SiLU, b2 solved for", kind=SOLVED_BIAS, task=SMOOTH, control="silu"
    ),
    Remedy("bounded", "parameters", "breakpoint kept inside", kind=BOUNDED),
    Remedy("bounded-solved", "parameters", "kept inside, b2 solved for", kind=BOUNDED_SOLVED_BIAS),
    Remedy("gate", "gate", "gate", kind=GATED),
    Remedy("silu-gate", "gate", "SiLU gate", kind=GATED, task=SMOOTH, control="silu"),
    Remedy("normalised", "data", "inputs of variance 1", task=_normalised),
    Remedy("centred", "data", "targets of mean 0", task=_centred),
)  # fmt: skip
"""All that are tried. The first is the post's setting, and what most of the others are compared with."""
