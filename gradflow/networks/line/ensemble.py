"""The flow of many networks on the line at once, each with its own time, steps, crossings and end.

`integrate_ensemble` returns the ends; `gradflow.networks.line.flow.gradient_flow` of an array of networks, by
`ensemble_run`, the states on the way as a dataset.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array
from gradflow.base.checks import function, integer, number
from gradflow.compiled import jit
from gradflow.compiled.cores import cores
from gradflow.flow.status import CONVERGED, RUNNING, TOO_MANY_STEPS
from gradflow.flow.tableau import FIFTH, STAGES, STEP, THIRD
from gradflow.networks.line import fast, trajectory
from gradflow.networks.line.evaluate import evaluator
from gradflow.networks.line.fast import ARRAY, VECTOR
from gradflow.networks.line.fields import field_of, moving
from gradflow.networks.line.integration import Integration, follow
from gradflow.networks.line.network import Network, as_network
from gradflow.networks.line.task import Task, task_of
from gradflow.networks.line.trajectory import CROSSINGS, DUE, FIRST, LOSS, STATE, STATUS, STEPS, T
from gradflow.networks.line.walls import Crossing, activities, event, places, preactivations
from gradflow.neuron.problem import Neuron, Problem

SHARE = 16
"""So many networks are followed by a call of compiled code."""

STIFF = 20_000
"""So many explicit steps are taken before an implicit solver goes on."""

WORK = 1_000_000
"""So many points of networks, about 0.1 s, are evaluated by a call, so that Ctrl-C does not wait for it."""

SEEN = 4096
"""So many crossings, and as many as a step may have, fit into a call's memory."""

_SIGNATURE = (
    ARRAY, ARRAY, VECTOR, VECTOR, VECTOR, "float64[:,:,::1]", ARRAY, VECTOR, ARRAY, *fast.FIELD,
    ARRAY, ARRAY, ARRAY, VECTOR, ARRAY,
)  # fmt: skip


class Ensemble(NamedTuple):
    """Where flows of networks ended; arrays of the batch's shape.

    Attributes
    ----------
    final : array, shape (3m + 1, *batch)
        The last parameters: w1, b1, w2, b2.
    t : array
        The time reached.
    status : array of int8
        How each ended: codes of `gradflow.flow.status.STATUSES`.
    loss : array
        The last loss.
    activity : array of int8, shape (m, *batch)
        The last activities (`gradflow.neuron.activity.ACTIVITIES`).
    steps, crossings : array of int32
        The accepted steps, and the walls crossed; a ReLU neuron that fades crosses none.
    first_crossing : array
        The time of the first wall crossing, NaN if there is none.
    descended : array
        ∫|∇L|² dt, which equals the fall of the loss.
    """

    final: Array
    t: Array
    status: Array
    loss: Array
    activity: Array
    steps: Array
    crossings: Array
    first_crossing: Array
    descended: Array


def integrate_ensemble(
    networks: Network | Neuron | Array,
    problem: Problem = Problem(),
    t_end: float = 200.0,
    *,
    rtol: float = 1e-10,
    resting: float = 0.0,
    frozen: Sequence[str] = (),
    max_steps: int = 100_000,
    threads: int | None = None,
    progress: Callable[[int], object] | None = None,
) -> Ensemble:
    """Integrate dθ/dt = −∇L from t = 0 for an array of networks.

    Parameters
    ----------
    networks : Network, Neuron or array, shape (3m + 1, *batch)
        The starts.
    problem : Problem
        One target, one law or sample; any loss but the absolute one.
    t_end : float
        Final time ≥ 0.
    rtol : float
        Relative tolerance of a step, between 1e-13 and 1e-2.
    resting : float
        A network ends as "converged" once |∇L| (of what is not frozen) is no larger.
    frozen : sequence of {'w1', 'b1', 'w2', 'b2'}
        Parameters that stay as they are.
    max_steps : int
        Give up a network after so many steps.
    threads : int, optional
        By default as many as there are cores.
    progress : callable, optional
        Called with the number of networks that have ended.

    Returns
    -------
    Ensemble
        No result depends on `threads` or on what else is in the array, to the bit.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described. A network that fails never raises: see its status.

    Examples
    --------
    >>> import gradflow as gf
    >>> from gradflow.networks import line
    >>> starts = line.start("kernel", 5, seed=0, shape=(8,))
    >>> int((line.integrate_ensemble(starts, gf.Problem(target="abs"), 20.0).loss < 1e-3).sum())
    8

    Notes
    -----
    Compiled code follows piecewise linear networks with a uniform or piecewise constant law and a piecewise
    linear target or teacher (`gradflow.networks.line.trajectory`). Whatever else there is goes to
    `gradflow.networks.line.gradient_flow`'s integrator, one network after the other, and so does what has
    taken 20 000 steps: where weights are large, explicit steps are short.
    """
    return ensemble_run(
        networks,
        problem,
        t_end,
        rtol=rtol,
        resting=resting,
        frozen=frozen,
        max_steps=max_steps,
        threads=threads,
        progress=progress,
    ).ends


