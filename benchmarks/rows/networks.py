"""Gradient descent of networks that learn |x|: the population in closed form, beside JAX and 1000 inputs.

PyTorch knows a sample only and is compared with gradflow on the same one, a part of the networks; how far
its trajectories are from the population's stands beside it.
"""

from __future__ import annotations

import math

import numpy as np

import gradflow as gf
from benchmarks.harness import Contender, Measured, Say, cores, measure
from benchmarks.table import Line, Section, compare, find, usual_disagreement

ROW = "networks"
TOLERANCE = 1e-9
SAMPLES, NEURONS, RATE = 1000, 10, 0.05
GOAL = 5.0


def run(quick: bool, say: Say) -> Section:
    """Measure on all cores."""
    n, steps, share = (8, 20, 2) if quick else (10_000, 200, 100)
    threads = len(cores())
    rows = gf.networks.line.start("uniform", NEURONS, 0, (n,)).rows
    work = {"rows": rows, "steps": steps, "lr": RATE}
    # The middles of so many equal parts.
    x = (np.arange(SAMPLES) + 0.5) * (2.0 / SAMPLES) - 1.0
    sample, part = work | {"rows": rows[:, : n // share], "x": x}, 1.0 / share
    contenders = [
        Contender("gradflow", "population", "ours:networks", work, ("numba",)),
        Contender("gradflow", "sample", "ours:networks", sample, ("numba",), part),
        Contender("JAX", "closed form, jit", "jax_networks:gd", work, ("jax",)),
        Contender(
            "PyTorch autograd", f"{SAMPLES} inputs", "torch_networks:gd_autograd", sample, ("torch",), part
        ),
    ]
    measured = measure(contenders, threads=threads, repetitions=2 if quick else 5, say=say)
    whole, of_sample = find(measured, "gradflow")
    missed = _missed(of_sample.answer, whole.answer)
    far = f"{SAMPLES} inputs lead {missed:.1e} away from the population's parameters"
    note = far if math.isfinite(missed) else ""
    lines = [
        _against(whole, find(measured, "JAX"), GOAL, "gradflow lists crossings besides"),
        _against(of_sample, find(measured, "PyTorch autograd"), math.nan, note),
    ]
    title = f"Gradient descent, {n} networks of {NEURONS} neurons, {steps} steps, float64, {threads} cores"
    return Section(ROW, title, lines, measured, {"missed by the sample": missed})


def _missed(sample: np.ndarray | None, whole: np.ndarray | None) -> float:
    """Return how far a part's trajectories on inputs are from the population's; NaN if either is unknown."""
    if sample is None or whole is None:
        return math.nan
    return usual_disagreement(sample, whole[:, : sample.shape[1]])


def _against(ours: Measured, peers: list[Measured], goal: float, note: str) -> Line:
    def error(peer: Measured) -> float:
        return usual_disagreement(peer.answer, ours.answer)

    return compare(ROW, ours.contender.form, ours, peers, goal, TOLERANCE, error=error, note=note)
