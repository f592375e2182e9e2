"""The axes of a batch: their names and coordinates, from what was varied along them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from gradflow.base.arrays import is_array, to_numpy
from gradflow.base.labelled import in_order, unlabelled
from gradflow.descent.optimisers.hyper import Config
from gradflow.neuron.problem import PARAMETERS, Neuron, Problem, Uniform, as_neuron


class UnlabelledBatch(NamedTuple):
    """A batch without labels, and the labels it had: names of its last axes, and their coordinates."""

    neuron: Any
    optimizer: Any
    dims: tuple[str, ...]
    coords: Mapping[str, xr.DataArray]


def by_position(neuron: Any, optimizer: Config) -> UnlabelledBatch:
    """Return neuron and hyper-parameters with DataArrays broadcast by the names of their dimensions.

    The dimensions come in the order in which the start's parameters, then the hyper-parameters have them.
    Whatever else is an array goes on to broadcast by position.

    Raises
    ------
    ValueError
        If two DataArrays have other coordinates along one dimension.
    """
    if isinstance(neuron, xr.DataArray) and neuron.ndim and neuron.shape[0] == len(PARAMETERS):
        neuron = Neuron(*(part.reset_coords(drop=True) for part in in_order(neuron, PARAMETERS)))
    hyper = optimizer._asdict() if hasattr(optimizer, "_asdict") else {}
    fields = neuron if isinstance(neuron, Neuron) else ()
    labelled = [_flat(value) for value in (*fields, *hyper.values()) if isinstance(value, xr.DataArray)]
    try:
        aligned = iter(xr.broadcast(*xr.align(*labelled, join="exact")) if labelled else ())
    except ValueError as error:
        first = str(error).splitlines()[0]
        raise ValueError(f"batch: the DataArrays do not fit each other: {first}") from None
    full: list[xr.DataArray] = []

    def plain(value: Any) -> Any:
        if not isinstance(value, xr.DataArray):
            return unlabelled(value)
        full.append(next(aligned))
        return full[-1].values

    if isinstance(neuron, Neuron):
        neuron = Neuron(*map(plain, neuron))
    if hyper:
        optimizer = type(optimizer)(**{name: plain(value) for name, value in hyper.items()})
    coords = {str(name): value for array in full for name, value in array.coords.items() if value.ndim}
    return UnlabelledBatch(neuron, optimizer, tuple(str(dim) for dim in full[0].dims) if full else (), coords)


def _flat(array: xr.DataArray) -> xr.DataArray:
    """Return an array whose stacked dimensions have their levels as coordinates, which a file can keep."""
    return array.reset_index(
        [dim for dim in array.dims if dim in array.indexes and array.indexes[dim].nlevels > 1]
    )


def varied(start: UnlabelledBatch, problem: Problem) -> dict[str, np.ndarray]:
    """Return everything that may vary over a batch, by the name that its coordinate gets.

    The names of the start's parameters are start_w1, …: w1 is the state's.
    """
    ends = (
        {"interval_lo": problem.lo, "interval_hi": problem.hi} if isinstance(problem.inputs, Uniform) else {}
    )
    teacher = {} if problem.teacher is None else problem.teacher._asdict()
    values = {
        **{f"start_{name}": value for name, value in zip(PARAMETERS, as_neuron(start.neuron), strict=True)},
        **start.optimizer._asdict(),
        **{f"teacher_{name}": value for name, value in teacher.items()},
        **ends,
    }
    return {name: _host(value) for name, value in values.items()}


class Axes(NamedTuple):
    """The names of a batch's axes, and its coordinates."""

    dims: tuple[str, ...]
    coords: dict[str, xr.Variable]


