"""Adam on the population, 10⁵ neurons, beside NumPy, PyTorch and JAX; and the cores' limit."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

import gradflow as gf
from benchmarks import starts
from benchmarks.assembly import UNREAD, instructions
from benchmarks.harness import Contender, Measured, Say, cores, measure
from benchmarks.table import Line, Section, compare, find, of_the_time, usual_disagreement
from gradflow.descent.prepared import prepare

ROW = "adam"
TOLERANCE = 1e-9
RATE = 0.01
GOAL = 0.65
OPTIMIZERS = ("adam", "gd", "heavy_ball")


def contenders(n: int, steps: int, unrolls: tuple[int, ...]) -> list[Contender]:
    """Return gradflow on both paths, and every form of the peers."""
    threads = len(cores())
    work = {"theta": starts.normal(n), "steps": steps, "lr": RATE}
    torch, jax, fast = ("torch",), ("jax",), ("numba",)
    closed, cut = "closed-form gradient", f"neurons in cache-sized chunks, {threads} calls at once"
    return [
        Contender("gradflow fused", "numba", "ours:adam", work | {"backend": "numba"}, fast),
        Contender("gradflow NumPy", "numpy", "ours:adam", work | {"backend": "numpy"}),
        Contender("NumPy", f"{closed}, moments in place", "plain_numpy:adam", work),
        Contender("JAX", "jit + scan", "jax_adam:adam", work, jax),
        Contender("JAX", "jit + scan, 4 steps unrolled", "jax_adam:adam", work | {"unroll": 4}, jax),
        *(
            Contender(
                "JAX chunked",
                f"jit + scan, {cut} ({chunk})",
                "jax_adam:adam",
                work | {"chunk": chunk, "threads": threads},
                jax,
            )
            for chunk in (256, 1024)
        ),
        Contender("PyTorch eager", f"{closed}, fused Adam", "torch_adam:adam_eager", work, torch),
        Contender(
            "PyTorch autograd",
            "eager, autograd of the loss, fused Adam",
            "torch_adam:adam_autograd",
            work,
            torch,
        ),
        *(
            Contender(
                "torch.compile" if unroll == 1 else "torch.compile unrolled",
                f"{closed}, {unroll} update{'s' * (unroll > 1)} a call",
                "torch_adam:adam_compiled",
                work | {"unroll": unroll},
                torch,
            )
            for unroll in unrolls
        ),
    ]


def run(quick: bool, say: Say) -> Section:
    """Measure on all cores."""
    n, steps = (4096, 40) if quick else (100_000, 1000)
    unrolls = (1, 4) if quick else (1, 5, 20)
    threads = len(cores())
    everybody = [*contenders(n, steps, unrolls), *kernels(n, steps, threads)]
    measured = measure(everybody, threads=threads, repetitions=2 if quick else 7, say=say)
    fused, plain = find(measured, "gradflow fused")[0], find(measured, "gradflow NumPy")[0]
    lines = [
        _against("fused", fused, find(measured, peer), goal)
        for peer, goal in (
            ("JAX", 4.0),
            ("JAX chunked", 2.5),
            ("torch.compile", 5.0),
            ("torch.compile unrolled", 1.5),
            ("NumPy", 45.0),
        )
    ]
    lines += [
        _against("NumPy", plain, find(measured, peer), goal)
        for peer, goal in (("NumPy", 2.0), ("PyTorch eager", 8.0), ("PyTorch autograd", 8.0))
    ]
    lines.append(compare(ROW, "NumPy", plain, [fused], math.nan, 0.0))
    limits, data = of_the_limit(measured, n * steps, threads)
    title = f"Adam on the population, {n} neurons, {steps} steps, float64, {threads} cores"
    return Section(ROW, title, [*lines, *limits], measured, data)


def _against(side: str, ours: Measured, peers: list[Measured], goal: float) -> Line:
    def error(peer: Measured) -> float:
        return usual_disagreement(peer.answer, ours.answer)

    return compare(ROW, side, ours, peers, goal, TOLERANCE, error=error)


def kernels(n: int, steps: int, threads: int) -> list[Contender]:
    """Return the other fused optimisers, and the kernels that measure the cores."""
    numba = ("numba",)
    work = {"theta": starts.normal(n), "steps": steps}
    others = [
        Contender(f"gradflow {name}", "numba", "ours:steps", work | {"optimizer": name}, numba)
        for name in OPTIMIZERS[1:]
    ]
    return [*others, *limits(threads)]


def limits(threads: int) -> list[Contender]:
    """Return the kernels that measure the cores."""
    return [
        Contender("limits", name, "limits:throughput", {"name": name, "threads": threads}, ("numba",))
        for name in ("sqrt", "div", "arithmetic", "fma", "memory")
    ]


def of_the_limit(
    measured: Sequence[Measured], updates: int, threads: int
) -> tuple[list[Line], dict[str, Any]]:
    """Return how close the fused optimisers come to the limit of their own instructions.

    The first line is of Adam's divisions and roots alone.
    """
    nan, against = math.nan, "limit of its own instructions"
    timed = [find(measured, f"gradflow {name}")[0] for name in ("fused", *OPTIMIZERS[1:])]
    speeds = find(measured, "limits")
    first = Line(ROW, "fused adam", "limit of its ÷ and √", nan, nan, nan, GOAL, nan, 0.0, unit="%")
    lines = [first, *(first._replace(work=f"fused {name}", against=against, goal=nan) for name in OPTIMIZERS)]
    problem = next((m.problem for m in (*timed, *speeds) if m.problem), UNREAD)
    if problem:
        return [line._replace(note=problem) for line in lines], {}
    from benchmarks import limits as model

    each = model.seconds_each({m.contender.form: m.best for m in speeds}, threads)
    data = {"seconds an instruction, a number": each, "vector bits": model.vector_bits()}
    for i, (name, run) in enumerate(zip(OPTIMIZERS, timed, strict=True)):
        program = recorded(name)
        groups = model.limit(program, each)
        group = max(groups, key=lambda g: groups[g])
        roots, quotients, others = model.kinds(program)
        note = f"{name}: {quotients} ÷, {roots} √ and {others} other statements an update"
        if i == 0:
            lines[0] = of_the_time(lines[0], groups["divider"] * updates, run, note)
        lines[i + 1] = of_the_time(lines[i + 1], groups[group] * updates, run, f"{note}; the {group} limits")
        data[name] = {"statements": dict(program.statements), "limit": groups, "seconds": run.seconds}
    return lines, data


def recorded(name: str) -> Any:
    """Return the packed instructions of the compiled step of an optimiser."""
    from benchmarks.limits import Program, vector_bits
    from gradflow.compiled import jit
    from gradflow.descent import optimizer
    from gradflow.descent.compiled import block
    from gradflow.descent.compiled.kernel import kernel, kinds

    theta, problem, config = prepare(np.zeros((4, 1)), gf.Problem(), optimizer(name, lr=RATE))
    step = kernel(theta, problem, config, False)
    text = jit.assembly(block.advance, kinds(step, "float64")[0], "float64", step.chosen)
    lanes = vector_bits() // 64
    packed = Counter(operation for operation, numbers in instructions(text) if numbers == lanes)
    del packed["load"], packed["store"]
    # One row each: parameters, memory, and whether the trajectory goes on.
    rows = 4 + 4 * step.chosen[f"{block.__name__}.MEMORIES"] + 1
    return Program(packed, rows, rows)
