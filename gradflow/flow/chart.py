"""One cell of parameter space, as the flow integrates it: coordinates, walls and the smooth field.

In a balanced cell the coordinates are the pre-activations at both ends instead of (w1, b1). A neuron
that dies away does so exponentially, and only in these coordinates does its active width keep its
digits: w1 + b1 stops at the rounding error of w1, z_hi goes on to 1e-300.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gradflow.base.error_free import splitter
from gradflow.field import formulas, means, quadrature
from gradflow.field.baselines import best_constant
from gradflow.field.quadrature import Bound, Ends, Taught
from gradflow.neuron.activations import PiecewiseLinear, derivatives
from gradflow.neuron.problem import Neuron, Problem, Uniform, as_neuron

Floats = tuple[float, float, float, float]
Cell = tuple[bool, bool, bool]

FLOATS = formulas.Operations(
    where=lambda condition, a, b: a if condition else b,
    positive=lambda value: value > 0.0,
    splitter=splitter("float64"),
)
"""The formulas' operations on Python floats."""

WALLS = ("lo", "teacher", "hi")
"""Where the student's breakpoint can cross a wall; the index is that of the node in a cell."""


class Setting(NamedTuple):
    """A problem with a single teacher and interval, in Python floats, prepared for the formulas."""

    teacher: Floats
    lo: float
    hi: float
    slopes: tuple[float, float]
    aim: formulas.Target
    mean: float
    variance: float
    quadrature: Bound | None = None

    @property
    def has_walls(self) -> bool:
        """Whether the field is less smooth where the student's breakpoint crosses an end of the input."""
        return self.quadrature is None or isinstance(self.quadrature.student, PiecewiseLinear)


class Chart(NamedTuple):
    """Coordinates on a cell: a linear map from four coordinates to the pre-activations at lo, q and hi."""

    cell: Cell
    preactivations: Callable[[float, float], tuple[float, float, float]]
    weights: Callable[[float, float], tuple[float, float]]
    coordinates: Callable[[float, float, tuple[float, float, float]], tuple[float, float]]
    velocity: Callable[[float, float], tuple[float, float]]
    walls: tuple[int, ...]


def setting(problem: Problem) -> Setting:
    """Return the problem in floats.

    Raises
    ------
    TypeError
        If the inputs are a sample, or teacher or interval are arrays.
    """
    if not isinstance(problem.inputs, Uniform):
        raise TypeError("inputs: the flow needs an interval (the population), got a sample")
    try:
        w1, b1, w2, b2, lo, hi = (float(v) for v in (*problem.teacher, problem.inputs.lo, problem.inputs.hi))
    except TypeError as error:
        raise TypeError("teacher and interval: one trajectory has one of each, got arrays") from error
    teacher = (w1, b1, w2, b2)
    # A smooth neuron never stands still for being dead, as one with a slope below 0 does not. A smooth
    # teacher's breakpoint is no wall of the field, but to pass it is still an event.
    slopes = problem.slopes if problem.is_bent else (1.0, 1.0)
    taught = problem.teacher_slopes if problem.is_linear else (1.0, 1.0)
    aim = formulas.target(FLOATS, teacher, lo, hi, taught)
    bound = None if problem.is_linear else quadrature.bind(problem, np.empty(0))
    if bound is not None:
        aim = with_outputs(aim, bound.taught, problem)
    constant = best_constant(problem)
    return Setting(teacher, lo, hi, slopes, aim, float(constant.intercept), float(constant.loss), bound)


def with_outputs(aim: formulas.Target, taught: Taught, problem: Problem) -> formulas.Target:
    """Return a smooth teacher's target with its outputs at the ends, without its bias."""
    lo, hi = (
        taught.w2 * derivatives(problem.teacher_activation, y, 0)[0] for y in (taught.y_lo, taught.y_hi)
    )
    return aim._replace(y=(lo, aim.y[1], hi))


