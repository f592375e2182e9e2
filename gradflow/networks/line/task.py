"""A problem as networks on the line need it: the law's points, the teacher's neurons, and the knots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradflow.base.checks import shown
from gradflow.networks.line.network import Network, as_network
from gradflow.neuron.activations import PiecewiseLinear
from gradflow.neuron.laws import BEYOND, Normal, Steps
from gradflow.neuron.problem import Problem, Sample, as_problem
from gradflow.neuron.targets import Knots


@dataclass(frozen=True)
class Task:
    """The part of a problem that is the same for all networks that learn it.

    Attributes
    ----------
    lo, hi : float
        The smallest and the largest input.
    slopes, teacher_slopes : (float, float)
        s₋ and s₊ of the student's activation and of the teacher's.
    marks : array, shape (n,)
        Points at which a cell has to end, lo and hi among them, in increasing order.
    density : array, shape (n − 1,), or None
        The law's density between neighbouring marks; None if it is normal.
    normal : (float, float)
        Mean and standard deviation of a normal law.
    teacher : Network or None
        The teacher, one network.
    knots : Knots or None
        The target's knots, without a teacher.
    """

    lo: float
    hi: float
    slopes: tuple[float, float]
    teacher_slopes: tuple[float, float]
    marks: np.ndarray
    density: np.ndarray | None
    normal: tuple[float, float]
    teacher: Network | None
    knots: Knots | None


def task_of(problem: Problem) -> Task:
    """Return a problem's task.

    Raises
    ------
    ValueError, TypeError
        If an activation is smooth, the inputs are a sample, or teacher or interval are arrays.
    """
    problem = as_problem(problem, general=True)
    for name in ("activation", "teacher_activation"):
        if not isinstance(getattr(problem, name), PiecewiseLinear):
            raise ValueError(
                f"{name}: networks on the line take piecewise linear ones, got {getattr(problem, name)}"
            )
    law = problem.law if problem.law is not None else problem.inputs
    if isinstance(law, Sample):
        raise ValueError("inputs: networks on the line take a law with a density, got a sample")
    if np.ndim(law.lo) or np.ndim(law.hi):
        raise ValueError("interval: networks on the line take one, got arrays")
    lo, hi = float(law.lo), float(law.hi)
    normal = (0.0, 1.0)
    density: np.ndarray | None
    if isinstance(law, Normal):
        marks = law.mean + law.std * np.arange(-BEYOND, BEYOND + 1.0)
        normal, density = (law.mean, law.std), None
    elif isinstance(law, Steps):
        marks, density = np.asarray(law.x), np.asarray(law.density)
    else:
        marks, density = np.array([lo, hi]), np.array([1.0 / (hi - lo)])
    target = problem.target if problem.target is not None else problem.teacher
    knots = target if isinstance(target, Knots) else None
    teacher = None
    if knots is None:
        teacher = as_network(target, "target")
        if teacher.batch:
            raise ValueError(f"target: networks on the line take one teacher, got {shown(target)}")
    return Task(lo, hi, problem.slopes, problem.teacher_slopes, marks, density, normal, teacher, knots)
