"""`gradflow flow` and `gradflow train`: one trajectory."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import typer
import xarray as xr

from gradflow.activity import ACTIVITIES
from gradflow.cli.options import (
    B1,
    B2,
    INTERVAL,
    JSON,
    MOST_SAMPLES,
    OUT_NC,
    TEACHER,
    W1,
    W2,
    check_file,
    integer,
    neuron,
    number,
    problem,
    progress_bar,
)
from gradflow.descent import OPTIMIZERS
from gradflow.descent import optimizer as make_optimizer
from gradflow.descent.dataset import descend
from gradflow.flow import STATUSES, gradient_flow
from gradflow.problem import PARAMETERS
from gradflow.results import outcome_name, to_json, write

UNIT_TEACHER = ("1", "0", "1", "0")
UNIT_INTERVAL = ("-1", "1")


def flow(
    w1: W1 = "1",
    b1: B1 = "0",
    w2: W2 = "1",
    b2: B2 = "0",
    teacher: TEACHER = UNIT_TEACHER,
    interval: INTERVAL = UNIT_INTERVAL,
    t_end: Annotated[str, typer.Option(metavar="T", help="Final time.")] = "200",
    rtol: Annotated[str, typer.Option(metavar="X", help="Relative tolerance of a step.")] = "1e-10",
    out: OUT_NC = None,
    json: JSON = False,
) -> None:
    """Follow one neuron under the gradient flow.

    The loss is the population's; crossings between activities, and past the teacher's breakpoint, are
    located. `limit` is where the trajectory has converged to, if it has.
    """
    start, task = neuron(w1, b1, w2, b2), problem(teacher, interval)
    duration, tolerance = number("--t-end", t_end, least=0), number("--rtol", rtol)
    if not 1e-13 <= tolerance <= 1e-2:
        raise ValueError(f"--rtol: expected a number between 1e-13 and 1e-2, got {rtol!r}")
    check_file(out)
    with progress_bar("flow", duration) as advance:
        run = gradient_flow(start, task, t_end=duration, rtol=tolerance, progress=advance)
    if out is not None:
        write(run, out)
    times = zip(run["crossing_time"].values, run["crossing_event"].values, strict=True)
    limit = dict(zip(PARAMETERS, run["limit"].values, strict=True))
    report = {
        **_final(run, "time"),
        "t": float(run["time"].values[-1]),
        "crossings": [{"t": float(t), "event": str(event)} for t, event in times],
        "invariant_drift": float(np.max(np.abs(run["invariant_drift"].values))),
        "limit": limit if np.all(np.isfinite(run["limit"].values)) else None,
        "status": STATUSES[int(run["status"])],
    }
    _show(report, json)


def train(
    w1: W1 = "1",
    b1: B1 = "0",
    w2: W2 = "1",
    b2: B2 = "0",
    teacher: TEACHER = UNIT_TEACHER,
    interval: INTERVAL = UNIT_INTERVAL,
    optimizer: Annotated[str, typer.Option(metavar="NAME", help=f"One of {', '.join(OPTIMIZERS)}.")] = "adam",
    lr: Annotated[str, typer.Option(metavar="X", help="Learning rate.")] = "0.01",
    hyper: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=X", help="Another hyper-parameter, such as beta2=0.99; may be repeated."),
    ] = None,
    steps: Annotated[str, typer.Option(metavar="N", help="Number of updates.")] = "5000",
    samples: Annotated[
        str | None,
        typer.Option(
            metavar="N", help="Train on N equally spaced inputs, ends included, not on the population."
        ),
    ] = None,
    population: Annotated[
        bool, typer.Option("--population", help="Train on the population (the default).")
    ] = False,
    dtype: Annotated[str, typer.Option(metavar="NAME", help="float64 or float32.")] = "float64",
    out: OUT_NC = None,
    json: JSON = False,
) -> None:
    """Train one neuron with an optimiser.

    A crossing's step is the number of updates after which it had happened.
    """
    if population and samples is not None:
        raise ValueError("--samples: cannot be combined with --population")
    inputs = None if samples is None else integer("--samples", samples, least=2, most=MOST_SAMPLES)
    start, task = neuron(w1, b1, w2, b2), problem(teacher, interval, inputs)
    updates = integer("--steps", steps, least=0)
    if dtype not in ("float32", "float64"):
        raise ValueError(f"--dtype: expected float32 or float64, got {dtype!r}")
    config = make_optimizer(optimizer, lr=number("--lr", lr, least=0), **_hyper(hyper or []))
    check_file(out)
    with progress_bar("train", max(updates, 1)) as advance:
        run = descend(start, task, config, updates, dtype=dtype, progress=advance)
    if out is not None:
        write(run, out)
    events = zip(run["crossing_step"].values, run["crossing_event"].values, strict=True)
    report = {
        **_final(run, "step"),
        "steps": updates,
        "crossings": [{"step": int(step), "event": str(event)} for step, event in events],
        "invariant_drift": float(np.max(np.abs(run["invariant_drift"].values))),
    }
    _show(report, json)


def _hyper(settings: list[str]) -> dict[str, Any]:
    """Return the hyper-parameters of repeated NAME=X options."""
    flags = {"true": True, "false": False}
    parsed: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or name == "lr":
            raise ValueError(f"--hyper: expected NAME=X (the rate is --lr), got {setting!r}")
        parsed[name] = flags[value] if value in flags else number(f"--hyper {name}", value)
    return parsed


def _final(run: xr.Dataset, axis: str) -> dict[str, Any]:
    last = run.isel({axis: -1})
    return {
        "final": {name: float(last[name]) for name in PARAMETERS},
        "loss": float(last["loss"]),
        "activity": ACTIVITIES[int(last["activity"])],
        "outcome": outcome_name(run),
    }


def _show(report: dict[str, Any], json: bool) -> None:
    if json:
        print(to_json(report))
        return
    for key, value in report.items():
        if key == "crossings":
            print("crossings" if value else f"{'crossings':<16}none")
            for crossing in value:
                when, event = crossing.values()
                print(f"  {when:<22.15g} {event}")
        elif isinstance(value, dict):
            print(f"{key:<16}" + "  ".join(f"{name} = {number_:.15g}" for name, number_ in value.items()))
        else:
            print(f"{key:<16}" + (f"{value:.15g}" if isinstance(value, float) else f"{value}"))
