"""Adam on the population with SiLU neurons, beside PyTorch's autograd of the same integral."""

from __future__ import annotations

import math

from benchmarks import starts
from benchmarks.harness import Contender, Measured, Say, cores, measure
from benchmarks.table import Line, Section, compare, find, usual_disagreement

ROW = "smooth"
TOLERANCE = 1e-9
NODES = 40
"""What integrates neurons of |w1| ≤ 6 to rounding; gradflow chooses its own nodes, for any w1."""


def run(quick: bool, say: Say) -> Section:
    """Measure on all cores."""
    n, steps = (64, 20) if quick else (2000, 1000)
    threads = len(cores())
    work = {"theta": starts.normal(n), "steps": steps, "lr": 0.01}
    torch = ("torch",)
    contenders = [
        Contender("gradflow fused", "numba", "ours:adam_smooth", work | {"backend": "numba"}, ("numba",)),
        Contender("gradflow NumPy", "numpy", "ours:adam_smooth", work | {"backend": "numpy"}),
        *(
            Contender(
                name, f"{NODES} Gauss–Legendre nodes", f"torch_smooth:{form}", work | {"nodes": NODES}, torch
            )
            for name, form in (("PyTorch autograd", "adam_autograd"), ("torch.compile", "adam_compiled"))
        ),
    ]
    measured = measure(contenders, threads=threads, repetitions=2 if quick else 5, say=say)
    lines = []
    for side in ("fused", "NumPy"):
        ours = find(measured, f"gradflow {side}")[0]
        lines += [
            _against(side, ours, find(measured, peer)) for peer in ("PyTorch autograd", "torch.compile")
        ]
    lines.append(_against("fused", find(measured, "gradflow fused")[0], find(measured, "gradflow NumPy")))
    title = f"Adam on the population, {n} SiLU neurons, {steps} steps, float64, {threads} cores"
    return Section(ROW, title, lines, measured, {})


def _against(side: str, ours: Measured, peers: list[Measured]) -> Line:
    def error(peer: Measured) -> float:
        return usual_disagreement(peer.answer, ours.answer)

    return compare(ROW, side, ours, peers, math.nan, TOLERANCE, error=error)
