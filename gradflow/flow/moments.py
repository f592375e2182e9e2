"""One neuron's flow at many moments, by the compiled code of many neurons' flows, for pictures.

`gradflow.flow.integrate` is slower by an order, but lists the crossings, and takes whatever this leaves.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradflow.flow.compiled import layout as at
from gradflow.flow.compiled import run as flow_run
from gradflow.flow.dying import NEGLIGIBLE
from gradflow.flow.ensemble import flattened, setting_of, starts, states_of
from gradflow.flow.fade import fade
from gradflow.flow.lanes import Setting, Terms
from gradflow.flow.record import Point
from gradflow.flow.reference import Trajectory
from gradflow.flow.status import CONVERGED, REACHED, RUNNING
from gradflow.neuron.problem import Neuron, Problem

MAX_STEPS = 20_000
"""A trajectory that takes more is left to a solver that may change to implicit steps, or give up."""


def through(neuron: Neuron, problem: Problem, times: np.ndarray, *, rtol: float = 1e-10) -> Trajectory | None:
    """Follow dθ/dt = −∇L of one neuron through moments; None if that is for `gradflow.flow.integrate` to do.

    Parameters
    ----------
    neuron : Neuron
        The start.
    problem : Problem
        One teacher and one interval.
    times : array, shape (n,)
        Increasing, the first 0.
    rtol : float
        Relative tolerance of a step.

    Returns
    -------
    Trajectory or None
        Its points are those of `gradflow.flow.integrate` at these times, to the tolerance; its list of
        crossings is empty, whether there are any or not.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        theta, task, _ = flattened(neuron, problem)
        setting = setting_of(theta, task, float(times[-1]), rtol, MAX_STEPS, 0.0, 1)
        lanes = starts(replace(setting, t_end=0.0), theta, task)(0, 1)
        records = _records(setting, flow_run.to_records(lanes), lanes.terms, times)
        if records is None:
            return None
        seen = states_of(setting, flow_run.from_records(records, np.arange(len(times)), lanes.terms))
    # The start as it was given, not as it is found back from the pre-activations.
    seen.theta[:, 0] = theta[:, 0]
    points = [
        Point(*one)
        for one in zip(
            times.tolist(),
            map(tuple, seen.theta.T.tolist()),
            seen.loss.tolist(),
            seen.activity.tolist(),
            seen.descended.tolist(),
            strict=True,
        )
    ]
    return Trajectory(points, [], REACHED, int(records[-1, at.STEPS]), points[-1])


def _records(setting: Setting, record: np.ndarray, terms: Terms, times: np.ndarray) -> np.ndarray | None:
    """Return a trajectory's record at every moment, shape (n, `layout.COLUMNS`), from that at the first."""
    machine, rows = flow_run.machine_of(setting, None), flow_run.problem_rows(terms)
    found = np.empty((len(times), record.shape[1]))
    for k, t in enumerate(times.tolist()):
        if k > 0:
            record[0, at.STATUS] = RUNNING
            machine.until(t)
            machine.advance(record, rows)
        found[k] = record[0]
        status, cell = int(record[0, at.STATUS]), int(record[0, at.CELL])
        if status == CONVERGED:
            found[k:] = record[0]
            break
        if status != REACHED or cell not in at.BITS.values():
            return None
        if setting.slopes[0] == 0.0 and _is_spent(record[0], cell):
            return _faded(setting, found, k, terms, times)
    return found


def _is_spent(record: np.ndarray, cell: int) -> bool:
    """Whether a ReLU neuron is dead, or so nearly that the rest is in closed form."""
    z_lo, z_hi = np.abs(record[at.Y : at.Y + 2]).tolist()
    balanced = (cell & 1) != (cell >> 2 & 1)
    return cell == 0 or (balanced and min(z_lo, z_hi) <= NEGLIGIBLE * max(z_lo, z_hi))


def _faded(setting: Setting, found: np.ndarray, k: int, terms: Terms, times: np.ndarray) -> np.ndarray | None:
    """Return the records with those behind moment k in closed form; None if the neuron comes back."""
    later = times[k:] - times[k]
    lanes = flow_run.from_records(
        np.repeat(found[k : k + 1], len(later), axis=0), np.arange(len(later)), terms
    )
    # The closed form goes to the end: each begins as long before it as its moment is behind k.
    t, status = setting.t_end - later, np.full(len(later), RUNNING, dtype=np.int8)
    lanes = fade(setting, lanes._replace(t=t, status=status))
    if not np.all(lanes.status == REACHED):
        return None
    found[k:] = flow_run.to_records(lanes)
    return found
