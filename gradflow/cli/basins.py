"""`gradflow basins`: which starts end where."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
import xarray as xr

from gradflow.base.files import to_json
from gradflow.cli.choice import with_options
from gradflow.cli.drawing import draw_sweep, require_drawable
from gradflow.cli.line_options import student, task
from gradflow.cli.options import FIGURE, JSON, check_figure, integer, number
from gradflow.cli.steps import Steps, Way, finite_steps, way
from gradflow.cli.sweeps import Tally, check_out, sweep_in_memory, sweep_into_store
from gradflow.cli.telling import deliver, note_a_start_at_the_teacher, note_undecided_ends, write_if_asked
from gradflow.descent import optimizer
from gradflow.ends.decision import SIMULATION, THEOREMS
from gradflow.ends.outcome import LOCAL, OUTCOMES, UNDECIDED
from gradflow.ends.places import places
from gradflow.networks.line.network import Network
from gradflow.neuron.problem import Neuron, Problem
from gradflow.sweeps.axes import Axis
from gradflow.sweeps.grids import plain_data
from gradflow.sweeps.sweep import BLOCK, Sweep


@with_options(start=student, task=task, way=way, how=finite_steps)
def basins(
    start: Neuron | Network,
    task: Problem,
    way: Way,
    how: Steps,
    grid: Annotated[
        list[str],
        typer.Option(
            metavar="NAME LO HI N [log]",
            help="An axis: N values, both ends included, with log at equal ratios; may be repeated.",
        ),
    ],
    block: Annotated[
        str,
        typer.Option(metavar="N", help="Trajectories computed at a time, at most; a store keeps its own."),
    ] = str(BLOCK),
    cluster: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Compute on the workers of the Dask scheduler at this address."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE.nc|STORE.zarr",
            help="Write outcomes and losses as NetCDF, or block by block as zarr; a store that is there "
            "already is completed.",
        ),
    ] = None,
    figure: FIGURE = None,
    json: JSON = False,
) -> None:
    """Compute the outcome of every start, or rate, on a grid.

    The axes are parameters of the start (of a network scale, b2, w1_0, …) or hyper-parameters of the method.
    Of local ends it says how many different ones there are, with loss, breakpoint, and the first start that
    leads there. Settled are those of which a theorem about the method says that they last. A file has the
    loss and breakpoint that a flow had when its outcome was decided, with --no-theory those of its end.
    """
    method = way.method
    axes = tuple(_axis(text) for text in grid)
    if isinstance(start, Network) or task.is_general:
        from gradflow.cli.line_sweeps import basins_of_network

        basins_of_network(start, task, method, how, axes, out, json)
        return
    sweep = Sweep(
        axes=axes,
        method=method,
        neuron=(start.w1, start.b1, start.w2, start.b2),
        **plain_data(task),
        hyper={} if method == "flow" else how.hyper,
        steps=how.steps,
        dtype=how.dtype,
        theory=way.theory,
        block=integer("--block", block, least=1),
        backend=way.backend,
    )
    check_out(out)
    check_figure(figure)
    require_drawable(sweep, figure)
    by_theory = (method == "flow" and way.theory) or method == "gd"
    if out is not None and out.suffix == ".zarr":
        ended = sweep_into_store(sweep, out, cluster)
        deliver(lambda: _draw_stored(out, sweep, figure), lambda: _show(sweep, ended, by_theory, json))
    else:
        result, ended = sweep_in_memory(sweep, cluster)
        deliver(lambda: _write(result, sweep, out, figure), lambda: _show(sweep, ended, by_theory, json))
    names = [axis.name for axis in axes]
    note_a_start_at_the_teacher(start, task, names, silent=json)
    config = None if method == "flow" else optimizer(method, **sweep.hyper)
    note_undecided_ends(int(ended.counts[UNDECIDED].sum()), config, names, silent=json)


def _write(result: xr.Dataset, sweep: Sweep, out: Path | None, figure: Path | None) -> None:
    """Write what is asked for."""
    write_if_asked(result, out)
    if figure is not None:
        draw_sweep(result, sweep, figure)


def _draw_stored(store: Path, sweep: Sweep, figure: Path | None) -> None:
    """Draw the sweep that is in a store, if it is to be drawn."""
    if figure is not None:
        with xr.open_zarr(store) as result:
            draw_sweep(result, sweep, figure)


def _show(sweep: Sweep, tally: Tally, by_theory: bool, json: bool) -> None:
    """Print how many ended where, what decided it, and which local ends there are."""
    found, ends = tally.counts, places(tally.ends)
    counts = dict(zip(OUTCOMES, found.sum(axis=1).tolist(), strict=True))
    decided_by = dict(zip(THEOREMS, found.sum(axis=0).tolist(), strict=True))
    n = int(found.sum())
    if json:
        local = [
            {"outcome": OUTCOMES[LOCAL], **end._asdict(), "first": _start(sweep, end.first)} for end in ends
        ]
        told = {"counts": counts, "n": n, "settled": n - decided_by[THEOREMS[SIMULATION]], "ends": local}
        print(to_json(told | ({"decided_by": decided_by} if by_theory else {})))
        return
    for name, number_ in counts.items():
        print(f"{name:<16}{number_:>12}{number_ / n:>10.2%}")
    if by_theory:
        print("decided by")
        for name, number_ in decided_by.items():
            print(f"  {name:<14}{number_:>12}{number_ / n:>10.2%}")
    if ends:
        print(f"local ends: {len(ends)}")
    for end in ends[:_TOLD]:
        begin = ", ".join(f"{name} = {value:g}" for name, value in _start(sweep, end.first).items())
        print(f"  loss {end.loss:<10.6g} breakpoint {end.breakpoint:<10.6g}{end.n:>10}, such as from {begin}")


_TOLD = 10
"""So many local ends are printed, the most frequent; --json has all."""


def _start(sweep: Sweep, number: int) -> dict[str, float]:
    """Return where on the axes a trajectory of a sweep starts."""
    places_ = np.unravel_index(number, sweep.shape)
    return {axis.name: float(axis.values[i]) for axis, i in zip(sweep.axes, places_, strict=True)}


def _axis(text: str) -> Axis:
    words = text.split()
    if len(words) not in (4, 5) or words[4:] not in ([], ["log"]):
        raise ValueError(f"--grid: expected NAME LO HI N, or NAME LO HI N log, got {text!r}")
    name, lo, hi, n = words[:4]
    spacing = "log" if words[4:] else "linear"
    return Axis(name, number("--grid", lo), number("--grid", hi), integer("--grid", n, least=1), spacing)


def join_grids(arguments: list[str]) -> list[str]:
    """Make one argument of the words that follow each --grid: the parser knows no repeated groups."""
    joined: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        joined.append(word)
        if word == "--grid":
            count = next(
                (i for i, value in enumerate(rest) if value.startswith("--") or value == "-h"), len(rest)
            )
            joined.append(" ".join(rest[:count]))
            del rest[:count]
    return joined
