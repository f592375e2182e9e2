"""The flow of many networks on the line at once, each with its own time, steps, crossings and end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from gradflow.base.arrays import Array
from gradflow.base.checks import function, integer, number
from gradflow.compiled import jit
from gradflow.compiled.cores import cores
from gradflow.flow.status import RUNNING, TOO_MANY_STEPS
from gradflow.flow.tableau import FIFTH, STAGES, STEP, THIRD
from gradflow.networks.line import fast, trajectory
from gradflow.networks.line.evaluate import evaluator
from gradflow.networks.line.fast import ARRAY, VECTOR
from gradflow.networks.line.flow import field_of, moving
from gradflow.networks.line.integration import Integration, follow
from gradflow.networks.line.network import Network, as_network
from gradflow.networks.line.task import Task, task_of
from gradflow.networks.line.trajectory import CROSSINGS, FIRST, LOSS, STATE, STATUS, STEPS, T
from gradflow.networks.line.walls import activities, places, preactivations
from gradflow.neuron.problem import Neuron, Problem

SHARE = 16
"""So many networks are followed by a call of compiled code."""

STIFF = 20_000
"""So many explicit steps are taken before an implicit solver goes on."""

WORK = 1_000_000
"""So many points of networks, about 0.1 s, are evaluated by a call, so that Ctrl-C does not wait for it."""

_SIGNATURE = (
    ARRAY, ARRAY, VECTOR, VECTOR, VECTOR, ARRAY, *fast.FIELD, ARRAY, ARRAY, ARRAY, VECTOR, ARRAY,
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
    student, task = as_network(networks), task_of(problem)
    if task.loss.has_corners:
        raise ValueError(f"loss: the flow takes one whose slope does not jump, got {task.loss}")
    t_end, rtol = number("t_end", t_end, 0.0), number("rtol", rtol, 1e-13, 1e-2)
    resting, max_steps = number("resting", resting, 0.0), integer("max_steps", max_steps, 1)
    threads = cores() if threads is None else integer("threads", threads, 1)
    if progress is not None:
        function("progress", progress, "a number of networks")
    moves = moving(frozen, student.m)
    rows, shared = student.rows.reshape(3 * student.m + 1, -1), np.zeros(5)
    shared[:4] = t_end, rtol, resting, max_steps
    with np.errstate(over="ignore", invalid="ignore"):
        if fast.fits(task):
            records = np.zeros((rows.shape[1], STATE + rows.shape[0] + 1))
            records[:, STATE:-1], records[:, STATUS], records[:, FIRST] = rows.T, RUNNING, np.nan
            _follow(records, task, moves, shared, threads, progress)
        else:
            records = _one_by_one(rows, task, moves, shared, progress)
    return _ensemble(records, task, student.batch)


def _follow(
    records: np.ndarray,
    task: Task,
    moves: np.ndarray,
    shared: np.ndarray,
    threads: int,
    progress: Callable[[int], object] | None,
) -> None:
    """Follow networks, whose records are written, by compiled code."""
    advance = jit.compiled(trajectory.followed, _SIGNATURE)
    walls, tableau, field = places(task), _tableau(), fast.numbers_of(task)
    size, (n, _) = moves.shape[0], records.shape
    sides = np.zeros((n, walls.shape[0] * (size // 3)))
    points = size // 3 + field.points
    quick, most = shared.copy(), shared[trajectory.MAX_STEPS]
    quick[trajectory.AT_ONCE] = max(1.0, WORK // (12 * SHARE * points))
    quick[trajectory.MAX_STEPS] = min(most, STIFF)

    def some(which: np.ndarray) -> None:
        scratch = (
            *fast.scratch_of(points),
            *(np.empty((rows, size + 1)) for rows in (4, 12)),
            np.empty((1, size)),
            np.empty(1),
            np.empty((1, size)),
        )
        mine, its = records[which], sides[which]
        advance(mine, its, moves, walls, quick, tableau, *field, *scratch)
        records[which], sides[which] = mine, its

    running = np.arange(n)
    with ThreadPoolExecutor(threads) as pool:
        stiff = running[:0]
        while running.size:
            parts = max(min(threads, running.size), -(-running.size // SHARE))
            list(pool.map(some, np.array_split(running, parts)))
            running = np.flatnonzero(records[:, STATUS] == RUNNING)
            stiff = np.flatnonzero((records[:, STATUS] == TOO_MANY_STEPS) & (records[:, STEPS] < most))
            if progress is not None:
                progress(n - running.size - stiff.size)
    for i in stiff:
        records[i] = _on(records[i], task, moves, shared)


def _tableau() -> np.ndarray:
    """Return the coefficients of DOP853 as a matrix: eleven stages, the solution, both comparisons."""
    matrix = np.zeros((len(STAGES) + 3, len(STAGES) + 1))
    for values, row in zip(matrix, (*STAGES, STEP, FIFTH, THIRD), strict=True):
        for stage, weight in row:
            values[stage] = weight
    return matrix


def _one_by_one(
    rows: np.ndarray,
    task: Task,
    moves: np.ndarray,
    shared: np.ndarray,
    progress: Callable[[int], object] | None,
) -> np.ndarray:
    """Return the records of networks that no compiled code follows."""
    t_end, rtol, _, max_steps, _ = shared
    records = np.empty((rows.shape[1], STATE + rows.shape[0] + 1))
    for i, start in enumerate(rows.T):
        records[i] = _record(start, task, float(t_end), float(rtol), moves, int(max_steps))
        if progress is not None:
            progress(i + 1)
    return records


def _record(
    start: np.ndarray, task: Task, t_end: float, rtol: float, moves: np.ndarray, max_steps: int
) -> np.ndarray:
    """Return the record of a network that SciPy's solvers follow."""
    flow = Integration(start, t_end, rtol, np.array([t_end]))
    run = follow(field_of(start, task, moves), flow, max_steps)
    first = run.crossings[0].when if run.crossings else np.nan
    last = run.states[-1]
    loss = float(evaluator(task).loss(last[:-1]))
    found = (run.times[-1], 0.0, run.status, run.steps, len(run.crossings), first, loss)
    return np.array([*found, *last])


def _on(record: np.ndarray, task: Task, moves: np.ndarray, shared: np.ndarray) -> np.ndarray:
    """Return the record of a network that is followed on: what has long decayed keeps its steps short."""
    t_end, rtol, _, max_steps, _ = shared
    start, left = record[STATE:-1], float(t_end - record[T])
    more = _record(start, task, left, float(rtol), moves, int(max_steps - record[STEPS]))
    first = record[FIRST] if record[CROSSINGS] else more[FIRST] + record[T]
    for column in (T, STEPS, CROSSINGS, -1):
        more[column] += record[column]
    more[FIRST] = first
    return more


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
