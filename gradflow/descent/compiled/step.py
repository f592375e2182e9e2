"""One training step of one trajectory, recorded from the code that trains arrays.

The gradient is what `gradflow.field` computes, the update what the optimiser's own ``update``
does, the bookkeeping (diverged, first change of activity) that of `gradflow.descent.loop`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gradflow.base.arrays import Array
from gradflow.base.error_free import affine, splitter
from gradflow.compiled.host import Host
from gradflow.compiled.integral_source import bind, bind_sample, pair_of
from gradflow.compiled.program import Summed, program, shared
from gradflow.compiled.recorded import Recorded
from gradflow.compiled.sample_step import require_sorted, sample_gradient
from gradflow.compiled.traced import (
    NAMESPACE,
    TRUTH,
    Traced,
    UnsupportedError,
    astype,
    given,
    leaf,
    record,
    slot,
)
from gradflow.descent.optimisers.hyper import Config
from gradflow.descent.optimisers.registry import init, update
from gradflow.descent.prepared import bounds
from gradflow.field import SORTED_FROM, formulas, population, sorted_sample
from gradflow.neuron.activity import activity, classify
from gradflow.neuron.problem import Neuron, Problem, Sample


class _Slots:
    """The numbers of the trajectories, as they are asked for."""

    def __init__(self, batch: tuple[int, ...], dtype: Any) -> None:
        self.batch, self.dtype = batch, np.dtype(dtype)
        self.arrays: list[Array] = []

    def add(self, values: Any) -> Traced:
        """Return a lane value for an array that differs between trajectories."""
        values = np.asarray(values)
        self.arrays.append(np.broadcast_to(values, self.batch).reshape(-1).astype(self.dtype, copy=False))
        traced = slot(len(self.arrays) - 1, self.dtype)
        return traced != 0.0 if values.dtype == TRUTH else traced

    def take(self, values: Any, name: str = "") -> Traced:
        """Return a host value for a single number and a lane value for an array."""
        values = np.asarray(values)
        if values.ndim == 0:
            return given(values, name)
        if values.dtype not in (self.dtype, TRUTH):
            raise UnsupportedError(f"{name}: an array of {values.dtype} beside parameters in {self.dtype}")
        return self.add(values)


def record_step(theta: Array, problem: Problem, optimizer: Config, first_change: bool) -> Recorded:
    """Record a training step.

    Parameters
    ----------
    theta : array of NumPy, shape (4, *batch)
        The start.
    problem, optimizer
        As `gradflow.descent.train_arrays` has prepared them: checked, in one dtype.
    first_change : bool
        Whether the first change of activity is noted.

    Raises
    ------
    UnsupportedError
        If the optimiser does what no lane can.
    """
    slots = _Slots(theta.shape[1:], theta.dtype)
    state = [slots.add(theta[i, ...]) for i in range(4)]
    exact, search = False, None
    inputs, sums = np.empty(0, theta.dtype), np.empty((0, 0), theta.dtype)
    summed: Summed | None = None
    if is_summed(problem):
        gradient: tuple[Traced, ...] = tuple(slots.add(np.zeros(slots.batch)) for _ in range(4))
        summed, inputs, sums = _summed(slots, problem, int(gradient[0].args[0]))
    elif isinstance(problem.inputs, Sample):
        require_sorted(str(theta.dtype), _teachers(problem))
        found = sorted_sample.bind(problem, theta)
        row = slots.add(np.zeros(slots.batch))
        low, high = (given(np.float64(value)) for value in problem.slopes)
        gradient = sample_gradient(state, row, (low, high))
        inputs, sums, search = found.x, found.table.reshape(found.table.shape[0], -1), int(row.args[0])
    else:
        bound = population.bind(problem, theta)
        gradient, exact = _gradient(slots, bound, state), bound.exact
    count, factor = leaf(), leaf()
    new, stores, carried, leaves = _update(slots, theta, state, gradient, optimizer, factor)

    bound_theta, bound_gradient = bounds(np, theta.dtype)
    sane = None
    for value, limit in [*((v, bound_theta) for v in new), *((v, bound_gradient) for v in gradient)]:
        within = abs(value) <= limit
        sane = within if sane is None else sane & within
    alive_before = slots.add(np.all(np.abs(theta) <= bound_theta, axis=0))
    alive_slot = len(slots.arrays) - 1
    alive = alive_before & sane
    stores[alive_slot] = astype(alive, theta.dtype)
    after = [record("select", alive, a, b) for a, b in zip(new, state, strict=True)]
    stores.update(enumerate(after))

    first_slot = -1
    carried[count], leaves[count] = count + 1.0, np.float64(0.0)
    if first_change:
        first_slot = _watch(slots, theta, problem, exact, after, count, stores)
    order = list(stores)
    hosts = list(carried)
    values = shared([*stores.values(), *carried.values()])
    stores = dict(zip(order, values[: len(order)], strict=True))
    carried = dict(zip(hosts, values[len(order) :], strict=True))
    text, fixed, columns = program(str(theta.dtype), len(slots.arrays), stores)
    text = replace(text, search=search, summed=summed and replace(summed, alive=alive_slot))
    numbers = [value.args[0] for value in fixed]
    host = Host(columns, carried)
    return Recorded(text, slots.arrays, numbers, host, leaves, factor, alive_slot, first_slot, inputs, sums)


def is_summed(problem: Problem) -> bool:
    """Whether a problem's gradient is added up over nodes or inputs, not in closed form."""
    if isinstance(problem.inputs, Sample):
        return not problem.is_bent or problem.inputs.x.shape[0] < SORTED_FROM
    return not problem.is_linear


