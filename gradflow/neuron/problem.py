"""The problem: a student neuron, a teacher neuron, the inputs, and the activations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array, ArrayLike, adopted, is_array
from gradflow.base.checks import (
    batch_shape,
    is_mapping,
    numbers,
    owned,
    require_finite,
    require_numbers,
    shown,
)
from gradflow.base.labelled import in_order
from gradflow.neuron.activations import (
    RELU,
    Activation,
    ActivationLike,
    PiecewiseLinear,
    as_activation,
)
from gradflow.neuron.inputs import Sample as Sample
from gradflow.neuron.inputs import Source as Source
from gradflow.neuron.inputs import Uniform as Uniform
from gradflow.neuron.inputs import grid as grid
from gradflow.neuron.laws import Law, as_law
from gradflow.neuron.losses import SQUARED, as_loss
from gradflow.neuron.showing import shown_neuron, shown_problem
from gradflow.neuron.size import LARGEST as LARGEST
from gradflow.neuron.targets import Target, as_target
from gradflow.neuron.values import breakpoint_of, outputs_at

PARAMETERS = ("w1", "b1", "w2", "b2")


class Neuron(NamedTuple):
    """f(x) = w2 φ(w1 x + b1) + b2, or an array of such neurons.

    The four fields are numbers or arrays that broadcast against each other. Wherever the package
    takes a neuron it also takes one array whose first axis has length 4, in this order.

    Examples
    --------
    >>> gf.Neuron(w1=2.0, b1=-1.0)([0.0, 0.5, 1.0])
    array([0., 0., 1.])
    """

    w1: ArrayLike = 1.0
    b1: ArrayLike = 0.0
    w2: ArrayLike = 1.0
    b2: ArrayLike = 0.0

    def __call__(self, x: ArrayLike, activation: ActivationLike = RELU) -> Array:
        """Return f at inputs: their shape, followed by that of the array of neurons.

        Parameters
        ----------
        x : number or array
            The inputs.
        activation : Activation, str or (float, float)
            φ; ReLU by default (`Problem.activation` for a problem's own).

        Raises
        ------
        ValueError, TypeError
            If x is not numbers, or the activation is none.
        """
        return outputs_at(x, as_neuron(self), activation)

    @property
    def breakpoint(self) -> Array:
        """The input −b1/w1 of pre-activation 0: ±∞ or NaN if w1 = 0 (`activity.breakpoint_position`)."""
        w1, b1, _, _ = as_neuron(self)
        return breakpoint_of(w1, b1)

    def _repr_html_(self) -> str:
        """Return the neuron as a notebook shows it: its parameters beside its graph under ReLU."""
        return shown_neuron(self)


def as_neuron(neuron: Neuron | Array, name: str = "neuron") -> Neuron:
    """Return four parameters as a `Neuron`, from a neuron, any four numbers or an array of shape (4, …).

    Parameters
    ----------
    neuron : Neuron, array or sequence
        Not a dict, and not a list of neurons, whose fields would be taken for one another. Where labels or
        columns are called w1, b1, w2 and b2, these count, and not their order.
    name : str
        What an error calls it.

    Raises
    ------
    ValueError
        If there are not four of them, or their shapes do not broadcast.
    TypeError
        If one is not a number or an array of numbers.
    """
    if not isinstance(neuron, Neuron):
        neuron = Neuron(*_four(neuron, name))
    fields = [_field(name, parameter, v) for parameter, v in zip(PARAMETERS, neuron, strict=True)]
    shapes = {tuple(value.shape) for value in fields if is_array(value)}
    if len(shapes) > 1:
        batch_shape(f"the parameters of {name}", list(shapes))
    return Neuron(*fields)


def _four(neuron: Any, name: str) -> list[Any]:
    """Return the four parts of what stands for a neuron."""
    expected = "expected 4 parameters (w1, b1, w2, b2) along the first axis"
    neuron = in_order(neuron, PARAMETERS)
    if is_mapping(neuron):
        raise TypeError(f"{name}: {expected}, got a dict; write Neuron(**…)")
    if isinstance(neuron, (str, bytes, bytearray)):
        raise TypeError(f"{name}: {expected}, got {shown(neuron)}")
    try:
        neuron = adopted(neuron) if not isinstance(neuron, (list, tuple)) else neuron
    except TypeError as error:
        raise TypeError(f"{name}: {error}") from None
    if not (is_array(neuron) or isinstance(neuron, (list, tuple))):
        raise TypeError(f"{name}: {expected}, got {shown(neuron)}")
    if isinstance(neuron, (list, tuple)) and any(isinstance(item, Neuron) for item in neuron):
        raise TypeError(
            f"{name}: expected one Neuron whose fields may be arrays, got a {type(neuron).__name__} of "
            f"{len(neuron)} neurons; write Neuron(*numpy.transpose(…))"
        )
    length = len(neuron) if isinstance(neuron, (list, tuple)) else neuron.shape[0] if neuron.ndim else 0
    if length != len(PARAMETERS):
        raise ValueError(f"{name}: {expected}, got {shown(neuron)}")
    return [neuron[i, ...] if is_array(neuron) else neuron[i] for i in range(4)]


def _field(name: str, parameter: str, value: Any) -> Any:
    """Return one parameter, checked: Python's and NumPy's numbers as they are, all else as an array."""
    if type(value) is float:
        return value
    if isinstance(value, Neuron):
        raise TypeError(f"{name}: expected a number or an array of numbers as {parameter}, got a Neuron")
    require_numbers(name, value)
    return value if isinstance(value, (int, float, np.generic)) else adopted(value)


@dataclass(frozen=True)
class Problem:
    """The task that the student learns: the teacher, the inputs, and what bends both neurons.

    Parameters
    ----------
    teacher : Neuron
        Default (1, 0, 1, 0): f*(x) = φ(x). Its fields may be arrays that broadcast with the student's.
        A sample with targets takes its place.
    inputs : Uniform or Sample
        The input distribution: uniform on an interval (the population) or given points.
    activation : Activation, str or (float, float)
        The student's φ: ReLU by default, another of `gradflow.neuron.activations` or its name ("silu",
        "leaky-relu=0.01"), or the slopes (s₋, s₊) on either side of 0.
    teacher_activation : Activation, str or (float, float), optional
        The teacher's, by default the student's.
    target : Neuron, Network, Knots or str, optional
        In the teacher's place, what the student should return: a neuron (which is then the teacher), a
        network, knots joined by lines, polynomials piece by piece, a sine, or one of "abs", "hat", "step" and
        "sine".
    law : Uniform, Sample, Steps, Normal or str, optional
        In the place of `inputs`: the law of the inputs, or "uniform" on [−1, 1], "normal" for N(0, 1).
    loss : Loss or str
        The loss of one output: "squared", or on a sample another of `gradflow.neuron.losses` ("absolute",
        "huber=0.5", "logistic", "exponential").

    Raises
    ------
    ValueError, TypeError
        If the teacher is not finite, an activation is not as described, or something is given twice.

    Notes
    -----
    Where a target stands that is no neuron, `teacher` is None, and where a law stands that is neither uniform
    nor a sample, `inputs` is: what knows neurons only cannot take another teacher's number for the answer.
    `as_problem` refuses such problems unless it is told otherwise.

    Examples
    --------
    >>> round(float(gf.loss(gf.Neuron(), gf.Problem(target="abs"))), 4)
    0.1667
    """

    teacher: Neuron = Neuron()
    inputs: Uniform | Sample = Uniform()
    activation: ActivationLike = RELU
    teacher_activation: ActivationLike = None
    target: Any = field(default=None, kw_only=True)
    law: Any = field(default=None, kw_only=True)
    loss: Any = field(default=SQUARED, kw_only=True)

    def __post_init__(self) -> None:
        self._take_law()
        self._take_target()
        loss = as_loss(self.loss)
        object.__setattr__(self, "loss", loss)
        if loss != SQUARED and not isinstance(self.inputs, Sample):
            raise ValueError(f"loss: expected squared where the inputs are no sample, got {loss}")
        activation = as_activation(self.activation)
        taught = activation
        if self.teacher_activation is not None:
            taught = as_activation(self.teacher_activation, "teacher_activation")
        if self.target is None and self.law is None:
            self._require_moderate(taught)
        object.__setattr__(self, "activation", activation)
        object.__setattr__(self, "teacher_activation", taught)

    def _take_law(self) -> None:
        """Put the law in its place."""
        if self.law is None:
            inputs: Any = self.inputs
            if not isinstance(inputs, (Uniform, Sample)):
                hint = "; write law=…" if isinstance(inputs, Law) else ", such as Uniform(-1, 1) or grid(100)"
                raise TypeError(f"inputs: expected Uniform or Sample{hint}, got {shown(inputs)}")
            return
        if self.inputs is not None and self.inputs is not Problem.__dataclass_fields__["inputs"].default:
            raise ValueError("law: expected a law or inputs, got both")
        law = as_law(self.law)
        is_inputs = isinstance(law, (Uniform, Sample))
        object.__setattr__(self, "inputs", law if is_inputs else None)
        object.__setattr__(self, "law", None if is_inputs else law)

    def _take_target(self) -> None:
        """Put the target in its place, which is the teacher's if it is a neuron."""
        given: Any = self.teacher
        if self.target is not None and given is not None and not _is_default(given):
            raise ValueError("target: expected a target or a teacher, got both")
        if self.target is not None and isinstance(self.inputs, Sample) and self.inputs.targets is not None:
            raise ValueError("target: expected a target or a sample with targets, got both")
        if isinstance(self.target, Neuron):
            given = self.target
            object.__setattr__(self, "target", None)
        elif self.target is not None:
            object.__setattr__(self, "target", as_target(self.target))
            object.__setattr__(self, "teacher", None)
            return
        teacher = as_neuron(given, "teacher")
        require_finite("teacher", *teacher)
        object.__setattr__(self, "teacher", Neuron(*(owned("teacher", value) for value in teacher)))

    def _require_moderate(self, taught: Activation) -> None:
        """Raise a one-line ValueError where a teacher's output may exceed `LARGEST`."""
        w1, b1, w2, b2 = (np.abs(numbers("teacher", v).astype(np.float64)) for v in self.teacher)
        lo, hi = (np.abs(numbers("interval", v).astype(np.float64)) for v in (self.inputs.lo, self.inputs.hi))
        steepest = max(1.0, abs(taught.low), abs(taught.high)) if isinstance(taught, PiecewiseLinear) else 1.0
        batch_shape("teacher and interval", [v.shape for v in (w1, b1, w2, b2, lo, hi)])
        with np.errstate(over="ignore", invalid="ignore"):
            most = steepest * w2 * (w1 * np.maximum(lo, hi) + b1) + b2
            if not np.all(most <= LARGEST):
                told = f"its output may reach {np.max(most):.3g}; expected at most {LARGEST:g}"
                if np.all(w2 * (w1 * np.maximum(lo, hi) + b1) + b2 <= LARGEST):
                    name = "activation" if self.teacher_activation is None else "teacher_activation"
                    raise ValueError(f"{name}: with {taught} the teacher is too large: {told}")
                raise ValueError(f"teacher: {told}")

    def target_at(self, x: ArrayLike) -> Array:
        """Return what the student should return at inputs: their shape, then that of an array of teachers.

        Parameters
        ----------
        x : number or array
            The inputs.

        Raises
        ------
        ValueError
            If a sample's targets say it: they are known at its inputs only.

        Examples
        --------
        >>> gf.Problem().target_at([-1.0, 0.5])
        array([0. , 0.5])
        >>> gf.Problem(target="abs").target_at(-0.5)
        array(0.5)
        """
        if self.target is not None:
            return np.asarray(self.target(x, self.teacher_activation))
        if not self.has_teacher:
            raise ValueError("problem: a sample's targets are known at its inputs only; see inputs.targets")
        return self.teacher(x, self.teacher_activation)

    def _repr_html_(self) -> str:
        """Return the problem as a notebook shows it: target, inputs and activations beside a graph."""
        return shown_problem(self)

    @property
    def slopes(self) -> tuple[float, float]:
        """(s₋, s₊), the slopes of the student's activation (TypeError if it is smooth)."""
        return _slopes(self.activation)

    @property
    def teacher_slopes(self) -> tuple[float, float]:
        """(s₋, s₊), the slopes of the teacher's activation (TypeError if it is smooth)."""
        return _slopes(self.teacher_activation)

    @property
    def shared_slopes(self) -> tuple[float, float]:
        """(s₋, s₊) of student and teacher (TypeError unless they share a piecewise linear activation)."""
        if self.activation != self.teacher_activation:
            raise TypeError(
                "activation: this needs one and the same for student and teacher, "
                f"got {self.activation} and {self.teacher_activation}"
            )
        return _slopes(self.activation)

    @property
    def is_general(self) -> bool:
        """Whether the target is no neuron, the law neither uniform nor a sample, or the loss not squared."""
        return self.target is not None or self.law is not None or self.loss != SQUARED

    @property
    def is_linear(self) -> bool:
        """Whether student and teacher are piecewise linear: every integral has a closed form."""
        return all(isinstance(a, PiecewiseLinear) for a in (self.activation, self.teacher_activation))

    @property
    def has_theorems(self) -> bool:
        """Whether student and teacher share a piecewise linear activation."""
        return self.is_linear and self.activation == self.teacher_activation

    @property
    def is_bent(self) -> bool:
        """Whether the student is piecewise linear: without a breakpoint on the input it is a line."""
        return isinstance(self.activation, PiecewiseLinear)

    @property
    def has_teacher(self) -> bool:
        """Whether the teacher says what the student should return: no sample's targets take its place."""
        given = isinstance(self.inputs, Sample) and self.inputs.targets is not None
        return self.target is None and not given

    @property
    def stays_dead(self) -> bool:
        """Whether a dead neuron has no gradient: the student's activation is 0 below 0."""
        return isinstance(self.activation, PiecewiseLinear) and self.activation.low == 0.0

    @property
    def lo(self) -> ArrayLike:
        """The smallest input."""
        return (self.law or self.inputs).lo

    @property
    def hi(self) -> ArrayLike:
        """The largest input."""
        return (self.law or self.inputs).hi


