"""A task's field by whatever computes it: in closed form, by quadrature, or summed over a sample."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array, as_floating, beyond_range, is_array
from gradflow.base.checks import require_finite
from gradflow.field.means import Inputs
from gradflow.networks.line import fast as fast_code
from gradflow.networks.line import field, summed
from gradflow.networks.line.network import Network, as_network, require_rows
from gradflow.networks.line.nodes import NODES, density_at, fixed_ends, nodes_of
from gradflow.networks.line.products import product_of
from gradflow.networks.line.task import Task, task_of
from gradflow.neuron.problem import Neuron, Problem

AT_ONCE = 1 << 19
"""Neurons times inputs that are evaluated at once: their temporary arrays take some megabytes."""

OVERHEAD = 300
"""The price of a call of NumPy's besides its neurons, in neurons."""


class Evaluator(NamedTuple):
    """A task's field, of networks along the first axis: arrays of shape (3m + 1, *batch).

    `gram` and `hessian` have two axes of parameters before the batch's.
    """

    loss: Callable[[Array], Array]
    gradient: Callable[[Array], Array]
    loss_and_gradient: Callable[[Array], tuple[Array, Array]]
    hessian: Callable[[Array], Array]
    gram: Callable[[Array], Array]
    product: Callable[[Array, Array], Array]


def evaluator(task: Task, work: int = 0) -> Evaluator:
    """Return the field for many calls, which checks nothing.

    Compiled code takes over where `work`, the neurons times the calls that are to come, or what has been done
    says that it pays; in closed form that changes no bit.
    """
    if task.is_exact:
        return _exact(task, work)
    if task.sample is not None:
        return on_points(task, task.sample)
    fixed = fixed_ends(task)

    def points(rows: Array) -> Inputs:
        return nodes_of(np.asarray(rows, dtype=np.float64), task, fixed)

    # A smooth network has panels of its own; others have as many as they have neurons.
    return _summed(task, points, NODES * fixed.shape[0] if task.is_bent else None)


def on_points(task: Task, points: Inputs) -> Evaluator:
    """Return the field of a task on a sample, whatever the task's own inputs are."""
    return _summed(task, lambda rows: points, points.x.shape[0])


def _exact(task: Task, work: int) -> Evaluator:
    compiled: dict[str, Callable[..., tuple[Array, Array]]] = {}
    done = 0

    def fast(rows: Array) -> Callable[..., tuple[Array, Array]] | None:
        nonlocal done
        done += OVERHEAD + rows.size // 3
        dtype = rows.dtype.name
        if dtype not in compiled and rows.size and fast_code.pays(task, max(work, done), dtype):
            compiled[dtype] = fast_code.evaluated(task, dtype)
        return compiled.get(dtype) if rows.size else None

    def loss(rows: Array) -> Array:
        code = fast(rows)
        return field.loss_of(field.cut(rows, task)) if code is None else code(rows, False)[0]

    def both(rows: Array) -> tuple[Array, Array]:
        if (code := fast(rows)) is not None:
            return code(rows)
        some = field.cut(rows, task)
        return field.loss_of(some), field.gradient_of(some)

    def gradient(rows: Array) -> Array:
        code = fast(rows)
        return field.gradient_of(field.cut(rows, task)) if code is None else code(rows)[1]

    return Evaluator(
        loss,
        gradient,
        both,
        lambda rows: field.hessian_of(field.cut(rows, task), task),
        lambda rows: field.gram_of(field.cut(rows, task)),
        lambda rows, vector: product_of(field.cut(rows, task), vector, task),
    )


