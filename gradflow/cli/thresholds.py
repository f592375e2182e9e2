"""`gradflow threshold`: where along one parameter the outcome changes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
import xarray as xr

from gradflow.base.files import to_json
from gradflow.base.progress import progress_bar
from gradflow.cli.choice import with_options
from gradflow.cli.completion import among
from gradflow.cli.drawing import draw_threshold
from gradflow.cli.line_options import student, task
from gradflow.cli.options import FIGURE, JSON, check_figure, integer, number
from gradflow.cli.steps import Steps, Way, finite_steps, way
from gradflow.cli.telling import deliver, note_a_start_at_the_teacher
from gradflow.descent import optimizer
from gradflow.ends import Threshold, bracket, descent_run, flow_run
from gradflow.ends.decision import SIMULATION, THEOREMS
from gradflow.ends.follow import decide_in_rounds
from gradflow.ends.outcome import UNDECIDED
from gradflow.ends.thresholds import TOO_SHORT, values_told
from gradflow.networks.line.network import Network
from gradflow.neuron.problem import PARAMETERS, Neuron, Problem
from gradflow.runs import gradient_flow, train
from gradflow.sweeps.axes import require_varied

SECTIONS = {"flow": 8, "steps": 64}
"""Values decided at once after the scan: so many cost little more than one."""

SCANNED = {"flow": 65, "steps": 1025}
"""Values scanned unless the user says otherwise."""

MOST_SCANNED = 1_000_000


@with_options(start=student, task=task, way=way, how=finite_steps)
def threshold(
    start: Neuron | Network,
    task: Problem,
    way: Way,
    how: Steps,
    vary: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            autocompletion=among(*PARAMETERS, "lr", "scale"),
            help="What to vary: w1, b1, w2, b2 or a hyper-parameter; of a network scale, b2, w1_0, …",
        ),
    ],
    between: Annotated[
        tuple[str, str], typer.Option(metavar="LO HI", help="Values between which the outcome changes.")
    ],
    tol: Annotated[str, typer.Option(metavar="X", help="Largest uncertainty.")] = "1e-10",
    change: Annotated[
        str,
        typer.Option(
            metavar="K", help="Which change to locate: 1 is nearest the lower end, -1 nearest the upper."
        ),
    ] = "1",
    scan: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            show_default=False,
            help=f"Values scanned first.  [default: {SCANNED['steps']}; flow: {SCANNED['flow']}]",
        ),
    ] = None,
    figure: FIGURE = None,
    json: JSON = False,
) -> None:
    """Locate where the outcome changes along one parameter.

    The interval is scanned first, at equally spaced values; `changes` is how many changes of outcome that
    sees (there may be more between them), of which one is located. "Undecided" is no outcome: where runs are
    too short to know, the uncertainty says so. `settled` says of either side whether a theorem about the
    method says that its outcome lasts, and `decided_by` which one.
    """
    method = way.method
    lo, hi = sorted(number("--between", value) for value in between)
    if lo == hi:
        raise ValueError(f"--between: expected two different numbers, got {between[0]} {between[1]}")
    uncertainty = number("--tol", tol)
    if not uncertainty > 0:
        raise ValueError(f"--tol: expected a finite number > 0, got {tol!r}")
    which = integer("--change", change, least=-MOST_SCANNED, most=MOST_SCANNED)
    kind = "flow" if method == "flow" else "steps"
    scanned = SCANNED[kind]
    if scan is not None:
        scanned = integer("--scan", scan, least=2, most=MOST_SCANNED)
    if isinstance(start, Network) or task.is_general:
        from gradflow.cli.line_sweeps import threshold_of_network

        few = None if scan is None else scanned
        threshold_of_network(start, task, method, how, vary, (lo, hi), uncertainty, few, which, json)
        return
    require_varied("--vary", [vary], method)
    if vary not in PARAMETERS:
        try:
            optimizer(method, **{vary: np.array([lo, hi])})
        except (TypeError, ValueError) as error:
            raise ValueError(f"--between: {error}") from error
    check_figure(figure)
    search = _Search(vary, start, task, {}, {}, [], [])
    decide = search.by_flow(way.theory) if kind == "flow" else search.by_steps(method, how, way.backend)
    halvings = max(1.0, math.log2((hi - lo) / uncertainty))
    with progress_bar("threshold", halvings) as advance:

        def watched(values: np.ndarray) -> np.ndarray:
            codes = decide(values)
            search.codes.update(zip(values.tolist(), codes.tolist(), strict=True))
            width = float(np.max(np.diff(values))) if values.size > 1 else hi - lo
            advance(min(halvings, math.log2((hi - lo) / max(width, uncertainty))))
            return codes

        sections = search.sections if kind == "flow" else SECTIONS[kind]
        found = bracket(watched, (lo, hi), tol=uncertainty, sections=sections, scan=scanned, change=which)
    by = search.decided_by(found)
    settled = {side: by is not None and by[side] != THEOREMS[SIMULATION] for side in ("below", "above")}
    note_a_start_at_the_teacher(start, task, [vary], silent=json)
    told = values_told(max(scanned, SECTIONS[kind] + 2), scanned)

    def drawn() -> None:
        if figure is not None:
            sides = [search.run(side, method, how) for side in search.sides(found)]
            draw_threshold(figure, vary, found, search.codes, sides)

    def show() -> None:
        if json:
            print(to_json({**found._asdict(), "settled": settled, **({"decided_by": by} if by else {})}))
            return
        for line in _lines(vary, found, search, told, uncertainty):
            print(line)
        told_sides = (f"{'yes' if lasts else 'no'} ({side})" for side, lasts in settled.items())
        print(f"settled: {', '.join(told_sides)}")
        if by:
            print(f"decided by: {by['below']} (below), {by['above']} (above)")

    deliver(drawn, show)


class _Search(NamedTuple):
    """The name that is varied, and the decisions so far: outcomes and theorems by value."""

    vary: str
    start: Neuron
    problem: Problem
    codes: dict[float, int]
    theorems: dict[float, int]
    slow: list[bool]
    lingered: list[bool]

    def sections(self) -> int:
        """Return how many values to decide at once: one, once that takes a flow at a time."""
        return 1 if self.slow and self.slow[-1] else SECTIONS["flow"]

    def by_flow(self, theory: bool) -> Callable[[np.ndarray], np.ndarray]:
        """Return the rule that follows the flow."""

        def decide(values: np.ndarray) -> np.ndarray:
            scans = values.size > 2 * SECTIONS["flow"]
            found = self._flows(values, theory) if scans else self._flow(values, theory)
            codes, theorems = (np.asarray(part).astype(int) for part in found)
            # The ends of the interval are given all the time that it takes.
            if scans and np.any(codes[[0, -1]] == UNDECIDED):
                codes[[0, -1]], theorems[[0, -1]] = self._flow(values[[0, -1]], theory)
            if theory:
                self.theorems.update(zip(values.tolist(), theorems.tolist(), strict=True))
            return codes

        return decide

    def _flows(self, values: np.ndarray, theory: bool) -> tuple[np.ndarray, np.ndarray]:
        """Follow many flows together, each to t = 1e4 at most."""
        run = flow_run(self.start._replace(**{self.vary: values}), self.problem, theory=theory)
        return run.outcome, run.decided_by

    def _flow(self, values: np.ndarray, theory: bool) -> tuple[np.ndarray, np.ndarray]:
        """Follow flows more closely and a hundred times as long."""
        starts = self.start._replace(**{self.vary: values})
        found, slow, lingered = decide_in_rounds(
            starts, self.problem, theory=theory, lingers=bool(self.lingered and self.lingered[-1])
        )
        self.slow.append(bool(np.any(slow)))
        self.lingered.append(lingered)
        return np.asarray(found.outcome), np.asarray(found.theorem)

    def at(self, values: Any, how: Steps) -> tuple[Neuron, dict[str, Any]]:
        """Return starts and hyper-parameters at values of what is varied."""
        if self.vary in PARAMETERS:
            return self.start._replace(**{self.vary: values}), how.hyper
        return self.start, {**how.hyper, self.vary: values}

    def run(self, value: float, method: str, how: Steps) -> xr.Dataset:
        """Return the whole run at a value."""
        start, hyper = self.at(value, how)
        if method == "flow":
            return gradient_flow(start, self.problem)
        return train(start, self.problem, optimizer(method, **hyper), how.steps, dtype=how.dtype)

    def by_steps(self, method: str, how: Steps, backend: str | None) -> Callable[[np.ndarray], np.ndarray]:
        """Return the rule that trains."""

        def decide(values: np.ndarray) -> np.ndarray:
            start, hyper = self.at(values, how)
            config = optimizer(method, **hyper)
            run = descent_run(
                start, self.problem, config, how.steps,
                first_change=False, dtype=how.dtype, backend=backend,
            )  # fmt: skip
            codes, theorems = run.outcome.astype(int), run.decided_by.astype(int)
            self.theorems.update(zip(values.tolist(), theorems.tolist(), strict=True))
            return codes

        return decide

    def sides(self, found: Threshold) -> tuple[float, float]:
        """Return the nearest decided values on both sides."""
        decided = [value for value, code in self.codes.items() if code != UNDECIDED]
        return max(v for v in decided if v <= found.value), min(v for v in decided if v >= found.value)

    def decided_by(self, found: Threshold) -> dict[str, str] | None:
        """Return which theorems decided the nearest decided starts on both sides; None if none were asked."""
        if not self.theorems:
            return None
        below, above = (THEOREMS[self.theorems[value]] for value in self.sides(found))
        return {"below": below, "above": above}


def _lines(vary: str, found: Threshold, search: _Search, scanned: str, tol: float) -> list[str]:
    """Return what is told of a threshold, a line each."""
    lines = [
        f"{vary} = {found.value:.15g} +- {found.uncertainty:.2g}",
        f"below: {found.below}, above: {found.above}",
        f"changes: {found.changes} seen in a scan of {scanned}"
        + ("; --change locates another of them" if found.changes > 1 else ""),
    ]
    inside = sorted(
        value
        for value, code in search.codes.items()
        if code == UNDECIDED and abs(value - found.value) <= found.uncertainty
    )
    if inside:
        lines.append(f"undecided: {inside[0]:.15g} to {inside[-1]:.15g}, hence the uncertainty: {TOO_SHORT}")
    elif found.uncertainty > tol:
        lines.append(
            f"tol: {tol:g} is below what float64 resolves here, where numbers are "
            f"{np.spacing(abs(found.value)):.2g} apart"
        )
    return lines
