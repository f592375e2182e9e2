"""Training by straight-line code, printed for NumPy, Numba or CUDA: the bits of the training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from gradflow import field
from gradflow.base.arrays import Array, is_array
from gradflow.base.checks import integer
from gradflow.compiled import cupy_runner
from gradflow.compiled.installed import available, require, require_cupy
from gradflow.compiled.numpy_runner import CHUNK, NumpyRunner
from gradflow.compiled.recorded import Recorded
from gradflow.compiled.traced import UnsupportedError
from gradflow.descent.compiled.step import is_summed, record_step
from gradflow.descent.optimisers.hyper import Config
from gradflow.descent.prepared import Descent, factor, prepare, recorded
from gradflow.descent.schedules import Schedule, constant
from gradflow.field import SORTED_FROM
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform

# Steps between two returns from compiled code: Ctrl-C waits for one such stretch.
STRETCH = 4096


# Trajectories whose optimiser's state is held at once.
PIECE = 1 << 17


# Below so many steps of trajectories (a second in NumPy) Numba's start-up costs more than it saves.
WORTH_COMPILING = 20_000_000


class Runner(Protocol):
    """Holds trajectories and takes them through steps."""

    def advance(self, table: Array) -> None:
        """Take every trajectory through the steps whose numbers are the rows of `table`."""

    def read(self, index: int) -> Array:
        """Return the trajectories' numbers in one slot, shape (n,), in NumPy."""


MakeRunner = Callable[[Recorded], Runner]


def train(
    start: Neuron | Array,
    problem: Problem,
    optimizer: Config,
    steps: int,
    *,
    schedule: Schedule = constant,
    record_every: int | None = None,
    first_change: bool = True,
    dtype: Any = None,
    progress: Callable[[int], object] | None = None,
    backend: str = "numba",
    threads: int | None = None,
    chunk: int | None = None,
) -> Descent:
    """Train an array of neurons on the population's loss or on a sample's by compiled code.

    Parameters
    ----------
    backend : {"numba", "numpy"}
        What runs the code: Numba's compiler, or NumPy call by call.
    threads : int, optional
        At most so many; by default one for each core that this process may use. NumPy takes one.
    chunk : int, optional
        How many trajectories are computed side by side, with Numba at most 128.

    Returns
    -------
    Descent
        The bits of `gradflow.descent.train_arrays` in NumPy, for any number of threads and any chunk; without
        events. Where something smooth is added up (`rounds`) they agree to rounding instead: over 200 steps
        of trajectories that are not chaotic to 1e-12 of the parameters, in float32 to 1e-4.

    Raises
    ------
    ValueError
        If Numba is not installed, or if something has no compiled version: an optimiser that is not made of
        elementwise +, −, ·, /, √ and comparisons, arrays of β (their logarithms differ between
        trajectories), arrays of hyper-parameters in float32; a sample labelled by several teachers, or of
        256 inputs and more in float32 for a piecewise linear student; with NumPy any sample, and anything
        smooth.

    See Also
    --------
    gradflow.descent.train_arrays : the other parameters.
    """
    if backend not in ("numba", "numpy"):
        raise ValueError(f"backend: expected numba or numpy, got {backend!r}")
    if backend == "numba":
        require()
    for name, value in (("threads", threads), ("chunk", chunk)):
        if value is not None:
            integer(name, value, 1)
    steps, due = recorded(steps, record_every)
    with np.errstate(over="ignore", invalid="ignore"):
        theta, problem, optimizer = prepare(start, problem, optimizer, dtype)

        def runner(step: Recorded) -> Runner:
            if backend == "numpy":
                return NumpyRunner(step, chunk)
            from gradflow.compiled.numba_runner import NumbaRunner

            return NumbaRunner(step, threads, chunk)

        return run(runner, theta, problem, optimizer, steps, due, schedule, first_change, progress)


def attempt(
    backend: str | None,
    theta: Array,
    problem: Problem,
    optimizer: Config,
    steps: int,
    due: list[int],
    schedule: Schedule,
    events: bool,
    first_change: bool,
    progress: Callable[[int], object] | None,
) -> Descent | None:
    """Train what `gradflow.descent.train_arrays` has prepared; None if that is for its own loop to do.

    Without a backend, and with "numpy", the loop does what has no compiled version; with "numba" and "cupy"
    that is an error. A Numba that is not installed or cannot be imported leaves the work to NumPy unless
    it was asked for.
    """
    try:
        runner = _runner(backend, steps * theta[0, ...].size * _cost(problem) >= WORTH_COMPILING)
        if events:
            raise UnsupportedError("events: not listed by the compiled path; pass events=False")
        if runner is NumpyRunner and (isinstance(problem.inputs, Sample) or not problem.is_linear):
            return None
        return run(runner, theta, problem, optimizer, steps, due, schedule, first_change, progress)
    except UnsupportedError:
        if backend in (None, "numpy"):
            return None
        raise


def rounds(problem: Problem) -> bool:
    """Whether compiled training differs from NumPy's in rounding: something smooth is added up."""
    return is_summed(problem) and not (problem.is_bent and isinstance(problem.inputs, Sample))


def takes(problem: Problem, optimizer: Config, dtype: str) -> bool:
    """Whether there is compiled code for a problem and an optimiser, whose arrays are of equal shapes."""
    theta, problem, optimizer = prepare(Neuron(), problem, optimizer, dtype)
    try:
        record(theta, problem, optimizer, 0, True)
    except UnsupportedError:
        return False
    return True


def _cost(problem: Problem) -> float:
    """Return about how many steps in closed form take NumPy as long as one step on this problem."""
    if isinstance(problem.inputs, Sample):
        return max(1.0, min(int(problem.inputs.x.shape[0]), SORTED_FROM) / 16)
    return 1.0 if problem.is_linear else 8.0


