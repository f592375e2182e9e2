"""The problem: a student neuron, a teacher neuron, the inputs, and the activations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array, ArrayLike, adopted, is_array, namespace
from gradflow.base.checks import (
    batch_shape,
    integer,
    is_mapping,
    number,
    numbers,
    owned,
    require_finite,
    require_numbers,
    shown,
)
from gradflow.base.labelled import in_order
from gradflow.neuron.activations import RELU, Activation, ActivationLike, PiecewiseLinear, as_activation

PARAMETERS = ("w1", "b1", "w2", "b2")

LARGEST = 1e100
"""The largest input and the largest output of a teacher: the square of what is beyond may overflow."""


class Neuron(NamedTuple):
    """f(x) = w2 φ(w1 x + b1) + b2, or an array of such neurons.

    The four fields are numbers or arrays that broadcast against each other. Wherever the package
    takes a neuron it also takes one array whose first axis has length 4, in this order.
    """

    w1: ArrayLike = 1.0
    b1: ArrayLike = 0.0
    w2: ArrayLike = 1.0
    b2: ArrayLike = 0.0


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
class Uniform:
    """Inputs uniform on [lo, hi]; the bounds are numbers, or arrays that broadcast with the neurons.

    Raises
    ------
    ValueError
        If a bound is not finite or lo ≥ hi.
    """

    lo: ArrayLike = -1.0
    hi: ArrayLike = 1.0

    def __post_init__(self) -> None:
        require_finite("interval", self.lo, self.hi)
        _require_within("interval", self.lo, self.hi)
        for name in ("lo", "hi"):
            object.__setattr__(self, name, owned("interval", getattr(self, name)))
        lo, hi = numbers("interval", self.lo), numbers("interval", self.hi)
        batch_shape("the ends of the interval", [lo.shape, hi.shape])
        if not np.all(lo < hi):
            found = f"lo = {shown(self.lo)} and hi = {shown(self.hi)}"
            raise ValueError(f"interval: lo must be below hi, got {found}")


class Source(NamedTuple):
    """The file that data were read from: its name, without folders, and the SHA-256 of its content."""

    file: str
    sha256: str


@dataclass(frozen=True, eq=False)
class Sample:
    """N given inputs with optional weights and targets; every expectation is the weighted mean over them.

    The arrays are copies, in NumPy read-only.

    Parameters
    ----------
    x : array, shape (N,)
        The inputs, any finite values, in any order, repeated or not; N ≥ 1.
    weights : array, shape (N,), optional
        Non-negative and not all zero; normalised to sum 1. Equal by default.
    targets : array, shape (N,), optional
        What the student should return at the inputs, any finite values. By default the problem's
        teacher says; with targets the losses do not depend on it.
    source : Source, optional
        Where the numbers are from; it changes none.

    Raises
    ------
    ValueError
        If a shape, an input, a weight or a target is not as described.
    """

    x: Array
    weights: Array | None = None
    targets: Array | None = None
    source: Source | None = field(default=None, kw_only=True)
    lo: float = field(init=False)
    hi: float = field(init=False)

    def __post_init__(self) -> None:
        x = _column("inputs", self.x)
        if x.ndim != 1 or x.shape[0] == 0:
            raise ValueError(
                f"inputs: expected a one-dimensional array of at least one input, got shape {tuple(x.shape)}"
            )
        require_finite("inputs", x)
        _require_within("inputs", x)
        xp = namespace(x)
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "lo", float(xp.min(x)))
        object.__setattr__(self, "hi", float(xp.max(x)))
        if self.targets is not None:
            object.__setattr__(self, "targets", _one_each("targets", self.targets, x))
            _require_within("targets", self.targets)
        if self.weights is None:
            return
        weights = _one_each("weights", self.weights, x)
        largest = float(xp.max(weights))
        if float(xp.min(weights)) < 0 or not largest > 0:
            raise ValueError("weights: must be non-negative and not all zero")
        object.__setattr__(self, "weights", owned("weights", _normalised(weights, largest)))


def _column(name: str, value: Array) -> Array:
    """Return an array of one's own; lists in float64."""
    is_list = not (is_array(value) or hasattr(value, "__array__"))
    return owned(name, numbers(name, value).astype(np.float64) if is_list else value)


def _require_within(name: str, *values: ArrayLike) -> None:
    """Raise a one-line ValueError unless numbers are small enough for their squares to be finite."""
    for value in values:
        array = numbers(name, value)
        outside = np.abs(array.astype(np.float64)) > LARGEST
        if np.any(outside):
            raise ValueError(
                f"{name}: expected numbers between -1e100 and 1e100, got {array[outside].flat[0]!s}"
            )


