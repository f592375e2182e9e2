"""Gradient descent of networks that learn |x|: the population in closed form, beside JAX and 1000 inputs.

PyTorch knows a sample only and is compared with gradflow on the same one; how far its trajectories are from
the population's stands beside it.
"""

from __future__ import annotations

import math

import numpy as np

import gradflow as gf
from benchmarks.harness import Contender, Measured, Say, cores, measure
from benchmarks.table import Line, Section, compare, find, usual_disagreement

ROW = "networks"
TOLERANCE = 1e-9
SAMPLES, NEURONS, RATE = 1000, 20, 0.05


def run(quick: bool, say: Say) -> Section:
    """Measure on all cores."""
    n, steps = (8, 20) if quick else (100, 200)
    threads = len(cores())
    work = {"rows": gf.networks.line.start("uniform", NEURONS, 0, (n,)).rows, "steps": steps, "lr": RATE}
    # The middles of so many equal parts.
    sample = work | {"x": (np.arange(SAMPLES) + 0.5) * (2.0 / SAMPLES) - 1.0}
    contenders = [
        Contender("gradflow", "population", "ours:networks", work, ("numba",)),
        Contender("gradflow", "sample", "ours:networks", sample),
        Contender("JAX", "closed form, jit", "jax_networks:gd", work, ("jax",)),
        Contender("PyTorch autograd", f"{SAMPLES} inputs", "torch_networks:gd_autograd", sample, ("torch",)),
    ]
    measured = measure(contenders, threads=threads, repetitions=2 if quick else 5, say=say)
    whole, of_sample = find(measured, "gradflow")
    torch = find(measured, "PyTorch autograd")
    missed = usual_disagreement(torch[0].answer, whole.answer)
    far = f"{SAMPLES} inputs lead {missed:.1e} away from the population's parameters"
    lines = [
        _against(whole, find(measured, "JAX"), "gradflow lists crossings besides"),
        _against(of_sample, torch, far if math.isfinite(missed) else ""),
    ]
    title = f"Gradient descent, {n} networks of {NEURONS} neurons, {steps} steps, float64, {threads} cores"
    return Section(ROW, title, lines, measured, {"missed by the sample": missed})


def _against(ours: Measured, peers: list[Measured], note: str) -> Line:
    def error(peer: Measured) -> float:
        return usual_disagreement(peer.answer, ours.answer)

    return compare(ROW, ours.contender.form, ours, peers, math.nan, TOLERANCE, error=error, note=note)
