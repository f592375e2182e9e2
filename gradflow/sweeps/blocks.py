"""Grids cut into blocks: boxes with at most so many points, numbered with the last axis first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from gradflow.neuron.problem import PARAMETERS
from gradflow.sweeps.axes import Axis, Points


class Blocked(Protocol):
    """A grid, and how many points a block of it has at most."""

    @property
    def axes(self) -> Sequence[Axis | Points]:
        """One or more."""

    @property
    def block(self) -> int:
        """Points in a block, at most."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The grid's shape, one entry an axis."""


@dataclass(frozen=True)
class Grid:
    """The axes of a grid, and how many of its points are computed at once."""

    axes: Sequence[Axis | Points]
    block: int

    @property
    def shape(self) -> tuple[int, ...]:
        """The grid's shape, one entry an axis."""
        return tuple(axis.n for axis in self.axes)


def sides(grid: Blocked) -> tuple[int, ...]:
    """Return how many values of each axis a block has: of the last axes as many as `grid.block` allows."""
    found: list[int] = []
    room = max(1, grid.block)
    for n in reversed(grid.shape):
        found.insert(0, min(n, room))
        room = max(1, room // n)
    return tuple(found)


def layout(grid: Blocked) -> tuple[int, ...]:
    """Return the number of blocks along each axis."""
    return tuple(-(-n // side) for n, side in zip(grid.shape, sides(grid), strict=True))


def corner(grid: Blocked, index: int) -> tuple[int, ...]:
    """Return where in the layout a block is; the last axis runs first."""
    return tuple(int(i) for i in np.unravel_index(index, layout(grid)))


def place(grid: Blocked, index: int) -> tuple[slice, ...]:
    """Return a block's place in the grid: a box of at most `grid.block` points."""
    return tuple(
        slice(i * side, min((i + 1) * side, n))
        for i, side, n in zip(corner(grid, index), sides(grid), grid.shape, strict=True)
    )


def values_at(grid: Blocked, index: int) -> dict[str, np.ndarray]:
    """Return what each axis has at the points of a block, by the axis's name."""
    parts = (axis.values[part] for axis, part in zip(grid.axes, place(grid, index), strict=True))
    values = np.meshgrid(*parts, indexing="ij")
    return {axis.name: value for axis, value in zip(grid.axes, values, strict=True)}


def numbers_of(grid: Blocked, index: int) -> np.ndarray:
    """Return the number in the whole grid of each point of a block; the last axis runs first."""
    parts = (np.arange(part.start, part.stop) for part in place(grid, index))
    return np.asarray(np.ravel_multi_index(np.ix_(*parts), grid.shape))


def blocks(grid: Blocked) -> range:
    """Return the indices of a grid's blocks."""
    return range(math.prod(layout(grid)))


def require_each_once(axes: Sequence[Axis | Points]) -> None:
    """Raise a one-line ValueError unless there are axes, no two of one name."""
    names = [axis.name for axis in axes]
    if not names or len(set(names)) != len(names):
        raise ValueError(f"grid: expected one axis or more, each once, got {', '.join(names) or 'none'}")


def coordinates(axes: Sequence[Axis | Points]) -> dict[str, Any]:
    """Return the coordinates of a dataset along the axes."""
    return {
        axis.name: (
            axis.name,
            axis.values,
            {"long_name": f"initial {axis.name}" if axis.name in PARAMETERS else axis.name, "units": "1"},
        )
        for axis in axes
    }
