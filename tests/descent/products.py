"""Training with every pair of its features: the features, and what a row of choices stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from gradflow.descent import (
    OPTIMIZERS,
    Chain,
    Constant,
    Cosine,
    Descent,
    StepDecay,
    Warmup,
    optimizer,
    train_arrays,
)
from gradflow.descent.modifiers import NONE, Modifiers
from gradflow.field.kinds import KINDS
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform, grid
from tests.covering import Row, covering

STEPS, HALF = 10, 5
LANES = 3
WILD = 1e160
"""A rate with which every optimiser diverges at the first update that it is not 0."""
RATES: dict[str, Any] = {
    "one rate": 0.05,
    "rates": np.array([0.1, 0.03, 0.007]),
    "a wild rate": np.array([0.1, WILD, 0.007]),
    "all wild": WILD,
    "all hyper-parameters": np.array([0.1, 0.03, 0.007]),
}
SPREAD: dict[str, Any] = {
    "beta1": np.array([0.9, 0.5, 0.0]),
    "beta2": np.array([0.999, 0.9, 0.7]),
    "alpha": np.array([0.99, 0.9, 0.7]),
    "momentum": np.array([0.9, 0.3, 0.0]),
    "eps": np.array([1e-8, 1e-3, 0.1]),
    "weight_decay": np.array([0.0, 0.1, 0.01]),
}
SWITCHES = {"amsgrad": True, "eps_hat": True, "centered": True, "eps_inside": True}
SCHEDULES: dict[str, Any] = {
    "constant": Constant(1.0),
    "warmup, cosine": Chain(Warmup(3), 3, Cosine(6, 0.1)),
    "falls to 0": StepDecay(HALF, 0.0),
    "rises": Chain(Constant(0.25), 4, Constant(2.0)),
}
_DRAW = np.random.default_rng(19)
INPUTS: dict[str, Any] = {
    "default": Uniform(),
    "wide": Uniform(-3.0, 5.0),
    "one-sided": Uniform(0.5, 2.0),
    "intervals": Uniform(np.array([-1.0, -0.5, 0.2]), np.array([1.0, 1.5, 2.0])),
    "weighted": Sample(np.linspace(-1.0, 2.0, 9), weights=np.arange(9.0)),
    "labelled": Sample(np.linspace(-1.5, 1.0, 11), targets=_DRAW.normal(size=11)),
    "large": grid(300, -0.7, 1.5),
}
ACTIVATIONS: dict[str, Any] = {"relu": (0.0, 1.0), "leaky": (0.1, 1.0), "bent": (-0.5, 2.0), "silu": "silu"}
TEACHERS: dict[str, Mapping[str, Any]] = {
    "default teacher": {},
    "negative": {"teacher": Neuron(-1.3, 0.4, -0.7, -0.2)},
    "flat": {"teacher": Neuron(0.3, 2.0, -1.0, 0.1)},
    "teachers": {"teacher": Neuron(np.array([1.0, -1.0, 0.5]), 0.2, np.array([1.0, -1.0, 2.0]), 0.1)},
    "teacher of its own": {"teacher": Neuron(1.2, -0.3, 1.0, 0.3), "teacher_activation": (0.2, 1.0)},
}
STARTS = {
    "spread": _DRAW.normal(size=(4, 2, LANES)),
    "edges": np.array([
        [[1.0, 1.0, 0.0], [0.5, 1.0, -1.0]],
        [[1.0, -1.0, 0.0], [-5.0, 5.0, 0.0]],
        [[0.8, -0.0, 1.0], [1.2, -0.7, 0.9]],
        [[0.1, 0.2, -0.6], [0.0, -1.0, 0.3]],
    ]),
    "beyond": np.where(np.arange(LANES) == 1, 1e200, _DRAW.normal(size=(4, 2, LANES))),
}  # fmt: skip
FEATURES = {
    "optimiser": list(OPTIMIZERS),
    "inputs": list(INPUTS),
    "kind": ["plain", "bounded", "gated", "bounded-solved-bias"],
    "rates": list(RATES),
    "teacher": list(TEACHERS),
    "activation": list(ACTIVATIONS),
    "schedule": list(SCHEDULES),
    "start": list(STARTS),
    "modifiers": ["unmodified", "clipped", "decayed"],
    "watched": ["events", "first change", "unwatched"],
    "recorded": ["ends", "all", "some"],
    "dtype": ["float64", "float32"],
    "shape": ["grid", "line", "one"],
}


def together(feature: str, choice: str, other: str, its: str) -> bool:
    """Return whether there is a run of two choices."""
    pair = {feature: choice, other: its}
    kept_apart = [
        # A start of 1e200 is beyond what float32 holds, which is refused.
        pair.get("start") == "beyond" and pair.get("dtype") == "float32",
        # A sample has one teacher for each lane, but its own targets are the teacher.
        pair.get("inputs") == "labelled" and pair.get("teacher", "default teacher") != "default teacher",
    ]
    return not any(kept_apart)


def compiled_together(feature: str, choice: str, other: str, its: str) -> bool:
    """Return whether two choices may meet in compiled code, which refuses some."""
    pair = {feature: choice, other: its}
    refused = [
        pair.get("inputs") == "large" and pair.get("teacher") == "teachers",
        # Sorted in double precision.
        pair.get("inputs") == "large" and pair.get("dtype") == "float32",
    ]
    return together(feature, choice, other, its) and not any(refused)


class Case(NamedTuple):
    """A start, a problem and an optimiser, how they are trained, and what is recorded of it."""

    start: np.ndarray
    problem: Problem
    config: Any
    how: dict[str, Any]
    records: dict[str, Any]

    def train(self, steps: int = STEPS, **options: Any) -> Descent:
        """Return the run, in NumPy if nothing else is said."""
        chosen = {"backend": "numpy", **self.how, **self.records, **options}
        return train_arrays(self.start, self.problem, self.config, steps, **chosen)

    def lane(self, batch: tuple[int, ...], index: tuple[int, ...]) -> Case:
        """Return one trajectory of the batch as a case of plain numbers."""

        def one(value: Any) -> Any:
            return value if np.ndim(value) == 0 else float(np.broadcast_to(value, batch)[index])

        inputs = self.problem.inputs
        if isinstance(inputs, Uniform):
            inputs = Uniform(one(inputs.lo), one(inputs.hi))
        problem = replace(self.problem, teacher=Neuron(*map(one, self.problem.teacher)), inputs=inputs)
        config = type(self.config)(*map(one, self.config))
        # One start may be all lanes'.
        start: Any = self.start
        if start.ndim > 1:
            start = start[(slice(None), *index)]
        return self._replace(start=start, problem=problem, config=config)


def case(row: Row) -> Case:
    """Return what a row of choices stands for."""
    name = row["optimiser"]
    others = {**SPREAD, **SWITCHES} if row["rates"] == "all hyper-parameters" else {}
    hyper = {key: value for key, value in others.items() if key in OPTIMIZERS[name]._fields}
    kind = KINDS[row["kind"]]
    modifiers = {
        "unmodified": NONE,
        "clipped": Modifiers(clip=0.1),
        "decayed": Modifiers(None, (0.1,) * len(kind.parameters), (0.2,) * len(kind.parameters)),
    }
    start = STARTS[row["start"]]
    return Case(
        {"grid": start, "line": start[:, 0], "one": start[:, 0, 0]}[row["shape"]],
        Problem(
            inputs=INPUTS[row["inputs"]],
            activation=ACTIVATIONS[row["activation"]],
            **TEACHERS[row["teacher"]],
        ),
        optimizer(name, lr=RATES[row["rates"]], **hyper),
        {
            "schedule": SCHEDULES[row["schedule"]],
            "dtype": row["dtype"],
            "kind": kind,
            "modifiers": modifiers[row["modifiers"]],
        },
        {
            "record_every": {"ends": None, "all": 1, "some": 4}[row["recorded"]],
            "events": row["watched"] == "events",
            "first_change": row["watched"] != "unwatched",
        },
    )


ROWS = covering(FEATURES, together)
"""All pairs of all features."""
COMPILED = covering(
    {
        **FEATURES,
        "optimiser": ["gd", "nesterov", "rmsprop", "adam"],
        "inputs": ["default", "intervals", "labelled", "large"],
        "kind": ["plain"],
        "rates": ["rates", "a wild rate", "all hyper-parameters"],
        "schedule": ["warmup, cosine", "falls to 0"],
        "teacher": ["default teacher", "flat", "teachers"],
        "activation": ["relu", "bent"],
        "modifiers": ["unmodified"],
        "watched": ["first change", "unwatched"],
    },
    compiled_together,
)
"""Pairs of what is compiled with the bits of NumPy, where to compile each takes a second."""
