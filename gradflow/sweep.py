"""Sweeps: a grid of trajectories, cut into blocks that are pure functions of (sweep, index).

Because a block depends on nothing else, any `concurrent.futures.Executor` can compute it, in any order,
on any machine, again after a failure, and always with the same bits.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from gradflow import __version__
from gradflow.basins import descent_run, flow_run
from gradflow.descent import OPTIMIZERS, optimizer
from gradflow.outcome import UNDECIDED
from gradflow.problem import PARAMETERS, Neuron, Problem, Uniform, grid
from gradflow.results import outcome_codes

BLOCK = 8192
"""Trajectories in a block: enough to fill the arithmetic, few enough to lose little when one fails."""

MOST = 100_000_000
"""Trajectories in a sweep, at most: their results are put together in memory."""


@dataclass(frozen=True)
class Axis:
    """`n` equally spaced values of a parameter (or hyper-parameter), both ends included.

    Raises
    ------
    ValueError
        If an end is not finite, n < 1, or n > 1 and the ends coincide.
    """

    name: str
    lo: float
    hi: float
    n: int

    def __post_init__(self) -> None:
        if not (math.isfinite(self.lo) and math.isfinite(self.hi)):
            raise ValueError(
                f"grid: {self.name} must run between finite numbers, got {self.lo} and {self.hi}"
            )
        if self.n < 1 or (self.n > 1 and self.lo == self.hi):
            raise ValueError(
                f"grid: {self.name} needs at least 1 value, and different ends for more, got {self.n}"
            )

    @property
    def values(self) -> np.ndarray:
        """The values, shape (n,)."""
        return np.linspace(self.lo, self.hi, self.n)


@dataclass(frozen=True)
class Sweep:
    """What to compute: plain data, so that it can be sent, compared and written down.

    Parameters
    ----------
    axes : tuple of Axis
        The grid, one axis or more; names are w1, b1, w2, b2 or a hyper-parameter of the method.
    method : str
        'flow' or the name of an optimiser.
    neuron, teacher : tuple of four floats
        Start and teacher; the axes override the start.
    interval : (float, float)
    slopes : (float, float)
    samples : int, optional
        Train on so many equally spaced inputs; the population by default.
    hyper : dict
        The method's hyper-parameters.
    steps : int
        Updates, for a method that has any.
    dtype : str
        'float64' or 'float32', for a method with steps.
    theory : bool
        Whether the flow is left once its outcome is decided, or followed until it rests.
    block : int
        Trajectories a block, at most. It changes no result.

    Raises
    ------
    ValueError
        One line that names what is wrong.
    """

    axes: tuple[Axis, ...]
    method: str = "flow"
    neuron: tuple[float, float, float, float] = (1.0, 0.0, 1.0, 0.0)
    teacher: tuple[float, float, float, float] = (1.0, 0.0, 1.0, 0.0)
    interval: tuple[float, float] = (-1.0, 1.0)
    slopes: tuple[float, float] = (0.0, 1.0)
    samples: int | None = None
    hyper: dict[str, Any] = field(default_factory=dict)
    steps: int = 5000
    dtype: str = "float64"
    theory: bool = True
    block: int = BLOCK

    def __post_init__(self) -> None:
        known = varied(self.method, self.samples)
        names = [axis.name for axis in self.axes]
        for name in names:
            if name not in known:
                raise ValueError(f"grid: expected one of {', '.join(known)}, got {name!r}")
        if not names or len(set(names)) != len(names):
            raise ValueError(f"grid: expected one axis or more, each once, got {', '.join(names) or 'none'}")
        if math.prod(self.shape) > MOST:
            raise ValueError(
                f"grid: expected at most {MOST:.0e} trajectories, got {math.prod(self.shape):.3g}"
            )
        if self.method != "flow":
            optimizer(self.method, **self.hyper)
        self.problem()

    def problem(self) -> Problem:
        """Return the problem."""
        lo, hi = self.interval
        inputs = Uniform(lo, hi) if self.samples is None else grid(self.samples, lo, hi)
        return Problem(Neuron(*self.teacher), inputs, self.slopes)

    @property
    def shape(self) -> tuple[int, ...]:
        """The grid's shape, one entry an axis."""
        return tuple(axis.n for axis in self.axes)

    def configuration(self) -> str:
        """Return everything that determines the results, as canonical JSON."""
        plain = asdict(self)
        del plain["block"]
        return json.dumps({"version": __version__, **plain}, sort_keys=True)


