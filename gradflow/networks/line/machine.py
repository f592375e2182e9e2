"""Training of networks on the line by compiled code, with the bits of `gradflow.descent.stepping`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np

from gradflow.base.arrays import Array, is_array
from gradflow.base.progress import sparse
from gradflow.compiled import jit
from gradflow.compiled.cores import cores
from gradflow.descent import stepping
from gradflow.descent.compiled.kernel import table
from gradflow.descent.optimisers.hyper import Config
from gradflow.descent.optimisers.registry import coefficients, init, remembered, rule_of
from gradflow.descent.prepared import bounds, factor
from gradflow.descent.schedules import Schedule
from gradflow.descent.stepping import Path
from gradflow.networks.line import fast, stepped
from gradflow.networks.line.evaluate import OVERHEAD, Evaluator, evaluator
from gradflow.networks.line.fast import ARRAY, VECTOR
from gradflow.networks.line.task import Task
from gradflow.networks.line.walls import Watch

WORK = 1_000_000
"""So many points of networks, about 0.1 s, are evaluated by a call, so that Ctrl-C does not wait for it."""

SEEN = 256
"""So many steps of networks that cross walls fit into a call's memory."""

_SIGNATURE = (
    ARRAY, ARRAY, "int64[:,::1]", ARRAY, "float64[:,:,::1]", ARRAY, ARRAY, "int64[:,::1]", ARRAY,
    "int64[::1]", VECTOR, VECTOR, *fast.FIELD, ARRAY, VECTOR, ARRAY,
)  # fmt: skip