def _summed(task: Task, points: Callable[[Array], Inputs], count: int | None) -> Evaluator:
    """Return a field of sums over points; `count` of them, or None if each network has its own number."""

    def evaluated(rows: Array, order: int = 1) -> summed.Evaluated:
        at = points(rows)
        if rows.dtype != np.float64:
            at = Inputs(*(value.astype(rows.dtype) for value in at))
        return summed.evaluate(rows, at, task.activation, order)

    def loss(rows: Array) -> Array:
        return summed.loss_of(evaluated(rows), task.loss)[None]

    def gradient(rows: Array) -> Array:
        return summed.gradient_of(evaluated(rows), task.loss)

    def both(rows: Array) -> Array:
        e = evaluated(rows)
        return np.concatenate((summed.loss_of(e, task.loss)[None], summed.gradient_of(e, task.loss)))

    def hessian(rows: Array) -> Array:
        whole = summed.hessian_of(evaluated(rows, 2), task.loss)
        return whole if task.sample is not None or not task.is_bent else _with_masses(whole, rows, task)

    def gram(rows: Array) -> Array:
        return summed.gram_of(evaluated(rows))

    some = partial(_in_pieces, count=count)

    def loss_and_gradient(rows: Array) -> tuple[Array, Array]:
        found = some(both, rows)
        return found[0], found[1:]

    return Evaluator(
        lambda rows: some(loss, rows)[0],
        lambda rows: some(gradient, rows),
        loss_and_gradient,
        lambda rows: some(hessian, rows),
        lambda rows: some(gram, rows),
        lambda rows, vector: np.einsum("ij...,j...->i...", some(hessian, rows), vector),
    )


