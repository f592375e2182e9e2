"""Training by compiled code, piece by piece."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gradflow import field
from gradflow.base.arrays import Array, is_array, to_numpy
from gradflow.base.checks import integer
from gradflow.compiled import gpu, kernels
from gradflow.compiled.unsupported import UnsupportedError
from gradflow.descent.compiled import block
from gradflow.descent.compiled.blocks import Blocks
from gradflow.descent.compiled.kernel import Kernel, functions, is_summed, kernel
from gradflow.descent.compiled.trajectories import Trajectories
from gradflow.descent.optimisers.hyper import Config
from gradflow.descent.parts import Parts, part_of
from gradflow.descent.prepared import Descent, factor, moved, prepare, recorded
from gradflow.descent.schedules import Schedule, constant
from gradflow.field import SORTED_FROM
from gradflow.neuron.problem import Neuron, Problem, Sample

# Steps between two returns from compiled code: Ctrl-C waits for one such stretch.
STRETCH = 4096


# Trajectories whose optimiser's state is held at once, and on a GPU, which has threads for so many.
PIECE, MANY = 1 << 17, 1 << 20


# Neurons whose losses are computed at once: their temporary arrays stay in the second-level cache.
CHUNK = 8192


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
    """Train an array of neurons on the population's loss or on a sample's by compiled code.

    Parameters
    ----------
    threads : int, optional
        At most so many; by default one for each core that this process may use.
    chunk : int, optional
        How many trajectories are computed side by side, at most `gradflow.descent.compiled.block.W`.

    Returns
    -------
    Descent
        That of `gradflow.descent.train_arrays` in NumPy to rounding, without events: over 100 steps of
        gradient descent to 1e-12 of the parameters. The same bits for any number of threads and any chunk.

    Raises
    ------
    ValueError
        If something has no compiled version: an optimiser's rule that Numba does not take; a sample labelled
        by several teachers, or of 256 inputs and more in float32 for a piecewise linear student.

    See Also
    --------
    gradflow.descent.train_arrays : the other parameters.
    """
    for name, value in (("threads", threads), ("chunk", chunk)):
        if value is not None:
            integer(name, value, 1)
    steps, due = recorded(steps, record_every)
    with np.errstate(over="ignore", invalid="ignore"):
        theta, problem, optimizer = prepare(start, problem, optimizer, dtype)

        place = on_cores(threads, chunk)
        return run(theta, problem, optimizer, steps, due, schedule, first_change, progress, place)


def attempt(
    is_asked: bool,
    theta: Array,
    problem: Problem,
    optimizer: Config,
    steps: int,
    due: list[int],
    schedule: Schedule,
    events: bool,
    first_change: bool,
    progress: Callable[[int], object] | None,
    state: bool = False,
    is_on_gpu: bool = False,
) -> Descent | None:
    """Train what `gradflow.descent.train_arrays` has prepared; None if that is for its own loop to do.

    What has no compiled version is an error only where it was asked for. On a GPU arrays go there and back.
    """
    try:
        if events:
            raise UnsupportedError("events: not listed by the compiled path; pass events=False")
        place = on_gpu() if is_on_gpu else on_cores()
        if is_on_gpu:
            theta, problem, optimizer = moved(_home, theta, problem, optimizer)
        return run(theta, problem, optimizer, steps, due, schedule, first_change, progress, place, state)
    except UnsupportedError:
        if not is_asked:
            return None
        raise


class Place(NamedTuple):
    """Where trajectories are computed.

    Attributes
    ----------
    made : callable
        Makes what takes the steps.
    piece, chunk : int
        So many trajectories are trained at once, and so many losses computed.
    there : callable
        Puts an array there.
    """

    made: Callable[[Kernel, Config], Trajectories]
    piece: int
    chunk: int
    there: Callable[[Any], Any]


def on_cores(threads: int | None = None, chunk: int | None = None) -> Place:
    """Return the processor's cores."""

    def made(step: Kernel, config: Config) -> Trajectories:
        return Blocks(step, config, threads, chunk)

    return Place(made, PIECE, CHUNK, lambda value: value)


