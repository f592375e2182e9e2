"""Training by compiled code: the results of `gradflow.descent.train`, to the bit."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from gradflow import field
from gradflow.backend import Array
from gradflow.descent.hyper import Config
from gradflow.descent.loop import Descent, factor, prepare, recorded
from gradflow.descent.schedules import Schedule, constant
from gradflow.fused import cupy_runner
from gradflow.fused.program import Program
from gradflow.fused.step import Recorded, record_step
from gradflow.fused.traced import UnsupportedError
from gradflow.problem import Neuron, Problem, Sample

# Steps between two returns from compiled code: Ctrl-C waits for one such stretch.
STRETCH = 4096


class Runner(Protocol):
    """Holds trajectories and takes them through steps."""

    def advance(self, table: Array) -> None:
        """Take every trajectory through the steps whose numbers are the rows of `table`."""

    def read(self, index: int) -> Array:
        """Return the trajectories' numbers in one slot, shape (n,), in NumPy."""


MakeRunner = Callable[[Program, list[Array], list[Any]], Runner]


def available() -> bool:
    """Whether Numba is installed (it is not imported)."""
    return importlib.util.find_spec("numba") is not None


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
    threads: int | None = None,
    chunk: int | None = None,
) -> Descent:
    """Train an array of neurons on the population loss by code that Numba compiles.

    Parameters
    ----------
    threads : int, optional
        At most so many; by default one for each core that this process may use.
    chunk : int, optional
        How many trajectories lie side by side, 1 to 128.

    Returns
    -------
    Descent
        The bits of `gradflow.descent.train`, for any number of threads and any chunk; without events.

    Raises
    ------
    ValueError
        If Numba is not installed, or if something has no fused version: a sample of inputs, an optimiser
        that is not made of elementwise +, −, ·, /, √ and comparisons, arrays of β (their logarithms
        differ between trajectories), arrays of hyper-parameters in float32.

    See Also
    --------
    gradflow.descent.train : the other parameters.
    """
    require()
    for name, value in (("threads", threads), ("chunk", chunk)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise ValueError(f"{name}: expected an integer >= 1, got {value!r}")
    steps, due = recorded(steps, record_every)
    with np.errstate(over="ignore", invalid="ignore"):
        theta, problem, optimizer = prepare(start, problem, optimizer, dtype)
        step = record(theta, problem, optimizer, steps, first_change)

        def runner(program: Program, slots: list[Array], fixed: list[Any]) -> Runner:
            from gradflow.fused.numba_runner import NumbaRunner

            return NumbaRunner(program, slots, fixed, threads, chunk)

        return run(step, runner, theta, problem, steps, due, schedule, progress)


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
    """Train what `gradflow.descent.train` has prepared; None if that is for NumPy to do.

    Without a backend it is NumPy's where Numba is not installed, cannot be imported or cannot do what is
    asked; with one that is an error.
    """
    if backend is None and not available():
        return None
    try:
        runner = _runner(backend or "numba")
        if events:
            raise UnsupportedError("events: not listed by the fused path; pass events=False")
        step = record(theta, problem, optimizer, steps, first_change)
    except UnsupportedError:
        if backend is None:
            return None
        raise
    except ImportError as error:
        # Such as a Numba that does not know this NumPy yet.
        if backend is None:
            return None
        raise ValueError(f"backend: {backend} cannot be imported: {str(error).splitlines()[0]}") from error
    return run(step, runner, theta, problem, steps, due, schedule, progress)


def require() -> None:
    """Raise a one-line ValueError unless Numba is installed."""
    if not available():
        raise ValueError("backend: numba is not installed; pip install 'gradflow-sim[fast]'")


def _runner(backend: str) -> MakeRunner:
    if backend == "cupy":
        if not cupy_runner.available():
            raise ValueError(
                "backend: cupy is not installed or finds no GPU (docs.cupy.dev/en/stable/install.html)"
            )
        return cupy_runner.CupyRunner
    require()
    from gradflow.fused.numba_runner import NumbaRunner

    return NumbaRunner


def record(theta: Array, problem: Problem, optimizer: Config, steps: int, first_change: bool) -> Recorded:
    """Record the training step.

    Raises
    ------
    UnsupportedError
        One line that names what has no fused version.
    """
    if not isinstance(theta, np.ndarray):
        raise UnsupportedError("start: the fused path takes NumPy arrays")
    if isinstance(problem.inputs, Sample):
        raise UnsupportedError("inputs: the fused path trains on the population, not on a sample")
    if first_change and steps > 2 ** (np.finfo(theta.dtype).nmant + 1):
        raise UnsupportedError(f"steps: {steps} cannot be counted in {theta.dtype}; pass first_change=False")
    return record_step(theta, problem, optimizer, first_change)


def run(
    step: Recorded,
    runner: MakeRunner,
    theta: Array,
    problem: Problem,
    steps: int,
    due: list[int],
    schedule: Schedule,
    progress: Callable[[int], object] | None,
) -> Descent:
    """Take the trajectories from one step that is due to the next, and return what was asked for."""
    machine = runner(step.program, step.slots, step.fixed)
    evaluate = field.evaluator(problem, theta)
    every = max(1, -(-steps // 100))
    marks = {*range(every, steps, every)} if progress is not None else set()
    stops = sorted({*due, *marks, *range(STRETCH, steps, STRETCH)})
    states: list[Array] = []
    losses: list[Array] = []
    leaves, done = step.leaves, 0
    for stop in stops:
        rows = []
        for k in range(done, stop):
            row, leaves = step.host.step({**leaves, step.factor: np.float64(factor(schedule, k))})
            rows.append(row)
        if rows:
            shape = (len(rows), step.program.columns)
            machine.advance(np.asarray(rows, dtype=theta.dtype).reshape(shape))
        done = stop
        if stop in marks and progress is not None:
            progress(stop)
        if stop == due[len(states)]:
            state = theta if stop == 0 else np.stack([machine.read(i) for i in range(4)]).reshape(theta.shape)
            states.append(state)
            losses.append(evaluate.loss(state))
    if progress is not None:
        progress(steps)
    batch = theta.shape[1:]
    first = machine.read(step.first).astype(np.int64).reshape(batch) if step.first >= 0 else None
    return Descent(
        final=states[-1],
        steps=np.asarray(due, dtype=np.int64),
        theta=np.stack(states),
        loss=np.stack(losses),
        events=[],
        first_change=first,
        diverged=machine.read(step.alive).reshape(batch) == 0,
    )