class EnsembleRun(NamedTuple):
    """The ends, and what was recorded on the way.

    Attributes
    ----------
    ends : Ensemble
    times : array, shape (k,)
    states : array, shape (k, 3m + 2, *batch)
        Parameters and ∫|∇L|² dt at these times; NaN after a network has stopped.
    crossings : list of Crossing
        By time; none unless they were asked for.
    """

    ends: Ensemble
    times: np.ndarray
    states: np.ndarray
    crossings: list[Crossing]


def ensemble_run(
    networks: Network | Neuron | Array,
    problem: Problem,
    t_end: float,
    *,
    times: np.ndarray | None = None,
    rtol: float = 1e-10,
    resting: float = 0.0,
    frozen: Sequence[str] = (),
    max_steps: int = 100_000,
    threads: int | None = None,
    progress: Callable[[int], object] | None = None,
) -> EnsembleRun:
    """Integrate networks (arguments as `integrate_ensemble`); with times keep states and crossings."""
    student, task = as_network(networks), task_of(problem)
    if task.loss.has_corners:
        raise ValueError(f"loss: the flow takes one whose slope does not jump, got {task.loss}")
    t_end, rtol = number("t_end", t_end, 0.0), number("rtol", rtol, 1e-13, 1e-2)
    resting, max_steps = number("resting", resting, 0.0), integer("max_steps", max_steps, 1)
    threads = cores() if threads is None else integer("threads", threads, 1)
    if progress is not None:
        function("progress", progress, "a number of networks")
    rows, shared = student.rows.reshape(3 * student.m + 1, -1), np.zeros(5)
    shared[:4] = t_end, rtol, resting, max_steps
    with np.errstate(over="ignore", invalid="ignore"):
        run = _Run(rows, task, moving(frozen, student.m), shared, times)
        if fast.fits(task):
            run.follow(threads, progress)
        else:
            run.one_by_one(progress)
        run.rest()
        states = np.moveaxis(run.kept, 0, -1).reshape(*run.kept.shape[1:], *student.batch)
        return EnsembleRun(
            _ensemble(run.records, task, student.batch), run.times, states, run.sorted(student.batch)
        )


