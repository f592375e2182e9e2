"""One neuron that is dead, or so nearly dead that it no longer matters, recorded along its closed form."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gradflow.flow import chart as charts
from gradflow.flow.chart import Cell, Floats, Setting
from gradflow.flow.dying import NEGLIGIBLE, Active, Fading, fading
from gradflow.flow.record import Point, Recorder

RELAXATION = 20.0
POINTS = 200


class State(NamedTuple):
    """Time, parameters, pre-activations at lo, q and hi, and ∫|∇L|² so far."""

    t: float
    theta: Floats
    z: tuple[float, float, float]
    descended: float


def outlook(cell: Cell, state: State, where: Setting, t_end: float) -> Fading | None:
    """Return how a neuron fades; None for one that is not nearly dead, or that comes back to life."""
    if where.slopes[0] != 0.0 or cell[0] == cell[2] or (where.aim.has_breakpoint and cell[1]):
        return None
    end = 0 if cell[0] else 2
    z, other = state.z[end], abs(state.z[2 - end])
    if not 0.0 < z <= NEGLIGIBLE * other:
        return None
    output = where.aim.y[end] + where.teacher[3]
    active = Active(*(np.float64(v) for v in (z, other, output, where.aim.x[end])))
    w2, b2, mean, left = (np.float64(v) for v in (*state.theta[2:], where.mean, t_end - state.t))
    found = fading(np, active, where.slopes[1], w2, b2, mean, left, np.bool_(True))
    return found if found.holds else None


def follow(
    cell: Cell,
    begin: State,
    where: Setting,
    t_end: float,
    recorder: Recorder,
    fades: Fading | None = None,
    stop: Callable[[Point], bool] | None = None,
) -> State | None:
    """Follow a dead or fading neuron to `t_end` or to its return; return that state, None if stopped.

    b2 − E f* decays like exp(−2t), and the active end's pre-activation as `gradflow.flow.dying` says; all
    else stays.
    """
    w1, b1, w2, b2 = begin.theta
    aim, floor = where.mean, where.variance
    gap = b2 - aim
    until = t_end if fades is None or not fades.returns else begin.t + float(fades.time)
    end = 0 if cell[0] else 2
    chart = charts.make_chart(cell, where)

    def at(t: float) -> State:
        left = gap * math.exp(-2.0 * (t - begin.t))
        z, line = list(begin.z), (w1, b1)
        if fades is not None and t > begin.t:
            grown = float(fades.growth(np, np.float64(t - begin.t)))
            z[end] = (
                NEGLIGIBLE * abs(z[2 - end]) if fades.returns and t >= until else z[end] * math.exp(grown)
            )
            line = chart.weights(z[0], z[2])
        descended = begin.descended + gap * gap * -math.expm1(-4.0 * (t - begin.t))
        return State(t, (*line, w2, aim + left if t > begin.t else b2), (z[0], z[1], z[2]), descended)

    def point(t: float) -> Point:
        state = at(t)
        left = gap * math.exp(-2.0 * (t - begin.t))
        return Point(t, state.theta, floor + left * left, charts.activity_of(cell), state.descended)

    if begin.t == 0.0 and not recorder.points:
        recorder.step(0.0, point)
    relaxation = min(until - begin.t, RELAXATION)
    moments = [begin.t + relaxation * i / POINTS for i in range(1, POINTS + 1)]
    for t in [*moments, until] if moments[-1] < until else moments:
        last = recorder.step(t, point)
        if stop is not None and stop(last):
            return None
    return at(until)
