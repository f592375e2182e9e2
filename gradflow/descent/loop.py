"""Training of neurons: what is asked for is checked, and taken by compiled code or by `stepping.descend`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array, device, namespace
from gradflow.base.checks import (
    flag,
    one_of,
    shown,
)
from gradflow.compiled import gpu
from gradflow.descent.events import Watch
from gradflow.descent.modifiers import NONE, Modifiers
from gradflow.descent.modifiers import check as check_modifiers
from gradflow.descent.optimisers.hyper import Config
from gradflow.descent.optimisers.registry import remembered
from gradflow.descent.parts import Parts, part_of
from gradflow.descent.prepared import BACKENDS, Descent, on_gpu, prepare, recorded, require_functions
from gradflow.descent.schedules import Schedule, constant
from gradflow.descent.stepping import descend
from gradflow.field.kinds.kind import PLAIN, Kind
from gradflow.neuron.problem import Neuron, Problem

# What one step of NumPy costs besides its trajectories, in trajectories.
OVERHEAD = 500


# Below so many steps of trajectories (a fraction of a second) to load a compiler costs more than it saves.
WORTH = 2_000_000


# So many trajectories at most are in NumPy's loop at once, with its temporary arrays.
MOST = 500_000


LAST = (987, 610, 377, 233, 144, 89, 55, 34, 21, 13, 8, 5, 3, 2, 1)
"""How many updates before the last one the states are that `last` keeps; of no common period.

