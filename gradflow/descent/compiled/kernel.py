"""The compiled step of a problem and an optimiser: what the names in `block` stand for, and its numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array, is_array
from gradflow.compiled import jit
from gradflow.compiled.integral import HI, LO
from gradflow.compiled.integral_choices import choices
from gradflow.compiled.integral_numbers import bind, bind_sample, constants, pair_of
from gradflow.compiled.unsupported import UnsupportedError
from gradflow.descent.compiled import block
from gradflow.descent.optimisers.hyper import Config, rounded
from gradflow.descent.optimisers.registry import coefficients, init, remembered, rule_of
from gradflow.descent.prepared import bounds
from gradflow.field import SORTED_FROM, population, sorted_sample
from gradflow.neuron.activity import activity
from gradflow.neuron.problem import Problem, Sample


class Kernel(NamedTuple):
    """A step ready to be compiled.

    Attributes
    ----------
    chosen : dict
        What the names in `block` stand for.
    rows : dict of int to array, shape (n,)
        The numbers of the trajectories at the start, by row.
    height : int
        How many rows there are.
    span : array, shape (2,)
        Both ends of the input, where all trajectories share it.
    numbers, nodes, sums : array
        Of the problem.
    """

    chosen: dict[str, Any]
    rows: dict[int, Array]
    height: int
    span: Array
    numbers: Array
    nodes: Array
    sums: Array


class _Field(NamedTuple):
    """How a problem's gradients are computed."""

    chosen: dict[str, Any]
    own: list[Array]
    numbers: Array
    nodes: Array
    sums: Array


def kernel(theta: Array, problem: Problem, optimizer: Config, first_change: bool) -> Kernel:
    """Return the step of trajectories that start at `theta`, shape (4, n).

    Everything is as `gradflow.descent.train_arrays` has prepared it: checked, in one dtype.

    Raises
    ------
    UnsupportedError
        One line that names what has no compiled version.
    """
    n, dtype = theta.shape[1], theta.dtype
    memory = remembered(init(optimizer, theta))
    if any(np.shape(part) != theta.shape or part.dtype != dtype for part in memory):
        name = type(optimizer).__name__
        raise UnsupportedError(f"optimizer: {name} has a state that is not of the shape of theta")
    first = coefficients(optimizer, 0)
    how = _field(theta, problem)
    behind = block.MEMORY + 4 * len(memory)
    rates = behind + (len(how.own) or (1 if how.chosen.get("prepare") is block.gather else 0))
    varies = any(is_array(value) and np.ndim(value) for value in first)
    largest, steepest = bounds(np, dtype)
    chosen = {
        **how.chosen,
        "rule": rule_of(optimizer),
        "Coefficients": type(first),
        "MEMORIES": len(memory),
        "COUNT": len(first),
        "ROW": behind,
        "OWN": behind,
        "RATES": rates,
        "WATCHED": first_change,
        "LARGEST": largest,
        "STEEPEST": steepest,
        "rates": block.own_rates if varies else block.shared_rates,
        "fill": block.own_fill if varies else block.no_fill,
    }
    rows = {i: theta[i] for i in range(4)}
    rows[block.ALIVE] = np.all(np.abs(theta) <= largest, axis=0)
    rows[block.CELL] = np.broadcast_to(activity(theta, problem), (n,))
    rows[block.FIRST] = np.full(n, -1.0)
    for k, part in enumerate(memory):
        rows.update((block.MEMORY + 4 * k + i, part[i]) for i in range(4))
    rows.update((behind + k, np.broadcast_to(part, (n,))) for k, part in enumerate(how.own))
    names = {k if "." in k else f"{block.__name__}.{k}": value for k, value in chosen.items()}
    height = rates + (len(first) if varies else 0)
    ends = (problem.lo, problem.hi)
    span = np.asarray(ends if max(map(np.ndim, ends)) == 0 else (0.0, 0.0), dtype=dtype)
    return Kernel(names, rows, height, span, how.numbers, how.nodes, how.sums)


