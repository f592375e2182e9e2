"""Runs of the theorems, and of what decides where trajectories end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from tests.frozen import program as g
from tests.frozen.compare import ROUGHLY
from tests.frozen.tasks import ELSEWHERE, GRID, UNEVEN, Run, command, starts

LEAKY = g.Problem(activation=(0.1, 1.0))
SILU = g.Problem(activation="silu")

ON_MANY: dict[str, Callable[..., Any]] = {
    "killing rates": g.steps.killing_rates,
    "straightening rates": g.steps.straightening_rates,
    "survival": g.survival.survives_until,
    "reaches teacher": g.energy.reaches_teacher,
    "limit": g.energy.limit,
    "family of critical points": g.critical_points.family,
    "gradient floor": g.critical_points.gradient_floor,
    "sharpness": g.stability.sharpness,
    "flow that GD follows": partial(g.modified.gd_field, lr=0.1, order=3),
    "flow that heavy ball follows": partial(g.modified.heavy_ball_field, lr=0.05, momentum=0.9),
    "flow that Adam follows": g.adaptive_flows.adam_correction_field,
}

ON_LINES: dict[str, Callable[..., Any]] = {
    "trapped": g.hyperactive.trapped,
    "remaining path": partial(g.hyperactive.remaining_path, s=1.0),
    "path by signs": g.signs.path_by_signs,
    "limit on the line": g.limits.line_limit,
    "tube": partial(g.tube.surround, radius=0.01, steps=60),
}

THRESHOLDS = {
    "flow": "--vary b2 --between -2 -1.2 --scan 9 --tol 1e-6",
    "flow without theory": "--vary b2 --between -2 -1.2 --scan 5 --tol 2e-2 --no-theory",
    "adam": "--vary b2 --between -2 -0.5 --method adam --lr 0.05 --steps 300 --scan 33 --tol 1e-6",
    "rate of gd": "--vary lr --between .3 .9 --method gd --b2 -1 --steps 99 --samples 50 --scan 9 --tol 1e-4",
}

GRIDS: dict[str, dict[str, Any]] = {
    "flow": {"b1": (-2.0, 2.0, 7), "b2": (-2.5, 1.0, 6)},
    "flow without theory": {"b2": (-2.0, 1.0, 5), "theory": False},
    "elsewhere": {"problem": ELSEWHERE, "w1": [-1.0, 0.5], "b1": (-1.0, 1.0, 5)},
    "tanh": {"problem": g.Problem(activation="tanh"), "b2": [-1.0, 0.5]},
    "adam": {
        "problem": GRID,
        "method": "adam",
        "steps": 200,
        "lr": (1e-3, 1.0, 4, "log"),
        "b2": (-2.0, 1.0, 5),
    },
    "sign": {"method": "sign", "steps": 100, "dtype": "float32", "b1": (-1.5, 1.5, 6), "b2": 0.3},
}


def theorems() -> Iterator[Run]:
    """Give what theorems say of batches of neurons."""
    many = starts(300, 3.0)
    for name, problem in {
        "": g.Problem(),
        " elsewhere": ELSEWHERE,
        " leaky": LEAKY,
        " on a sample": UNEVEN,
    }.items():
        yield Run("theory", f"decide{name}", partial(_decided, many, problem))
    yield Run("theory", "decide float32", partial(_decided, starts(300, 3.0, "float32"), g.Problem()))
    for name, function in ON_MANY.items():
        yield Run("theory", name, partial(_on, function, starts(8)))
    lines = g.Neuron(
        *(np.array(values) for values in ((0.6, 0.9, 1.2, 0.4), (1.3, 1.5, 2.0, 1.1))),
        *(np.array(values) for values in ((0.8, 0.6, 0.3, 1.4), (-0.8, -0.5, 0.1, -1.2))),
    )
    for name, function in ON_LINES.items():
        yield Run("theory", name, partial(function, lines, g.Problem()))
    teacher = g.Problem(g.Neuron(1.0, 0.2, 1.5, 0.1))
    yield Run("theory", "door", partial(g.limits.door, np.array([-1.0, 0.0, 2.0]), teacher))
    yield Run("theory", "barriers", lambda: [g.energy.barriers(p) for p in (g.Problem(), ELSEWHERE, LEAKY)])
    yield Run(
        "theory", "flattest minimum", partial(g.stability.flattest_minimum, ELSEWHERE), elsewhere=ROUGHLY
    )
    rates = np.array([0.1, 0.5, 0.7])
    yield Run("theory", "stable minima", partial(g.stability.stable_minima, g.Problem(), rates))
    dead = g.Neuron(np.array([0.5, 1.0, -0.3]), np.array([-0.8, -1.001, -0.4]))
    yield Run("theory", "decay revives", partial(g.decay.decay_revival, dead, g.Problem(), 1e-3, 0.1 * rates))
    yield Run("theory", "upstream layers revive", _upstream)
    wait = partial(g.waiting.predicted_wait, g.Neuron(1.0, 1.2, 0.8, -0.9), SILU, 1e-3)
    yield Run("theory", "predicted wait", wait)
    yield Run("theory", "steps to a spike", partial(g.spikes.steps_to_limit, 900.0, 3800.0))
    yield Run(
        "theory",
        "search of saddles",
        partial(g.saddle.search, starts(3, 1.0), SILU, steps=20),
        elsewhere=ROUGHLY,
    )


def _decided(neuron: g.Neuron, problem: g.Problem) -> dict[str, str]:
    return {
        name: "".join(str(int(code)) for code in codes)
        for name, codes in g.decide(neuron, problem)._asdict().items()
    }


def _on(function: Callable[..., Any], neuron: g.Neuron) -> Any:
    return {"at home": function(neuron), "elsewhere": function(neuron, ELSEWHERE)}


def _upstream() -> Any:
    a, c, d = (np.array(values) for values in ((0.3, 0.5, 1.0), (0.0, -1.0, 0.5), (0.5, -2.0, 1.5)))
    networks = g.upstream.Network(a, c, 0.4, -1.0, 1.0, d)
    return [g.upstream.revival_time(networks), g.upstream.limit(networks)]


def ends() -> Iterator[Run]:
    """Give outcomes, basins and thresholds."""
    for name, line in THRESHOLDS.items():
        backend = "--backend numpy" if "--method" in line else ""
        slow = "--no-theory" in line
        yield Run("ends", f"threshold {name}", partial(command, f"threshold {line} {backend}"), slow=slow)
    basins = "basins --grid b1 -2 2 7 --grid b2 -2 2 6 --backend numpy"
    yield Run("ends", "basins", partial(command, basins))
    for name, given in GRIDS.items():
        # Their losses are those of where a trajectory was left, at the end of a step.
        compute = partial(_basins, given)
        yield Run("ends", f"basins in Python, {name}", compute, elsewhere=100.0 * ROUGHLY)
    slopes = "basins --grid b1 -2 2 5 --grid w2 -2 2 4 --activation slopes=0.2,1.5"
    yield Run("ends", "basins with slopes", partial(command, slopes), slow=True)
    yield Run("ends", "decisions of flows", partial(g.flow_decisions, starts(3), ELSEWHERE))
    yield Run("ends", "outcomes of flows", partial(g.flow_outcomes, starts(6), g.Problem()))
    descent = partial(g.descent_outcomes, starts(24), GRID, g.Adam(0.05), 400, backend="numpy")
    yield Run("ends", "outcomes of a descent", descent)
    yield Run("ends", "bracket", _bracket)


def _basins(given: dict[str, Any]) -> Any:
    found = g.basins(**given, backend="numpy")
    return found.drop_vars([name for name in found.data_vars if str(name).endswith("_name")])


def _bracket() -> Any:
    def decide(b2: np.ndarray) -> np.ndarray:
        return g.flow_outcomes(g.Neuron(b2=b2), g.Problem())

    return g.bracket(decide, (-2.0, -1.2), tol=1e-3, sections=4, scan=5)
