"""Flow basins of a grid per core: starts a second, beside diffrax run to t = 50 on part of the grid.

gradflow follows each start until its outcome is decided; diffrax goes to t = 50, and the same rule labels
where it has come to. Labels are compared wherever diffrax's end is right (by SciPy at its finest) and its
label is decided.
"""

from __future__ import annotations

import math

import numpy as np

from benchmarks import starts
from benchmarks.harness import Contender, Measured, Say, measure
from benchmarks.rows.flow import T_END, errors, reference
from benchmarks.table import Line, Section, compare, find
from gradflow.ends.outcome import OUTCOMES, UNDECIDED, outcome

ROW = "basins"
RIGHT = 1e-6
GOAL = 40.0


def run(quick: bool, say: Say) -> Section:
    """Measure on one core."""
    n, every = (64, 8) if quick else (1000, 16)
    part = starts.plane(n, every)
    share = part.shape[1] / n**2
    work = {"theta": part, "t_end": T_END}
    diffrax = ("diffrax", "jax")
    contenders = [
        Contender("gradflow", "flow_run, whole grid", "ours:basins", {"n": n}),
        *(
            Contender(
                f"diffrax {solver}",
                f"vmap, rtol {rtol:g}, {part.shape[1]} starts of the grid",
                "diffrax_flow:flow",
                work | {"rtol": rtol, "solver": solver},
                diffrax,
                share,
            )
            for solver, rtol in (("Tsit5", 1e-7), ("Tsit5", 1e-8), ("Dopri8", 1e-6), ("Dopri8", 1e-8))
        ),
    ]
    say("reference")
    right = reference(part)
    measured = measure(contenders, threads=1, repetitions=2 if quick else 3, say=say)
    ours = find(measured, "gradflow")[0]
    codes = np.empty(0) if ours.answer is None else ours.answer.reshape(n, n)[::every, ::every].ravel()
    lines = [_line(ours, measured, codes, right, solver) for solver in ("diffrax Tsit5", "diffrax Dopri8")]
    counts = {} if ours.answer is None else _counts(ours.answer)
    title = f"Flow basins of {n} × {n} starts (b1, b2), starts a second, one core"
    return Section(ROW, title, lines, measured, {"outcomes of gradflow": counts})


def _counts(codes: np.ndarray) -> dict[str, int]:
    return {name: int(np.sum(codes == code)) for code, name in enumerate(OUTCOMES)}


def _line(
    ours: Measured, measured: list[Measured], codes: np.ndarray, right: np.ndarray, solver: str
) -> Line:
    """Compare with the fastest tolerance whose median is right; the disagreement is a share of labels."""
    forms = [m for m in find(measured, solver) if m.answer is None or np.median(errors(m, right)) <= RIGHT]
    forms = forms or find(measured, solver)
    best = min(forms, key=lambda m: m.best)
    if best.answer is None or not codes.size:
        return compare(ROW, "flow_run", ours, [best], GOAL, 0.0, error=lambda _: math.nan)
    accurate = errors(best, right) <= RIGHT
    labels = np.full(codes.shape, UNDECIDED)
    labels[accurate] = outcome(best.answer[:, accurate])
    decided = labels != UNDECIDED
    differ = int(np.sum(decided & (labels != codes)))
    note = (
        f"{np.mean(accurate):.1%} of its ends are right to {RIGHT:g}, {np.mean(decided):.1%} also decided at "
        f"t = {T_END:g}; of these {differ} labels differ; gradflow leaves "
        f"{np.mean(codes == UNDECIDED):.2%} open"
    )
    share = differ / max(1, int(np.sum(decided)))
    return compare(ROW, "flow_run", ours, [best], GOAL, 0.0, error=lambda _: share, note=note)