def kinds(step: Kernel, dtype: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the types of what `block.advance` and `block.observe` take."""
    given, table = step.numbers.dtype.name, f"{dtype}[:,::1]"
    blocks = table, "int64", "int64", "int64", "int64", f"{dtype}[::1]"
    rest = (f"{given}[::1]",) * 3
    return (*blocks, table, f"{dtype}[:,:,::1]", "int64[:,::1]", *rest), blocks


def functions(step: Kernel, dtype: str) -> tuple[Any, Any]:
    """Return `block.advance` and `block.observe`, compiled."""
    advance, observe = kinds(step, dtype)
    try:
        return (
            jit.compiled(block.advance, advance, dtype, step.chosen),
            jit.compiled(block.observe, observe, dtype, step.chosen),
        )
    except jit.refused() as error:
        rule = step.chosen[f"{block.__name__}.rule"]
        raise UnsupportedError(
            f"optimizer: {rule.__module__}.{rule.__qualname__} cannot be compiled: {_line(error)}"
        ) from error


def _line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)


def table(
    optimizer: Config, factors: Iterable[float], done: int, like: Array
) -> tuple[Array, list[Array], Array]:
    """Return the coefficients of some steps.

    Returns
    -------
    table : array, shape (steps, K)
        Those that are numbers.
    own : list of array
        Those that are arrays, each once.
    which : array of int64, shape (steps, K)
        Where they are in `own`, −1 for numbers.
    """
    some: Any = optimizer
    if not any(map(is_array, (*some, *coefficients(some, done)))):
        of = [tuple(coefficients(_rated(some, factor), k)) for k, factor in enumerate(factors, done)]
        numbers = np.asarray(of, dtype=like.dtype).reshape(len(of), -1 if of and of[0] else 0)
        return numbers, [], np.full(numbers.shape, -1, dtype=np.int64)
    rows: list[list[float]] = []
    own: list[Any] = []
    which: list[list[int]] = []
    places: dict[int, int] = {}
    kept: list[Any] = []
    for k, factor in enumerate(factors, done):
        values = coefficients(_rated(some, factor), k)
        kept.append(values)
        row, where = [], []
        for value in values:
            if is_array(value) and np.ndim(value):
                place = places.setdefault(id(value), len(own))
                if place == len(own):
                    own.append(rounded(value, like))
                row.append(0.0)
                where.append(place)
            else:
                row.append(float(value))
                where.append(-1)
        rows.append(row)
        which.append(where)
    shape = len(rows), len(rows[0]) if rows else 0
    numbers = np.asarray(rows, dtype=like.dtype).reshape(shape)
    return numbers, own, np.asarray(which, dtype=np.int64).reshape(shape)


def _rated(optimizer: Any, factor: float) -> Any:
    """Return an optimiser at a factor of its rate."""
    return optimizer if factor == 1.0 else optimizer._replace(lr=optimizer.lr * factor)


def require_no_scratch(step: Kernel) -> None:
    """Raise UnsupportedError if gradients are added up, for which a thread has no room."""
    if f"{block.__name__}.SCRATCH" in step.chosen:
        raise UnsupportedError("problem: gradients that are added up are not compiled for a GPU")


def is_summed(problem: Problem) -> bool:
    """Whether a problem's gradient is added up over nodes or inputs, not in closed form."""
    if isinstance(problem.inputs, Sample):
        return not problem.is_bent or problem.inputs.x.shape[0] < SORTED_FROM
    return not problem.is_linear


def _field(theta: Array, problem: Problem) -> _Field:
    if is_summed(problem):
        return _summed(theta.dtype, problem)
    if isinstance(problem.inputs, Sample):
        return _sorted(theta, problem)
    return _population(theta, problem)


def _population(theta: Array, problem: Problem) -> _Field:
    bound = population.bind(problem, theta)
    low, high = bound.slopes
    gradient = block.two_sided if low != 0.0 else block.relu if high == 1.0 else block.one_sided
    # The order is that of `block.aim_of`.
    given = (*(bound.teacher[i] for i in (0, 1, 3)), *_flat(bound.aim))
    shared = all(np.ndim(value) == 0 for value in given)
    numbers = np.asarray([low, high, *(given if shared else ())], dtype=theta.dtype)
    chosen = {"gradient_of": gradient, "EXACT": bound.exact, "GIVEN": numbers.shape[0]}
    if not shared:
        chosen.update(field=block.own_population_field, reach=block.own_reach, AT_LO=3, AT_HI=5)
    own = [] if shared else [np.asarray(value) for value in given]
    return _Field(chosen, own, numbers, np.empty(0, theta.dtype), np.empty(0, theta.dtype))


def _flat(values: Any) -> list[Any]:
    return [part for value in values for part in (_flat(value) if isinstance(value, tuple) else [value])]


def _sorted(theta: Array, problem: Problem) -> _Field:
    if theta.dtype != np.float64:
        raise UnsupportedError(
            f"inputs: the compiled path trains on large samples in float64, not in {theta.dtype}"
        )
    _require_one_sample(problem)
    found = sorted_sample.bind(problem, theta)
    numbers = np.asarray(problem.slopes, dtype=theta.dtype)
    sums = np.ascontiguousarray(found.table).reshape(-1)
    return _Field(
        {"prepare": block.gather, "field": block.found}, [], numbers, found.x, np.ascontiguousarray(sums)
    )


def _summed(dtype: Any, problem: Problem) -> _Field:
    own: list[Array] = []
    if isinstance(problem.inputs, Sample):
        _require_one_sample(problem)
        # NumPy's bits, where there is nothing smooth.
        added = dtype.name if problem.is_bent else "float64"
        numbers, nodes = bind_sample(problem, np.empty(0, added))
        pair, add_up = pair_of(problem.activation), block.of_sample
    else:
        taught, numbers, nodes = bind(problem)
        added, pair = "float64", pair_of(problem.activation, problem.teacher_activation)
        add_up = block.of_nodes
        if any(np.ndim(part) for part in taught):
            own, add_up = [np.asarray(part) for part in taught], block.of_own_nodes
    chosen = {
        **choices(pair, 4, added),
        **({"reach": block.own_reach, "AT_LO": LO, "AT_HI": HI} if own else {}),
        "prepare": block.summed,
        "field": block.found,
        "add_up": add_up,
        "SCRATCH": constants(pair, 4)["SCRATCH"],
    }
    return _Field(chosen, own, numbers, nodes, np.empty(0, numbers.dtype))


def _require_one_sample(problem: Problem) -> None:
    targets = problem.inputs.targets if isinstance(problem.inputs, Sample) else None
    if targets is None and max(np.ndim(value) for value in problem.teacher):
        raise UnsupportedError("teacher: the compiled path trains on one sample, not on one for each teacher")