def on_gpu() -> Place:
    """Return a GPU.

    Raises
    ------
    UnsupportedError
        If there is no numba-cuda.
    """
    if not kernels.available():
        raise UnsupportedError("backend: numba-cuda is not installed")
    from gradflow.descent.compiled.threads import Threads

    return Place(Threads, MANY, MANY, gpu.there)


def _home(value: Any) -> Any:
    return to_numpy(value) if is_array(value) else value


def rounds(problem: Problem) -> bool:
    """Whether compiled training differs from NumPy's in rounding by much: something smooth is added up."""
    return is_summed(problem) and not (problem.is_bent and isinstance(problem.inputs, Sample))


def takes(problem: Problem, optimizer: Config, dtype: str) -> bool:
    """Whether there is compiled code for a problem and an optimiser, whose arrays are of equal shapes."""
    theta, problem, optimizer = prepare(Neuron(), problem, optimizer, dtype)
    try:
        some = part_of(problem, optimizer, theta.shape[1:], slice(None))
        step = _kernel(theta.reshape(4, -1), *some, 0, True)
        functions(step, theta.dtype.name)
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


def _kernel(theta: Array, problem: Problem, optimizer: Config, steps: int, first_change: bool) -> Kernel:
    if not isinstance(theta, np.ndarray):
        raise UnsupportedError("start: the compiled path takes NumPy arrays")
    if first_change and steps > 2 ** (np.finfo(theta.dtype).nmant + 1):
        raise UnsupportedError(f"steps: {steps} cannot be counted in {theta.dtype}; pass first_change=False")
    return kernel(theta, problem, optimizer, first_change)


def run(
    theta: Array,
    problem: Problem,
    optimizer: Config,
    steps: int,
    due: list[int],
    schedule: Schedule,
    first_change: bool,
    progress: Callable[[int], object] | None,
    place: Place,
    state: bool = False,
) -> Descent:
    """Take the trajectories from one step that is due to the next, and return what was asked for.

    Many trajectories are trained piece by piece, so that an optimiser's state is held for all only if it is
    asked for.
    """
    whole = Parts(theta, due, first_change)
    batch, flat, n = whole.batch, whole.flat, whole.diverged.size
    pieces = [slice(i, min(i + place.piece, n)) for i in range(0, max(n, 1), place.piece)]
    every = max(1, -(-steps * len(pieces) // 100))
    marks = {*range(every, steps, every)} if progress is not None else set()
    stretch = _stretch(problem, min(n, place.piece))
    stops = sorted({*due, *marks, *range(stretch, steps, stretch)})
    for number, part in enumerate(pieces):
        task, config = part_of(problem, optimizer, batch, part)
        step = _kernel(flat[:, part], task, config, steps, first_change)
        machine = place.made(step, config)
        k = 0
        for stop in stops:
            machine.advance([factor(schedule, i) for i in range(machine.done, stop)])
            if stop in marks and progress is not None:
                progress((number * steps + stop) // len(pieces))
            if stop == due[k]:
                whole.states[k, :, part] = flat[:, part] if stop == 0 else machine.parameters()
                k += 1
        if whole.first is not None:
            whole.first[part] = machine.first()
        whole.diverged[part] = machine.diverged()
        if state:
            whole.memory.append(machine.memory(step.chosen[f"{block.__name__}.MEMORIES"]))
    evaluate = field.evaluator(problem, theta) if isinstance(problem.inputs, Sample) else None
    for i in range(0, n, place.chunk):
        part = slice(i, i + place.chunk)
        like, task, _ = moved(place.there, flat[:, part], *part_of(problem, optimizer, batch, part))
        loss = (evaluate or field.evaluator(task, like)).loss
        # Of few neurons many moments at once: a call has its price, too.
        together = max(1, place.chunk // min(place.chunk, n - i))
        for k in range(0, len(due), together):
            some = slice(k, k + together)
            moments = np.ascontiguousarray(np.moveaxis(whole.states[some, :, part], 0, 1))
            whole.losses[some, part] = to_numpy(loss(place.there(moments)))
    if progress is not None:
        progress(steps)
    return whole.descent(optimizer, state)
