"""Directional derivatives of the gradient within a cell, from the formulas run on Taylor series.

A jet is the number a + b ε + c ε² with ε³ = 0. The integrals of `gradflow.field.formulas` evaluated at
θ + ε d are the gradient's Taylor polynomial along d: exact but for rounding, with no second text for them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gradflow.base.arrays import Array, as_floating
from gradflow.field import formulas, population, sample
from gradflow.neuron import activations
from gradflow.neuron.problem import Neuron, Problem, Sample, as_neuron


class Derivatives(NamedTuple):
    """∇L, ∇²L[d] and ∇³L[d, d] at θ, each of shape (4, …)."""

    gradient: Array
    second: Array
    third: Array


class Jet:
    """a + b ε + c ε² with ε³ = 0; the coefficients are arrays or numbers. Comparisons see a only."""

    __slots__ = ("a", "b", "c")
    # NumPy's arrays then leave an operation with a jet to the jet.
    __array_ufunc__ = None

    def __init__(self, a: Any, b: Any = 0.0, c: Any = 0.0) -> None:
        self.a, self.b, self.c = a, b, c

    def __add__(self, other: Any) -> Jet:
        if isinstance(other, Jet):
            return Jet(self.a + other.a, self.b + other.b, self.c + other.c)
        return Jet(self.a + other, self.b, self.c)

    def __neg__(self) -> Jet:
        return Jet(-self.a, -self.b, -self.c)

    def __sub__(self, other: Any) -> Jet:
        minus: Jet = self + -1.0 * other
        return minus

    def __rsub__(self, other: Any) -> Jet:
        minus: Jet = -1.0 * self + other
        return minus

    def __mul__(self, other: Any) -> Jet:
        if isinstance(other, Jet):
            return Jet(
                self.a * other.a,
                self.a * other.b + self.b * other.a,
                self.a * other.c + self.b * other.b + self.c * other.a,
            )
        return Jet(self.a * other, self.b * other, self.c * other)

    def __truediv__(self, other: Any) -> Jet:
        if isinstance(other, Jet):
            a = self.a / other.a
            b = (self.b - a * other.b) / other.a
            return Jet(a, b, (self.c - a * other.c - b * other.b) / other.a)
        return Jet(self.a / other, self.b / other, self.c / other)

    def __rtruediv__(self, other: Any) -> Jet:
        return Jet(other) / self

    __radd__, __rmul__ = __add__, __mul__


def derivatives(
    neuron: Neuron | Array,
    direction: Neuron | Array,
    problem: Problem = Problem(),
    *,
    cell: formulas.Signs | None = None,
) -> Derivatives:
    """Return the gradient and its first two derivatives along a direction, within a cell.

    Parameters
    ----------
    neuron : Neuron or array, shape (4, …)
        The students θ.
    direction : Neuron or array, shape (4, …)
        The directions d, which broadcast against them.
    problem : Problem
        Population or sample.
    cell : (bool array, bool array, bool array), optional
        Whether the student counts as active at lo, at the teacher's breakpoint and at hi. With a cell that is
        not the neuron's own (`cell_of`, the default) the result is the analytic continuation of that cell's
        formulas beyond its walls. Population only.

    Returns
    -------
    Derivatives
        ∇L, ∇²L[d], ∇³L[d, d], shape (4, …) each, without the point masses that ∇³L has on walls. On a wall
        the values are those of the dead or hyperactive side, as `gradflow.field.hessian`'s.

    Raises
    ------
    ValueError
        If θ or d has not four parameters, or a cell is given with a sample.
    """
    inputs, teacher = problem.inputs, problem.teacher
    theta, along = as_neuron(neuron), as_neuron(direction)
    plain = all(type(value) in (int, float) for value in (*theta, *along, *teacher))
    others = (inputs.lo, inputs.hi) if not isinstance(inputs, Sample) else (inputs.x,) if plain else ()
    xp, arrays = as_floating((*theta, *along, *teacher, *others))
    theta, along = Neuron(*arrays[:4]), Neuron(*arrays[4:8])
    if isinstance(inputs, Sample):
        if cell is not None:
            raise ValueError("cell: expected None with a sample, whose cells are between its inputs")
        entries = _of_sample(sample.bind(problem, arrays[0]), theta, along)
    else:
        entries = _of_population(population.bind(problem, arrays[0]), theta, along, cell)
    zero = 0.0 * xp.stack(xp.broadcast_arrays(*arrays[:8]))[0, ...]
    columns = zip(*((e.a + zero, e.b + zero, 2.0 * e.c + zero) for e in entries), strict=True)
    return Derivatives(*(xp.stack(xp.broadcast_arrays(*column)) for column in columns))


def cell_of(neuron: Neuron | Array, problem: Problem = Problem()) -> formulas.Signs:
    """Return the cell of each neuron: whether it is active (z > 0) at lo, the teacher's breakpoint and hi.

    Where the teacher has no breakpoint inside the input the second is the first.

    Raises
    ------
    ValueError
        If the inputs are a sample.
    """
    if isinstance(problem.inputs, Sample):
        raise ValueError("inputs: the cells of a sample are between its inputs; expected Uniform")
    given = (*as_neuron(neuron), *problem.teacher, problem.lo, problem.hi)
    _, arrays = as_floating(given)
    bound = population.bind(problem, arrays[0])
    return formulas.signs(bound.ops, population.prepare(bound, Neuron(*arrays[:4])).z)


def _of_population(
    bound: population.Bound, theta: Neuron, along: Neuron, cell: formulas.Signs | None
) -> tuple[Jet, ...]:
    # z is linear in (w1, b1), so that it keeps its digits next to a wall: no jet is compensated.
    z, dz = (
        formulas.preactivations(bound.ops, w1, b1, bound.teacher, bound.aim, exact=bound.exact)
        for w1, b1 in (theta[:2], along[:2])
    )
    ops = _operations(bound.ops)
    jets = tuple(Jet(a, b) for a, b in zip(z, dz, strict=True))
    signs = formulas.signs(bound.ops, z) if cell is None else cell
    parts = formulas.parts(ops, (jets[0], jets[1], jets[2]), signs, bound.aim)
    w2, offset = Jet(theta.w2, along.w2), Jet(theta.b2 - bound.teacher[3], along.b2)
    return formulas.gradient(ops, parts, w2, offset, bound.slopes)


def _of_sample(bound: sample.Bound, theta: Neuron, along: Neuron) -> tuple[Jet, ...]:
    w1, b1, w2, b2 = (Jet(a[..., None], b[..., None]) for a, b in zip(theta, along, strict=True))
    inputs = bound.inputs
    z = w1 * inputs.x + b1
    slope = activations.derivatives(bound.activation, z.a)[1]
    out = z * slope
    weighted = (w2 * out + b2 - inputs.target) * (2.0 * inputs.weights)
    through = weighted * w2 * slope
    return tuple(_summed(bound.xp, term) for term in (through * inputs.x, through, weighted * out, weighted))


def _summed(xp: Any, jet: Jet) -> Jet:
    return Jet(*(xp.sum(part, axis=-1) for part in (jet.a, jet.b, jet.c)))


def _operations(ops: formulas.Operations) -> formulas.Operations:
    """Return the formulas' operations on jets of the arrays that `ops` is for."""

    def where(condition: Any, a: Any, b: Any) -> Any:
        if not isinstance(a, Jet) and not isinstance(b, Jet):
            return ops.where(condition, a, b)
        left, right = (value if isinstance(value, Jet) else Jet(value) for value in (a, b))
        return Jet(*(ops.where(condition, *pair) for pair in _coefficients(left, right)))

    return formulas.Operations(where, lambda jet: ops.positive(jet.a), ops.splitter)


def _coefficients(left: Jet, right: Jet) -> tuple[tuple[Any, Any], ...]:
    return (left.a, right.a), (left.b, right.b), (left.c, right.c)
