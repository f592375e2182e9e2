"""Sweeps: a grid of trajectories, cut into blocks that are pure functions of (sweep, index).

Because a block depends on nothing else, any `concurrent.futures.Executor` can compute it, in any order,
on any machine, again after a failure, and always with the same bits.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from gradflow.base.checks import dtype_name, flag, integer, one_of
from gradflow.base.provenance import attributes_of_text
from gradflow.base.tables import codes
from gradflow.base.tasks import completed
from gradflow.base.version import __version__
from gradflow.descent import optimizer, optimizer_name
from gradflow.descent.compiled import rounds, takes
from gradflow.descent.prepared import BACKENDS
from gradflow.ends import Ends, descent_run, flow_run
from gradflow.ends.decision import SIMULATION, THEOREMS
from gradflow.ends.labels import outcome_codes
from gradflow.ends.outcome import UNDECIDED
from gradflow.neuron.problem import PARAMETERS, Neuron, Problem, Sample, Source, Uniform, grid
from gradflow.sweeps.axes import MOST_IN_MEMORY, Axis, Points, require_varied
from gradflow.sweeps.blocks import blocks, coordinates, place, require_each_once, values_at

BLOCK = 8192
"""Trajectories in a block: enough to fill the arithmetic, few enough to lose little when one fails."""

MOST = 10_000_000_000
"""Trajectories in a sweep, at most."""

MOST_BLOCKS = 10_000_000
"""Blocks in a sweep, at most: each is four files of a store."""


@dataclass(frozen=True)
class Sweep:
    """A grid to compute: plain data, so that it can be sent, compared and written down.

    Parameters
    ----------
    axes : tuple of Axis or Points
        The grid, one axis or more; names are w1, b1, w2, b2 or a hyper-parameter of the method.
    method : str
        'flow' or the name of an optimiser.
    neuron, teacher : tuple of four floats
        Start and teacher; the axes override the start.
    interval : (float, float)
    activation, teacher_activation : str
        Names (`gradflow.neuron.activations`); the teacher's is the student's by default.
    samples : int, optional
        Train on so many equally spaced inputs; the population by default.
    inputs, weights, targets : tuple of float, optional
        Train on these inputs, as `gradflow.neuron.problem.Sample` takes them; the interval is theirs then.
    source : Source, optional
        The file that they were read from; the configuration then has its name and digest in their place.
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
    backend : {"numpy", "numba", "cupy"}, optional
        What computes; by default what suits best. Optimisers give the same bits on all, but with a smooth
        activation. Those results, and the flow's, may differ in rounding: there Numba is the default
        wherever it is installed.

    Raises
    ------
    ValueError
        One line that names what is wrong.
    """

    axes: tuple[Axis | Points, ...]
    method: str = "flow"
    neuron: tuple[float, float, float, float] = (1.0, 0.0, 1.0, 0.0)
    teacher: tuple[float, float, float, float] = (1.0, 0.0, 1.0, 0.0)
    interval: tuple[float, float] = (-1.0, 1.0)
    activation: str = "relu"
    teacher_activation: str | None = None
    samples: int | None = None
    inputs: tuple[float, ...] | None = None
    weights: tuple[float, ...] | None = None
    targets: tuple[float, ...] | None = None
    source: Source | None = None
    hyper: dict[str, Any] = field(default_factory=dict)
    steps: int = 5000
    dtype: str = "float64"
    theory: bool = True
    block: int = BLOCK
    backend: str | None = None

    def __post_init__(self) -> None:
        # Plain data, which can be written as JSON.
        object.__setattr__(self, "steps", integer("steps", self.steps, 0))
        object.__setattr__(self, "dtype", dtype_name("dtype", self.dtype))
        object.__setattr__(self, "theory", flag("theory", self.theory))
        object.__setattr__(self, "block", integer("block", self.block, 1))
        one_of("backend", self.backend, BACKENDS)
        # One name for one method, activation and interval, so that equal sweeps are equal.
        object.__setattr__(self, "method", optimizer_name(self.method, "method", ("flow",)))
        if self.inputs is None and (self.weights, self.targets, self.source) != (None, None, None):
            raise ValueError("inputs: weights and targets need inputs that they belong to")
        if self.inputs is not None and self.samples is not None:
            raise ValueError(f"samples: cannot be combined with inputs, got {self.samples}")
        samples = self.samples if self.inputs is None else len(self.inputs)
        names = [axis.name for axis in self.axes]
        require_varied("grid", names, self.method, samples)
        require_each_once(self.axes)
        if math.prod(self.shape) > MOST:
            raise ValueError(
                f"grid: expected at most {MOST:.0e} trajectories, got {math.prod(self.shape):.3g}"
            )
        if len(blocks(self)) > MOST_BLOCKS:
            raise ValueError(f"block: expected at most {MOST_BLOCKS:.0e} blocks, got {len(blocks(self)):.3g}")
        # What is varied is not fixed as well, so that equal sweeps are equal.
        fixed = {name: value for name, value in self.hyper.items() if name not in names}
        object.__setattr__(self, "hyper", fixed)
        if self.method != "flow":
            self._check_hyper()
        elif fixed:
            raise ValueError(f"{next(iter(fixed))}: it has no meaning with method 'flow'")
        problem = self.problem()
        if self.inputs is not None:
            object.__setattr__(self, "interval", (float(problem.lo), float(problem.hi)))
        object.__setattr__(self, "activation", str(problem.activation))
        object.__setattr__(self, "teacher_activation", str(problem.teacher_activation))

    def _check_hyper(self) -> None:
        """Refuse hyper-parameters that the method does not take, fixed or on an axis."""
        optimizer(self.method, **self.hyper)
        for axis in self.axes:
            if axis.name in PARAMETERS:
                continue
            try:
                ends = axis.values if isinstance(axis, Points) else np.array([axis.lo, axis.hi])
                optimizer(self.method, **{axis.name: ends})
            except (TypeError, ValueError) as error:
                raise ValueError(f"grid: {error}") from error

    @property
    def engine(self) -> str | None:
        """The backend that computes; where it shows in the last digits, never left to the size of a block."""
        if self.backend is not None or not self._shows:
            return self.backend
        if self.method == "flow":
            return "numba"
        swept = {axis.name: axis.values for axis in self.axes if axis.name not in PARAMETERS}
        config = optimizer(self.method, **{**self.hyper, **{name: v[:1] for name, v in swept.items()}})
        return "numba" if takes(self.problem(), config, self.dtype) else "numpy"

    @property
    def _shows(self) -> bool:
        """Whether results depend on what computes, by rounding."""
        return self.method == "flow" or rounds(self.problem())

    def problem(self) -> Problem:
        """Return the problem."""
        return Problem(Neuron(*self.teacher), self._inputs(), self.activation, self.teacher_activation)

    def _inputs(self) -> Uniform | Sample:
        if self.inputs is not None:
            weights, targets = (
                None if part is None else np.array(part) for part in (self.weights, self.targets)
            )
            return Sample(np.array(self.inputs), weights=weights, targets=targets, source=self.source)
        lo, hi = self.interval
        return Uniform(lo, hi) if self.samples is None else grid(self.samples, lo, hi)

    @property
    def shape(self) -> tuple[int, ...]:
        """The grid's shape, one entry an axis."""
        return tuple(axis.n for axis in self.axes)

    def configuration(self) -> str:
        """Return everything that determines the results, as canonical JSON; what is not used is not in it."""
        plain = asdict(self)
        unused = ("steps", "dtype", "hyper") if self.method == "flow" else ("theory",)
        for name in ("block", *unused):
            del plain[name]
        if self.source is None:
            del plain["source"]
        else:
            for name in ("inputs", "weights", "targets"):
                del plain[name]
            plain["source"] = {**self.source._asdict(), "n": len(self.inputs or ())}
        if self._shows:
            plain["backend"] = self.engine
        else:
            del plain["backend"]
        return json.dumps({"version": __version__, **plain}, sort_keys=True)


