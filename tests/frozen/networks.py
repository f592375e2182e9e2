"""Runs of two-layer networks that align early, and of deep ones."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from tests.frozen import program as g
from tests.frozen.compare import ROUGHLY
from tests.frozen.tasks import Run, command

ga, depth = g.two_layer, g.deep

_SMALL = "--neurons 6 --points 5"
COMMANDS = {
    "flow": f"{_SMALL} --t-end 8",
    "flow squared gaussian": f"{_SMALL} --t-end 4 --loss squared --start gaussian --epsilon 1e-2",
    "flow logistic": "--data two-points --neurons 4 --t-end 10 --loss logistic --mean --epsilon e-40",
    "limit": f"{_SMALL} --method limit",
    "limit cone": "--data cone --points 8 --mu 0.2 --dimension 4 --neurons 12 --method limit --seed 3",
    "limit equiangular": "--data equiangular --points 4 --mu 0.2 --neurons 8 --method limit",
    "small steps": f"{_SMALL} --method small-steps --t-end 3 --epsilon 1e-3",
    "gd": f"{_SMALL} --method gd --lr 0.01 --steps 300 --epsilon 1e-2",
    "adam": f"{_SMALL} --method adam --lr 0.01 --steps 200 --epsilon 1e-2",
    "heavy ball": f"{_SMALL} --method heavy_ball --lr 0.002 --steps 300 --epsilon 1e-2 --freeze-outputs",
    "batches": "--data digits --points 12 --neurons 6 --method gd --batch 4 --lr 0.001 --steps 60 --mean",
    "garments": "--data t-shirt-shirt --neurons 3 --method sign --lr 1e-4 --steps 5 --epsilon 1e-3",
}


def alignment() -> Iterator[Run]:
    """Give early alignment by every method."""
    for name, line in COMMANDS.items():
        yield Run("alignment", f"align {name}", partial(command, f"align {line}"), elsewhere=ROUGHLY)
    yield Run("alignment", "states of a flow", _flow)
    yield Run("alignment", "states of a limit", _limit)
    yield Run("alignment", "states of small steps", _small_steps)
    for optimizer in (g.GD(0.02), g.Adam(0.01), g.RMSProp(0.003), g.Nesterov(0.005)):
        yield Run("alignment", f"states of {type(optimizer).__name__}", partial(_steps, optimizer))


def _toy(loss: ga.Loss = ga.EXPONENTIAL) -> ga.Objective:
    return ga.Objective(ga.toy_plane(5), loss)


def _flow() -> Any:
    path = ga.gradient_flow(ga.balanced(4, 2, -6.0, seed=1), _toy(ga.LOGISTIC), t_end=6.0)
    last = ("t", "weights", "outputs", "log_scale", "loss", "patterns")
    return {
        **{name: getattr(path, name)[-1] for name in last},
        **{"crossings": path.crossings, "status": path.status},
    }


def _limit() -> Any:
    # Neither Assumption 1 nor balance: neurons slide, and outputs change their sign.
    objective = ga.Objective(ga.in_plane((0.0, 70.0, 150.0), (100.0, 230.0)))
    return ga.limit_flow(ga.gaussian(6, 2, -50.0, seed=2), objective, 4.0)


def _small_steps() -> Any:
    return ga.flow_by_steps(ga.balanced(4, 2, -4.0), _toy(), 2.0, tol=1e-3, record=3).final


def _steps(optimizer: Any) -> Any:
    return ga.train(ga.balanced(4, 2, -3.0), _toy(), optimizer, 80).final


def deep() -> Iterator[Run]:
    """Give deep networks."""
    widths, task = (4, 3), depth.teacher_task(9)
    optimizers: dict[str, Any] = {
        "gd": g.GD(np.array([0.05, 0.2, 0.5])),
        "adam": g.Adam(np.array([0.01, 0.05, 0.2])),
        "heavy ball": g.HeavyBall(0.05),
    }
    for name, optimizer in optimizers.items():
        network, start = depth.Network(1, widths), depth.Start(3)
        compute = partial(depth.train, network, task, optimizer, 30, start=start, units=name == "adam")
        yield Run("depth", f"depth {name}", compute)
    for name, network in {
        "normalised": depth.Network(1, widths, normalize=True),
        "leaky": depth.Network(1, widths, activation=g.as_activation((0.1, 1.0))),
        "gelu": depth.Network(1, widths, activation=g.as_activation("gelu")),
    }.items():
        start = depth.Start(2, "torch", seed=5)
        yield Run(
            "depth", f"depth {name}", partial(depth.train, network, task, g.Adam(0.02), 20, start=start)
        )
    for scheme in depth.SCHEMES:
        draw = partial(depth.initial, depth.Network(1, (2, 2)), range(2), scheme=scheme, seed=7)
        yield Run("depth", f"draws of {scheme}", draw)
    digits = partial(depth.train, depth.Network(4, (3,)), depth.digits_task(3, 14), g.GD(0.1), 10)
    yield Run("depth", "depth on digits", digits)
    yield Run("depth", "born dead", _born_dead)


def _born_dead() -> Any:
    widths = (3, 4, 3, 2)
    bounds, frequency = g.born_dead_bounds(widths), g.born_dead_frequency(widths, trials=500)
    return {"probability": g.born_dead_probability(widths), "bounds": bounds, "frequency": frequency}