def _teachers(problem: Problem) -> int:
    """Return 0 if a sample has the same targets for all trajectories."""
    targets = problem.inputs.targets if isinstance(problem.inputs, Sample) else None
    return max(np.ndim(value) for value in problem.teacher) if targets is None else 0


def _summed(slots: _Slots, problem: Problem, first: int) -> tuple[Summed, Array, Array]:
    """Return how a gradient is added up, its numbers and its nodes."""
    dtype = str(slots.dtype)
    if isinstance(problem.inputs, Sample):
        if _teachers(problem):
            raise UnsupportedError(
                "teacher: the compiled path trains on one sample, not on one for each teacher"
            )
        # NumPy's bits, where there is nothing smooth.
        dtype = dtype if problem.is_bent else "float64"
        numbers, nodes = bind_sample(problem, np.empty(0, dtype))
        return Summed(pair_of(problem.activation), dtype, first, -1, -1), numbers, nodes[None]
    taught, numbers, nodes = bind(problem)
    own = -1
    if any(np.ndim(part) for part in taught):
        own = len(slots.arrays)
        for part in taught:
            slots.add(part)
    return (
        Summed(pair_of(problem.activation, problem.teacher_activation), "float64", first, -1, own),
        numbers,
        nodes[None],
    )


def _gradient(slots: _Slots, bound: population.Bound, theta: list[Traced]) -> tuple[Traced, ...]:
    """Return the gradient that `population.gradient` computes."""
    dtype = slots.dtype

    def where(condition: Any, a: Any, b: Any) -> Traced:
        return record("select", condition, a, b, dtype=dtype)

    aim = bound.aim
    traced = population.Bound(
        NAMESPACE,
        formulas.Operations(where, lambda value: value > 0, splitter(dtype)),
        tuple(slots.take(v) for v in bound.teacher),
        formulas.Target._make([*(tuple(map(slots.take, g)) for g in aim[:4]), *map(slots.take, aim[4:])]),
        (_slope(bound.slopes[0], dtype), _slope(bound.slopes[1], dtype)),
        bound.exact,
    )
    prepared = population.prepare(traced, Neuron(*theta))
    return population.gradient_of(traced, prepared)


def _slope(value: float, dtype: Any) -> Any:
    """Return 0 and 1 as they are: written into the code they cost nothing, and they are the common ones."""
    return value if value in (0.0, 1.0) else given(dtype.type(value))


