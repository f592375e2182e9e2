"""The three runs of a state: the flow, gradient descent and the chosen optimiser, from the same start."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from gradflow.compiled.jit import plainly
from gradflow.descent import train_arrays
from gradflow.descent.prepared import recorded
from gradflow.descent.schedules import constant
from gradflow.ends.decision import SIMULATION, THEOREMS
from gradflow.ends.follow import settled_outcomes
from gradflow.ends.outcome import OUTCOMES
from gradflow.explore.state import State
from gradflow.explore.tasks import config, is_general, names, problem, start, steps
from gradflow.flow.moments import through
from gradflow.flow.status import REACHED
from gradflow.networks.either import gradient_flow
from gradflow.networks.line.ends import outcomes
from gradflow.networks.line.ensemble import ensemble_run
from gradflow.networks.line.evaluate import evaluator
from gradflow.networks.line.fast import fits
from gradflow.networks.line.machine import compiled, descend
from gradflow.networks.line.network import as_network
from gradflow.networks.line.task import task_of
from gradflow.neuron.problem import PARAMETERS, Neuron, Problem
from gradflow.runs.flow import end_of, settled

RECORDS = 161
"""Moments of a run that are kept, about; more are not seen on a screen."""


RTOL, FINE = 1e-10, 1e-12
"""The flow's tolerance, `gradflow.gradient_flow`'s own, and one that costs compiled code little."""

BACKEND: str | None = "numba"
"""The backend that computes runs: compiled code, or with None nothing that is compiled."""


class Run(NamedTuple):
    """One run along the axis η·step, which is the flow's time.

    Attributes
    ----------
    name : str
        "flow", "gd" or the optimiser's.
    t : array, shape (K,)
    theta : array, shape (3m + 1, K)
        w1, b1, w2, b2.
    loss : array, shape (K,)
    outcome : str
        One of `gradflow.ends.outcome.OUTCOMES`.
    decided_by : str
        The theorem that says that the outcome lasts; "" if none does.
    """

    name: str
    t: np.ndarray
    theta: np.ndarray
    loss: np.ndarray
    outcome: str
    decided_by: str

    @property
    def m(self) -> int:
        """The number of neurons."""
        return int(self.theta.shape[0]) // 3

    def parameter(self, name: str) -> np.ndarray:
        """Return a parameter along the run, shape (m, K), or (1, K) for b2; "breakpoint" is −b1/w1."""
        if name == "breakpoint":
            w1, b1 = self.parameter("w1"), self.parameter("b1")
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                return np.where(w1 != 0.0, -b1 / w1, np.nan)
        first = PARAMETERS.index(name) * self.m
        return self.theta[first : first + (1 if name == "b2" else self.m)]


def runs(state: State, *, plain: bool = False) -> tuple[Run, ...]:
    """Return the three runs of a state that `gradflow.explore.tasks.check` finds nothing wrong with.

    Parameters
    ----------
    state : State
    plain : bool
        Without any code that may have to be compiled first: slower, and the same to rounding.
    """
    plain = plain or BACKEND is None
    how = _Way(state, problem(state), plain)
    with plainly(plain):
        return (how.flow(), *(how.descent(name) for name in names(state)[1:]))


class _Way:
    """How a state's runs are computed."""

    def __init__(self, state: State, task: Problem, plain: bool) -> None:
        self.state, self.task, self.plain = state, task, plain
        self.start, self.is_general = start(state), is_general(state)

    def flow(self) -> Run:
        """Return the flow: by compiled code, or what that leaves to SciPy's solvers."""
        times = np.linspace(0.0, self.state.t_end, RECORDS)
        fast = None if self.plain else self._network(times) if self.is_general else self._neuron(times)
        if fast is not None:
            return fast
        found = gradient_flow(self.start, self.task, t_end=self.state.t_end, times=times)
        decided = str(found["decided_by_name"].values) if "decided_by" in found else THEOREMS[SIMULATION]
        return Run(
            "flow",
            found["time"].values,
            _rows(found),
            found["loss"].values,
            str(found["outcome_name"].values),
            "" if decided == THEOREMS[SIMULATION] else decided,
        )

    def _neuron(self, times: np.ndarray) -> Run | None:
        assert isinstance(self.start, Neuron)
        run = through(self.start, self.task, times, rtol=FINE)
        if run is None:
            return None
        theta = [point.theta for point in run.points]
        limit = end_of(run, theta, self.task, RTOL)
        ended = settled(run, limit, self.task, RTOL)
        loss = np.array([point.loss for point in run.points])
        return Run("flow", times, np.array(theta).T, loss, OUTCOMES[ended.outcome], _theorem(ended.theorem))

    def _network(self, times: np.ndarray) -> Run | None:
        task = task_of(self.task)
        if not fits(task):
            return None
        found = ensemble_run(self.start, self.task, self.state.t_end, times=times, rtol=FINE)
        if int(found.ends.status) != REACHED:
            return None
        rows = np.ascontiguousarray(found.states[:, :-1].T)
        outcome = OUTCOMES[int(outcomes(rows[:, -1], task))]
        return Run("flow", times, rows, np.asarray(evaluator(task).loss(rows)), outcome, "")

    def descent(self, name: str) -> Run:
        """Return a run of an optimiser."""
        method, n = config(self.state, name), steps(self.state)
        every = max(1, -(-n // RECORDS))
        if self.is_general:
            return self._trained_network(name, method, n, every)
        assert isinstance(self.start, Neuron)
        run = train_arrays(
            self.start, self.task, method, n, record_every=every, events=False, last=True,
            state=True, backend="numpy" if self.plain else BACKEND,
        )  # fmt: skip
        with np.errstate(over="ignore", invalid="ignore"):
            ended = settled_outcomes(run, self.task, method)
        t = np.asarray(run.steps) * self.state.lr
        theta, loss = np.asarray(run.theta).T, np.asarray(run.loss)
        return Run(name, t, theta, loss, OUTCOMES[int(ended.outcome)], _theorem(int(ended.theorem)))

    def _trained_network(self, name: str, method: Any, n: int, every: int) -> Run:
        task, (n, due) = task_of(self.task), recorded(n, every)
        rows, path = as_network(self.start).rows, None
        with np.errstate(over="ignore", invalid="ignore"):
            if fits(task) and not self.plain:
                path = compiled(rows, task, method, due, constant)
            if path is None:
                path = descend(rows, task, method, due, constant)
            outcome = OUTCOMES[int(outcomes(path.states[-1], task, path.diverged))]
        theta, loss = np.array(path.states).T, np.array(path.losses)
        return Run(name, np.array(due) * self.state.lr, theta, loss, outcome, "")


def _theorem(code: int) -> str:
    """Return the name of what decides an outcome, "" for a simulation."""
    return "" if code == SIMULATION else THEOREMS[code]


def _rows(found: xr.Dataset) -> np.ndarray:
    """Return the parameters of a dataset along one axis, shape (3m + 1, K)."""
    parts = []
    for name in PARAMETERS:
        values = found[name]
        axis = "time" if "time" in values.dims else "step"
        parts.append(np.atleast_2d(values.transpose(..., axis).values))
    return np.concatenate(parts)


def last(run: Run) -> np.ndarray:
    """Return the last state, shape (3m + 1,)."""
    return run.theta[:, -1]


def first(state: State) -> np.ndarray:
    """Return the start along one axis, shape (3m + 1,)."""
    return as_network(start(state)).rows
