"""Runs of the optimisers, their schedules and modifiers, on populations and samples."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from tests.frozen import program as g
from tests.frozen.compare import ROUGHLY
from tests.frozen.plain import plain
from tests.frozen.tasks import ELSEWHERE, GRID, TARGETS, UNEVEN, Run, command, trained

COMMANDS = {
    "gd": "--optimizer gd --lr 0.1 --samples 100",
    "heavy ball": "--optimizer heavy_ball --lr 0.02",
    "nesterov": "--optimizer nesterov --lr 0.02 --hyper momentum=0.8",
    "rmsprop": "--optimizer rmsprop --samples 30 --hyper centered=true",
    "adam": "--optimizer adam --samples 100 --lr 0.02",
    "adam population": "--optimizer adam --lr 0.03 --steps 100 --hyper beta2=0.9",
    "adam amsgrad": "--optimizer adam --hyper amsgrad=true --hyper weight_decay=0.01",
    "adam eps hat": "--optimizer adam --hyper eps_hat=true --hyper eps=1e-3",
    "adamw": "--optimizer adamw --hyper weight_decay=0.1 --samples 100",
    "sign": "--optimizer sign --lr 0.007",
    "float32": "--optimizer adam --samples 100 --dtype float32",
    "elsewhere": "--optimizer gd --teacher -2 0.5 0.7 -0.3 --interval -0.5 2 --w1 -1",
    "leaky": "--optimizer adam --activation leaky-relu=0.1 --b1 -1.5",
    "silu": "--optimizer adam --activation silu --lr 0.05",
    "gelu": "--optimizer gd --activation gelu --samples 50 --lr 0.2",
    "tanh learns softplus": "--optimizer heavy_ball --activation tanh --teacher-activation softplus",
}

RATES = np.array([0.01, 0.05, 0.2, 0.4, 0.7, 30.0])


def commands() -> Iterator[Run]:
    """Give the training of one neuron."""
    for name, line in COMMANDS.items():
        count = "" if "--steps" in line else "--steps 300 "
        yield Run("descent", f"train {name}", partial(command, f"train --b2 -1.2 {count}{line}"))


def batches() -> Iterator[Run]:
    """Give the training of many neurons."""
    for name, optimizer in {
        "gd": g.GD(RATES, weight_decay=0.01),
        "heavy ball": g.HeavyBall(0.2 * RATES),
        "nesterov": g.Nesterov(0.2 * RATES),
        "rmsprop": g.RMSProp(0.1 * RATES),
        "adam": g.Adam(0.1 * RATES),
        "adamw": g.AdamW(0.1 * RATES),
        "sign": g.Sign(0.1 * RATES),
    }.items():
        yield Run("descent", f"rates of {name}", partial(trained, ELSEWHERE, optimizer, 40))
    for name, problem in {"targets": TARGETS, "uneven sample": UNEVEN}.items():
        yield Run("descent", f"train on {name}", partial(trained, problem, g.Adam(0.05), 60, record_every=20))
    for schedule in (
        *(g.Warmup(20), g.StepDecay(15, 0.5), g.Cosine(60, 0.1)),
        g.Chain(g.Warmup(10, 0.2), 10, g.Cosine(50)),
    ):
        name = f"schedule {type(schedule).__name__}"
        yield Run("descent", name, partial(trained, GRID, g.Adam(0.05), 60, schedule=schedule))
    for name, modifiers in {
        "clip": g.Modifiers(clip=0.1),
        "coupled": g.Modifiers(coupled=(0.1, 0.0, 0.1, 0.0)),
        "decoupled": g.Modifiers(0.5, (0.0, 0.1, 0.0, 0.1), (0.2, 0.0, 0.0, 0.0)),
    }.items():
        compute = partial(trained, GRID, g.GD(0.1), 60, modifiers=modifiers)
        yield Run("descent", f"modifiers {name}", compute)
    for name, kind in g.KINDS.items():
        population = partial(trained, g.Problem(), g.Adam(0.02), 60, kind=kind)
        yield Run("neurons", f"train kind {name}", population, elsewhere=ROUGHLY)
        yield Run("neurons", f"sample kind {name}", partial(trained, GRID, g.GD(0.1), 40, kind=kind))
    yield Run("descent", "course of a descent", _course)
    numba = partial(trained, g.Problem(), g.Adam(0.05), 200, events=False, backend="numba")
    yield Run("descent", "train numba", numba, slow=True)


def _course() -> Any:
    start = g.Neuron(b1=np.array([[0.0], [0.6]]), b2=np.array([-1.2, 0.8]))
    run = g.train(start, GRID, g.Adam(0.05), 150, record_every=50)
    return {**plain(run), "crossings": g.crossings(run)}
