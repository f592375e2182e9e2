"""Where a wall function changes sign within one step: all roots of the step's polynomial.

Between two accepted steps the solver's dense output is a polynomial of degree at most 7, and so is
every wall function, which is linear in the coordinates. Its Bernstein coefficients bound it, which
clears most steps at once; otherwise the extrema cut the step into monotone parts, so that two
crossings inside one step, or a crossing that only grazes the wall, cannot be missed.

The field is continuous at every wall, so where the trajectory leaves its cell the flow leaves it too. A step
on whose polynomial it leaves where the flow is inwards is too inaccurate, however small its estimated error:
it is to be taken again, shorter. Otherwise the flow would turn back at once, on the wrong trajectory.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import comb
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import brentq

from gradflow.flow.chart import Chart

DEGREE = 7
NODES = 0.5 - 0.5 * np.cos(np.pi * np.arange(DEGREE + 1) / DEGREE)
_BASIS = np.array(
    [[comb(DEGREE, k) * s**k * (1 - s) ** (DEGREE - k) for k in range(DEGREE + 1)] for s in NODES]
)
_TO_BERNSTEIN = np.linalg.inv(_BASIS)


SHORTER = 0.2
"""So much of a step that was too inaccurate is tried again."""
CERTAIN = 10.0
"""So many times the solver's error a step ends beyond a wall that it has certainly crossed."""
CERTAIN_BETWEEN = 1000.0
"""So many times that error it goes there and back."""
UNSURE = -1
"""The answer where a step may have gone there and back."""


class Step(NamedTuple):
    """An accepted step: the solver's polynomial between two times on its clock, which was set at `clock`.

    `mark` is the recorder's before it.
    """

    clock: float
    begin: float
    end: float
    dense: Any
    mark: tuple[int, int]


class Candidate(NamedTuple):
    """A sign change at s that is not yet known to be more than the solver's error, which is `error` there."""

    step: Step
    s: float
    error: float

    @property
    def state(self) -> np.ndarray:
        """The state there."""
        return np.asarray(self.step.dense(self.s))

    @property
    def when(self) -> tuple[float, float]:
        """Its time, for comparisons: of two restarts the later one's steps are later."""
        return self.step.clock, self.s


class Exit(NamedTuple):
    """A sign change at `s` (0 if the step starts on the wall or beyond it), and how far beyond it goes."""

    s: float
    depth: float


def cleared(values: Any) -> Any:
    """Return whether polynomials with these values (…, 8) at `NODES` are certainly positive on [0, 1]."""
    return np.min(values @ _TO_BERNSTEIN.T, axis=-1) > 0.0


def first_exit(values: Any, evaluate: Callable[[float], float], sign: float) -> Exit | None:
    """Return where a polynomial on [0, 1] first goes to the other side of zero, None if it never does.

    Parameters
    ----------
    values : array, shape (8,)
        The polynomial at `NODES`.
    evaluate : callable
        The polynomial at any s; the root is located on it to rounding.
    sign : float
        +1 or −1: the side on which the trajectory is supposed to be.
    """
    h = sign * values
    if cleared(h):
        return None
    knots = _extrema(h)
    heights = [sign * evaluate(s) for s in knots]
    depth = -min(heights)
    for (s0, h0), (s1, h1) in pairwise(zip(knots, heights, strict=True)):
        if h1 < 0.0:
            return Exit(
                float(brentq(evaluate, s0, s1, xtol=4e-16, rtol=8.9e-16, disp=False)) if h0 > 0.0 else s0,
                depth,
            )
    return None


def _extrema(h: np.ndarray) -> list[float]:
    """Return 0, the interior extrema of the polynomial with these values at the nodes, and 1."""
    coefficients = np.polynomial.chebyshev.chebfit(2.0 * NODES - 1.0, h, DEGREE)
    roots = np.polynomial.chebyshev.chebroots(np.polynomial.chebyshev.chebder(coefficients))
    # A nearly double root may come out as a complex pair: its real part is where a graze would be.
    inner = sorted({float(0.5 * (r.real + 1.0)) for r in roots if abs(r.imag) < 1e-3 and abs(r.real) < 1.0})
    return [0.0, *inner, 1.0]


def confirmed(
    chart: Chart, step: Step, rtol: float, candidates: dict[int, Candidate], is_relu: bool
) -> int | None:
    """Return the wall that the trajectory has certainly crossed by the end of this step, `UNSURE` or None.

    A trajectory that converges to a wall changes sides there at the level of the solver's error. A
    crossing therefore counts once a step ends `CERTAIN` times that error beyond; until then it waits in
    `candidates`, with the time of its sign change. Between its ends the polynomial is less accurate, most
    of all in the long steps of a trajectory at rest: what goes there and back must go `CERTAIN_BETWEEN`
    times that error deep, and if it goes less deep the step is `UNSURE` and to be taken again, shorter. A
    balanced ReLU neuron never crosses the wall at its active end; of a hyperactive one's two ends the one
    that was left first becomes the inactive one.
    """
    begin, h = step.begin, step.end - step.begin
    y = step.dense(begin + h * NODES)
    z = chart.preactivations(y[0], y[1])
    certain: list[int] = []
    lo, _, hi = chart.cell
    deadly = (2 if hi else 0) if is_relu and lo != hi else None
    for wall in (wall for wall in chart.walls if wall != deadly):

        def evaluate(s: float, wall: int = wall) -> float:
            return _height(chart, wall, step.dense(begin + h * s))

        side = 1.0 if chart.cell[wall] else -1.0
        leaves = first_exit(z[wall], evaluate, side)
        if leaves is None:
            candidates.pop(wall, None)
            continue
        error = rtol * _size(chart, wall, z)
        if wall not in candidates:
            candidates[wall] = Candidate(step, float(begin + h * leaves.s), error)
        beyond = -side * float(np.asarray(z[wall])[-1])
        if beyond > CERTAIN * error or leaves.depth > CERTAIN_BETWEEN * error:
            certain.append(wall)
        elif leaves.depth > CERTAIN * error:
            return UNSURE
    if certain and is_relu and lo and hi:
        certain = list(candidates)
    return min(certain, key=lambda wall: candidates[wall].when, default=None)


def turns_back(
    chart: Chart,
    wall: int,
    found: Candidate,
    velocity: Callable[[float, np.ndarray], np.ndarray],
    step: Step,
) -> bool:
    """Return whether the flow is inwards, by more than the solver's error, where this step crosses a wall."""
    if found.step is not step:
        return False
    outwards = -1.0 if chart.cell[wall] else 1.0
    speed = outwards * _height(chart, wall, velocity(found.s, found.state))
    return bool(-speed * (step.end - step.begin) > found.error)


def _height(chart: Chart, wall: int, y: np.ndarray) -> float:
    """Return the pre-activation at a wall; linear in y, so that it also maps velocities."""
    c, d = y.tolist()[:2]
    return chart.preactivations(c, d)[wall]


def _size(chart: Chart, wall: int, z: tuple[Any, Any, Any]) -> float:
    """Return the size of what the pre-activation at a wall is made of along a step.

    Between the ends it has the errors of both, weighted by how near they are: a breakpoint of the teacher
    close to the active end of a neuron that hardly touches the input is crossed by little.
    """
    lo, hi = np.abs(z[0]), np.abs(z[2])
    if wall == 1:
        return float(np.max(chart.preactivations(lo, hi)[1]))
    return max(float(np.max(lo)), float(np.max(hi)))