def axes(shape: tuple[int, ...], start: UnlabelledBatch, problem: Problem, taken: Collection[str]) -> Axes:
    """Return names and coordinates of a batch's axes.

    What varies along one axis only becomes a coordinate of it, and names it if nothing else does and no
    value comes twice; what varies along several becomes a coordinate of all of them.

    Parameters
    ----------
    shape : tuple of int
        Of the batch.
    start : UnlabelledBatch
        From `by_position`. A label keeps its name unless that is taken or means other values here, as those
        of a run that this one goes on from; then it is called start_…, or batch_….
    problem : Problem
        As it was given.
    taken : collection of str
        Names of other variables and axes.
    """
    values = varied(start, problem)
    free = len(shape) - len(start.dims)
    place = {dim: free + k for k, dim in enumerate(start.dims)}
    dims = [f"batch_{axis}" for axis in range(free)]
    for axis in range(free):
        alone = [name for name, value in values.items() if _along(value, shape) == (axis,)]
        if len(alone) == 1 and np.unique(values[alone[0]]).size == shape[axis]:
            dims[axis] = alone[0]

    def fits(name: str, axis: int | None, label: xr.DataArray | None) -> bool:
        if name in taken or name in dims:
            return False
        if name not in values:
            return True
        if label is not None:
            return np.array_equal(np.broadcast_to(values[name], shape), _spread(label, place, shape))
        return _along(values[name], shape) in ((), (axis,))

    def called(name: str) -> str:
        label, axis = start.coords.get(name), place.get(name)
        return next((some for some in (name, f"start_{name}") if fits(some, axis, label)), f"batch_{name}")

    names = {name: called(name) for name in (*start.dims, *start.coords)}
    dims += [names[dim] for dim in start.dims]
    labels = {
        names[name]: xr.Variable([names[str(dim)] for dim in label.dims], label.values, label.attrs)
        for name, label in start.coords.items()
    }
    return Axes(tuple(dims), {**coordinates(values, shape, dims), **labels})


def _spread(label: xr.DataArray, place: Mapping[str, int], shape: tuple[int, ...]) -> np.ndarray:
    """Return a coordinate as an array of the batch's shape."""
    own = sorted(label.dims, key=lambda dim: place[str(dim)])
    sides = [1] * len(shape)
    for dim in own:
        sides[place[str(dim)]] = label.sizes[dim]
    return np.broadcast_to(label.transpose(*own).values.reshape(sides), shape)


def coordinates(
    values: Mapping[str, Any], shape: tuple[int, ...], dims: Sequence[str]
) -> dict[str, xr.Variable]:
    """Return what varies over a batch, each along the axes along which it does.

    Parameters
    ----------
    values : mapping of str to number or array
        They broadcast to the batch.
    shape : tuple of int
        Of the batch.
    dims : sequence of str
        The names of its axes.
    """
    found: dict[str, xr.Variable] = {}
    for name, value in values.items():
        array = _host(value)
        own = _along(array, shape)
        if own:
            first = len(shape) - array.ndim
            some = array[tuple(slice(None) if axis in own else 0 for axis in range(first, len(shape)))]
            some = np.broadcast_to(some, tuple(shape[axis] for axis in own))
            found[name] = xr.Variable(
                [dims[axis] for axis in own], some.copy(), {"long_name": _long(name), "units": "1"}
            )
    return found


def _along(value: np.ndarray, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes of the batch along which an array varies; with one place or none, those that it has."""
    whole = np.broadcast_to(value, shape)
    first = len(shape) - value.ndim
    return tuple(
        axis
        for axis in range(first, len(shape))
        if shape[axis] <= 1 or bool(np.any(whole != whole.take([0], axis)))
    )


def _long(name: str) -> str:
    role, _, parameter = name.partition("_")
    words = {"start": "initial", "teacher": "the teacher's", "interval": "interval's"}
    return f"{words[role]} {parameter}" if role in words and parameter else name


def _host(value: Any) -> np.ndarray:
    array = to_numpy(value) if is_array(value) else np.asarray(unlabelled(value))
    return array.astype(np.float64) if array.dtype.kind in "iu" else array
