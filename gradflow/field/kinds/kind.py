"""A kind of neuron: its parameters, how it starts, and its loss and gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gradflow import field
from gradflow.base.arrays import Array
from gradflow.neuron.problem import PARAMETERS, Problem


class Evaluator(NamedTuple):
    """A problem's loss and gradient for neurons of one kind, given as arrays of shape (P, …)."""

    loss: Callable[[Array], Array]
    gradient: Callable[[Array], Array]
    loss_and_gradient: Callable[[Array], tuple[Array, Array]]


def of_values(values: Callable[[Array], Array]) -> Evaluator:
    """Return the evaluator of a function of ψ that returns loss and gradient in one array, the loss first."""

    def loss_and_gradient(psi: Array) -> tuple[Array, Array]:
        found = values(psi)
        return found[0, ...], found[1:, ...]

    return Evaluator(lambda psi: values(psi)[0, ...], lambda psi: values(psi)[1:, ...], loss_and_gradient)


class Kind(NamedTuple):
    """A kind of neuron.

    Attributes
    ----------
    name : str
    parameters : tuple of str
        The names of its P parameters.
    start : callable
        ``start(theta, problem) -> psi``: its parameters, shape (P, …), that make the function of a plain
        neuron θ, shape (4, …), or as nearly as it can.
    evaluator : callable
        ``evaluator(problem, like) -> Evaluator`` for parameters like the array `like`.
    line : callable
        ``line(psi, problem) -> (w1, b1)`` of the pre-activation, whose sign is the neuron's activity.
    """

    name: str
    parameters: tuple[str, ...]
    start: Callable[[Array, Problem], Array]
    evaluator: Callable[[Problem, Array], Evaluator]
    line: Callable[[Array, Problem], tuple[Array, Array]]


def _same(theta: Array, problem: Problem) -> Array:
    return theta


def _plain(problem: Problem, like: Array) -> Evaluator:
    found = field.evaluator(problem, like)
    return Evaluator(found.loss, found.gradient, found.loss_and_gradient)


def first_two(psi: Array, problem: Problem) -> tuple[Array, Array]:
    """Return the first two parameters, for kinds whose (w1, b1) they are."""
    return psi[0, ...], psi[1, ...]


PLAIN = Kind("plain", PARAMETERS, _same, _plain, first_two)
"""f(x) = w2 φ(w1 x + b1) + b2, all four learned."""