def start(neuron: Neuron, where: Setting) -> tuple[Floats, tuple[float, float, float]]:
    """Return a single neuron's parameters as floats, and its pre-activations at lo, q and hi."""
    w1, b1, w2, b2 = (float(value) for value in as_neuron(neuron))
    return (w1, b1, w2, b2), formulas.preactivations(FLOATS, w1, b1, where.teacher, where.aim)


def activity_of(cell: Cell) -> int:
    """Return the activity code of a cell."""
    return int(cell[0]) + int(cell[2])


def make_chart(cell: Cell, where: Setting) -> Chart:
    """Return the coordinates for `cell`: end pre-activations if it is balanced, (w1, b1) if not."""
    lo, q, hi = where.lo, where.aim.x[1], where.hi
    left, right = where.aim.widths
    span = hi - lo
    walls = tuple(i for i in range(3) if i != 1 or (where.aim.has_breakpoint and cell[0] != cell[2]))
    if cell[0] == cell[2]:
        return Chart(
            cell,
            preactivations=lambda w1, b1: (w1 * lo + b1, w1 * q + b1, w1 * hi + b1),
            weights=lambda w1, b1: (w1, b1),
            coordinates=lambda w1, b1, z: (w1, b1),
            velocity=lambda v_w1, v_b1: (v_w1, v_b1),
            walls=walls,
        )
    return Chart(
        cell,
        preactivations=lambda z_lo, z_hi: (z_lo, z_lo * right + z_hi * left, z_hi),
        weights=lambda z_lo, z_hi: ((z_hi - z_lo) / span, (z_lo * hi - z_hi * lo) / span),
        coordinates=lambda w1, b1, z: (z[0], z[2]),
        velocity=lambda v_w1, v_b1: (v_w1 * lo + v_b1, v_w1 * hi + v_b1),
        walls=walls,
    )


def gradient(chart: Chart, where: Setting, c: float, d: float, w2: float, b2: float) -> Floats:
    """Return ∂L/∂(w1, b1, w2, b2) by the formulas of the chart's cell, also beyond its walls."""
    if where.quadrature is not None:
        g = quadrature.of_ends(where.quadrature, _ends(chart, where.quadrature, c, d, w2, b2), means.gradient)
        return (float(g[0, 0]), float(g[1, 0]), float(g[2, 0]), float(g[3, 0]))
    offset = b2 - where.teacher[3]
    if where.slopes[0] == 0.0:
        active = formulas.part(FLOATS, chart.preactivations(c, d), chart.cell, where.aim, True)
        return formulas.one_sided_gradient(FLOATS, active, where.aim, w2, offset, where.slopes[1])
    return formulas.gradient(FLOATS, _parts(chart, where, c, d), w2, offset, where.slopes)


def loss(chart: Chart, where: Setting, c: float, d: float, w2: float, b2: float) -> float:
    """Return the loss by the formulas of the chart's cell."""
    if where.quadrature is not None:
        ends = _ends(chart, where.quadrature, c, d, w2, b2)
        return float(quadrature.of_ends(where.quadrature, ends, lambda xp, e: (means.loss(xp, e),))[0, 0])
    parts = _parts(chart, where, c, d)
    return float(formulas.loss(FLOATS, parts, w2, b2 - where.teacher[3], where.slopes))


def _parts(chart: Chart, where: Setting, c: float, d: float) -> formulas.Parts:
    return formulas.parts(FLOATS, chart.preactivations(c, d), chart.cell, where.aim)


def _ends(chart: Chart, bound: Bound, c: float, d: float, w2: float, b2: float) -> Ends:
    z = chart.preactivations(c, d)
    lo, hi, weight, bias = (np.array([value]) for value in (z[0], z[2], w2, b2))
    active = (np.array([chart.cell[0]]), np.array([chart.cell[2]]))
    return Ends(bound.taught, (lo, hi), (weight, bias), active)