def _in_pieces(function: Callable[[Array], Array], rows: Array, count: int | None) -> Array:
    """Evaluate as many networks at once as memory likes, or each alone."""
    batch = rows.shape[1:]
    n = int(np.prod(batch, dtype=int))
    size = n if not batch else 1 if count is None else max(1, AT_ONCE // (rows.shape[0] * count))
    if not batch or (size >= n > 0):
        return function(rows)
    flat = rows.reshape(rows.shape[0], -1)
    if n == 0:
        return np.zeros((*function(np.zeros(rows.shape[0])).shape, *batch))
    if count is None:
        found = np.stack([function(flat[:, i]) for i in range(n)], axis=-1)
    else:
        found = np.concatenate([function(flat[:, i : i + size]) for i in range(0, n, size)], axis=-1)
    return found.reshape(*found.shape[:-1], *batch)


def _with_masses(hessian: Array, rows: Array, task: Task) -> Array:
    """Add 2 w2 r(p) ρ(p) (s₊ − s₋)/|w1| of every breakpoint inside, r(p) ρ(p) the mean of both sides."""
    m = rows.shape[0] // 3
    w1, b1, w2 = (rows[i * m : (i + 1) * m] for i in range(3))
    turns = w1 != 0.0
    p = np.where(turns, -b1 / np.where(turns, w1, 1.0), task.hi)
    inside = (p > task.lo) & (p < task.hi)
    at = np.moveaxis(np.where(inside, p, task.lo), 0, -1)
    f = np.moveaxis(summed.evaluate(rows, Inputs(at, at, at), task.activation, 0).f, -1, 0)
    at = np.moveaxis(at, -1, 0)
    sides = [(f - task.aim(x)) * density_at(x, task) for x in (at, np.nextafter(at, np.inf))]
    low, high = task.slopes
    mass = 2.0 * w2 * (0.5 * (sides[0] + sides[1])) * (high - low) / np.where(inside, np.abs(w1), 1.0)
    mass = np.where(inside, mass, 0.0)
    j = np.arange(m)
    for row, column, value in ((j, j, mass * at * at), (j, j + m, mass * at), (j + m, j + m, mass)):
        hessian[row, column] += value
    hessian[j + m, j] += mass * at
    return hessian


def _field(network: Network | Neuron | Array, problem: Problem) -> tuple[Evaluator, Array]:
    rows = as_network(network).rows
    return evaluator(task_of(problem), rows.size // 3), rows


def _on_arrays(network: Network | Neuron | Array, problem: Problem) -> tuple[Evaluator, Array]:
    """Return the field of networks in the arrays' own library and precision, where there is a closed form."""
    if not is_array(network) or (type(network) is np.ndarray and network.dtype != np.float32):
        return _field(network, problem)
    task, is_numpy = task_of(problem), type(network) is np.ndarray
    if not task.is_exact:
        if is_numpy:
            return _field(network, problem)
        raise TypeError(
            "network: sums over samples and nodes take arrays of NumPy's, "
            f"got one of {type(network).__module__.partition('.')[0]}"
        )
    _, (rows,) = as_floating((network,), ("network",))
    require_finite("network", rows)
    require_rows(rows)

    def both(some: Array) -> tuple[Array, Array]:
        cut = field.cut(some, task)
        return field.loss_of(cut), field.gradient_of(cut)

    some = _exact(task, 0)
    return some._replace(
        loss=lambda rows: field.loss_of(field.cut(rows, task)),
        gradient=lambda rows: field.gradient_of(field.cut(rows, task)),
        loss_and_gradient=both,
    ), rows


def loss(network: Network | Neuron | Array, problem: Problem = Problem()) -> Any:
    """Return the loss E[(f − f*)²] of networks, a sum of squares; on a sample, of another loss if asked for.

    Parameters
    ----------
    network : Network, Neuron or array, shape (3m + 1, *batch)
        The students; a neuron is a network with m = 1. Arrays in float32, or of another array library, are
        taken as they are where there is a closed form.
    problem : Problem
        One target, one law or sample.

    Returns
    -------
    array, shape (*batch)
        In the library and precision of an array, else in float64 of NumPy's. In closed form where student and
        target are piecewise linear; with smooth activations, polynomials or sines by quadrature within 1e-13
        of the terms' absolute values (`gradflow.networks.line.nodes`).

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.

    Examples
    --------
    >>> import gradflow as gf
    >>> float(loss(gf.Network([1.0, -1.0], [0.0, 0.0], [1.0, 1.0]), gf.Problem(target="abs")))
    0.0
    """
    with beyond_range():
        some, rows = _on_arrays(network, problem)
        return some.loss(rows)


def gradient(network: Network | Neuron | Array, problem: Problem = Problem()) -> Array:
    """Return ∂L/∂θ, shape (3m + 1, *batch), in the order w1_1, …, w1_m, b1_1, …, w2_m, b2.

    φ′(0) = s₋, so that a neuron whose pre-activation is nowhere positive has the gradient of a dead one.

    See Also
    --------
    loss : parameters.
    """
    with beyond_range():
        some, rows = _on_arrays(network, problem)
        return some.gradient(rows)


def loss_and_gradient(network: Network | Neuron | Array, problem: Problem = Problem()) -> tuple[Any, Array]:
    """Return `loss` and `gradient`, cutting the line once."""
    with beyond_range():
        some, rows = _on_arrays(network, problem)
        return some.loss_and_gradient(rows)


def gram(network: Network | Neuron | Array, problem: Problem = Problem()) -> Array:
    """Return E[∇f ∇fᵀ], shape (3m + 1, 3m + 1, *batch), whose spectrum is the tangent kernel's but for zeros.

    See Also
    --------
    loss : parameters.
    """
    with beyond_range():
        some, rows = _field(network, problem)
        return some.gram(rows)


def hessian(network: Network | Neuron | Array, problem: Problem = Problem()) -> Array:
    """Return ∂²L/∂θ², shape (3m + 1, 3m + 1, *batch), symmetric.

    It jumps where a breakpoint meets an end of the input, and there is that of the dead or hyperactive side;
    where a breakpoint meets a jump of target or density it is the mean of both sides. On a sample it is the
    Hessian between the hypersurfaces where an input meets a breakpoint.

    See Also
    --------
    loss : parameters.
    """
    with beyond_range():
        some, rows = _field(network, problem)
        return some.hessian(rows)


def hessian_product(
    network: Network | Neuron | Array, vector: Network | Neuron | Array, problem: Problem = Problem()
) -> Array:
    """Return ∂²L/∂θ² v, shape (3m + 1, *batch), which in closed form costs little more than a gradient.

    Parameters
    ----------
    network : Network, Neuron or array, shape (3m + 1, *batch)
    vector : Network, Neuron or array, shape (3m + 1, *batch)
        v, in the order of the parameters.
    problem : Problem

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    """
    some, rows = _field(network, problem)
    direction = as_network(vector, "vector").rows
    if direction.shape != rows.shape:
        raise ValueError(f"vector: expected the network's shape {rows.shape}, got {direction.shape}")
    with beyond_range():
        return some.product(rows, direction)


def tangent_spectrum(network: Network | Neuron | Array, problem: Problem = Problem()) -> Array:
    """Return the eigenvalues of the tangent kernel ∇f(x)·∇f(x′) under the law, largest first.

    Those of E[∇f ∇fᵀ] are the same but for zeros: shape (3m + 1, *batch).

    See Also
    --------
    loss : parameters.
    """
    matrix = np.moveaxis(gram(network, problem), (0, 1), (-2, -1))
    return np.moveaxis(np.linalg.eigvalsh(matrix)[..., ::-1], -1, 0)
