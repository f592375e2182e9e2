"""Adam on 1000 samples: a batch of neurons, beside PyTorch's autograd."""

from __future__ import annotations

import math

import numpy as np

from benchmarks import starts
from benchmarks.harness import Contender, Measured, Say, cores, measure
from benchmarks.table import Line, Section, compare, find, usual_disagreement

ROW = "samples"
TOLERANCE = 1e-9
SAMPLES = 1000


def run(quick: bool, say: Say) -> Section:
    """Measure on all cores."""
    n, steps = (64, 20) if quick else (1000, 1000)
    threads = len(cores())
    x = np.linspace(-1.0, 1.0, SAMPLES)
    work = {"theta": starts.normal(n), "x": x, "steps": steps, "lr": 0.01}
    torch = ("torch",)
    contenders = [
        Contender("gradflow fused", "numba", "ours:adam_on_sample", work | {"backend": "numba"}, ("numba",)),
        Contender("gradflow NumPy", "numpy", "ours:adam_on_sample", work | {"backend": "numpy"}),
        Contender("PyTorch autograd", "backward of one batch", "torch_samples:adam_autograd", work, torch),
        Contender("PyTorch autograd", "vmap of grad", "torch_samples:adam_vmap", work, torch),
        Contender("torch.compile", "autograd compiled", "torch_samples:adam_compiled", work, torch),
    ]
    measured = measure(contenders, threads=threads, repetitions=2 if quick else 5, say=say)
    lines = []
    for side, goal, compiled in (("fused", 500.0, 25.0), ("NumPy", 50.0, math.nan)):
        ours = find(measured, f"gradflow {side}")[0]
        for peer, aim in (("PyTorch autograd", goal), ("torch.compile", compiled)):
            lines.append(_against(side, ours, find(measured, peer), aim))
    title = f"Adam on {SAMPLES} samples, {n} neurons, {steps} steps, float64, {threads} cores"
    return Section(ROW, title, lines, measured, {})


def _against(side: str, ours: Measured, peers: list[Measured], goal: float) -> Line:
    def error(peer: Measured) -> float:
        return usual_disagreement(peer.answer, ours.answer)

    return compare(ROW, side, ours, peers, goal, TOLERANCE, error=error)
