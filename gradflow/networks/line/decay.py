"""Laws by which the loss of a network falls: exponentially, or like t⁻³, and the constant of the latter.

``derivations/33_cubic_decay.py`` proves the constant for two neurons that face the teacher's way.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import xarray as xr

from gradflow.base.arrays import Array
from gradflow.base.checks import number, numbers, shown
from gradflow.networks.line.network import Network, as_network
from gradflow.networks.line.task import Task, task_of
from gradflow.neuron.problem import Problem

LAWS = ("exponential", "cubic", "neither")
"""L ~ exp(−rate t); L ~ t⁻³; the record shows neither."""

POINTS = 16
"""So many records, about evenly in log t, are looked at; they count as independent."""

WINDOW = 4.0
"""The record's last part is looked at, from its last time over this factor."""

FLOOR = 1e-24
"""Losses below this part of the first one are rounding."""

LIKELY, CLOSE = 0.99, 0.005
"""The confidence below which neither law is named, and the largest deviation of log L from a law, as a part
of its fall if that is above 1."""


class CubicLimit(NamedTuple):
    """The law t³ L → `loss`, t |h| → 1/`rate`, as derivation 33 (2) has it.

    Attributes
    ----------
    rate : float
        K.
    loss : float
        C/K³.
    share : float
        C: L = C |h|³ on the kernel.
    """

    rate: float
    loss: float
    share: float


def cubic_limit(network: Network | Array, problem: Problem = Problem()) -> CubicLimit:
    """Return the limits of t |h| and t³ L for two neurons that learn max(x, 0).

    Parameters
    ----------
    network : Network or array, shape (7,)
        The limit of the flow: w1 > 0, w1 w2 ≠ 0 of both neurons. A state on the way gives what the limit
        would be with its weights.
    problem : Problem
        The teacher max(x, 0), and inputs whose density is continuous and positive at 0.

    Returns
    -------
    CubicLimit

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.

    Examples
    --------
    >>> import gradflow as gf
    >>> limit = cubic_limit(gf.Network([1.0, 1.0], [0.0, 0.0], [0.5, 0.5]))
    >>> limit.rate, round(limit.loss, 6)  # K = 1/4, and 1/(6 s1 s2 K³)
    (0.25, 42.666667)
    """
    student, density = as_network(network), _density_at_teacher(task_of(problem))
    if student.batch or student.m != 2:
        raise ValueError(f"network: expected one network of two neurons, got {student}")
    w, a = np.asarray(student.w1), np.asarray(student.w2)
    s = w * a
    if not (np.all(w > 0.0) and np.all(s != 0.0) and np.sum(s) > 0.0):
        raise ValueError(
            "network: expected w1 > 0 and w1 w2 not 0 of both neurons, with a positive sum, got "
            f"w1 = {w.tolist()}, w2 = {a.tolist()}"
        )
    largest, other = float(np.max(s)), float(np.min(s))
    share = density / (3.0 * largest * (other if other > 0.0 else -other * largest))
    less, more = sorted(np.abs(a).tolist())
    # Squares of extreme weights leave the range of floats.
    rate = 3.0 * share * less * less / (1.0 + (less / more) * (less / more))
    cube = rate * rate * rate
    return CubicLimit(rate, share / cube if cube > 0.0 else math.inf, share)


def _density_at_teacher(task: Task) -> float:
    """Return the density of the inputs at 0, where the teacher max(x, 0) bends."""
    teacher = task.teacher
    is_relu = task.is_exact and task.slopes == task.teacher_slopes == (0.0, 1.0)
    if teacher is None or teacher.m != 1 or not is_relu:
        raise ValueError("problem: expected the ReLU teacher max(x, 0) and a ReLU student")
    w1, b1, w2, b2 = teacher.rows.tolist()
    if not (w1 > 0.0 and b1 == 0.0 and math.isclose(w1 * w2, 1.0) and b2 == 0.0):
        raise ValueError(f"problem: expected the teacher max(x, 0), got {shown(teacher.rows.tolist())}")
    if task.density is None:
        mean, std = task.normal
        return math.exp(-0.5 * (mean / std) ** 2) / (std * math.sqrt(2.0 * math.pi))
    before, after = (float(_step(task, side)) for side in ("left", "right"))
    if not before == after > 0.0:
        raise ValueError(
            f"problem: expected inputs with a continuous and positive density at 0, got {before} and {after}"
        )
    return before


def _step(task: Task, side: str) -> float:
    """Return the density immediately before 0 (left) or after it."""
    assert task.density is not None
    place = int(np.searchsorted(task.marks, 0.0, side="left" if side == "left" else "right")) - 1
    return float(task.density[place]) if 0 <= place < len(task.density) else 0.0


