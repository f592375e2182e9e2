"""Neighbours of the paper: a spurious fit, orthogonal inputs, a single teacher, and extremal directions."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from gradflow.descent import GD
from gradflow.networks.two_layer.data import Dataset, cone
from gradflow.networks.two_layer.limit import final_directions, limit_flow, tangential_pull
from gradflow.networks.two_layer.losses import LOGISTIC, SQUARED, Objective
from gradflow.networks.two_layer.network import TwoLayer, balanced, gates, predict
from gradflow.networks.two_layer.steps import train
from gradflow.study.claims.alignment.common import rounded
from gradflow.study.claims.evidence import count
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.shared import remembered
from gradflow.study.claims.words import each, finding

THREE = ((-0.75, -0.5, 0.125), (1.1, 0.1, 0.8))
"""x and y of Boursier and Flammarion's example."""

ORTHOGONAL = ((-0.5, 2.0), (-1.0, 1.0))
"""x and y of Boursier, Pillaud-Vivien and Flammarion's: (x, 1) and (x′, 1) are orthogonal."""


def with_bias(x: tuple[float, ...], y: tuple[float, ...], name: str) -> Dataset:
    """Return inputs on the line with a second coordinate 1."""
    return Dataset(np.stack([np.array(x), np.ones(len(x))], axis=1), np.array(y), name)


class Ending(NamedTuple):
    """Where squared-loss training of one network ended; `pulled` are its neurons with v > 0 that are not
    born dead."""

    width: int
    scale: float
    loss: float
    distance: float
    pulled: int


@remembered
def endings(quick: bool) -> tuple[tuple[Ending, ...], float]:
    """Return how networks of several widths and scales end on the three points, and the best line's loss."""
    data = with_bias(*THREE, "three points")
    line, *_ = np.linalg.lstsq(data.inputs, data.labels, rcond=None)
    fitted = data.inputs @ line
    best = float(np.mean((fitted - data.labels) ** 2))
    scales = np.array([1e-3, 1.0] if quick else [1e-6, 1e-3, 1e-1, 1.0])
    seeds, steps = (2, 8_000) if quick else (5, 30_000)
    rows = []
    for width in (20,) if quick else (4, 20, 100):
        start = balanced(width, 2, 0.0, seed=width, networks=(seeds, 1))
        start = TwoLayer(
            np.repeat(start.weights, scales.size, axis=1),
            np.repeat(start.outputs, scales.size, axis=1),
            start.log_scale + np.log(scales)[:, None],
        )
        pulled = np.sum(np.any(gates(start, data.inputs), axis=-1) & (start.outputs > 0.0), axis=-1)
        f = predict(train(start, Objective(data, SQUARED, mean=True), GD(0.02), steps).final, data.inputs)
        losses, far = np.mean((f - data.labels) ** 2, axis=-1), np.max(np.abs(f - fitted), axis=-1)
        rows += [
            Ending(width, float(scales[k]), float(losses[i, k]), float(far[i, k]), int(pulled[i, k]))
            for i in range(seeds)
            for k in range(scales.size)
        ]
    return tuple(rows), best


NEAR = 1e-4
"""Outputs this close to the best line's count as its."""


def spurious(quick: bool) -> Finding:
    """See where small networks end on the three points, and where large ones do."""
    rows, best = endings(quick)
    small = [row for row in rows if row.scale <= 1e-3 and row.pulled]
    without = [row for row in rows if row.scale <= 1e-3 and not row.pulled]
    fitted = [row for row in rows if row.loss < 1e-8]
    at_line = sum(row.distance < NEAR for row in small)
    stays = small and at_line == len(small)
    by_scale: dict[float, list[bool]] = {}
    for row in sorted(rows, key=lambda row: row.scale):
        by_scale.setdefault(row.scale, []).append(row.distance < NEAR)
    return finding(
        # In a quick run the steps may not have been enough.
        by_rule(conditional=stays and without, reproduced=stays, open=quick or not small, refuted=True),
        f"Balanced networks of widths {{widths}} from ε <= 0.001 end at the best line, loss {{best_line:.6g}} (mean), in {at_line} of {len(small)} runs that start with a neuron of v > 0 that is active somewhere (outputs within {{within:.1g}}); {len(without)} start without one. "
        f"At the line by scale: {{scales}}; loss 0 is reached in {len(fitted)} of {len(rows)}, the smallest scale among them {{smallest:g}}.",
        {"best_line": best, "runs": rounded(rows), "published": {"ends": "linear fit"}},
        widths=each("{0}", sorted({row.width for row in rows})),
        within=max((r.distance for r in small), default=math.nan),
        scales="; ".join(f"ε = {scale:g}: {sum(near)} of {len(near)}" for scale, near in by_scale.items()),
        smallest=min((row.scale for row in fitted), default=math.nan),
    )


