"""Gradient descent of a two-layer network on images from tiny weights, beside PyTorch's autograd."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from benchmarks.harness import Contender, Measured, Say, cores, measure
from benchmarks.table import Line, Section, compare, disagreement, find
from gradflow.networks.two_layer.data import digits_data
from gradflow.networks.two_layer.network import gaussian

ROW = "alignment"
TOLERANCE = 1e-9
NEURONS = 50


def run(quick: bool, say: Say) -> Section:
    """Measure on all cores: the first steps, in which all patterns differ, and a run into the fit."""
    threads = len(cores())
    data = digits_data()
    start = gaussian(NEURONS, data.dimension, math.log(1e-6))
    size = np.exp(start.log_scale)
    common = {
        "weights": start.weights * size[:, None],
        "outputs": start.outputs * size,
        "x": data.inputs,
        "y": data.labels,
        "lr": 2e-3,
    }
    works = {"first": 10, "all": 40} if quick else {"first": 500, "all": 3000}
    contenders = []
    for name, steps in works.items():
        work = common | {"steps": steps}
        contenders += [
            Contender("gradflow", name, "ours:two_layer", work),
            Contender("PyTorch autograd", name, "torch_two_layer:gd_autograd", work, ("torch",)),
        ]
    measured = measure(contenders, threads=threads, repetitions=2 if quick else 5, say=say)
    lines: list[Line] = []
    for name, steps in works.items():
        ours, peers = find(measured, "gradflow", name)[0], find(measured, "PyTorch autograd", name)
        error = partial(_error, ours=ours)
        lines.append(compare(ROW, f"{steps} steps", ours, peers, math.nan, TOLERANCE, error=error))
    title = (
        f"Gradient descent, {NEURONS} neurons on {data.n} MNIST zeros and ones, weights of 1e-6, float64, "
        f"{threads} cores"
    )
    return Section(ROW, title, lines, measured, {})


def _error(peer: Measured, ours: Measured) -> float:
    """Return the largest difference relative to the largest weight: these are tiny at first."""
    size = 1.0 if ours.answer is None else float(np.max(np.abs(ours.answer)))
    return disagreement(peer.answer, ours.answer) / size
