"""The flow to t = 50 per core: time at an accuracy, beside heyoka, diffrax and SciPy.

Every answer is compared with a reference that no contender computes: SciPy's DOP853 at its finest
tolerance on the plain formula, whose error control takes the field's kinks in many short steps. Every
peer runs at several tolerances; the one that counts is the fastest whose every trajectory is right to
`ACCURACY`. A peer that has none counts with the fastest whose median is, and the table says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Any

import numpy as np

from benchmarks import starts
from benchmarks.assembly import UNREAD
from benchmarks.harness import Contender, Measured, Say, cores, measure
from benchmarks.peers.ours import has_fused_flow
from benchmarks.peers.scipy_loop import end
from benchmarks.rows.adam import limits
from benchmarks.table import Line, Section, compare, find, of_the_time

ROW = "flow"
ACCURACY = 1e-7
T_END = 50.0
FINEST = (1e-13, 1e-15)
# Tolerances: from where the median is right to 1e-7 to where rounding is in sight.
OURS = (1e-6, 1e-7, 1e-8, 3e-9, 1e-9, 1e-11)
TAYLOR = (1e-5, 3e-6, 1e-6, 1e-9, 1e-15)
FIFTH = (1e-8, 1e-10, 3e-11, 1e-11)
EIGHTH = (1e-6, 1e-8, 1e-9, 3e-10, 1e-10)
LINEAR = (1e-8, 3e-9, 1e-9)
PEERS = (
    ("heyoka batch", "fused", 1.8),
    ("heyoka scalar", "fused", math.nan),
    ("diffrax Tsit5", "fused", 40.0),
    ("diffrax Dopri8", "fused", 40.0),
    ("SciPy DOP853", "NumPy", 20.0),
    ("SciPy LSODA", "NumPy", 20.0),
)


def reference(theta: np.ndarray, t_end: float = T_END) -> np.ndarray:
    """Return the final parameters by SciPy at its finest, on all cores."""
    one = partial(end, t_end=t_end, rtol=FINEST[0], atol=FINEST[1], method="DOP853")
    with ProcessPoolExecutor(len(cores()), mp_context=get_context("spawn")) as pool:
        return np.stack(list(pool.map(one, theta.T, chunksize=16)), axis=1)


def contenders(theta: np.ndarray, share: int) -> list[Contender]:
    """Return every program at every tolerance; SciPy's loop gets the first of every `share` trajectories."""
    work: dict[str, Any] = {"theta": theta, "t_end": T_END}
    first = work | {"theta": theta[:, : theta.shape[1] // share]}
    jax, part = ("diffrax", "jax"), 1.0 / share
    settings: list[tuple[str, str, dict[str, Any], tuple[str, ...], float, str, tuple[float, ...]]] = [
        ("gradflow NumPy", "ours:flow", work | {"backend": "numpy"}, (), 1.0, "rtol", OURS),
        ("heyoka scalar", "heyoka_flow:scalar", work, ("heyoka",), 1.0, "tol", TAYLOR),
        ("heyoka batch", "heyoka_flow:batch", work, ("heyoka",), 1.0, "tol", TAYLOR),
        ("diffrax Tsit5", "diffrax_flow:flow", work | {"solver": "Tsit5"}, jax, 1.0, "rtol", FIFTH),
        ("diffrax Dopri8", "diffrax_flow:flow", work | {"solver": "Dopri8"}, jax, 1.0, "rtol", EIGHTH),
        ("SciPy DOP853", "scipy_loop:loop", first | {"method": "DOP853"}, (), part, "rtol", EIGHTH),
        ("SciPy LSODA", "scipy_loop:loop", first | {"method": "LSODA"}, (), part, "rtol", LINEAR),
    ]
    if has_fused_flow():
        fused = work | {"backend": "numba"}
        settings.insert(0, ("gradflow fused", "ours:flow", fused, ("numba",), 1.0, "rtol", OURS))
    return [
        Contender(peer, f"{name} {tol:g}", entry, options | {name: tol}, needs, part)
        for peer, entry, options, needs, part, name, tols in settings
        for tol in tols
    ]


def errors(measured: Measured, right: np.ndarray) -> np.ndarray:
    """Return the error of each trajectory, infinite where it has no answer; empty without any."""
    if measured.answer is None:
        return np.empty(0)
    off = np.max(np.abs(measured.answer - right[:, : measured.answer.shape[1]]), axis=0)
    return np.where(np.isnan(off), np.inf, off)


def chosen(forms: Sequence[Measured], right: np.ndarray) -> Measured:
    """Return the form that counts: the fastest that is accurate enough (see above)."""
    timed = [m for m in forms if m.seconds]
    for statistic in (np.max, np.median):
        good = [m for m in timed if statistic(errors(m, right)) <= ACCURACY]
        if good:
            return min(good, key=lambda m: m.best)
    return min(timed, key=lambda m: float(np.median(errors(m, right))), default=forms[0])


def run(quick: bool, say: Say) -> Section:
    """Measure on one core."""
    n, share = (64, 8) if quick else (4096, 16)
    say("starts and reference")
    theta = starts.one_sided(n, T_END)
    right = reference(theta)
    everybody = [*contenders(theta, share), *kernels(2_000 if quick else 20_000)]
    measured = measure(everybody, threads=1, repetitions=2 if quick else 5, say=say)
    lines = [_line(measured, right, *peer) for peer in PEERS]
    if not has_fused_flow():
        lines = [line._replace(note=f"{line.note}; this gradflow has no fused flow") for line in lines]
    flows = measured[: len(everybody) - len(kernels(1))]
    points = [_point(m, right, n) for m in flows if m.seconds]
    lines.append(of_the_limit(measured))
    title = f"The flow to t = {T_END:g} from {n} starts with w1 > 0 throughout, float64, one core"
    return Section(ROW, title, lines, measured, {"work-precision": points})


def kernels(rounds: int) -> list[Contender]:
    """Return the trial of a step, so often, and the kernels that measure a core."""
    trial = Contender(
        "gradflow trial", f"{rounds} of a block", "steps:trials", {"rounds": rounds}, ("numba",)
    )
    return [trial, *limits(1)]


def of_the_limit(measured: Sequence[Measured]) -> Line:
    """Return how close the trial of a step comes to the limit of its own instructions."""
    nan = math.nan
    line = Line(
        ROW, "a step's trial", "limit of its own instructions", nan, nan, nan, nan, nan, 0.0, unit="%"
    )
    trial, speeds = find(measured, "gradflow trial")[0], find(measured, "limits")
    if problem := next((m.problem for m in (trial, *speeds) if m.problem), UNREAD):
        return line._replace(note=problem)
    from benchmarks import limits as model
    from benchmarks import steps
    from gradflow.flow.compiled.layout import W as LANES

    program = steps.counted()
    groups = model.limit(program, model.seconds_each({m.contender.form: m.best for m in speeds}, 1))
    group = max(groups, key=lambda g: groups[g])
    lanes = trial.contender.options["rounds"] * LANES
    roots, quotients, others = model.kinds(program)
    note = f"{quotients:g} ÷, {roots:g} √ and {others:g} other statements a trial; the {group} limits"
    return of_the_time(line, groups[group] * lanes, trial, note)


def _line(measured: list[Measured], right: np.ndarray, peer: str, side: str, goal: float) -> Line:
    """Compare both at the tolerance that counts. What may not be exceeded is gradflow's own error."""
    side = side if has_fused_flow() else "NumPy"
    ours, theirs = (chosen(find(measured, name), right) for name in (f"gradflow {side}", peer))
    own = errors(ours, right)
    if own.size and np.max(own) > ACCURACY:
        ours = ours._replace(seconds=(), problem=f"error {np.max(own):.1e} in gradflow's own answer")
    off = errors(theirs, right)
    line = compare(ROW, f"{side}, {ours.contender.form}", ours, [theirs], goal, math.inf, error=lambda _: 0.0)
    if not off.size or not own.size:
        return line._replace(error=math.nan)
    note = f"its errors: median {np.median(off):.1e}, largest {np.max(off):.1e}"
    if np.max(off) > ACCURACY:
        wrong = ", ".join(f"{np.mean(off > limit):.1%} by > {limit:g}" for limit in (1e-7, 1e-6, 1e-3))
        note += f"; of its {off.size} ends {wrong}; no tolerance makes all right, this is the fastest "
        note += "whose median is"
    note = "; ".join(part for part in (line.note, note) if part)
    return line._replace(error=float(np.max(own)), tolerance=ACCURACY, note=note)


def _point(measured: Measured, right: np.ndarray, n: int) -> dict[str, Any]:
    """Return a point of the work-precision figure."""
    off = errors(measured, right)
    return {
        "peer": measured.contender.peer,
        "form": measured.contender.form,
        "seconds a trajectory": measured.best / n,
        "median error": float(np.median(off)),
        "largest error": float(np.max(off)),
        "wrong by 1e-7": float(np.mean(off > 1e-7)),
        "wrong by 1e-6": float(np.mean(off > 1e-6)),
        "wrong by 1e-3": float(np.mean(off > 1e-3)),
    }
