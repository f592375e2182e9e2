"""The problem: a student neuron, a teacher neuron, the inputs, and the activations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from gradflow.activations import RELU, Activation, ActivationLike, PiecewiseLinear, as_activation
from gradflow.backend import Array, ArrayLike, is_array, namespace, to_numpy
from gradflow.labels import unlabelled

PARAMETERS = ("w1", "b1", "w2", "b2")


def require_numbers(name: str, value: ArrayLike) -> None:
    """Raise a one-line TypeError that names the argument unless `value` is a number or an array of numbers.

    Text, complex numbers, booleans and ragged lists are not.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return
    if is_array(value):
        if not namespace(value).isdtype(value.dtype, ("real floating", "integral")):
            raise TypeError(f"{name}: expected real numbers, got {_shown(value)} of dtype {value.dtype}")
        return
    try:
        kind = np.asarray(value).dtype.kind
    except (TypeError, ValueError):
        kind = "O"
    if kind not in "iuf":
        raise TypeError(f"{name}: expected a number or an array of numbers, got {value!r}")


def numbers(name: str, value: ArrayLike) -> np.ndarray:
    """Return a NumPy copy of a number or an array of numbers (TypeError: see `require_numbers`)."""
    require_numbers(name, value)
    return to_numpy(value) if is_array(value) else np.asarray(value)


def require_finite(name: str, *values: ArrayLike) -> None:
    """Raise a one-line error that names the argument unless `values` are finite numbers or arrays of such."""
    for value in values:
        array = numbers(name, value)
        if not np.all(np.isfinite(array)):
            shown = value if array.ndim == 0 else "an array with NaN or infinite entries"
            raise ValueError(f"{name}: must be finite, got {shown}")


def _shown(value: Any) -> str:
    return f"an array of shape {value.shape}" if is_array(value) else repr(value)


class Neuron(NamedTuple):
    """f(x) = w2 φ(w1 x + b1) + b2, or an array of such neurons.

    The four fields are numbers or arrays that broadcast against each other. Wherever the package
    takes a neuron it also takes one array whose first axis has length 4, in this order.
    """

    w1: ArrayLike = 1.0
    b1: ArrayLike = 0.0
    w2: ArrayLike = 1.0
    b2: ArrayLike = 0.0


def as_neuron(neuron: Neuron | Array) -> Neuron:
    """Return four parameters as a `Neuron`, from a neuron, any four numbers or an array of shape (4, …).

    Raises
    ------
    ValueError
        If there are not four of them.
    TypeError
        If one is not a number or an array of numbers.
    """
    if not isinstance(neuron, Neuron):
        neuron = unlabelled(neuron)
        try:
            length = neuron.shape[0] if is_array(neuron) else len(neuron)
        except (IndexError, TypeError):
            length = 0
        if length != len(PARAMETERS) or isinstance(neuron, str):
            raise ValueError(
                f"neuron: expected 4 parameters (w1, b1, w2, b2) along the first axis, got {_shown(neuron)}"
            )
        neuron = Neuron(*(neuron[i, ...] if is_array(neuron) else neuron[i] for i in range(4)))
    neuron = Neuron(*map(unlabelled, neuron))
    for value in neuron:
        require_numbers("neuron", value)
    return neuron


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
        for name in ("lo", "hi"):
            object.__setattr__(self, name, unlabelled(getattr(self, name)))
        require_finite("interval", self.lo, self.hi)
        if not np.all(numbers("interval", self.lo) < numbers("interval", self.hi)):
            raise ValueError(f"interval: lo must be below hi, got lo = {self.lo!r} and hi = {self.hi!r}")


@dataclass(frozen=True, eq=False)
class Sample:
    """N given inputs with optional weights and targets; every expectation is the weighted mean over them.

    Parameters
    ----------
    x : array, shape (N,)
        The inputs, any finite values, in any order, repeated or not; N ≥ 1.
    weights : array, shape (N,), optional
        Non-negative and not all zero; normalised to sum 1. Equal by default.
    targets : array, shape (N,), optional
        What the student should return at the inputs, any finite values. By default the problem's
        teacher says; with targets the losses do not depend on it.

    Raises
    ------
    ValueError
        If a shape, an input, a weight or a target is not as described.
    """

    x: Array
    weights: Array | None = None
    targets: Array | None = None
    lo: float = field(init=False)
    hi: float = field(init=False)

    def __post_init__(self) -> None:
        for name in ("x", "weights", "targets"):
            object.__setattr__(self, name, unlabelled(getattr(self, name)))
        checked = numbers("inputs", self.x)
        x = self.x if is_array(self.x) else checked.astype(np.float64)
        if x.ndim != 1 or x.shape[0] == 0:
            raise ValueError(
                f"inputs: expected a one-dimensional array of at least one input, got shape {x.shape}"
            )
        require_finite("inputs", x)
        xp = namespace(x)
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "lo", float(xp.min(x)))
        object.__setattr__(self, "hi", float(xp.max(x)))
        if self.targets is not None:
            object.__setattr__(self, "targets", _one_each("targets", self.targets, x))
        if self.weights is None:
            return
        weights = _one_each("weights", self.weights, x)
        total = float(xp.sum(weights))
        if float(xp.min(weights)) < 0 or not total > 0:
            raise ValueError("weights: must be non-negative and not all zero")
        object.__setattr__(self, "weights", weights / total)


def _one_each(name: str, value: Array, x: Array) -> Array:
    """Return an array that has one finite number for each input."""
    checked = numbers(name, value)
    array = value if is_array(value) else checked.astype(np.float64)
    if array.shape != x.shape:
        raise ValueError(f"{name}: expected the inputs' shape {x.shape}, got {array.shape}")
    require_finite(name, array)
    return array


def grid(n: int, lo: float = -1.0, hi: float = 1.0) -> Sample:
    """Return the sample of `n` equally spaced inputs on [lo, hi], both ends included.

    Raises
    ------
    ValueError
        If n < 2 or the interval is not one.
    """
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
        raise TypeError(f"samples: expected an integer, got {n!r}")
    if n < 2:
        raise ValueError(f"samples: a grid that includes both ends has at least 2 inputs, got {n}")
    Uniform(lo, hi)
    return Sample(np.linspace(lo, hi, n))


@dataclass(frozen=True)
class Problem:
    """What the student learns: the teacher, the inputs, and what bends both neurons.

    Parameters
    ----------
    teacher : Neuron
        Default (1, 0, 1, 0): f*(x) = φ(x). Its fields may be arrays that broadcast with the student's.
        A sample with targets takes its place.
    inputs : Uniform or Sample
        The input distribution: uniform on an interval (the population) or given points.
    activation : Activation, str or (float, float)
        The student's φ: ReLU by default, another of `gradflow.activations` or its name ("silu",
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
        object.__setattr__(self, "teacher", as_neuron(self.teacher))
        require_finite("teacher", *self.teacher)
        if not isinstance(self.inputs, (Uniform, Sample)):
            raise TypeError(f"inputs: expected Uniform or Sample, got {self.inputs!r}")
        activation = as_activation(self.activation)
        taught = activation if self.teacher_activation is None else as_activation(self.teacher_activation)
        object.__setattr__(self, "activation", activation)
        object.__setattr__(self, "teacher_activation", taught)

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


def _slopes(activation: Activation) -> tuple[float, float]:
    if not isinstance(activation, PiecewiseLinear):
        raise TypeError(f"activation: this needs a piecewise linear one, got {activation}")
    return activation.low, activation.high