The first is about the memory of Adam's second moment, with which its steps may grow.
"""


LEAST = 144
"""Of those, so many updates back are always kept; those farther back if they are in the last fifth."""


def train_arrays(
    start: Neuron | Array,
    problem: Problem,
    optimizer: Config,
    steps: int,
    *,
    schedule: Schedule = constant,
    record_every: int | None = None,
    events: bool = True,
    first_change: bool = True,
    last: bool = False,
    state: bool = False,
    dtype: Any = None,
    progress: Callable[[int], object] | None = None,
    backend: str | None = None,
    kind: Kind = PLAIN,
    modifiers: Modifiers = NONE,
) -> Descent:
    """Train an array of neurons on the population loss or on the loss of a sample.

    Parameters
    ----------
    start : Neuron or array, shape (4, …)
        The initial parameters. Start, teacher, interval and hyper-parameters broadcast against each
        other to the shape `batch`.
    problem : Problem
        Its inputs decide: `Uniform` takes the population's gradient, `Sample` the sample's.
    optimizer : one of the config classes
        Such as ``Adam(lr=0.01)``; its hyper-parameters may be arrays.
    steps : int
        The number of updates, ≥ 0.
    schedule : function of the step
        The factor of the learning rate at update k = 0, 1, … (`gradflow.descent.schedules`).
    record_every : int, optional
        Record every so many steps, and the first and the last state in any case; only these by default.
    events : bool
        Whether the crossings are listed.
    first_change : bool
        Whether the first change of activity is noted. With `events` and this off nothing is looked for,
        which saves about a tenth of the time.
    last : bool
        Whether some of the states before the final one are kept, which tell whether it moves on.
    state : bool
        Whether the optimiser's own last state is returned, from which theorems say what it still moves.
    dtype : {"float32", "float64"}, optional
        What everything is computed in; by default the dtype of start, teacher and interval.
    progress : callable, optional
        Called with the number of updates done, at most about 100 times.
    backend : {"numpy", "numba", "cupy"}, optional
        What takes the steps: the arrays' own library ("numpy"), compiled code on blocks that fit the caches
        (`gradflow.descent.compiled`), or CuPy on a GPU, there by one compiled kernel where numba-cuda is
        installed, events are off, and gradients are in closed form or those of 256 inputs and more. All agree
        to rounding. By default "numba" where it can do what is asked and the run is not over before it is
        loaded; otherwise "numpy".
    kind : Kind
        How the neuron is written down (`gradflow.field.kinds`); P is the number of its parameters, 4 if
        plain. It starts as the same function as the plain neurons `start`. Only plain ones are compiled.
    modifiers : Modifiers
        Clipping and weight decay of some parameters; not compiled.

    Returns
    -------
    Descent
        No result depends on what else is in the batch or on what is recorded, to the bit (of smooth
        neurons, for one and the same backend).

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.

    Notes
    -----
    A trajectory has diverged when a parameter is not finite or exceeds the seventh root of the largest
    number of the dtype (1e44, or 3e5 in float32), or a component of the gradient exceeds half the square
    root: beyond, the squared gradient overflows and an adaptive optimiser would stand still unnoticed.
    It stays at its last good state; the others go on.
    """
    steps, asked = recorded(steps, record_every)
    due = asked
    kept = [steps - k for k in LAST if k <= max(LEAST, steps // 5)]
    if flag("last", last) and steps >= LEAST:
        due = sorted({*asked, *kept})
    if not isinstance(kind, Kind):
        raise TypeError(f"kind: expected one of gradflow.field.kinds.KINDS, got {shown(kind)}")
    if not isinstance(modifiers, Modifiers):
        raise TypeError(f"modifiers: expected Modifiers, got {shown(modifiers)}")
    require_functions(schedule, progress)
    one_of("backend", backend, BACKENDS)
    events, first_change = flag("events", events), flag("first_change", first_change)
    state = flag("state", state)
    # A start may be too large for float32, and a diverging update overflows before it is thrown away.
    with np.errstate(over="ignore", invalid="ignore"):
        theta, problem, optimizer = prepare(start, problem, optimizer, dtype)
        is_plain = kind is PLAIN and modifiers == NONE
        if not is_plain and backend in ("numba", "cupy"):
            raise ValueError(f"backend: {backend} trains plain neurons without modifiers only")
        if backend == "cupy":
            gpu.require()
        if is_plain and (backend in ("numba", "cupy") or (backend is None and _pays(theta, steps, events))):
            # Only now: most runs need none of it.
            from gradflow.descent.compiled import attempt

            run = attempt(
                backend == "numba",
                theta,
                problem,
                optimizer,
                steps,
                due,
                schedule,
                events,
                first_change,
                progress,
                state,
                backend == "cupy",
            )
            if run is not None:
                return _kept(run, asked, due, kept)
        if backend == "cupy":
            theta, problem, optimizer = on_gpu(theta, problem, optimizer)
        theta, modifiers = kind.start(theta, problem), check_modifiers(modifiers, len(kind.parameters))
        task = Task(problem, kind, modifiers)
        if is_plain and isinstance(theta, np.ndarray) and not events and math.prod(theta.shape[1:]) > MOST:
            run = _in_parts(theta, problem, optimizer, due, schedule, first_change, progress, state)
        else:
            run = _run(theta, task, optimizer, due, schedule, events, first_change, progress)
        run = _kept(run if state else run._replace(state=None), asked, due, kept)
        return gpu.back(run) if backend == "cupy" else run


def _kept(run: Descent, asked: list[int], due: list[int], kept: list[int]) -> Descent:
    """Return a run with the records that were asked for, and `last` from those that were made for it."""
    if due is asked:
        return run
    xp, index = namespace(run.theta), {step: i for i, step in enumerate(due)}

    def some(records: Array, steps: list[int]) -> Array:
        rows = xp.asarray([index[step] for step in steps], dtype=xp.int64, device=device(records))
        return xp.take(records, rows, axis=0)

    return run._replace(
        **{name: some(getattr(run, name), asked) for name in ("steps", "theta", "loss")},
        last=some(run.theta, kept),
    )


class Task(NamedTuple):
    """A problem, the kind of neuron that is trained on it, and what modifies its gradients."""

    problem: Problem
    kind: Kind
    modifiers: Modifiers


def _run(
    theta: Array,
    task: Task,
    optimizer: Config,
    due: list[int],
    schedule: Schedule,
    events: bool,
    first_change: bool,
    progress: Callable[[int], object] | None,
) -> Descent:
    xp = namespace(theta)
    problem, kind, modifiers = task

    def line(theta: Array) -> Array:
        return theta if kind is PLAIN else xp.stack(kind.line(theta, problem))

    watch = Watch(line(theta), problem, events) if events or first_change else None

    def observe(step: int, theta: Array) -> None:
        if watch is not None:
            watch.observe(step, line(theta))

    path = descend(
        theta,
        kind.evaluator(problem, theta),
        optimizer,
        due,
        schedule,
        modifiers=modifiers,
        observe=observe,
        progress=progress,
    )
    return Descent(
        final=path.final,
        steps=xp.asarray(due, dtype=xp.int64, device=device(theta)),
        theta=xp.stack(path.states),
        loss=xp.stack(path.losses),
        events=watch.events if watch is not None else [],
        first_change=watch.first_change if watch is not None and first_change else None,
        diverged=xp.asarray(path.diverged, device=device(theta)),
        state=path.state,
    )


def _in_parts(
    theta: Array,
    problem: Problem,
    optimizer: Config,
    due: list[int],
    schedule: Schedule,
    first_change: bool,
    progress: Callable[[int], object] | None,
    state: bool,
) -> Descent:
    """Train some trajectories after the others: an optimiser's state is held for `MOST` at a time."""
    whole, steps = Parts(theta, due, first_change), due[-1]
    n = whole.diverged.size
    for i in range(0, n, MOST):
        part = slice(i, i + MOST)
        task, config = part_of(problem, optimizer, whole.batch, part)
        start = whole.flat[:, part]
        some = _run(start, Task(task, PLAIN, NONE), config, due, schedule, False, first_change, None)
        whole.states[..., part], whole.losses[:, part] = some.theta, some.loss
        whole.diverged[part] = some.diverged
        if whole.first is not None and some.first_change is not None:
            whole.first[part] = some.first_change
        if state:
            whole.memory.append(remembered(some.state))
        if progress is not None:
            progress(min(n, i + MOST) * steps // n)
    return whole.descent(optimizer, state)


def _pays(theta: Array, steps: int, events: bool) -> bool:
    """Whether compiled code may take a run, and is worth loading."""
    n = math.prod(theta.shape[1:])
    return isinstance(theta, np.ndarray) and not events and steps * (n + OVERHEAD) >= WORTH