def compute(sweep: Sweep, index: int) -> Ends:
    """Compute one block: a pure function of its arguments."""
    varied = values_at(sweep, index)
    shape = next(iter(varied.values())).shape
    start: dict[str, Any] = dict(zip(PARAMETERS, sweep.neuron, strict=True))
    hyper = dict(sweep.hyper)
    for name, value in varied.items():
        (start if name in PARAMETERS else hyper)[name] = value
    neuron = Neuron(*(np.broadcast_to(np.asarray(start[name]), shape) for name in PARAMETERS))
    if sweep.method == "flow":
        return flow_run(neuron, sweep.problem(), theory=sweep.theory, backend=sweep.engine)
    config = optimizer(sweep.method, **hyper)
    return descent_run(neuron, sweep.problem(), config, sweep.steps, dtype=sweep.dtype, backend=sweep.engine)


def template(sweep: Sweep) -> xr.Dataset:
    """Return the sweep's dataset before any block is computed; it takes no memory for the trajectories.

    Its arrays are a single value each, seen from every place, and cannot be written to; those of `empty` can.
    """
    dims = tuple(axis.name for axis in sweep.axes)
    first = (
        "time of the first wall crossing"
        if sweep.method == "flow"
        else "step of the first change of activity"
    )
    nothing = np.broadcast_to(np.nan, sweep.shape)
    # What theory leaves is on its way still: these are no values of the end.
    left = sweep.method == "flow" and sweep.theory
    names = {"loss": "loss", "breakpoint": "breakpoint -b1/w1"}
    names = {key: f"{name} when decided" if left else f"final {name}" for key, name in names.items()}
    return xr.Dataset(
        {
            "outcome": outcome_codes(np.broadcast_to(np.int8(UNDECIDED), sweep.shape), dims),
            "loss": (dims, nothing, {"long_name": names["loss"], "units": "1"}),
            "first_crossing": (dims, nothing, {"long_name": f"{first} (NaN: none)", "units": "1"}),
            "decided_by": codes(
                np.broadcast_to(np.int8(SIMULATION), sweep.shape),
                THEOREMS,
                dims,
                "theorem that decided the outcome",
            ),
            "breakpoint": (dims, nothing, {"long_name": names["breakpoint"], "units": "1"}),
        },
        coords=coordinates(sweep.axes),
        attrs=attributes_of_text(f"Outcomes of {sweep.method}", sweep.configuration()),
    )


