"""The numbers that the integral of a pair of activations is compiled with, and those that it is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gradflow.base.arrays import Array
from gradflow.compiled import integral, smooth
from gradflow.compiled.unsupported import UnsupportedError
from gradflow.field import quadrature
from gradflow.field import sample as direct
from gradflow.field.panels import TIERS, gauss_legendre
from gradflow.neuron.activations import SMOOTH_FORMULAS, Activation, PiecewiseLinear, SmoothFormula
from gradflow.neuron.problem import Problem

LINEAR = "linear"

LEAF = 128
"""So many numbers NumPy adds up without halving."""


class Pair(NamedTuple):
    """The bends of student and teacher: names of smooth activations, or `LINEAR`; a sample has no teacher."""

    student: str
    teacher: str
    is_sample: bool = False

    @property
    def lanes(self) -> int:
        """How many sums lie side by side: in a sample as NumPy has them."""
        return 8 if self.is_sample else 4

    @property
    def room(self) -> int:
        """How many nodes there may be at once."""
        return LEAF if self.is_sample else integral.ROOM


def name_of(activation: Activation) -> str:
    """Return the name of a smooth activation; all piecewise linear ones are one.

    Raises
    ------
    UnsupportedError
        If `gradflow.compiled.smooth` has no code for it.
    """
    if isinstance(activation, PiecewiseLinear):
        return LINEAR
    if not hasattr(smooth, f"{activation.name}_value"):
        raise UnsupportedError(f"activation: there is no compiled code for {activation.name}")
    return activation.name


def pair_of(student: Activation, teacher: Activation | None = None) -> Pair:
    """Return the pair of activations of a problem; without a teacher's, that of a sample."""
    return Pair(name_of(student), LINEAR if teacher is None else name_of(teacher), teacher is None)


def constants(pair: Pair, sums: int) -> dict[str, int | float]:
    """Return the numbers that the functions call by name."""
    found = {**vars(integral), **vars(smooth)}
    numbers = {k: v for k, v in found.items() if k.isupper() and isinstance(v, (int, float))}
    chosen: dict[str, int | float] = {"LANES": pair.lanes, "ROOM": pair.room, "SUMS": sums}
    chosen["STACK"] = integral.TERMS + 5 * pair.room
    chosen["SCRATCH"] = int(chosen["STACK"]) + (integral.WAITING if pair.is_sample else 0)
    for who, name in (("STUDENT", pair.student), ("TEACHER", pair.teacher)):
        row: SmoothFormula | None = SMOOTH_FORMULAS.get(name)
        chosen[f"{who}_SMOOTH"] = int(row is not None)
        chosen[f"{who}_UNIT"] = 1.0 / row.scale if row else 0.0
        chosen[f"{who}_TAIL"] = row.narrowing if row else 0.0
    return {**numbers, **chosen}


def bound_numbers(bound: quadrature.Bound) -> tuple[Array, Array]:
    """Return the numbers and nodes of a problem that NumPy's quadrature is bound to.

    Returns
    -------
    numbers : array, shape (PROBLEM,)
        Of arrays of teachers, what they share; their own numbers go in front.
    nodes : array
        The rules, and behind them the nodes that gentle students of one teacher share.
    """
    nodes, numbers = np.zeros(integral.NODES), np.zeros(integral.PROBLEM)
    numbers[: integral.TAUGHT] = [value if np.ndim(value) == 0 else 0.0 for value in bound.taught]
    for first, activation in ((integral.LOW, bound.student), (integral.LOW_T, bound.teacher)):
        if isinstance(activation, PiecewiseLinear):
            numbers[first : first + 2] = activation.low, activation.high
    for first, tier in zip((integral.RULE_0, integral.RULE_1, integral.RULE_2), TIERS, strict=True):
        _put(nodes[first:], gauss_legendre(tier.nodes), integral.ROOM)
    for i, (at, inputs) in bound.shared.items():
        count = at.shape[0] // TIERS[i].nodes
        numbers[integral.COUNT_0 + i] = count
        columns = [v.reshape(count, -1) for v in (at, inputs.x, inputs.weights, inputs.target)]
        for panel in range(count):
            first = (integral.SHARED_0, integral.SHARED_1)[i] + 4 * integral.ROOM * panel
            _put(nodes[first:], [column[panel] for column in columns], integral.ROOM)
    return numbers, nodes


def bind(problem: Problem) -> tuple[quadrature.Taught, Array, Array]:
    """Return a problem's terms (arrays where teachers or intervals are) and `bound_numbers`, in float64."""
    bound = quadrature.bind(problem, np.empty(0))
    return bound.taught, *bound_numbers(bound)


def bind_sample(problem: Problem, like: Array) -> tuple[Array, Array]:
    """Return a sample's numbers and nodes in the dtype of `like`, for `integral.sample`."""
    inputs = direct.bind(problem, like).inputs
    n, is_smooth = inputs.x.shape[0], not isinstance(problem.activation, PiecewiseLinear)
    # Nodes without weight make a smooth student's numbers eights; its sums need not be in NumPy's order.
    padded = n + (-n % 8 if is_smooth else 0)
    leaves = _leaves(padded)
    nodes = np.zeros(4 * LEAF * len(leaves), dtype=like.dtype)
    first = 0
    for k, (_, size, _) in enumerate(leaves):
        own = (inputs.x, inputs.x, np.broadcast_to(inputs.weights, (n,)), inputs.target)
        _put(nodes[4 * LEAF * k :], [column[first : first + size] for column in own], LEAF)
        first += size
    low, high = (0.0, 0.0) if is_smooth else problem.slopes
    numbers = np.asarray([low, high, len(leaves), *(v for leaf in leaves for v in leaf)])
    return numbers.astype(like.dtype), nodes


def _put(place: Array, columns: Sequence[Array], room: int) -> None:
    for k, column in enumerate(columns):
        place[k * room : k * room + len(column)] = column


def _leaves(n: int) -> list[tuple[int, int, int]]:
    """Return the leaves of NumPy's sum of n numbers (`integral.sample`)."""
    if n <= LEAF:
        return [(n // 8 * 8, n, 0)]
    half = n // 2
    half -= half % 8
    *first, (eights, size, joins) = _leaves(n - half)
    return [*_leaves(half), *first, (eights, size, joins + 1)]
