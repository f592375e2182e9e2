"""Thresholds and basins of networks on the line, as the commands tell them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gradflow.base.files import to_json
from gradflow.base.progress import progress_bar
from gradflow.cli.options import check_file
from gradflow.cli.steps import Steps
from gradflow.cli.telling import deliver, write_if_asked
from gradflow.descent import optimizer
from gradflow.ends.outcome import OUTCOMES
from gradflow.networks.line import basins, threshold
from gradflow.networks.line.network import Network
from gradflow.neuron.problem import Neuron, Problem
from gradflow.sweeps.axes import Axis

Start = Neuron | Network


def threshold_of_network(
    start: Start,
    task: Problem,
    method: str,
    how: Steps,
    vary: str,
    between: tuple[float, float],
    tol: float,
    scan: int | None,
    change: int,
    json: bool,
) -> None:
    """Locate a change of outcome, and tell it."""
    found = threshold(
        start, vary, between, task, config(method, how, (vary,)), how.steps, tol=tol, scan=scan, change=change
    )
    settled = {"below": False, "above": False}
    if json:
        print(to_json({**found._asdict(), "settled": settled}))
        return
    print(f"{vary} = {found.value:.15g} +- {found.uncertainty:.2g}")
    print(f"below: {found.below}, above: {found.above}")
    print(f"changes: {found.changes} seen in the scan")
    print("settled: no (below), no (above)")


def basins_of_network(
    start: Start,
    task: Problem,
    method: str,
    how: Steps,
    axes: Sequence[Axis],
    out: Path | None,
    json: bool,
) -> None:
    """Compute the outcomes on a grid, write them if asked, and tell how many there are of each."""
    check_file(out)
    with progress_bar("basins", 1.0) as advance:
        names = [axis.name for axis in axes]
        found = basins(start, axes, task, config(method, how, names), how.steps, progress=advance)
    codes = found["outcome"].values
    counts = {name: int(np.sum(codes == code)) for code, name in enumerate(OUTCOMES)}

    def show() -> None:
        if json:
            print(to_json({"counts": counts, "n": codes.size, "settled": 0, "ends": []}))
            return
        for name, number in counts.items():
            print(f"{name:<16}{number:>12}{number / codes.size:>10.2%}")

    deliver(lambda: write_if_asked(found, out), show)


def config(method: str, how: Steps, varied: Sequence[str]) -> Any:
    """Return the optimiser, None if the method is the flow; what is varied keeps its default."""
    if method == "flow":
        return None
    return optimizer(method, **{name: value for name, value in how.hyper.items() if name not in varied})
