"""The three runs of a state: the flow, gradient descent and the chosen optimiser, from the same start."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from gradflow.descent import train_arrays
from gradflow.ends.decision import SIMULATION, THEOREMS
from gradflow.ends.follow import settled_outcomes
from gradflow.ends.outcome import OUTCOMES
from gradflow.explore.state import State
from gradflow.explore.tasks import config, is_general, names, problem, start, steps
from gradflow.networks.either import gradient_flow, train
from gradflow.networks.line.network import as_network
from gradflow.neuron.problem import PARAMETERS, Neuron, Problem

RECORDS = 161
"""Moments of a run that are kept, about; more are not seen on a screen."""


BACKEND: str | None = "numba"
"""The backend that trains single neurons: compiled code, once it is loaded."""


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


def runs(state: State) -> tuple[Run, ...]:
    """Return the three runs of a state that `gradflow.explore.tasks.check` finds nothing wrong with."""
    task = problem(state)
    return (_flow(state, task), *(_descent(state, task, name) for name in names(state)[1:]))


def _flow(state: State, task: Problem) -> Run:
    times = np.linspace(0.0, state.t_end, RECORDS)
    found = gradient_flow(start(state), task, t_end=state.t_end, times=times)
    decided = str(found["decided_by_name"].values) if "decided_by" in found else THEOREMS[SIMULATION]
    return Run(
        "flow",
        found["time"].values,
        _rows(found),
        found["loss"].values,
        str(found["outcome_name"].values),
        "" if decided == THEOREMS[SIMULATION] else decided,
    )


def _descent(state: State, task: Problem, name: str) -> Run:
    method, n = config(state, name), steps(state)
    every = max(1, -(-n // RECORDS))
    if is_general(state):
        found = train(start(state), task, method, n, record_every=every)
        t, outcome = found["step"].values * state.lr, str(found["outcome_name"].values)
        return Run(name, t, _rows(found), found["loss"].values, outcome, "")
    begin = start(state)
    assert isinstance(begin, Neuron)
    run = train_arrays(
        begin, task, method, n, record_every=every, events=False, last=True, state=True, backend=BACKEND
    )
    with np.errstate(over="ignore", invalid="ignore"):
        ended = settled_outcomes(run, task, method)
    theorem = int(ended.theorem)
    return Run(
        name,
        np.asarray(run.steps) * state.lr,
        np.asarray(run.theta).T,
        np.asarray(run.loss),
        OUTCOMES[int(ended.outcome)],
        "" if theorem == SIMULATION else THEOREMS[theorem],
    )


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