def as_problem(problem: object, *, general: bool = False, instead: str = "") -> Problem:
    """Return a problem if it is one; otherwise raise a one-line TypeError that says how to make one.

    A problem with a target that is no neuron, or a law that is neither uniform nor a sample, is a ValueError
    unless `general` says that the caller can do with it; `instead` names what can.
    """
    if isinstance(problem, Problem):
        if problem.is_general and not general:
            given = {"target": problem.target, "law": problem.law, "loss": problem.loss}
            what = next(f"the {name} {v}" for name, v in given.items() if v not in (None, SQUARED))
            other = problem.target is not None or problem.law is not None
            only = "a teacher neuron and uniform inputs or a sample" if other else "the squared loss"
            hint = f"; {instead} takes it" if instead else ""
            raise ValueError(f"problem: this is for {only} only, got {shown(what)[1:-1]}{hint}")
        return problem
    hint = ""
    if isinstance(problem, (Uniform, Sample)):
        hint = f"; write Problem(inputs={type(problem).__name__}(…))"
    elif isinstance(problem, Neuron):
        hint = "; write Problem(teacher=Neuron(…))"
    elif isinstance(problem, (Target, Law)):
        hint = f"; write Problem({'target' if isinstance(problem, Target) else 'law'}=…)"
    raise TypeError(f"problem: expected a Problem, got {shown(problem)}{hint}")


def _is_default(teacher: Any) -> bool:
    return isinstance(teacher, tuple) and all(
        isinstance(value, (int, float)) and value == default
        for value, default in zip(teacher, Neuron(), strict=False)
    )


def require_one(problem: Problem, what: str) -> None:
    """Raise a one-line ValueError if a problem's teacher or interval are arrays where `what` takes one."""
    for name, values in (("teacher", problem.teacher), ("interval", (problem.lo, problem.hi))):
        if any(getattr(value, "ndim", 0) for value in values):
            raise ValueError(f"{name}: {what} takes one problem, got arrays of them")


def _slopes(activation: Activation) -> tuple[float, float]:
    if not isinstance(activation, PiecewiseLinear):
        raise TypeError(f"activation: this needs a piecewise linear one, got {activation}")
    return activation.low, activation.high
