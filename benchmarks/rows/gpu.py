"""Adam on the population on a GPU: one compiled kernel beside CuPy's array code and the processor's cores."""

from __future__ import annotations

import math

from benchmarks import starts
from benchmarks.harness import Contender, Say, cores, measure
from benchmarks.table import Line, Section, compare, usual_disagreement
from gradflow.compiled import gpu, kernels

ROW = "gpu"
TOLERANCE = 1e-9
NEEDS = ("cupy", "numba_cuda")


def run(quick: bool, say: Say) -> Section:
    """Measure if there is a GPU, and say so if there is none; arrays go there and back in the times."""
    n, steps = (4096, 40) if quick else (1_000_000, 1000)
    title = f"Adam on the population on a GPU, {n} neurons, {steps} steps, float64"
    if not (gpu.available() and kernels.available()):
        nan, note = math.nan, "skipped: needs a GPU, CuPy and numba-cuda; pip install '.[gpu]'"
        return Section(ROW, title, [Line(ROW, "kernel", "", nan, nan, nan, nan, nan, 0.0, note=note)], [], {})
    work = {"theta": starts.normal(n), "steps": steps, "lr": 0.01}
    contenders = [
        Contender("gradflow", "a kernel", "ours:adam", work | {"backend": "cupy"}, NEEDS),
        Contender("array code", "CuPy", "ours:adam_on_cupy", work, NEEDS),
        Contender("cores", "numba", "ours:adam", work | {"backend": "numba"}),
    ]
    measured = measure(contenders, threads=len(cores()), repetitions=2 if quick else 5, say=say)
    ours = measured[0]
    lines = [
        compare(
            ROW,
            "kernel",
            ours,
            [peer],
            math.nan,
            TOLERANCE,
            error=lambda one: usual_disagreement(one.answer, ours.answer),
        )
        for peer in measured[1:]
    ]
    return Section(ROW, title, lines, measured, {})
