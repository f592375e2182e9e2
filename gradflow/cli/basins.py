"""`gradflow threshold` and `gradflow basins`: where the outcome changes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from gradflow.cli.options import (
    ACTIVATION,
    B1,
    B2,
    INTERVAL,
    JSON,
    NO_THEORY,
    TEACHER,
    TEACHER_ACTIVATION,
    UNIT_INTERVAL,
    UNIT_TEACHER,
    W1,
    W2,
    integer,
    neuron,
    number,
    problem,
    progress_bar,
)
from gradflow.cli.steps import (
    BACKEND,
    DTYPE,
    HYPER,
    LR,
    METHOD,
    POPULATION,
    SAMPLES,
    STEPS,
    backend_option,
    steps_options,
)
from gradflow.cli.sweeps import check_out, count, sweep_in_memory, sweep_into_store
from gradflow.decision import THEOREMS
from gradflow.descent import optimizer, optimizer_name
from gradflow.ends import bracket, descent_outcomes, flow_decisions
from gradflow.outcome import OUTCOMES
from gradflow.problem import PARAMETERS
from gradflow.results import to_json, write
from gradflow.sweep import BLOCK, Axis, Sweep, varied


def threshold(
    vary: Annotated[
        str, typer.Option(metavar="NAME", help="What to vary: w1, b1, w2, b2 or a hyper-parameter.")
    ],
    between: Annotated[
        tuple[str, str], typer.Option(metavar="LO HI", help="Values with different outcomes.")
    ],
    w1: W1 = "1",
    b1: B1 = "0",
    w2: W2 = "1",
    b2: B2 = "0",
    teacher: TEACHER = UNIT_TEACHER,
    interval: INTERVAL = UNIT_INTERVAL,
    activation: ACTIVATION = "relu",
    teacher_activation: TEACHER_ACTIVATION = None,
    method: METHOD = "flow",
    lr: LR = "0.01",
    hyper: HYPER = None,
    steps: STEPS = "5000",
    samples: SAMPLES = None,
    population: POPULATION = False,
    dtype: DTYPE = "float64",
    backend: BACKEND = None,
    tol: Annotated[str, typer.Option(metavar="X", help="Largest uncertainty.")] = "1e-10",
    no_theory: NO_THEORY = False,
    json: JSON = False,
) -> None:
    """Locate where the outcome changes along one parameter.

    Of several changes the one found is nearest the lower end that the search comes upon. `decided_by` names
    the theorems that decided the flow's outcomes on both sides.
    """
    method = optimizer_name(method, "--method", ("flow",))
    start = neuron(w1, b1, w2, b2)
    lo, hi = sorted(number("--between", value) for value in between)
    if lo == hi:
        raise ValueError(f"--between: expected two different numbers, got {between[0]} {between[1]}")
    uncertainty = number("--tol", tol)
    if not uncertainty > 0:
        raise ValueError(f"--tol: expected a finite number > 0, got {tol!r}")
    how = steps_options(lr, hyper, steps, samples, population, dtype)
    task = problem(teacher, interval, (activation, teacher_activation), how.samples)
    engine = backend_option(backend)
    if method == "flow" and engine is not None:
        raise ValueError("--backend: the flow's threshold is found with SciPy; choose a method with steps")
    if vary not in (allowed := varied(method, how.samples)):
        raise ValueError(f"--vary: expected one of {', '.join(allowed)}, got {vary!r}")

    theorems: dict[float, int] = {}

    def decide(values: np.ndarray) -> np.ndarray:
        begin = start._replace(**{vary: values}) if vary in PARAMETERS else start
        if method == "flow":
            found = flow_decisions(begin, task, theory=not no_theory)
            if not no_theory:
                theorems.update(zip(values.tolist(), found.theorem.tolist(), strict=True))
            return np.asarray(found.outcome)
        extra = {} if vary in PARAMETERS else {vary: values}
        config = optimizer(method, **{**how.hyper, **extra})
        return descent_outcomes(begin, task, config, how.steps, dtype=how.dtype, backend=engine)

    halvings = max(1.0, math.log2((hi - lo) / uncertainty))
    with progress_bar("threshold", halvings) as advance:

        def watched(values: np.ndarray) -> np.ndarray:
            codes = decide(values)
            width = float(np.max(np.diff(values))) if values.size > 1 else hi - lo
            advance(min(halvings, math.log2((hi - lo) / max(width, uncertainty))))
            return codes

        # The flow is decided one start at a time, an optimiser takes many at the price of a few.
        sections = 1 if method == "flow" else 64
        found = bracket(watched, (lo, hi), tol=uncertainty, sections=sections)
    by = _either_side(theorems, found.value) if theorems else None
    if json:
        print(to_json({**found._asdict(), **({"decided_by": by} if by else {})}))
    else:
        print(f"{vary} = {found.value:.15g} +- {found.uncertainty:.2g}")
        print(f"below: {found.below}, above: {found.above}")
        if by:
            print(f"decided by: {by['below']} (below), {by['above']} (above)")


def _either_side(theorems: dict[float, int], value: float) -> dict[str, str]:
    """Return which theorems decided the starts nearest below and above a value."""
    below, above = max(v for v in theorems if v <= value), min(v for v in theorems if v >= value)
    return {"below": THEOREMS[theorems[below]], "above": THEOREMS[theorems[above]]}


def basins(
    grid: Annotated[
        list[str],
        typer.Option(metavar="NAME LO HI N", help="An axis: N values, both ends included; may be repeated."),
    ],
    w1: W1 = "1",
    b1: B1 = "0",
    w2: W2 = "1",
    b2: B2 = "0",
    teacher: TEACHER = UNIT_TEACHER,
    interval: INTERVAL = UNIT_INTERVAL,
    activation: ACTIVATION = "relu",
    teacher_activation: TEACHER_ACTIVATION = None,
    method: METHOD = "flow",
    lr: LR = "0.01",
    hyper: HYPER = None,
    steps: STEPS = "5000",
    samples: SAMPLES = None,
    population: POPULATION = False,
    dtype: DTYPE = "float64",
    backend: BACKEND = None,
    no_theory: NO_THEORY = False,
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
    json: JSON = False,
) -> None:
    """Compute the outcome of every start, or rate, on a grid.

    The axes are parameters of the start or hyper-parameters of the method.
    """
    method = optimizer_name(method, "--method", ("flow",))
    axes = tuple(_axis(text) for text in grid)
    how = steps_options(lr, hyper, steps, samples, population, dtype)
    start = neuron(w1, b1, w2, b2)
    task = problem(teacher, interval, (activation, teacher_activation), how.samples)
    sweep = Sweep(
        axes=axes,
        method=method,
        neuron=(start.w1, start.b1, start.w2, start.b2),
        teacher=(task.teacher.w1, task.teacher.b1, task.teacher.w2, task.teacher.b2),
        interval=(float(task.lo), float(task.hi)),
        activation=str(task.activation),
        teacher_activation=str(task.teacher_activation),
        samples=how.samples,
        hyper={} if method == "flow" else how.hyper,
        steps=how.steps,
        dtype=how.dtype,
        theory=not no_theory,
        block=integer("--block", block, least=1),
        backend=backend_option(backend),
    )
    check_out(out)
    if out is not None and out.suffix == ".zarr":
        found = sweep_into_store(sweep, out, cluster)
    else:
        result = sweep_in_memory(sweep, cluster)
        if out is not None:
            write(result, out)
        found = count(result["outcome"].values, result["decided_by"].values)
    counts = dict(zip(OUTCOMES, found.sum(axis=1).tolist(), strict=True))
    decided_by = dict(zip(THEOREMS, found.sum(axis=0).tolist(), strict=True))
    n = int(found.sum())
    by_theory = method == "flow" and not no_theory
    if json:
        print(to_json({"counts": counts, "n": n, **({"decided_by": decided_by} if by_theory else {})}))
        return
    for name, number_ in counts.items():
        print(f"{name:<16}{number_:>12}{number_ / n:>10.2%}")
    if by_theory:
        print("decided by")
        for name, number_ in decided_by.items():
            print(f"  {name:<14}{number_:>12}{number_ / n:>10.2%}")


def _axis(text: str) -> Axis:
    words = text.split()
    if len(words) != 4:
        raise ValueError(f"--grid: expected NAME LO HI N, got {text!r}")
    name, lo, hi, n = words
    return Axis(name, number("--grid", lo), number("--grid", hi), integer("--grid", n, least=1))


def join_grids(arguments: list[str]) -> list[str]:
    """Make one argument of the four that follow each --grid: the parser knows no repeated groups."""
    joined: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        joined.append(word)
        if word == "--grid":
            count = next((i for i, value in enumerate(rest) if value.startswith("--")), len(rest))
            joined.append(" ".join(rest[: min(count, 4)]))
            del rest[: min(count, 4)]
    return joined
