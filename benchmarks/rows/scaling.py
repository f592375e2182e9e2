"""Time against the number of trajectories, 10³ to 10⁷, and the memory of the largest."""

from __future__ import annotations

import math
from typing import Any

from benchmarks.harness import Contender, Measured, Say, cores, measure
from benchmarks.peers.ours import has_fused_flow
from benchmarks.table import Line, Section, disagreement

ROW = "scaling"
SHOW = 1000
# In GB, for ten million trajectories.
MEMORY = {"Adam": 2.0, "flow": 3.0}


def run(quick: bool, say: Say) -> Section:
    """Measure on all cores, each size in a process of its own."""
    sizes = [10**k for k in range(3, 6 if quick else 8)]
    threads = len(cores())
    adam = {"steps": 10 if quick else 50, "lr": 0.01, "backend": "numba"}
    # Without compiled flows ten million of them take half an hour.
    fused = has_fused_flow()
    flow = {"t_end": 2.0, "rtol": 1e-7, "backend": "numba" if fused else "numpy"}
    works: list[tuple[str, str, dict[str, Any], list[int], tuple[str, ...]]] = [
        ("Adam, fused", "ours:adam_many", adam, sizes, ("numba",)),
        (
            "flow, fused" if fused else "flow, NumPy",
            "ours:flow_many",
            flow,
            sizes if fused else sizes[:-1],
            ("numba",) if fused else (),
        ),
    ]
    lines: list[Line] = []
    everything: list[Measured] = []
    points: list[dict[str, Any]] = []
    for name, entry, options, counts, needs in works:
        measured: list[Measured] = []
        for n in counts:
            contender = Contender(
                f"gradflow {name}", f"{n:.0e} trajectories", entry, options | {"n": n, "show": SHOW}, needs
            )
            measured += measure([contender], threads=threads, repetitions=2 if quick else 3, say=say)
        everything += measured
        lines += [_linear(name, counts, measured), _memory(name, counts[-1], measured[-1])]
        points += [
            {"work": name, "n": n, "seconds": m.best, "peak bytes": m.peak}
            for n, m in zip(counts, measured, strict=True)
            if m.seconds
        ]
    title = f"Time against the number of trajectories, {threads} cores"
    return Section(ROW, title, lines, everything, {"scaling": points})


def _linear(name: str, counts: list[int], measured: list[Measured]) -> Line:
    """Return how far apart the times a trajectory of the last sizes are, a hundredfold from end to end.

    The first states must not depend on the number.
    """
    large = list(zip(counts, measured, strict=True))[-3:]
    each = [m.best / n for n, m in large]
    problem = next((m.problem for m in measured if m.problem), "")
    error = math.nan if problem else max(disagreement(m.answer, measured[0].answer) for m in measured)
    known = not problem and each
    value = max(each) / min(each) if known else math.nan
    against = f"the longest over the shortest time a trajectory, {large[0][0]:.0e} to {large[-1][0]:.0e}"
    nan = math.nan
    return Line(ROW, name, against, value, nan, nan, 1.2, error, 0.0, at_most=True, note=problem)


def _memory(name: str, n: int, measured: Measured) -> Line:
    nan = math.nan
    against = f"peak memory of {n:.0e} trajectories"
    value, goal = measured.peak / 1e9, MEMORY[name.partition(",")[0]]
    return Line(ROW, name, against, value, nan, nan, goal, nan, 0.0, True, measured.problem, "GB")
