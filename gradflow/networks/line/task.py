"""A problem as networks on the line need it: the law's points, the teacher's neurons, knots, or a sample."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradflow.base.arrays import beyond_range, to_numpy
from gradflow.base.checks import require_finite, shown
from gradflow.field.means import Inputs
from gradflow.networks.line.network import Network, as_network, of_rows
from gradflow.neuron.activations import Activation, PiecewiseLinear
from gradflow.neuron.laws import BEYOND, Normal, Steps
from gradflow.neuron.losses import Loss
from gradflow.neuron.problem import Problem, Sample, as_problem
from gradflow.neuron.targets import Knots, Polynomials, Target


@dataclass(frozen=True)
class Task:
    """The part of a problem that is the same for all networks that learn it.

    Attributes
    ----------
    lo, hi : float
        The smallest and the largest input.
    activation, teacher_activation : Activation
        The student's and the teacher's φ.
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
    curve : Polynomials or Sine or None
        The target, where it is neither.
    sample : Inputs or None
        The sample that takes the law's place.
    loss : Loss
        Of one output.
    """

    lo: float
    hi: float
    activation: Activation
    teacher_activation: Activation
    marks: np.ndarray
    density: np.ndarray | None
    normal: tuple[float, float]
    teacher: Network | None
    knots: Knots | None
    curve: Any
    sample: Inputs | None
    loss: Loss

    @property
    def slopes(self) -> tuple[float, float]:
        """s₋ and s₊ of the student's activation, which is piecewise linear."""
        assert isinstance(self.activation, PiecewiseLinear)
        return self.activation.low, self.activation.high

    @property
    def teacher_slopes(self) -> tuple[float, float]:
        """s₋ and s₊ of the teacher's."""
        assert isinstance(self.teacher_activation, PiecewiseLinear)
        return self.teacher_activation.low, self.teacher_activation.high

    @property
    def is_bent(self) -> bool:
        """Whether the student is piecewise linear."""
        return isinstance(self.activation, PiecewiseLinear)

    @property
    def is_exact(self) -> bool:
        """Whether every integral has a closed form: student and target are straight between breakpoints."""
        straight = self.teacher is None or isinstance(self.teacher_activation, PiecewiseLinear)
        return self.is_bent and straight and self.curve is None and self.sample is None

    @property
    def target(self) -> Any:
        """The teacher, the knots or the curve; None if a sample has targets of its own."""
        return self.teacher or self.knots or self.curve

    def aim(self, x: np.ndarray) -> np.ndarray:
        """Return what the student should return at inputs of any shape; at a jump the left value."""
        return np.asarray(self.target(x, self.teacher_activation))


def task_of(problem: Problem) -> Task:
    """Return a problem's task.

    Raises
    ------
    ValueError, TypeError
        If teacher or interval are arrays, or a loss takes targets −1 and 1 only and has others.
    """
    problem = as_problem(problem, general=True)
    law = problem.law if problem.law is not None else problem.inputs
    if not isinstance(law, Sample) and (np.ndim(law.lo) or np.ndim(law.hi)):
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
        marks, density = np.array([lo, hi]), np.array([1.0 / (hi - lo) if hi > lo else 1.0])
    target: Any = problem.target if problem.target is not None else problem.teacher
    knots = target if isinstance(target, Knots) else None
    curve = target if isinstance(target, Target) and not isinstance(target, (Knots, Network)) else None
    teacher = None
    if knots is None and curve is None:
        teacher = as_network(target, "target")
        if teacher.batch:
            raise ValueError(f"target: networks on the line take one teacher, got {shown(target)}")
    task = Task(
        lo, hi, problem.activation, problem.teacher_activation, marks, density, normal, teacher, knots,
        curve, None, problem.loss,
    )  # fmt: skip
    return _with_sample(task, law) if isinstance(law, Sample) else task


def in_dtype(task: Task, dtype: str) -> Task:
    """Return a task whose numbers are rounded to a precision, in float64 all the same.

    Raises
    ------
    ValueError
        If one is beyond its range, or the interval's ends come to be one.
    """
    if dtype == "float64":
        return task

    def rounded(name: str, value: Any) -> np.ndarray:
        with beyond_range():
            found = np.asarray(value, dtype=np.float64).astype(dtype).astype(np.float64)
        require_finite(f"{name} in {dtype}", found)
        return found

    lo, hi = rounded("interval", [task.lo, task.hi]).tolist()
    if lo == hi and task.lo < task.hi:
        raise ValueError(f"interval in {dtype}: expected two ends, got {lo:g} only")
    teacher, knots, sample = task.teacher, task.knots, task.sample
    return replace(
        task,
        lo=lo,
        hi=hi,
        marks=rounded("law", task.marks),
        density=None if task.density is None else rounded("law", task.density),
        teacher=None if teacher is None else of_rows(rounded("teacher", teacher.rows)),
        knots=None if knots is None else Knots(rounded("target", knots.x), rounded("target", knots.y)),
        sample=None if sample is None else Inputs(*(rounded("sample", value) for value in sample)),
    )


def _with_sample(task: Task, sample: Sample) -> Task:
    """Return a task on a sample; inputs without weight are left out."""
    x = np.asarray(to_numpy(sample.x), dtype=np.float64)
    weights = np.full(x.shape, 1.0 / x.shape[0])
    if sample.weights is not None:
        weights = np.asarray(to_numpy(sample.weights), dtype=np.float64)
    y = task.aim(x) if sample.targets is None else np.asarray(to_numpy(sample.targets), dtype=np.float64)
    some = weights > 0
    points = Inputs(x[some], weights[some], y[some])
    if task.loss.signs and not np.all(np.abs(points.target) == 1.0):
        found = points.target[np.abs(points.target) != 1.0][0]
        raise ValueError(f"loss: {task.loss} takes targets -1 and 1, got {found:g}")
    task = replace(task, sample=points)
    return task if sample.targets is None else replace(task, teacher=None, knots=None, curve=None)


def breaks(task: Task) -> np.ndarray:
    """Return where the target bends or jumps, or the law's density does, in any order."""
    found = [task.marks]
    if task.knots is not None:
        found.append(np.asarray(task.knots.x))
    elif isinstance(task.curve, Polynomials):
        found.append(np.asarray(task.curve.x))
    elif task.teacher is not None and isinstance(task.teacher_activation, PiecewiseLinear):
        w1, b1 = np.asarray(task.teacher.w1), np.asarray(task.teacher.b1)
        found.append(-b1[w1 != 0.0] / w1[w1 != 0.0])
    return np.concatenate(found)
