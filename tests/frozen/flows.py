"""Runs of the field and of the gradient flow: one neuron, many, and other kinds of neuron."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from tests.frozen import program as g
from tests.frozen.compare import ROUGHLY
from tests.frozen.plain import plain
from tests.frozen.tasks import ELSEWHERE, GRID, TARGETS, TEACHER, UNEVEN, Run, command, starts

SMOOTH = ("silu", "gelu", "softplus", "tanh")

COMMANDS = {
    "to the teacher": "--b2 -1.2 --t-end 40",
    "to the best line": "--b2 -2 --t-end 40",
    "of a dead neuron": "--b1 -1.5 --b2 0.4 --t-end 5",
    "until decided": "--w1 0.8 --b1 0.5 --b2 0.2 --until-decided",
    "without theory": "--b2 -1.2 --t-end 20 --no-theory --rtol 1e-6",
    "to another teacher": "--w1 -0.7 --b1 0.4 --w2 1.3 --b2 0.2 --teacher -2 .5 .7 -.3 --interval -.5 2",
    "of a fading neuron": "--w1 0.5 --b1 -0.4 --w2 -1 --t-end 100",
    "of a neuron at the origin": "--w1 0 --b1 0 --b2 0.1 --t-end 10",
    "of a stiff neuron": "--w1 300 --b1 100 --t-end 2",
    "leaky": "--activation leaky-relu=0.1 --b1 -1.4 --b2 -2 --t-end 40",
    "with slopes": "--activation slopes=-0.5,2 --w2 -0.6 --b1 0.3 --t-end 40",
    "abs learns relu": "--activation abs --teacher-activation relu --b1 0.4 --t-end 40",
    "relu learns tanh": "--teacher-activation tanh --b2 -0.5 --t-end 10",
    **{name: f"--activation {name} --b1 0.5 --b2 -1 --t-end 5" for name in SMOOTH},
}


def fields() -> Iterator[Run]:
    """Give losses, gradients and Hessians."""
    for name, problem in {
        "relu": g.Problem(),
        "elsewhere": ELSEWHERE,
        "slopes": g.Problem(TEACHER, activation=(-0.5, 2.0), teacher_activation=(0.1, 1.0)),
        "targets": TARGETS,
        "uneven sample": UNEVEN,
        "grid": GRID,
        "silu sample": g.Problem(TEACHER, g.grid(9), "silu"),
        **{name: g.Problem(TEACHER, activation=name) for name in SMOOTH},
        "gelu learns relu": g.Problem(TEACHER, activation="gelu", teacher_activation="relu"),
    }.items():
        yield Run("field", f"field {name}", partial(_field, problem, starts(4)))
    b1 = np.array([-1.0 + 1e-12, 1.0 - 1e-9, 0.0, -0.0])
    narrow = g.Neuron(1.0, b1, np.array([1.0, -2.0, 1e-30, 3.0]), 0.5)
    yield Run("field", "field of narrow active parts", partial(_field, g.Problem(), narrow))
    for name, problem in {"": g.Problem(), " elsewhere": ELSEWHERE, " sample": GRID}.items():
        compute = partial(_field, problem, starts(6, 2.0, "float32"), curved=False)
        yield Run("field", f"field float32{name}", compute)


def _field(problem: g.Problem, neuron: g.Neuron, *, curved: bool = True) -> dict[str, Any]:
    found = {"loss": g.loss(neuron, problem), "gradient": g.gradient(neuron, problem)}
    return {**found, "hessian": g.hessian(neuron, problem)} if curved else found


def flows() -> Iterator[Run]:
    """Give the flow of one neuron."""
    for name, line in COMMANDS.items():
        yield Run("flow", f"flow {name}", partial(command, f"flow {line}"), elsewhere=ROUGHLY)
    for method in ("DOP853", "RK45", "Radau", "BDF"):
        yield Run("flow", f"flow by {method}", partial(_by_method, method))


def _by_method(method: str) -> Any:
    times = np.linspace(0.0, 8.0, 9)
    start = g.Neuron(0.9, 0.2, 1.1, -1.5)
    run = g.gradient_flow(start, ELSEWHERE, t_end=8.0, rtol=1e-5, method=method, times=times)
    return {**plain(run), "crossings": g.crossings(run)}


def ensembles() -> Iterator[Run]:
    """Give the flow of many neurons."""
    teachers = g.Neuron(1.0, np.linspace(-0.5, 0.5, 12), -1.0, 0.2)
    for name, problem, n in (
        ("relu", g.Problem(), 24),
        ("elsewhere", ELSEWHERE, 12),
        ("of many problems", g.Problem(teachers, g.Uniform(-1.0, np.linspace(0.5, 2.0, 12))), 12),
        ("slopes", g.Problem(activation=(0.2, -1.0)), 12),
        ("silu", g.Problem(activation="silu"), 3),
        ("relu learns tanh", g.Problem(teacher_activation="tanh"), 3),
    ):
        yield Run("flow", f"ensemble {name}", partial(_ensemble, starts(n), problem))
    single = partial(_ensemble, starts(6, 1.0, "float32"), g.Problem(), t_end=5.0, rtol=1e-4)
    yield Run("flow", "ensemble float32", single)
    numba = partial(_ensemble, starts(24), g.Problem(), backend="numba")
    yield Run("flow", "ensemble numba", numba, slow=True)
    for name, kind in g.KINDS.items():
        compute = partial(g.flow, kind, starts(4, 1.0), t_end=10.0)
        yield Run("neurons", f"flow of kind {name}", compute, elsewhere=10.0 * ROUGHLY)


def _ensemble(neuron: g.Neuron, problem: g.Problem, **options: Any) -> Any:
    return g.integrate_ensemble(
        neuron, problem, **{"t_end": 20.0, "rtol": 1e-8, "backend": "numpy", **options}
    )
