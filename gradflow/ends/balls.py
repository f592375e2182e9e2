"""Statements that hold on whole balls of states: cells, bounds of derivatives, least eigenvalues.

``derivations/36_enclosures.py`` (1) and (2) prove them; `gradflow.ends.enclosure` lets balls move.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradflow.field import hessian
from gradflow.field.baselines import lines
from gradflow.field.bounds import EPS, TINY
from gradflow.neuron.activity import BALANCED, activity
from gradflow.neuron.problem import Problem
from gradflow.theory.energy import barriers
from gradflow.theory.tube import Cell, cell_of

ROUNDED_UP = 1.0 + 1e-12
"""A factor that makes up for the roundings of a bound."""


class Setting(NamedTuple):
    """The numbers of a problem that bounds need.

    `s` is the slope of φ above 0, `reach` = √(1 + max(lo², hi²)), `steep` and `highest` bounds of |f*'| and
    |f*|, `level` the root of the loss below which a balanced neuron learns (0: none is known).
    """

    problem: Problem
    s: float
    lo: float
    hi: float
    reach: float
    steep: float
    highest: float
    level: float
    cell: Cell


class Ball(NamedTuple):
    """Statements that hold on balls around states, arrays of shape (n,).

    `balanced`, `hyperactive`, `dead`: all of it is; `open`: neither, and its neurons may cross walls. `turns`
    is a Lipschitz constant of the two parts of the Hessian together, `steep` a bound of |∇f|, `jump` one of
    the part that is there for balanced neurons only; `known` whether there are such bounds.
    """

    balanced: np.ndarray
    hyperactive: np.ndarray
    dead: np.ndarray
    open: np.ndarray
    turns: np.ndarray
    steep: np.ndarray
    jump: np.ndarray
    known: np.ndarray


def setting(problem: Problem) -> Setting:
    """Return the numbers of a problem, bounds rounded up and the level down."""
    lo, hi = float(problem.lo), float(problem.hi)
    wt, bt, vt, ct = (float(value) for value in problem.teacher)
    taught = max(abs(slope) for slope in problem.teacher_slopes) * abs(vt)
    far = max(abs(lo), abs(hi))
    line = lines(problem).line_loss
    barred = float(barriers(problem).line) > 0.0
    return Setting(
        problem,
        problem.slopes[1],
        lo,
        hi,
        float(np.hypot(1.0, far)) * ROUNDED_UP,
        taught * abs(wt) * ROUNDED_UP,
        (abs(ct) + taught * (abs(wt) * far + abs(bt))) * ROUNDED_UP,
        float(np.sqrt(max(float(line.value) - float(line.error), 0.0))) / ROUNDED_UP if barred else 0.0,
        cell_of(problem, problem.slopes[1], 1.0),
    )


def target(of: Setting, x: np.ndarray) -> np.ndarray:
    """Return f*(x)."""
    wt, bt, vt, ct = of.problem.teacher
    low, high = of.problem.teacher_slopes
    z = wt * x + bt
    return np.asarray(ct + vt * np.where(z > 0.0, high * z, low * z))


def breakpoints(of: Setting, theta: np.ndarray) -> np.ndarray:
    """Return breakpoints, moved to the nearer end of the input where they are not on it."""
    w1, b1 = theta[:2]
    return np.asarray(np.clip(-b1 / np.where(w1 == 0.0, 1.0, w1), of.lo, of.hi))


def ball(of: Setting, theta: np.ndarray, radius: np.ndarray) -> Ball:
    """Return what holds on balls around states."""
    w1, b1, w2, b2 = theta
    slack = 8.0 * EPS * (np.abs(w1) * of.reach + np.abs(b1)) + TINY
    ends = np.stack([w1 * of.lo + b1, w1 * of.hi + b1])
    far = np.stack([radius * np.hypot(1.0, of.lo), radius * np.hypot(1.0, of.hi)]) * ROUNDED_UP + slack
    on, off = ends > far, ends < -far
    hyperactive, dead = np.all(on, axis=0), np.all(off, axis=0)
    balanced = np.any(on, axis=0) & np.any(off, axis=0)
    is_open = ~(hyperactive | dead | balanced)
    out, reach = np.abs(of.s) * (np.abs(w2) + radius), of.reach
    size = np.max(np.abs(ends) + far, axis=0)
    steep = np.sqrt((out * reach) ** 2 + (of.s * size) ** 2 + 1.0)
    smooth = 6.0 * abs(of.s) * reach * steep
    # From here on for neurons that may have a breakpoint on the input.
    least = np.abs(w1) - radius
    bent = least > 0.0
    slope = np.where(bent, least, 1.0)
    p = breakpoints(of, theta)
    moved = radius * reach / slope
    q = np.minimum(np.hypot(1.0, np.abs(p) + moved), reach)
    rounding = 8.0 * EPS * (np.abs(b2) + of.highest)
    missed = np.abs(b2 - target(of, p)) + radius + of.steep * moved + rounding
    length, pull = of.hi - of.lo, out * q
    edge = (2.0 / length) * (pull * (pull + 1.0) + abs(of.s) * missed * q) * (q / slope)
    jump = (2.0 / length) * out * missed / slope * q * q
    of_jump = (2.0 / length) * q * q * (
        abs(of.s) * missed / slope + out * (1.0 + of.steep * q / slope) / slope + out * missed / slope**2
    ) + 2.0 * jump / slope
    turns = np.where(hyperactive, smooth, smooth + edge + of_jump)
    known = hyperactive | (bent & ~dead)
    return Ball(
        balanced,
        hyperactive,
        dead,
        is_open,
        turns * ROUNDED_UP,
        steep * ROUNDED_UP,
        jump * ROUNDED_UP,
        known & np.isfinite(turns),
    )


def curvature(of: Setting, theta: np.ndarray, on: Ball) -> tuple[np.ndarray, np.ndarray]:
    """Return the least eigenvalue of the Hessians that states have, or may have near by, and their norm.

    Where a ball is open those with and without the part of balanced neurons count.
    """
    H = np.moveaxis(np.asarray(hessian(theta, of.problem)), -1, 0)
    finite = np.all(np.isfinite(H), axis=(1, 2))
    H = np.where(finite[:, None, None], H, 0.0)
    least, size = np.linalg.eigvalsh(H)[:, 0], np.linalg.norm(H, axis=(1, 2))
    which = np.flatnonzero(on.open)
    if which.size:
        some = theta[:, which]
        w1, _, w2, b2 = some
        p = breakpoints(of, some)
        v = np.stack([p, np.ones_like(p), 0.0 * p, 0.0 * p], axis=-1)
        weight = (
            2.0 * of.s * w2 * (b2 - target(of, p)) / ((of.hi - of.lo) * np.where(w1 == 0.0, 1.0, np.abs(w1)))
        )
        part = weight[:, None, None] * v[:, :, None] * v[:, None, :]
        has = np.asarray(activity(some, of.problem)) == BALANCED
        without = H[which] - np.where(has[:, None, None], part, 0.0)
        both = (without, without + part)
        least[which] = np.min([np.linalg.eigvalsh(one)[:, 0] for one in both], axis=0)
        size[which] = np.max([np.linalg.norm(one, axis=(1, 2)) for one in both], axis=0)
    least = least - 1e-12 * (1.0 + size) - rounding_of_hessian(of, theta, on)
    return np.where(finite, least, -np.inf), np.where(finite, size * ROUNDED_UP + 1e-12, np.inf)


def rounding_of_hessian(of: Setting, theta: np.ndarray, on: Ball) -> np.ndarray:
    """Estimate what rounding does to Hessians beyond what is relative to their size.

    The residual may be small where its terms are not, on the input and at the breakpoint, and a breakpoint
    near an end of the input is a small difference of larger numbers, as after a change of the state.
    """
    w1, b1, w2, b2 = theta
    out = np.abs(of.s * w2)
    terms = np.abs(b2) + out * (np.abs(w1) * of.reach + np.abs(b1)) + of.highest
    q = np.hypot(1.0, breakpoints(of, theta))
    mass = out * q * q / ((of.hi - of.lo) * np.where(on.hyperactive | (w1 == 0.0), np.inf, np.abs(w1)))
    moved = on.turns * np.sqrt(np.sum(theta**2, axis=0))
    return np.asarray(16.0 * EPS * (2.0 * (abs(of.s) * of.reach + mass) * terms + moved))
