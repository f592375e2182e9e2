"""Adversarial samples, and for each the neurons that meet its inputs in every awkward way."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.neuron.problem import Neuron, Problem, Sample
from tests.field.exact_sums import Data

RELU, LEAKY, GENERAL = (0.0, 1.0), (0.01, 1.0), (-0.5, 2.0)
TEACHERS = ((1.0, 0.0, 1.0, 0.0), (-0.8, 0.35, 1.25, -0.5), (1.0, 7.0, -2.0, 1e-3), (0.0, 0.0, 1.0, 0.25))


def _inputs() -> dict[str, Any]:
    rng = np.random.default_rng(5)
    centres = np.asarray([-1.0, 0.0, 0.7])
    near_one = 1.0 + np.spacing(1.0) * np.arange(6)
    return {
        "one": np.asarray([0.37]),
        "two": np.asarray([0.0, 1.0]),
        "two neighbours": np.asarray([1.0, np.nextafter(1.0, 2.0)]),
        "three": np.asarray([0.5, -1.0, 1.0]),
        "all equal": np.full(5, -0.3),
        "uniform": rng.uniform(-1, 1, 1000),
        "grid": np.linspace(-1, 1, 257),
        "clustered": np.repeat(centres, 60) + 1e-9 * rng.normal(size=180),
        "repeated": np.round(rng.normal(size=300), 1),
        "far away": 1e6 + rng.uniform(-1, 1, 300),
        "tight and far": np.concatenate([near_one, rng.uniform(-100, 1, 200)]),
        "wide": rng.choice([-1.0, 1.0], 200) * 10.0 ** rng.uniform(-8, 8, 200),
    }


INPUTS = _inputs()


def weights_of(kind: str, x: Any) -> Any:
    rng = np.random.default_rng(6)
    if kind == "equal":
        return None
    weights = 10.0 ** rng.uniform(-8, 8, x.shape[0])
    if kind == "many zero":
        weights[rng.uniform(size=x.shape[0]) < 0.6] = 0.0
        weights[x.shape[0] // 2] = 1.0
    return weights


def case(name: str, kind: str, target: int | None, slopes: tuple[float, float]) -> tuple[Problem, Data]:
    """Return a problem and the same for the oracle; `target` None: arbitrary targets."""
    x = INPUTS[name]
    if target is None:
        rng = np.random.default_rng(7)
        targets, teacher = rng.normal(size=x.shape[0]) + 3.0 * np.sin(x), (1.0, 0.0, 1.0, 0.0)
    else:
        targets, teacher = None, TEACHERS[target]
    sample = Sample(x, weights=weights_of(kind, x), targets=targets)
    weights = np.full(x.shape, 1.0 / x.shape[0]) if sample.weights is None else sample.weights
    return Problem(Neuron(*teacher), sample, slopes), Data(x, weights, targets, teacher, slopes)


def neurons(x: Any, teacher: tuple[float, ...], seed: int = 8) -> Any:
    """Return neurons, shape (4, n): random; breakpoint on, next to, between and beyond inputs; w1 = 0; …"""
    rng = np.random.default_rng(seed)
    distinct = np.unique(x)
    pick = rng.choice(distinct, 4)
    gap = distinct[rng.integers(0, max(1, distinct.size - 1))]
    after = distinct[min(np.searchsorted(distinct, gap, side="right"), distinct.size - 1)]
    reach = float(np.max(np.abs(x))) + 1.0
    rows = [rng.normal(size=4) for _ in range(4)]
    for w1 in (rng.normal(), -rng.normal(), 1.0, -1.0):
        w2, b2 = rng.normal(size=2)
        ends = (distinct[0], distinct[-1])
        places = (*pick, *ends, 0.5 * (gap + after), -2 * reach, 2 * reach)
        rows += [np.asarray([w1, -w1 * p, w2, b2]) for p in places]
        hairs = [hair * np.spacing(max(abs(w1 * p), 1e-3)) for p in ends for hair in (-1, 1, -3, 3)]
        rows += [np.asarray([w1, hair - w1 * p, w2, b2]) for p in ends for hair in hairs]
        inner = (distinct[min(1, distinct.size - 1)], distinct[max(0, distinct.size - 2)])
        # One distinct input is active, by far or by a hair.
        rows += [np.asarray([w1, -w1 * (0.5 * (e + i)), w2, 0.0]) for e, i in zip(ends, inner, strict=True)]
        rows += [np.asarray([w1, -w1 * e * (1 - 1e-13), w2, 1e-9]) for e in ends]
    rows += [np.asarray([0.0, b1, 1.3, 0.2]) for b1 in (-1.0, 0.0, 2.0)]
    rows += [np.asarray([1e-30, 1e-30 * p, 2.0, -0.1]) for p in (-0.3, 0.0, 0.5)]
    rows += [np.asarray([1e4, 3e3, 1e-6, -1e5]), np.asarray([1e-6, -3e-7, 1e6, 0.0])]
    exact = np.asarray(teacher)
    rows += [exact, *(exact + delta * rng.normal(size=4) for delta in (1e-12, 1e-8, 1e-4))]
    return np.stack(rows, axis=1)