class Block(NamedTuple):
    """The results on one block of the grid; arrays of the block's shape."""

    outcome: np.ndarray
    loss: np.ndarray
    first_crossing: np.ndarray


def blocks(sweep: Sweep) -> list[tuple[slice, ...]]:
    """Return the blocks' places in the grid: boxes of at most `sweep.block` trajectories."""
    sides: list[int] = []
    room = max(1, sweep.block)
    for n in reversed(sweep.shape):
        sides.insert(0, min(n, room))
        room = max(1, room // n)
    ranges = [range(0, n, side) for n, side in zip(sweep.shape, sides, strict=True)]
    return [
        tuple(
            slice(start, min(start + side, n))
            for start, side, n in zip(corner, sides, sweep.shape, strict=True)
        )
        for corner in itertools.product(*ranges)
    ]


def compute(sweep: Sweep, index: int) -> Block:
    """Compute one block: a pure function of its arguments."""
    place = blocks(sweep)[index]
    values = np.meshgrid(
        *(axis.values[part] for axis, part in zip(sweep.axes, place, strict=True)), indexing="ij"
    )
    varied = {axis.name: value for axis, value in zip(sweep.axes, values, strict=True)}
    start = dict(zip(PARAMETERS, sweep.neuron, strict=True))
    hyper = dict(sweep.hyper)
    for name, value in varied.items():
        (start if name in PARAMETERS else hyper)[name] = value
    neuron = Neuron(*(np.broadcast_to(np.asarray(start[name]), values[0].shape) for name in PARAMETERS))
    if sweep.method == "flow":
        return Block(*flow_run(neuron, sweep.problem(), theory=sweep.theory))
    config = optimizer(sweep.method, **hyper)
    return Block(*descent_run(neuron, sweep.problem(), config, sweep.steps, dtype=sweep.dtype))


def empty(sweep: Sweep) -> xr.Dataset:
    """Return the sweep's dataset with every trajectory undecided."""
    dims = tuple(axis.name for axis in sweep.axes)
    first = (
        "time of the first wall crossing"
        if sweep.method == "flow"
        else "step of the first change of activity"
    )
    return xr.Dataset(
        {
            "outcome": outcome_codes(np.full(sweep.shape, UNDECIDED), dims),
            "loss": (dims, np.full(sweep.shape, np.nan), {"long_name": "final loss", "units": "1"}),
            "first_crossing": (
                dims,
                np.full(sweep.shape, np.nan),
                {"long_name": f"{first} (NaN: none)", "units": "1"},
            ),
        },
        coords={
            axis.name: (axis.name, axis.values, {"long_name": f"initial {axis.name}"}) for axis in sweep.axes
        },
        attrs={
            "title": f"Outcomes of {sweep.method}",
            "source": f"gradflow {__version__}",
            "configuration": sweep.configuration(),
            "seed": "none: the computation is deterministic",
        },
    )


def assemble(sweep: Sweep, results: Sequence[Block]) -> xr.Dataset:
    """Return the dataset of a sweep whose blocks have been computed, in the order of `blocks`."""
    dataset = empty(sweep)
    for place, block in zip(blocks(sweep), results, strict=True):
        for name, values in block._asdict().items():
            dataset[name].values[place] = values
    return dataset


def run(sweep: Sweep, *, executor: Executor | None = None) -> xr.Dataset:
    """Compute a sweep and return its dataset.

    Parameters
    ----------
    sweep : Sweep
    executor : concurrent.futures.Executor, optional
        Computes the blocks; by default this process does, one after the other.
    """
    indices = range(len(blocks(sweep)))
    if executor is None:
        return assemble(sweep, [compute(sweep, index) for index in indices])
    return assemble(sweep, list(executor.map(partial(compute, sweep), indices)))


def varied(method: str, samples: int | None = None) -> tuple[str, ...]:
    """Return what can be varied under a method: the start's parameters and its hyper-parameters.

    Raises
    ------
    ValueError
        If there is no such method, or it cannot train on a sample.
    """
    if method == "flow":
        if samples is not None:
            raise ValueError("samples: the flow is the population's; a sample needs a method with steps")
        return PARAMETERS
    if method not in OPTIMIZERS:
        raise ValueError(f"method: expected one of flow, {', '.join(OPTIMIZERS)}, got {method!r}")
    return (*PARAMETERS, *OPTIMIZERS[method]._fields)
