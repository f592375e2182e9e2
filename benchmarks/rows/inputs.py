"""A step of Adam on 10⁶ inputs against one on few inputs: for one neuron and for a thousand."""

from __future__ import annotations

import math

import numpy as np

from benchmarks import starts
from benchmarks.harness import Contender, Measured, Say, measure
from benchmarks.table import Line, Section, compare, disagreement, find

ROW = "inputs"
TOLERANCE = 1e-9
MANY = 1_000_000
# Fewer inputs than 256 have no compiled version: they are summed directly.
SIDES: tuple[tuple[str, str, int, tuple[str, ...]], ...] = (
    ("fused", "numba", 256, ("numba",)),
    ("NumPy", "numpy", 100, ()),
)
# Steps that take about as long as sorting the most inputs does, or longer.
STEPS = {("fused", 1): 200_000, ("fused", 1000): 40_000, ("NumPy", 1): 30_000, ("NumPy", 1000): 3000}
SET_UP = 100


def run(quick: bool, say: Say) -> Section:
    """Measure on one core. The time of a step is the slope between two numbers of steps, without set-up."""
    many = 20_000 if quick else MANY
    lines, everything = [], []
    for n in (1, 1000):
        theta = starts.normal(n)
        for side, backend, few, needs in SIDES:
            steps = STEPS[side, n] // (50 if quick else 1)
            contenders = [
                Contender(
                    f"gradflow {side}",
                    f"{_neurons(n)}, {inputs} inputs, {k} steps",
                    "ours:adam_on_sample",
                    {"theta": theta, "x": _inputs(inputs), "steps": k, "lr": 0.01, "backend": backend},
                    needs,
                )
                for inputs in (few, many)
                for k in (SET_UP, SET_UP + steps)
            ]
            measured = measure(contenders, threads=1, repetitions=2 if quick else 5, say=say)
            everything += measured
            lines.append(_line(f"{side}, {_neurons(n)}", measured, many, few))
    task = {"theta": starts.normal(2), "x": _inputs(many), "steps": 20, "lr": 0.01}
    checks = [
        Contender("NumPy", "direct sum", "plain_numpy:adam_on_sample", task),
        Contender(
            "gradflow fused", "the same", "ours:adam_on_sample", task | {"backend": "numba"}, ("numba",)
        ),
        Contender("gradflow NumPy", "the same", "ours:adam_on_sample", task | {"backend": "numpy"}),
    ]
    checked = measure(checks, threads=1, repetitions=1, say=say)
    for side in ("fused", "NumPy"):
        ours = find(checked, f"gradflow {side}")[0]
        line = compare(
            ROW, f"{side}, 2 neurons, {many} inputs, 20 steps", ours, checked[:1], math.nan, TOLERANCE
        )
        lines.append(line)
        if ours.answer is not None:
            error = disagreement(ours.answer, checked[0].answer)
            lines = [old._replace(error=error) if old.work.startswith(side) else old for old in lines]
    title = f"A step on {many} inputs against one on a few, one core"
    return Section(ROW, title, lines, [*everything, *checked], {})


def _neurons(n: int) -> str:
    return f"{n} neuron{'s' * (n > 1)}"


def _inputs(n: int) -> np.ndarray:
    """Return inputs at random in [-1, 1], not sorted."""
    return np.random.default_rng(1).uniform(-1.0, 1.0, n)


def _line(work: str, measured: list[Measured], many: int, few: int) -> Line:
    nan, against = math.nan, f"a step on {many} inputs over one on {few}"
    problem = next((m.problem for m in measured if m.problem), "")
    if problem:
        return Line(ROW, work, against, nan, nan, nan, 2.0, nan, TOLERANCE, True, problem)
    short, long = (b.best - a.best for a, b in (measured[:2], measured[2:]))
    value = long / short if min(short, long) > 0.0 else nan
    problem = "" if value > 0.0 else "the steps are lost in the noise of the set-up"
    return Line(ROW, work, against, value, nan, nan, 2.0, nan, TOLERANCE, True, problem)
