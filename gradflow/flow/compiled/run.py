"""Flows of many neurons by compiled code: starts and ends in NumPy, whole trajectories in between."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import numpy as np

from gradflow.base.arrays import Array
from gradflow.compiled.cores import cores
from gradflow.compiled.integral_numbers import bound_numbers, pair_of
from gradflow.compiled.unsupported import UnsupportedError
from gradflow.flow.compiled import layout as at
from gradflow.flow.compiled.numba import NumbaFlow
from gradflow.flow.lanes import Lanes, Setting, Terms
from gradflow.flow.status import RUNNING, STOPPED
from gradflow.flow.stop import StopRule


def shared_numbers(setting: Setting, stop: StopRule | None) -> Array:
    """Return what all trajectories share, from `at.T_END` on."""
    levels = () if stop is None else stop.levels
    table = at.LEVELS + at.LEVEL * len(levels)
    fixed = np.zeros(table)
    fixed[at.T_END], fixed[at.RTOL], fixed[at.RESTING] = setting.t_end, setting.rtol, setting.resting
    fixed[at.MAX_STEPS], fixed[at.GROWTH] = setting.max_steps, 1 if stop is None else stop.patience
    fixed[at.SLOPE_MINUS], fixed[at.SLOPE_PLUS] = setting.slopes
    fixed[at.HAS_WALLS], fixed[at.TABLE], fixed[at.PACE] = setting.has_walls, table, setting.pace
    for k, level in enumerate(levels):
        first = at.LEVELS + at.LEVEL * k
        fixed[first : first + at.LEVEL] = (
            level.loss, level.width, level.slow, level.activity, 2.0 if level.at_once else 1.0
        )  # fmt: skip
    return (
        fixed if setting.quadrature is None else np.concatenate((fixed, *bound_numbers(setting.quadrature)))
    )


def to_records(lanes: Lanes) -> Array:
    """Return lanes as records, shape (n, `at.COLUMNS`)."""
    records = np.empty((lanes.t.shape[0], at.COLUMNS))
    cell = lanes.cell[0] + 2 * lanes.cell[1] + 4 * lanes.cell[2]
    waiting = np.moveaxis(lanes.waiting_y, -1, 0).reshape(-1, 15)
    for column, values in (
        (at.T, lanes.t), (at.H, lanes.h), (at.Y, lanes.y), (at.FLOOR, lanes.floor), (at.K, lanes.f),
        (at.REJECTED, lanes.rejected), (at.STEPS, lanes.steps), (at.DUE, lanes.due), (at.WAIT, lanes.wait),
        (at.CELL, cell), (at.CROSSINGS, lanes.crossings), (at.FIRST_TIME, lanes.first_time),
        (at.FIRST_EVENT, lanes.first_event), (at.STATUS, lanes.status), (at.WAITING_T, lanes.waiting_t),
        (at.WAITING_Y, waiting.T),
    ):  # fmt: skip
        width = values.shape[0] if values.ndim == 2 else 1
        records[:, column : column + width] = values.T.reshape(-1, width)
    return records


def from_records(records: Array, index: Array, terms: Terms) -> Lanes:
    """Return records as lanes, without what only the next step would need."""
    columns = records.T
    cell = columns[at.CELL].astype(np.int8)
    return Lanes(
        index=index,
        t=columns[at.T],
        h=columns[at.H],
        y=columns[at.Y : at.Y + 5],
        f=columns[at.K : at.K + 5],
        cell=np.stack([(cell >> i) & 1 == 1 for i in range(3)]),
        floor=columns[at.FLOOR : at.FLOOR + 5],
        rejected=columns[at.REJECTED] != 0.0,
        steps=columns[at.STEPS].astype(np.int32),
        crossings=columns[at.CROSSINGS].astype(np.int32),
        first_time=columns[at.FIRST_TIME],
        first_event=columns[at.FIRST_EVENT].astype(np.int8),
        status=columns[at.STATUS].astype(np.int8),
        waiting_t=columns[at.WAITING_T : at.WAITING_T + 3],
        waiting_y=columns[at.WAITING_Y :].reshape(3, 5, -1),
        due=columns[at.DUE].astype(np.int32),
        wait=columns[at.WAIT].astype(np.int32),
        terms=terms,
    )


def problem_rows(terms: Terms) -> Array:
    """Return the terms as numbers: one row for all trajectories, or one for each."""
    columns = [np.asarray(term, dtype=np.float64) for term in (*terms[: at.PLAIN_TERMS], *terms.taught)]
    columns += (at.TERM_COUNT - len(columns)) * [np.zeros_like(columns[0])]
    return np.ascontiguousarray(np.stack(columns, axis=-1).ravel())


def is_compiled(backend: str | None, theta: Array, worth: bool) -> bool:
    """Return whether flows are for compiled code to follow, not for the loop on arrays.

    Raises
    ------
    ValueError
        One line that names what a backend that was asked for cannot do.
    """
    fits = isinstance(theta, np.ndarray) and theta.dtype == np.float64
    if backend is None and not (fits and worth):
        return False
    if not fits:
        raise UnsupportedError("neuron: the compiled flow takes NumPy arrays in float64")
    return True


def machine_of(setting: Setting, stop: StopRule | None) -> NumbaFlow:
    """Return what follows trajectories on a core."""
    bound = setting.quadrature
    pair = None if bound is None else pair_of(bound.student, bound.teacher)
    return NumbaFlow(setting.slopes, shared_numbers(setting, stop), pair)


def run(
    setting: Setting,
    start: Callable[[int, int], Lanes],
    n: int,
    end: Callable[[int, int, Lanes], None],
    otherwise: Callable[[Lanes], Lanes],
    states: Callable[[Lanes], Any],
    stop: StopRule | None,
    share: int,
    progress: Callable[[int], None] | None,
    threads: int | None = None,
) -> None:
    """Follow n trajectories, a share at a time, the shares handed out to threads.

    Parameters
    ----------
    start : callable
        The lanes i to j at t = 0.
    end : callable
        Takes the last lanes from i to j.
    otherwise : callable
        Follows lanes in cells that a line cannot be in (rounding may put one there).
    states : callable
        What the stop rule sees of lanes.
    """
    machine = machine_of(setting, stop)
    lock, done = Lock(), 0
    legal = np.array(sorted(at.BITS.values()))

    def follow(i: int) -> None:
        nonlocal done
        j = min(i + share, n)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            lanes = start(i, j)
            records, terms = to_records(lanes), lanes.terms
            rows = problem_rows(terms)
            odd = (lanes.status == RUNNING) & ~np.isin(records[:, at.CELL].astype(np.int64), legal)
            if np.any(odd):
                records[odd] = to_records(otherwise(_some(lanes, odd)))
            while True:
                machine.advance(records, rows)
                shown = np.flatnonzero(records[:, at.STATUS] == at.PARKED)
                if stop is None or shown.size == 0:
                    break
                some = from_records(records[shown], i + shown, _terms_of(terms, shown))
                with lock:
                    ends = np.asarray(stop.decide(states(some)), dtype=bool)
                records[shown, at.STATUS] = np.where(ends, STOPPED, RUNNING)
            end(i, j, from_records(records, lanes.index, terms))
        with lock:
            done += j - i
            if progress is not None:
                progress(done)

    # Where steps take long, fewer trajectories, so that Ctrl-C does not wait for them.
    share = share if setting.quadrature is None else -(-share // 16)
    starts = range(0, n, share)
    threads = threads or cores()
    if threads == 1 or len(starts) <= 1:
        for i in starts:
            follow(i)
        return
    with ThreadPoolExecutor(min(threads, len(starts))) as pool:
        list(pool.map(follow, starts))


def _terms_of(terms: Terms, which: Array) -> Terms:
    def some(values: tuple[Array, ...]) -> list[Array]:
        return [t if np.ndim(t) == 0 else t[which] for t in values]

    plain = Terms(*some(terms[: at.PLAIN_TERMS]))
    return plain._replace(taught=type(terms.taught)(*some(terms.taught)))


def _some(lanes: Lanes, mask: Array) -> Lanes:
    some = {name: getattr(lanes, name)[..., mask] for name in lanes._fields if name != "terms"}
    return Lanes(**some, terms=_terms_of(lanes.terms, mask))
