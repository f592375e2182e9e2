"""`gradflow flow` and `gradflow train`: one trajectory, of a neuron or of a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
import xarray as xr

from gradflow.base.progress import progress_bar
from gradflow.cli.choice import with_options
from gradflow.cli.completion import among
from gradflow.cli.drawing import draw_run
from gradflow.cli.line_options import Drawn, frozen_parameters, minibatches, student, task
from gradflow.cli.options import FIGURE, JSON, OUT_NC, check_figure, check_file, number
from gradflow.cli.steps import Steps, finite_steps
from gradflow.cli.telling import (
    deliver,
    note_a_start_at_the_teacher,
    note_undecided_ends,
    print_report,
    write_if_asked,
)
from gradflow.descent import OPTIMIZERS
from gradflow.descent import optimizer as make_optimizer
from gradflow.ends.decision import SIMULATION
from gradflow.ends.outcome import OUTCOMES, UNDECIDED
from gradflow.networks.either import gradient_flow
from gradflow.networks.either import train as train_run
from gradflow.networks.line.network import Network
from gradflow.neuron.activity import ACTIVITIES
from gradflow.neuron.problem import PARAMETERS, Neuron, Problem
from gradflow.runs.records import crossings, limit


@with_options(start=student, task=task, frozen=frozen_parameters)
def flow(
    start: Neuron | Network,
    task: Problem,
    frozen: tuple[str, ...],
    t_end: Annotated[str, typer.Option(metavar="T", help="Final time.")] = "200",
    rtol: Annotated[str, typer.Option(metavar="X", help="Relative tolerance of a step.")] = "1e-10",
    until_decided: Annotated[
        bool, typer.Option("--until-decided", help="Stop as soon as a theorem decides the outcome.")
    ] = False,
    no_theory: Annotated[
        bool, typer.Option("--no-theory", help="Judge the outcome by the last state alone.")
    ] = False,
    out: OUT_NC = None,
    figure: FIGURE = None,
    json: JSON = False,
) -> None:
    """Follow one neuron, or a network, under the gradient flow.

    The loss is the population's, or a sample's; crossings between activities, and past the teacher's
    breakpoint, are located. `limit` is where the trajectory has converged to, if it has; `decided_by` names
    the theorem that decides the outcome, and `decided_at` the time by which it does.
    """
    duration, tolerance = number("--t-end", t_end, least=0), number("--rtol", rtol)
    if not 1e-13 <= tolerance <= 1e-2:
        raise ValueError(f"--rtol: expected a number between 1e-13 and 1e-2, got {rtol!r}")
    check_file(out)
    check_figure(figure)
    with progress_bar("flow", duration) as advance:
        run = gradient_flow(
            start,
            task,
            t_end=duration,
            rtol=tolerance,
            theory=not no_theory,
            until_decided=until_decided,
            frozen=frozen,
            progress=advance,
        )
    if isinstance(start, Network):
        report = network_report(run, "time")
    else:
        end = limit(run)
        report = {
            **neuron_report(run, "time"),
            "limit": dict(zip(PARAMETERS, end, strict=True)) if np.all(np.isfinite(end)) else None,
            "status": str(run["status_name"].values),
            "decided_by": str(run["decided_by_name"].values),
            "decided_at": None if np.isnan(run["decided_at"]) else float(run["decided_at"]),
        }
    deliver(lambda: _write(run, task, out, figure), lambda: _show(report, json))
    if isinstance(start, Neuron):
        note_a_start_at_the_teacher(start, task, silent=json)


@with_options(start=student, task=task, how=finite_steps, drawn=minibatches, frozen=frozen_parameters)
def train(
    start: Neuron | Network,
    task: Problem,
    how: Steps,
    drawn: Drawn,
    frozen: tuple[str, ...],
    optimizer: Annotated[
        str,
        typer.Option(
            metavar="NAME", autocompletion=among(*OPTIMIZERS), help=f"One of {', '.join(OPTIMIZERS)}."
        ),
    ] = "adam",
    out: OUT_NC = None,
    figure: FIGURE = None,
    json: JSON = False,
) -> None:
    """Train one neuron, or a network of neurons, with an optimiser.

    A crossing's step is the number of updates after which it had happened. `outcome` is where the neuron is
    at the last step; it is `settled` where a theorem about the method says that it lasts, however long
    training goes on: `decided_by` names it. With --batch the losses are of all inputs all the same.
    """
    config = make_optimizer(optimizer, **how.hyper)
    check_file(out)
    check_figure(figure)
    with progress_bar("train", max(how.steps, 1)) as advance:
        run = train_run(
            start,
            task,
            config,
            how.steps,
            dtype=how.dtype,
            **drawn._asdict(),
            frozen=frozen,
            progress=advance,
        )
    if isinstance(start, Network):
        report = network_report(run, "step")
    else:
        report = {**neuron_report(run, "step"), "decided_by": str(run["decided_by_name"].values)}
    deliver(lambda: _write(run, task, out, figure), lambda: _show(report, json))
    if isinstance(start, Neuron):
        note_a_start_at_the_teacher(start, task, silent=json)
        note_undecided_ends(int(report["outcome"] == OUTCOMES[UNDECIDED]), config, silent=json)


def _write(run: xr.Dataset, task: Problem, out: Path | None, figure: Path | None) -> None:
    """Write what is asked for."""
    write_if_asked(run, out)
    draw_run(run, task, figure)


def neuron_report(run: xr.Dataset, axis: str) -> dict[str, Any]:
    """Return what is told of a neuron's run along an axis."""
    last, found = run.isel({axis: -1}), crossings(run)
    events = zip(found[axis].values.tolist(), found["event"].values.tolist(), strict=True)
    key = "t" if axis == "time" else axis
    return {
        "final": {name: float(last[name]) for name in PARAMETERS},
        "loss": float(last["loss"]),
        "activity": ACTIVITIES[int(last["activity"])],
        "outcome": str(run["outcome_name"].values),
        "settled": int(run["decided_by"]) != SIMULATION,
        **_reached(last, axis),
        "crossings": [{key: when, "event": event} for when, event in events],
        "invariant_drift": float(np.max(np.abs(run["invariant_drift"].values))),
    }