def _update(
    slots: _Slots,
    theta: Array,
    traced: list[Traced],
    gradient: tuple[Traced, ...],
    optimizer: Config,
    factor: Traced,
) -> tuple[list[Traced], dict[int, Traced], dict[Traced, Traced], dict[Traced, Any]]:
    """Return the new parameters, what is stored, and the host's state: its step and its start."""
    config: Any = optimizer
    hyper = {
        # Flags and the like choose what is recorded, and so does a coefficient that is not there.
        name: slots.take(np.asarray(value, dtype=np.float64), name) if _is_number(value) else value
        for name, value in config._asdict().items()
    }
    config = config._replace(**hyper)
    start = init(optimizer, theta)
    if not isinstance(start, tuple):
        raise UnsupportedError(f"optimizer: {type(config).__name__} has a state that is not a tuple")
    leaves: dict[Traced, Any] = {}
    parts: list[Any] = []
    for array in start:
        if np.shape(array) == theta.shape and np.asarray(array).dtype == theta.dtype:
            parts.append([slots.add(array[i, ...]) for i in range(4)])
        elif np.shape(array) == ():
            parts.append(leaf(np.asarray(array).dtype))
            leaves[parts[-1]] = np.asarray(array)[()]
        else:
            raise UnsupportedError(
                f"optimizer: {type(config).__name__} has a state that is not of the shape of theta"
            )
    rate = config.lr * factor
    new: list[Traced] = []
    stores: dict[int, Traced] = {}
    carried: dict[Traced, Traced] = {}
    for i in range(4):
        pieces = [part[i] if isinstance(part, list) else part for part in parts]
        state = type(start)(*pieces) if hasattr(start, "_fields") else tuple(pieces)
        try:
            value, after = update(config, gradient[i], state, traced[i], rate)
        except (AttributeError, TypeError, UnsupportedError) as error:
            # It asked for what the traced values or their namespace do not have.
            name = type(config).__name__
            raise UnsupportedError(f"optimizer: this {name} has no compiled version: {error}") from error
        new.append(_lane(value, slots.dtype))
        for piece, result in zip(pieces, after, strict=True):
            if piece.lane:
                stores[piece.args[0]] = _lane(result, slots.dtype)
            elif result.lane or result.dtype != piece.dtype:
                raise UnsupportedError(f"optimizer: {type(config).__name__} changes the kind of its state")
            else:
                carried.setdefault(piece, result)
    return new, stores, carried, leaves


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, (int, float, np.generic, np.ndarray)) and not isinstance(value, bool)
    return is_number and not (np.ndim(value) == 0 and value == 0)


def _lane(value: Any, dtype: Any) -> Traced:
    if not isinstance(value, Traced) or not value.lane or value.dtype != dtype:
        raise UnsupportedError(f"optimizer: an update that is not made of numbers in {dtype}")
    return value


def _watch(
    slots: _Slots,
    theta: Array,
    problem: Problem,
    exact: bool,
    after: list[Traced],
    count: Traced,
    stores: dict[int, Traced],
) -> int:
    """Note the first change of activity as `gradflow.descent.events.Watch` does; return its slot."""
    dtype = slots.dtype
    split = splitter(dtype)
    lo, hi = (slots.take(np.asarray(end, dtype=dtype)) for end in (problem.lo, problem.hi))
    before = slots.add(np.asarray(activity(theta, problem), dtype=dtype))
    first = slots.add(np.full(theta.shape[1:], -1.0, dtype=dtype))
    w1, b1 = after[:2]
    if exact:  # The compensated sum would return the same bits.
        cell = astype(classify(w1 * lo + b1, w1 * hi + b1), dtype)
    else:
        cell = astype(classify(affine(w1, lo, b1, split), affine(w1, hi, b1, split)), dtype)
    moved = (cell != before) & (first < 0.0)
    stores[before.args[0]] = cell
    stores[first.args[0]] = record("select", moved, astype(count + 1.0, dtype), first)
    return int(first.args[0])