class Decay(NamedTuple):
    """The law by which a loss falls.

    Attributes
    ----------
    law : str
        One of `LAWS`.
    confidence : float
        The weight of that law against the other, between 0 and 1; of neither: of the likelier one.
    rate : float
        −d log L/dt by the exponential law.
    power : float
        −d log L/d log t at the end of the record: it settles at 3, or grows with t.
    deviation : float
        The root mean square of log L from the likelier law.
    window : (float, float)
        The times that were looked at.
    """

    law: str
    confidence: float
    rate: float
    power: float
    deviation: float
    window: tuple[float, float]


def decay_law(run: xr.Dataset, limit: float = 0.0) -> Decay:
    """Tell exponential decay from t⁻³ in a record.

    Parameters
    ----------
    run : Dataset
        A flow's record (`loss` along `time`), or a training run's along `step`, of one network.
    limit : float
        The loss that is approached; its excess over it is looked at.

    Returns
    -------
    Decay

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, or fewer than 16 times in the record have a loss above rounding.

    Notes
    -----
    log L = A − λ t and log L = A − 3 log(t + t₀), t₀ > −t, are fitted by least squares to n ≤ 16 records,
    about evenly in log t over the last factor 4 of the time. The confidence is the Akaike weight of one law
    against the other: they have equally many parameters, so the weights are as RSS^(−n/2).

    Examples
    --------
    >>> import gradflow as gf
    >>> decay_law(gf.gradient_flow(gf.Network([1.0], [0.2], [0.6], 0.1), t_end=60.0)).law
    'exponential'
    """
    if not isinstance(run, xr.Dataset) or "loss" not in run:
        raise TypeError(f"run: expected the dataset of a flow or of training, got {shown(run)}")
    if run["loss"].ndim != 1:
        raise ValueError(f"run: expected one network, got losses of shape {run['loss'].shape}")
    time = numbers("run", run[run["loss"].dims[0]].values).astype(np.float64)
    excess = numbers("run", run["loss"].values).astype(np.float64) - number("limit", limit)
    good = np.isfinite(excess) & (excess > FLOOR * max(float(excess[0]), 0.0)) & (time > 0.0)
    # What comes after the first loss that is rounding is rounding.
    last = len(good) if np.all(good[1:]) else 1 + int(np.argmin(good[1:]))
    time, excess = time[1:last], excess[1:last]
    if len(time) < POINTS:
        raise ValueError(
            f"run: expected at least {POINTS} records with a loss above rounding, got {len(time)}"
        )
    begin, end = max(float(time[-1]) / WINDOW, float(time[0])), float(time[-1])
    # Records themselves, as nothing between them is known to the accuracy of the fits.
    wanted = np.searchsorted(time, np.geomspace(begin, end, POINTS)[:-1])
    chosen = np.unique(np.append(wanted, len(time) - 1))
    if len(chosen) < POINTS // 2:
        raise ValueError(
            f"run: expected records at {POINTS} times from {begin:g} to {end:g}, got {len(chosen)}"
        )
    t, y = time[chosen], np.log(excess[chosen])
    by_time, rate = _line(t, y)
    by_log = _cubic(t, y)
    power = float(-np.diff(y[-2:])[0] / np.diff(np.log(t[-2:]))[0])
    least = max(by_time, by_log, 1e-300)
    # Weights as RSS^(−n/2), of the ratio, so that nothing underflows.
    ratio = max(min(by_time, by_log), 1e-300) / least
    confidence = 1.0 / (1.0 + ratio ** (0.5 * len(t)))
    deviation = math.sqrt(min(by_time, by_log) / len(t))
    law = LAWS[0] if by_time < by_log else LAWS[1]
    falls = y[0] - y[-1] > math.log(2.0)
    if not (falls and confidence > LIKELY and deviation < CLOSE * max(1.0, float(y[0] - y[-1]))):
        law = LAWS[2]
    return Decay(law, confidence, rate, power, deviation, (begin, end))


def _line(t: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return the squared residuals of log L = A − λ t, and λ."""
    (slope, start), *_ = np.polyfit(t, y, 1, full=True)
    return float(np.sum((y - start - slope * t) ** 2)), float(-slope)


def _cubic(t: np.ndarray, y: np.ndarray) -> float:
    """Return the squared residuals of log L = A − 3 log(t + t₀)."""
    # L^(−1/3) is a line in t; its zero is the first guess of −t₀, and Newton's steps follow on the residuals.
    scaled = np.exp(-(y - y[-1]) / 3.0)
    slope, start = np.polyfit(t, scaled, 1)
    shift = start / slope if slope != 0.0 else 0.0
    best = math.inf
    for _ in range(8):
        shift = max(shift, -0.999 * float(t[0]))
        residual = y + 3.0 * np.log(t + shift)
        residual -= np.mean(residual)
        best = min(best, float(np.sum(residual**2)))
        direction = 3.0 / (t + shift)
        direction -= np.mean(direction)
        size = float(direction @ direction)
        if size == 0.0:
            break
        shift -= float(direction @ residual) / size
    return best