def _stretch(problem: Problem, n: int) -> int:
    """Return so many steps of n trajectories that Ctrl-C waits no longer than in closed form."""
    if not is_summed(problem):
        return STRETCH
    # Compiled, a sum costs even more steps in closed form than in NumPy.
    return min(STRETCH, max(1, int(STRETCH * PIECE / (3.0 * _cost(problem) * max(n, 1)))))


def _runner(backend: str | None, worth_compiling: bool) -> MakeRunner:
    if backend == "cupy":
        require_cupy()
        return cupy_runner.CupyRunner
    if backend == "numpy" or (backend is None and not (worth_compiling and available())):
        return NumpyRunner
    require()
    try:
        from gradflow.compiled.numba_runner import NumbaRunner
    except ImportError as error:
        # Such as a Numba that does not know this NumPy yet.
        if backend is None:
            return NumpyRunner
        raise ValueError(f"backend: {backend} cannot be imported: {str(error).splitlines()[0]}") from error
    return NumbaRunner


def record(theta: Array, problem: Problem, optimizer: Config, steps: int, first_change: bool) -> Recorded:
    """Record the training step.

    Raises
    ------
    UnsupportedError
        One line that names what has no compiled version.
    """
    if not isinstance(theta, np.ndarray):
        raise UnsupportedError("start: the compiled path takes NumPy arrays")
    if first_change and steps > 2 ** (np.finfo(theta.dtype).nmant + 1):
        raise UnsupportedError(f"steps: {steps} cannot be counted in {theta.dtype}; pass first_change=False")
    return record_step(theta, problem, optimizer, first_change)


def run(
    runner: MakeRunner,
    theta: Array,
    problem: Problem,
    optimizer: Config,
    steps: int,
    due: list[int],
    schedule: Schedule,
    first_change: bool,
    progress: Callable[[int], object] | None,
) -> Descent:
    """Take the trajectories from one step that is due to the next, and return what was asked for.

    Many trajectories are trained piece by piece, so that an optimiser's state is never held for all.
    """
    batch = theta.shape[1:]
    flat = theta.reshape(4, -1)
    n = flat.shape[1]
    states = np.empty((len(due), *flat.shape), dtype=theta.dtype)
    losses = np.empty((len(due), n), dtype=theta.dtype)
    first = np.empty(n, dtype=np.int64) if first_change else None
    diverged = np.empty(n, dtype=bool)
    pieces = [slice(i, min(i + PIECE, n)) for i in range(0, max(n, 1), PIECE)]
    every = max(1, -(-steps * len(pieces) // 100))
    marks = {*range(every, steps, every)} if progress is not None else set()
    stretch = _stretch(problem, min(n, PIECE))
    stops = sorted({*due, *marks, *range(stretch, steps, stretch)})
    for number, part in enumerate(pieces):
        task, config = _part(problem, optimizer, batch, part)
        step = record(flat[:, part], task, config, steps, first_change)
        machine = runner(step)
        k = 0
        for stop in _advance(step, machine, stops, schedule):
            if stop in marks and progress is not None:
                progress((number * steps + stop) // len(pieces))
            if stop == due[k]:
                state = flat[:, part] if stop == 0 else np.stack([machine.read(i) for i in range(4)])
                states[k, :, part] = state
                k += 1
        if first is not None:
            first[part] = machine.read(step.first)
        diverged[part] = machine.read(step.alive) == 0
    # In few neurons at a time, whose temporary arrays fit the cache.
    evaluate = field.evaluator(problem, theta) if isinstance(problem.inputs, Sample) else None
    for i in range(0, n, CHUNK):
        part = slice(i, i + CHUNK)
        loss = (evaluate or field.evaluator(_part(problem, optimizer, batch, part)[0], flat[:, part])).loss
        for k in range(len(due)):
            losses[k, part] = loss(states[k, :, part])
    if progress is not None:
        progress(steps)
    theta = states.reshape(len(due), 4, *batch)
    return Descent(
        final=theta[-1],
        steps=np.asarray(due, dtype=np.int64),
        theta=theta,
        loss=losses.reshape(len(due), *batch),
        events=[],
        first_change=None if first is None else first.reshape(batch),
        diverged=diverged.reshape(batch),
    )


def _part(problem: Problem, optimizer: Config, batch: tuple[int, ...], part: slice) -> tuple[Problem, Config]:
    """Return the problem and the hyper-parameters of some of the flattened trajectories."""

    def some(values: Any) -> Any:
        array = np.asarray(values)
        return values if array.ndim == 0 else np.broadcast_to(array, batch).reshape(-1)[part]

    config: Any = optimizer
    arrays = {name: some(value) for name, value in config._asdict().items() if is_array(value)}
    inputs = problem.inputs
    if isinstance(inputs, Uniform):
        inputs = Uniform(some(inputs.lo), some(inputs.hi))
    task = replace(problem, teacher=Neuron(*map(some, problem.teacher)), inputs=inputs)
    return task, config._replace(**arrays)


def _advance(step: Recorded, machine: Runner, stops: list[int], schedule: Schedule) -> Iterator[int]:
    """Take the machine from one stop to the next, and give each when it is there."""
    leaves, done = step.leaves, 0
    for stop in stops:
        rows = []
        for k in range(done, stop):
            row, leaves = step.host.step({**leaves, step.factor: np.float64(factor(schedule, k))})
            rows.append(row)
        if rows:
            shape = (len(rows), step.program.columns)
            machine.advance(np.asarray(rows, dtype=step.program.dtype).reshape(shape))
        done = stop
        yield stop