class _Run:
    """Networks, along the first axis of all arrays, on their way."""

    def __init__(
        self, rows: np.ndarray, task: Task, moves: np.ndarray, shared: np.ndarray, times: np.ndarray | None
    ) -> None:
        size, n = rows.shape
        self.task, self.moves, self.shared, self.noted = task, moves, shared, times is not None
        self.times = np.zeros(0) if times is None else times
        self.records = np.zeros((n, STATE + size + 1))
        self.records[:, STATE:-1], self.records[:, STATUS] = rows.T, RUNNING
        self.records[:, FIRST] = np.nan
        self.kept = np.full((n, self.times.shape[0], size + 1), np.nan)
        if self.times.shape[0] and self.times[0] == 0.0:
            self.kept[:, 0], self.records[:, DUE] = self.records[:, STATE:], 1
        self.crossings: list[tuple[int, Crossing]] = []

    def follow(self, threads: int, progress: Callable[[int], object] | None) -> None:
        """Follow them by compiled code, and what is stiff by SciPy's."""
        advance = jit.compiled(trajectory.followed, _SIGNATURE)
        walls, tableau, field = places(self.task), _tableau(), fast.numbers_of(self.task)
        records, size, n = self.records, self.moves.shape[0], self.records.shape[0]
        sides = np.zeros((n, walls.shape[0] * (size // 3)))
        points = size // 3 + field.points
        quick, most = self.shared.copy(), self.shared[trajectory.MAX_STEPS]
        quick[trajectory.AT_ONCE] = max(1.0, WORK // (12 * SHARE * points))
        quick[trajectory.MAX_STEPS] = min(most, STIFF)
        room = SEEN + sides.shape[1] if self.noted else 0

        def some(which: np.ndarray) -> list[tuple[int, Crossing]]:
            scratch = (
                *fast.scratch_of(points),
                *(np.empty((rows, size + 1)) for rows in (5, 12)),
                np.empty((1, size)),
                np.empty(1),
                np.empty((1, size)),
            )
            mine, its, kept, seen = records[which], sides[which], self.kept[which], np.empty((room, 5))
            count = advance(
                mine, its, self.moves, walls, self.times, kept, seen, quick, tableau, *field, *scratch
            )
            records[which], sides[which], self.kept[which] = mine, its, kept
            return [self._crossing(row, which, walls) for row in seen[:count].tolist()]

        running = np.arange(n)
        with ThreadPoolExecutor(threads) as pool:
            stiff = running[:0]
            while running.size:
                parts = max(min(threads, running.size), -(-running.size // SHARE))
                for found in pool.map(some, np.array_split(running, parts)):
                    self.crossings += found
                running = np.flatnonzero(records[:, STATUS] == RUNNING)
                stiff = np.flatnonzero((records[:, STATUS] == TOO_MANY_STEPS) & (records[:, STEPS] < most))
                if progress is not None:
                    progress(n - running.size - stiff.size)
        for i in stiff.tolist():
            self._on(i)

    def one_by_one(self, progress: Callable[[int], object] | None) -> None:
        """Follow networks that no compiled code follows."""
        for i in range(self.records.shape[0]):
            self._on(i)
            if progress is not None:
                progress(i + 1)

    def rest(self) -> None:
        """Keep the states of networks that do not move at all, which nothing follows to the end."""
        if self.shared[trajectory.RESTING] == 0.0:
            for i in np.flatnonzero(self.records[:, STATUS] == CONVERGED).tolist():
                self.kept[i, int(self.records[i, DUE]) :] = self.records[i, STATE:]

    def sorted(self, batch: tuple[int, ...]) -> list[Crossing]:
        """Return the crossings by time, with the places of their networks in the array."""
        found = sorted(self.crossings, key=lambda pair: (pair[1].when, pair[0]))
        return [
            crossing._replace(network=tuple(int(k) for k in np.unravel_index(i, batch)) if batch else ())
            for i, crossing in found
        ]

    def _crossing(self, row: list[float], which: np.ndarray, walls: np.ndarray) -> tuple[int, Crossing]:
        """Return a crossing that compiled code has seen, and whose it is."""
        one, when, at, at_lo, at_hi = row
        wall, neuron = divmod(int(at), self.moves.shape[0] // 3)
        what, name = event(self.task, (at_lo > 0.0, at_hi > 0.0), wall)
        return int(which[int(one)]), Crossing(when, neuron, what, name, float(walls[wall]))

    def _on(self, i: int) -> None:
        """Follow a network on by SciPy's solvers: what has long decayed keeps explicit steps short."""
        record, (t_end, rtol, _, max_steps, _) = self.records[i], self.shared.tolist()
        before, begun = float(record[T]), record[STATE:].copy()
        left, due = t_end - before, self.times[int(record[DUE]) :]
        # Its last moment is that of the end, which is so recorded whatever is due.
        flow = Integration(begun[:-1], left, rtol, np.union1d(due - before, [left]))
        run = follow(field_of(begun[:-1], self.task, self.moves), flow, int(max_steps - record[STEPS]))
        found = run.crossings
        if found and record[CROSSINGS] == 0.0:
            record[FIRST] = found[0].when + before
        record[T], record[STATUS] = before + flow.t, run.status
        record[STEPS] += run.steps
        record[CROSSINGS] += len(found)
        record[STATE:], record[-1] = run.last, begun[-1] + run.last[-1]
        record[LOSS] = float(evaluator(self.task).loss(run.last[:-1]))
        if self.noted:
            self.crossings += [(i, crossing._replace(when=crossing.when + before)) for crossing in found]
            known = dict(zip(run.times, run.states, strict=True))
            for k in range(int(record[DUE]), self.times.shape[0]):
                state = known.get(float(self.times[k] - before))
                if state is not None and flow.t >= self.times[k] - before:
                    self.kept[i, k] = state
                    self.kept[i, k, -1] += begun[-1]


def _tableau() -> np.ndarray:
    """Return the coefficients of DOP853 as a matrix: eleven stages, the solution, both comparisons."""
    matrix = np.zeros((len(STAGES) + 3, len(STAGES) + 1))
    for values, row in zip(matrix, (*STAGES, STEP, FIFTH, THIRD), strict=True):
        for stage, weight in row:
            values[stage] = weight
    return matrix


def _ensemble(records: np.ndarray, task: Task, batch: tuple[int, ...]) -> Ensemble:
    def shaped(values: Any, dtype: Any = np.float64) -> np.ndarray:
        return np.ascontiguousarray(values, dtype=dtype).reshape((*np.shape(values)[:-1], *batch))

    columns = records.T
    final = columns[STATE:-1]
    return Ensemble(
        shaped(final),
        shaped(columns[T]),
        shaped(columns[STATUS], np.int8),
        shaped(columns[LOSS]),
        shaped(activities(preactivations(final, np.array([task.lo, task.hi]))), np.int8),
        shaped(columns[STEPS], np.int32),
        shaped(columns[CROSSINGS], np.int32),
        shaped(columns[FIRST]),
        shaped(columns[-1]),
    )