def network_report(run: xr.Dataset, axis: str) -> dict[str, Any]:
    """Return what is told of a network's run along an axis."""
    last, found = run.isel({axis: -1}), crossings(run)
    codes_ = last["activity"].values
    counts = {name: int(np.sum(codes_ == code)) for code, name in enumerate(ACTIVITIES)}
    events = zip(*(found[name].values.tolist() for name in (axis, "neuron", "event")), strict=True)
    key = "t" if axis == "time" else axis
    status = {"status": str(run["status_name"].values)} if "status" in run else {}
    return {
        "final": {name: last[name].values.tolist() for name in PARAMETERS},
        "loss": float(last["loss"]),
        "activity": counts,
        "outcome": str(run["outcome_name"].values),
        "settled": False,
        **_reached(last, axis),
        "crossings": [{key: when, "event": event, "neuron": neuron} for when, neuron, event in events],
        "invariant_drift": float(np.max(np.abs(run["invariant_drift"].values))),
        **status,
    }


def _reached(last: xr.Dataset, axis: str) -> dict[str, Any]:
    """Return how far a run went."""
    return {"t": float(last["time"])} if axis == "time" else {"steps": int(last["step"])}


def _crossings(found: list[dict[str, Any]]) -> Iterator[str]:
    """Return a line for each crossing."""
    yield "crossings" if found else f"{'crossings':<16}none"
    for crossing in found:
        when, event, *neuron = crossing.values()
        yield f"  {when:<22.15g} {event}" + "".join(f"  neuron {number_}" for number_ in neuron)


def _show(report: dict[str, Any], json: bool) -> None:
    print_report(report, json, {"crossings": _crossings})