def _one_each(name: str, value: Array, x: Array) -> Array:
    """Return an array that has one finite number for each input."""
    array = _column(name, value)
    if array.shape != x.shape:
        raise ValueError(f"{name}: expected the inputs' shape {tuple(x.shape)}, got {tuple(array.shape)}")
    require_finite(name, array)
    return array


def _normalised(weights: Array, largest: float) -> Array:
    """Return weights that sum to 1; their sum may be beyond the largest number."""
    xp = namespace(weights)
    is_floating = xp.isdtype(weights.dtype, "real floating")
    most = float(xp.finfo(weights.dtype).max if is_floating else xp.iinfo(weights.dtype).max)
    if largest > most / weights.shape[0]:
        weights = weights / largest
    return weights / float(xp.sum(weights))


def grid(n: int, lo: float = -1.0, hi: float = 1.0) -> Sample:
    """Return the sample of `n` equally spaced inputs on [lo, hi], both ends included.

    Raises
    ------
    ValueError
        If n < 2 or the interval is not one.
    """
    n = integer("samples", n, 2)
    lo, hi = number("interval", lo), number("interval", hi)
    Uniform(lo, hi)
    try:
        x = np.linspace(lo, hi, n)
        # About 0 it is symmetric to the last bit: theorems ask for the sign of its mean, which is 0.
        return Sample(0.5 * x - 0.5 * x[::-1] if lo == -hi else x)
    except (MemoryError, ValueError, IndexError):
        raise ValueError(f"samples: {n} inputs do not fit into memory") from None


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

    Raises
    ------
    ValueError, TypeError
        If the teacher is not finite or an activation is not as described.
    """

    teacher: Neuron = Neuron()
    inputs: Uniform | Sample = Uniform()
    activation: ActivationLike = RELU
    teacher_activation: ActivationLike = None

    def __post_init__(self) -> None:
        teacher = as_neuron(self.teacher, "teacher")
        require_finite("teacher", *teacher)
        object.__setattr__(self, "teacher", Neuron(*(owned("teacher", value) for value in teacher)))
        if not isinstance(self.inputs, (Uniform, Sample)):
            raise TypeError(f"inputs: expected Uniform or Sample, got {shown(self.inputs)}")
        activation = as_activation(self.activation)
        taught = activation
        if self.teacher_activation is not None:
            taught = as_activation(self.teacher_activation, "teacher_activation")
        self._require_moderate(taught)
        object.__setattr__(self, "activation", activation)
        object.__setattr__(self, "teacher_activation", taught)

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
    def is_linear(self) -> bool:
        """Whether student and teacher are piecewise linear: every integral has a closed form."""
        return all(isinstance(a, PiecewiseLinear) for a in (self.activation, self.teacher_activation))

    @property
    def has_theorems(self) -> bool:
        """Whether student and teacher share a piecewise linear activation."""
        return self.is_linear and self.activation == self.teacher_activation

    @property
    def is_bent(self) -> bool:
        """Whether the student is piecewise linear: without a kink on the input it is a line."""
        return isinstance(self.activation, PiecewiseLinear)

    @property
    def has_teacher(self) -> bool:
        """Whether the teacher says what the student should return: no sample's targets take its place."""
        return not isinstance(self.inputs, Sample) or self.inputs.targets is None

    @property
    def stays_dead(self) -> bool:
        """Whether a dead neuron has no gradient: the student's activation is 0 below 0."""
        return isinstance(self.activation, PiecewiseLinear) and self.activation.low == 0.0

    @property
    def lo(self) -> ArrayLike:
        """The smallest input."""
        return self.inputs.lo

    @property
    def hi(self) -> ArrayLike:
        """The largest input."""
        return self.inputs.hi


def as_problem(problem: object) -> Problem:
    """Return a problem if it is one; otherwise raise a one-line TypeError that says how to make one."""
    if isinstance(problem, Problem):
        return problem
    hint = ""
    if isinstance(problem, (Uniform, Sample)):
        hint = f"; write Problem(inputs={type(problem).__name__}(…))"
    elif isinstance(problem, Neuron):
        hint = "; write Problem(teacher=Neuron(…))"
    raise TypeError(f"problem: expected a Problem, got {shown(problem)}{hint}")


def require_one(problem: Problem, what: str) -> None:
    """Raise a one-line ValueError if a problem's teacher or interval are arrays where `what` takes one."""
    for name, values in (("teacher", problem.teacher), ("interval", (problem.lo, problem.hi))):
        if any(getattr(value, "ndim", 0) for value in values):
            raise ValueError(f"{name}: {what} takes one problem, got arrays of them")


def _slopes(activation: Activation) -> tuple[float, float]:
    if not isinstance(activation, PiecewiseLinear):
        raise TypeError(f"activation: this needs a piecewise linear one, got {activation}")
    return activation.low, activation.high