def empty(sweep: Sweep) -> xr.Dataset:
    """Return the sweep's dataset with every trajectory undecided.

    Raises
    ------
    ValueError
        If it is too large to be held in memory; `gradflow.sweeps.store` writes such sweeps block by block.
    """
    if math.prod(sweep.shape) > MOST_IN_MEMORY:
        raise ValueError(
            f"grid: expected at most {MOST_IN_MEMORY:.0e} trajectories in memory, "
            f"got {math.prod(sweep.shape):.3g}; --out NAME.zarr takes more"
        )
    return template(sweep).copy(deep=True)


def assemble(sweep: Sweep, results: Iterable[tuple[int, Ends]]) -> xr.Dataset:
    """Return the dataset of a sweep from its blocks and their indices, in any order.

    The memory is taken before the first block is asked for; errors as `empty`.
    """
    dataset = empty(sweep)
    for index, block in results:
        for name, values in block._asdict().items():
            dataset[name].values[place(sweep, index)] = values
    return dataset


def run(
    sweep: Sweep, *, executor: Executor | None = None, progress: Callable[[float], None] = lambda done: None
) -> xr.Dataset:
    """Compute a sweep and return its dataset.

    Parameters
    ----------
    sweep : Sweep
    executor : concurrent.futures.Executor, optional
        Computes the blocks; by default this process does, one after the other.
    progress : callable, optional
        Called with the number of trajectories done.
    """
    with closing(_computed(sweep, executor)) as computed:
        return assemble(sweep, _counted(computed, progress))


def _computed(sweep: Sweep, executor: Executor | None) -> Generator[tuple[int, Ends]]:
    """Give the blocks as they are computed."""
    if executor is None:
        yield from ((index, compute(sweep, index)) for index in blocks(sweep))
        return
    tasks = ((index, partial(compute, sweep, index)) for index in blocks(sweep))
    with closing(completed(tasks, executor.submit)) as done:
        yield from ((index, future.result()) for index, future in done)


def _counted(
    results: Iterable[tuple[int, Ends]], progress: Callable[[float], None]
) -> Iterator[tuple[int, Ends]]:
    done = 0
    for index, block in results:
        yield index, block
        done += block.outcome.size
        progress(done)
