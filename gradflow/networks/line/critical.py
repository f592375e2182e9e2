"""Types of critical points of networks on the line, from the exact Hessian, with its kernel accounted for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradflow.base.arrays import Array
from gradflow.base.checks import number
from gradflow.networks.line.evaluate import evaluator
from gradflow.networks.line.network import Network, as_network
from gradflow.networks.line.task import Task, task_of
from gradflow.networks.line.walls import activities, preactivations
from gradflow.neuron.activity import ACTIVITIES
from gradflow.neuron.problem import Neuron, Problem

KINDS = ("none", "saddle", "minimum", "global", "degenerate")
"""Not critical; a negative eigenvalue; a kernel that symmetries explain and all else positive; a minimum of
loss 0; no negative eigenvalue, but a kernel that symmetries do not explain, or a pre-activation that vanishes
at an end of the input: other networks near are then not those of the Hessian, and it does not decide."""


class Critical(NamedTuple):
    """A point, and what its derivatives say of it; all of it is computed, nothing is proved.

    Attributes
    ----------
    kind : str
        One of `KINDS`. `global` has a loss of at most the tolerance's square.
    loss, steepest : float
        The loss, and the largest entry of the gradient.
    eigenvalues : array, shape (3m + 1,)
        Of the exact Hessian, in increasing order.
    negative, kernel : int
        How many eigenvalues are below minus the tolerance, and within it.
    symmetries : int
        The dimension of the set of networks with the same graph on the input: what a kernel has at least.
    activity : dict of str to int
        How many neurons are dead, balanced and hyperactive.
    breakpoints : array
        Where the graph bends, inside the input, in increasing order.
    on_wall : bool
        Whether a pre-activation vanishes at an end of the input, where the Hessian jumps.
    """

    kind: str
    loss: float
    steepest: float
    eigenvalues: np.ndarray
    negative: int
    kernel: int
    symmetries: int
    activity: dict[str, int]
    breakpoints: np.ndarray
    on_wall: bool


def critical_point(
    network: Network | Neuron | Array,
    problem: Problem = Problem(),
    *,
    rest: float = 1e-8,
    tolerance: float = 1e-7,
) -> Critical:
    """Return the type of a critical point of one network.

    Parameters
    ----------
    network : Network, Neuron or array, shape (3m + 1)
        The point.
    problem : Problem
        One target, one law with a density, piecewise linear activations.
    rest : float
        The largest entry of the gradient at a critical point, > 0.
    tolerance : float
        The largest eigenvalue of a kernel, as a part of the largest of all, > 0; also how near breakpoints
        are that count as one, in widths of the input, and how small a bend is none.

    Returns
    -------
    Critical

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.

    Examples
    --------
    >>> import gradflow as gf
    >>> critical_point(gf.Network([1.0, 2.0], [0.0, 0.0], [0.5, 0.25])).kind
    'global'
    >>> found = critical_point(gf.Network([1.0, 2.0], [0.0, 0.0], [0.5, 0.25]))
    >>> found.kernel, found.symmetries  # one direction more: along it the loss is cubic
    (4, 3)
    """
    student, task = as_network(network), task_of(problem)
    if student.batch:
        raise ValueError(f"network: expected one network, got {student}")
    if task.sample is not None or not task.is_bent:
        raise ValueError("problem: expected a law with a density and a piecewise linear activation")
    rest, tolerance = number("rest", rest), number("tolerance", tolerance)
    for name, value in (("rest", rest), ("tolerance", tolerance)):
        if not 0.0 < value < 1.0:
            raise ValueError(f"{name}: expected a number between 0 and 1, got {value}")
    field = evaluator(task)
    value, steepest = float(field.loss(student.rows)), float(np.max(np.abs(field.gradient(student.rows))))
    eigenvalues = np.linalg.eigvalsh(field.hessian(student.rows))
    small = tolerance * max(1.0, float(np.max(np.abs(eigenvalues))))
    negative, kernel = int(np.sum(eigenvalues < -small)), int(np.sum(np.abs(eigenvalues) <= small))
    symmetries, places = _fibre(student, task, tolerance)
    z = preactivations(student.rows, np.array([task.lo, task.hi]))
    codes = activities(z)
    size = np.abs(student.w1) * max(abs(task.lo), abs(task.hi)) + np.abs(student.b1)
    touches = np.any(np.abs(z) <= tolerance * size, axis=0)
    # Without an output weight the Hessian does not jump there, but terms of the third order may fall.
    undecided = kernel > symmetries or bool(np.any(touches))
    return Critical(
        _kind(value, steepest <= rest, negative, undecided, tolerance**2),
        value,
        steepest,
        eigenvalues,
        negative,
        kernel,
        symmetries,
        {name: int(np.sum(codes == code)) for code, name in enumerate(ACTIVITIES)},
        places,
        bool(np.any(touches & (np.asarray(student.w2) != 0.0))),
    )


def _kind(loss: float, rests: bool, negative: int, undecided: bool, least: float) -> str:
    if not rests:
        return "none"
    if loss <= least:
        return "global"
    return "saddle" if negative else "degenerate" if undecided else "minimum"


def _fibre(student: Network, task: Task, tolerance: float) -> tuple[int, np.ndarray]:
    """Return the dimension of the networks near with the same graph, and where the graph bends.

    What may not change: value and slope at lo, the bend at each breakpoint, and where it is, if there is one.
    Breakpoints where the bends of several neurons cancel may move together.
    """
    m = student.m
    w, b, a = (np.asarray(value) for value in (student.w1, student.b1, student.w2))
    low, high = task.slopes
    z_lo, z_hi = preactivations(student.rows, np.array([task.lo, task.hi]))
    inside = ((z_lo < 0) & (z_hi > 0)) | ((z_lo > 0) & (z_hi < 0))
    at = np.where(inside, -b / np.where(inside, w, 1.0), np.inf)
    bend = a * np.abs(w) * (high - low)
    is_none = np.abs(bend) <= tolerance * max(1.0, float(np.sum(np.abs(bend))))
    rows: list[np.ndarray] = []

    def row(*entries: tuple[int, float]) -> np.ndarray:
        found = np.zeros(3 * m + 1)
        for place, entry in entries:
            found[place] += entry
        return found

    def bent(j: int) -> np.ndarray:
        return row((j, a[j] * np.sign(w[j])), (2 * m + j, abs(w[j])))

    def moved(j: int) -> np.ndarray:
        return row((j, b[j] / w[j] ** 2), (m + j, -1.0 / w[j]))

    rows += [bent(int(j)) for j in np.flatnonzero(inside & is_none)]
    places: list[float] = []
    left = [int(j) for j in np.argsort(at, kind="stable") if inside[j] and not is_none[j]]
    while left:
        group = [j for j in left if at[j] - at[left[0]] <= tolerance * (task.hi - task.lo)]
        left = left[len(group) :]
        rows.append(np.sum([bent(j) for j in group], axis=0))
        if abs(sum(bend[j] for j in group)) > tolerance * max(1.0, float(np.sum(np.abs(bend)))):
            places.append(float(np.mean(at[group])))
            rows += [moved(j) for j in group]
        else:
            rows += [moved(j) - moved(group[0]) for j in group[1:]]
    slope = np.where(z_lo > 0.0, high, np.where(z_lo < 0.0, low, np.where(z_hi > 0.0, high, low)))
    rows.append(np.concatenate([a * slope, np.zeros(m), w * slope, [0.0]]))
    rows.append(np.concatenate([a * slope * task.lo, a * slope, slope * z_lo, [1.0]]))
    return 3 * m + 1 - int(np.linalg.matrix_rank(np.array(rows), tol=tolerance)), np.array(places)