class FitTimes(NamedTuple):
    """When a network on the orthogonal pair fits each datum."""

    log_scale: float
    times: tuple[float, float]


@remembered
def escapes(quick: bool) -> tuple[tuple[FitTimes, ...], tuple[float, float]]:
    """Return the times at which each datum is half fitted, and the forces D₋, D₊ on its neurons."""
    data = with_bias(*ORTHOGONAL, "two orthogonal points")
    objective = Objective(data, SQUARED, mean=True)
    rate = 2e-2 if quick else 4e-3
    force = objective.weight * SQUARED.at_zero * np.abs(data.labels) * np.linalg.norm(data.inputs, axis=1)
    rows = []
    for log_scale in (-10.0, -20.0) if quick else (-10.0, -20.0, -40.0):
        steps = int((-log_scale + 12.0) / float(np.min(force)) / rate)
        start, every = balanced(8, 2, log_scale, seed=3), max(1, steps // 2000)
        h = train(start, objective, GD(rate), steps, record_every=every, states=True).history
        states = (
            TwoLayer(*parts) for parts in zip(*(h[name].values for name in TwoLayer._fields), strict=True)
        )
        half = np.abs([predict(state, data.inputs) for state in states]) >= 0.5 * np.abs(data.labels)
        first = h["step"].values[np.argmax(half, axis=0)] * rate
        at = [float(first[i]) if half[-1, i] else math.inf for i in range(2)]
        rows.append(FitTimes(log_scale, (at[0], at[1])))
    return tuple(rows), (float(force[0]), float(force[1]))


def saddles(quick: bool) -> Finding:
    """Compare the times at which the two orthogonal data are fitted with ln(1/λ)/‖D±‖."""
    rows, force = escapes(quick)
    logs = np.array([-row.log_scale for row in rows])
    times = np.array([row.times for row in rows])
    slopes = [float(np.polyfit(logs, t, 1)[0]) if np.all(np.isfinite(t)) else math.nan for t in times.T]
    ratios = [slope * pull for slope, pull in zip(slopes, force, strict=True)]
    return finding(
        by_rule(
            open=not np.all(np.isfinite(slopes)), refuted=any(abs(ratio - 1.0) >= 0.05 for ratio in ratios)
        ),
        f"From one saddle to the next: the datum that pulls harder is fitted first. Half fitted at times {{table}}. The times grow by {slopes[1]:.3f} and {slopes[0]:.3f} for each unit of ln(1/λ); 1/‖D‖ is {1 / force[1]:.3f} and {1 / force[0]:.3f}, with D the force on a neuron that "
        f"is active on that datum alone (mean of (f − y)², so ‖D‖ = 2|y|‖x‖/n). Ratios {ratios[1]:.3f} and {ratios[0]:.3f}. (8 balanced neurons, GD at {0.02 if quick else 0.004:g}.)",
        rounded({"runs": rows, "force": force, "slopes": slopes, "ratios": ratios}),
        table=each("λ = e^{log_scale:g}: {times[1]:.1f} (y = 1) and {times[0]:.1f} (y = −1)", rows, "; "),
    )


SMALL = 1e-4
"""The theorem is about small scales: rates are compared up to this one."""

TAUGHT_RATE = 0.1

WINDOW = (1e-12, 1e-6)
"""Losses between which the rate is fitted."""


class LearnedReLU(NamedTuple):
    """How learning a single ReLU went from one scale."""

    scale: float
    rate: float
    stable_rank: float
    cosine: float
    loss: float


@remembered
def taught(quick: bool) -> tuple[LearnedReLU, ...]:
    """Train on labels of one ReLU neuron whose angles with the data are all below 45°."""
    dimension, n = 5, 20
    rng = np.random.default_rng(7)
    teacher = np.zeros(dimension)
    teacher[0] = 1.0
    sides = rng.normal(size=(n, dimension - 1))
    sides *= np.tan(math.radians(40.0)) * rng.random((n, 1)) / np.linalg.norm(sides, axis=1, keepdims=True)
    x = np.concatenate([np.ones((n, 1)), sides], axis=1)
    data = Dataset(x, np.maximum(x @ teacher, 0.0), "one ReLU teacher")
    objective = Objective(data, SQUARED, mean=True)
    scales = np.array([1e-4, 1e-6] if quick else [1e-2, 1e-4, 1e-6, 1e-8])
    start = balanced(25, dimension, 0.0, seed=1)
    many = TwoLayer(
        np.stack([start.weights] * scales.size),
        np.stack([start.outputs] * scales.size),
        start.log_scale + np.log(scales)[:, None],
    )
    run = train(many, objective, GD(TAUGHT_RATE), 6_000, record_every=20)
    end, history = run.final, run.history
    time = history["step"].values * TAUGHT_RATE
    alive = np.any(gates(end, data.inputs), axis=-1) & (end.outputs > 0.0)
    mixing = np.where(alive, end.outputs * np.exp(2.0 * end.log_scale), 0.0)
    total = np.sum(mixing[..., None] * end.weights, axis=-2)
    cosines = total @ teacher / np.linalg.norm(total, axis=-1)
    rows = []
    for k, scale in enumerate(scales):
        loss = history["loss"].values[:, k]
        tail = (loss > WINDOW[0]) & (loss < WINDOW[1])
        rate = (
            -0.5 * float(np.polyfit(time[tail], np.log(loss[tail]), 1)[0]) if np.sum(tail) > 5 else math.nan
        )
        rank = float(history["stable_rank"].values[-1, k])
        rows.append(LearnedReLU(float(scale), rate, rank, float(cosines[k]), float(loss[-1])))
    return tuple(rows)


def one_teacher(quick: bool) -> Finding:
    """Check that the limit has rank one, and that the error's rate does not depend on the scale."""
    rows = taught(quick)
    small = [row for row in rows if row.scale <= SMALL]
    rates = np.array([row.rate for row in small])
    finite = bool(np.all(np.isfinite(rates))) and len(small) > 1
    spread = float((np.max(rates) - np.min(rates)) / np.mean(rates)) if finite else math.nan
    ranks = [row.stable_rank for row in rows]
    falling = all(second <= first + 1e-9 for first, second in pairwise(ranks))
    holds = falling and ranks[-1] - 1.0 < 1e-3 and spread < 0.02
    return finding(
        by_rule(open=not finite, refuted=not holds),
        f"Root mean squared errors and ranks: {{table}}. For λ <= {SMALL:g} the rates differ by {spread:.1%} of their mean. The first layer tends to rank one as λ falls, its direction to the teacher's (cosine at least {min(row.cosine for row in rows):.6f}). (20 inputs within 40° of the "
        f"teacher in 5 dimensions, 25 balanced neurons, mean squared loss, GD at {TAUGHT_RATE:g}; rates fitted to mean squared losses from {WINDOW[1]:g} to {WINDOW[0]:g}.)",
        rounded({"runs": rows, "spread": spread}),
        table="; ".join(
            f"λ = {row.scale:g}: exp(−{row.rate:.4f} t), stable rank − 1 = {row.stable_rank - 1.0:.1e}"
            for row in rows
        ),
    )


def extrema(quick: bool) -> Finding:
    """Check that what neurons converge to in the limit are extrema of Σ y relu(⟨x, u⟩) on the sphere."""
    total = critical = alive = 0
    worst = 0.0
    for seed in range(3 if quick else 20):
        rng = np.random.default_rng(seed)
        for data in (cone(12, 0.2, 5, seed), Dataset(rng.normal(size=(12, 4)), rng.choice([-1.0, 1.0], 12))):
            network = balanced(20, data.dimension, 0.0, seed=seed)
            objective = Objective(data, LOGISTIC)
            ends = final_directions(limit_flow(network, objective, record=False))
            moving = ends.rates != 0.0
            gaps = tangential_pull(ends.directions[moving], objective)
            total += moving.size
            alive += gaps.size
            critical += count(gaps < 1e-9)
            worst = max(worst, float(np.max(gaps, initial=0.0)))
    return finding(
        by_rule(open=not alive, refuted=critical < alive),
        "Of {neurons} neurons {alive} end alive, and {critical} of these at a critical point of Σ y_i relu(⟨x_i, u⟩) on the unit sphere (tangential part of the least generalised gradient at most {largest_gap:.1e} of its size); half of the data sets satisfy Assumption 1, half are random "
        "labels of random inputs.",
        {"neurons": total, "alive": alive, "critical": critical, "largest_gap": worst},
    )