def pays(rows: Array, task: Task, config: Any, steps: int) -> bool:
    """Whether compiled code takes so many steps: it knows the problem, and hyper-parameters are numbers."""
    if not fast.fits(task) or rows.size == 0 or jit.is_plain():
        return False
    if any(is_array(value) and np.ndim(value) for value in config):
        return False
    return bool(steps * (2 * OVERHEAD + rows.size // 3) >= fast.WORTH)


def descend(
    rows: Array,
    task: Task,
    config: Config,
    due: list[int],
    schedule: Schedule,
    *,
    keeps: Array | None = None,
    drawn: Callable[[int], Evaluator] | None = None,
    watch: Watch | None = None,
    progress: Callable[[int], object] | None = None,
) -> Path:
    """Take steps (arguments as `stepping.descend`), in compiled code where that pays.

    Parameters
    ----------
    watch : Watch, optional
        Where the crossings are to be noted.
    """
    path = None
    if drawn is None and pays(rows, task, config, due[-1]):
        path = compiled(rows, task, config, due, schedule, keeps=keeps, watch=watch, progress=progress)
    if path is not None:
        return path
    return stepping.descend(
        rows,
        evaluator(task, due[-1] * rows.size // 3),
        config,
        due,
        schedule,
        keeps=keeps,
        drawn=drawn,
        observe=None if watch is None else watch.observe,
        progress=progress,
    )


def compiled(
    rows: Array,
    task: Task,
    config: Config,
    due: list[int],
    schedule: Schedule,
    *,
    keeps: Array | None = None,
    watch: Watch | None = None,
    progress: Callable[[int], object] | None = None,
    threads: int | None = None,
) -> Path | None:
    """Take steps (arguments as `descend`) in compiled code; None if the optimiser's rule cannot be compiled.

    Parameters
    ----------
    threads : int, optional
        By default as many as there are cores. No result depends on it.
    """
    start = np.ascontiguousarray(rows.reshape(rows.shape[0], -1).T)
    memory = remembered(init(config, start.T))
    if any(np.shape(part) != start.T.shape or part.dtype != start.dtype for part in memory):
        return None
    try:
        dtype = start.dtype.name
        signature = fast.in_dtype(_SIGNATURE, dtype)
        take = jit.compiled(stepped.taken, signature, dtype, _chosen(config, len(memory), start.dtype))
    except jit.refused():
        return None
    run = _Run(start, task, memory, due, keeps, watch, take)
    steps, threads = due[-1], min(threads or cores(), start.shape[0])
    edges = [start.shape[0] * i // threads for i in range(threads + 1)]
    parts = [slice(*pair) for pair in pairwise(edges)]
    stretch = max(1, WORK // (run.points * -(-start.shape[0] // threads)))
    report = sparse(progress, steps)
    with ThreadPoolExecutor(threads) as pool:
        for begin in range(0, steps, stretch):
            end = min(begin + stretch, steps)
            factors = [factor(schedule, step) for step in range(begin, end)]
            numbers = table(config, factors, begin, start)[0]
            list(pool.map(lambda part: run.advance(part, numbers, begin), parts))  # noqa: B023
            report(end)
        none = np.zeros((1, len(coefficients(config, 0))), run.dtype)
        list(pool.map(lambda part: run.record_last(part, none), parts))
    if progress is not None:
        progress(steps)
    return run.path(rows.shape)


def _chosen(config: Config, memories: int, dtype: Any) -> dict[str, Any]:
    """Return what the names in `stepped` stand for."""
    first = coefficients(config, 0)
    largest, steepest = bounds(np, dtype)
    chosen = {
        "rule": rule_of(config),
        "Coefficients": type(first),
        "MEMORIES": memories,
        "COUNT": len(first),
        "LARGEST": largest,
        "STEEPEST": steepest,
    }
    own = {f"{stepped.__name__}.{name}": value for name, value in chosen.items()}
    return own | fast.chosen_in(dtype.name)


class _Run:
    """Networks, along the first axis of all arrays, on their way."""

    def __init__(
        self,
        start: np.ndarray,
        task: Task,
        memory: tuple[np.ndarray, ...],
        due: list[int],
        keeps: Array | None,
        watch: Watch | None,
        take: Any,
    ) -> None:
        n, size = start.shape
        self.dtype = start.dtype.name
        self.rows, self.task, self.due, self.watch, self.take = start.copy(), task, due, watch, take
        self.memory = np.concatenate([np.zeros((n, 0), self.dtype), *(part.T for part in memory)], axis=1)
        largest, _ = bounds(np, start.dtype)
        self.going = np.zeros((n, 2), dtype=np.int64)
        self.going[:, stepped.ALIVE] = np.all(np.abs(start) <= largest, axis=1)
        self.walls = np.zeros(0, self.dtype) if watch is None else watch.walls.astype(self.dtype)
        self.sides = np.zeros((n, 0), self.dtype)
        if watch is not None:
            self.sides = watch.before.reshape(-1, n).T.astype(self.dtype)
        self.records = np.empty((n, len(due), size), self.dtype)
        self.losses = np.empty((n, len(due)), self.dtype)
        moves = np.ones(size) if keeps is None else np.where(keeps.reshape(-1), 0.0, 1.0)
        self.moves = moves.astype(self.dtype)
        self.field = fast.numbers_of(task, self.dtype)
        self.points = size // 3 + self.field.points
        self.noted: list[tuple[int, int, np.ndarray]] = []

    def advance(self, part: slice, numbers: np.ndarray, begin: int) -> None:
        """Take some networks through steps whose rates are the rows of a table."""
        due = np.full(len(numbers), -1, dtype=np.int64)
        for k, step in enumerate(self.due[:-1]):
            if begin <= step < begin + len(numbers):
                due[step - begin] = k
        self._take(part, self.going[part], numbers, due, begin)

    def record_last(self, part: slice, numbers: np.ndarray) -> None:
        """Record the last states of some networks, and their losses, by a step on which nobody goes on."""
        still = np.zeros((len(self.rows[part]), 2), dtype=np.int64)
        self._take(part, still, numbers, np.array([len(self.due) - 1]), self.due[-1])

    def _take(self, part: slice, going: np.ndarray, numbers: np.ndarray, due: np.ndarray, begin: int) -> None:
        size, sides = self.rows.shape[1], self.sides.shape[1]
        seen, places = np.empty((SEEN, 2 * sides), self.dtype), np.empty((SEEN, 2), dtype=np.int64)
        own = (np.empty(shape, self.dtype) for shape in ((1, size), 1, (1, size)))
        rest = (*fast.scratch_of(self.points, self.dtype), *own)
        going[:, stepped.DONE] = 0
        mine = (
            self.rows[part],
            self.memory[part],
            going,
            self.sides[part],
            self.records[part],
            self.losses[part],
        )
        while True:
            count = self.take(*mine, seen, places, numbers, due, self.moves, self.walls, *self.field, *rest)
            for (one, step), row in zip(places[:count].tolist(), seen[:count] > 0.5, strict=True):
                self.noted.append((begin + step + 1, part.start + one, row.copy()))
            if np.all(going[:, stepped.DONE] == len(numbers)):
                return

    def path(self, shape: tuple[int, ...]) -> Path:
        """Return where they went, and tell who watches."""
        if self.watch is not None and self.noted:
            sides = np.array([row for _, _, row in self.noted]).reshape(len(self.noted), 2, -1, shape[0] // 3)
            before, after = np.moveaxis(sides, 0, -1)
            steps = [
                (step, tuple(int(i) for i in np.unravel_index(one, shape[1:]))) for step, one, _ in self.noted
            ]
            self.watch.note(before, after, steps)
        last = self.rows.T.reshape(shape)
        states = list(np.moveaxis(self.records, (1, 2), (0, 1)).reshape(-1, *shape))
        losses = list(self.losses.T.reshape(-1, *shape[1:]))
        alive = self.going[:, stepped.ALIVE] == 1
        return Path(states, losses, last, ~alive.reshape(shape[1:]), None)
