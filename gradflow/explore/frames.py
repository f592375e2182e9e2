"""The drawn parts of a state: curves, the student at every moment, the target, levels of the loss."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gradflow.compiled.jit import plainly
from gradflow.ends.outcome import OUTCOMES, UNDECIDED
from gradflow.explore.state import State, knots_of
from gradflow.explore.tasks import is_bent, is_general, names, problem, reach, start, target
from gradflow.explore.trajectories import Run, first, runs
from gradflow.field.baselines import best_constant, best_line
from gradflow.networks.either import loss
from gradflow.networks.line.ends import references
from gradflow.networks.line.network import Network, as_network
from gradflow.networks.line.task import task_of
from gradflow.neuron.activations import Activation, as_activation, derivatives
from gradflow.neuron.problem import PARAMETERS
from gradflow.neuron.targets import Knots

BETWEEN = {True: 5, False: 81}
"""Inputs at which a student is drawn besides its breakpoints, by whether it is piecewise linear."""

LOWEST = 1e-16
"""The lowest loss that is drawn; what is below lies on the edge."""


FAR = 1.0
"""How far beyond the input breakpoints are drawn, in widths of the input."""


class Frames(NamedTuple):
    """The student of a run at every recorded moment: x and y of shape (K, n)."""

    x: np.ndarray
    y: np.ndarray


class Picture(NamedTuple):
    """All that is drawn but what lies behind the trajectories.

    Attributes
    ----------
    state : State
    runs : tuple of Run
    frames : tuple of Frames
        Of the same runs.
    target : (array, array)
        The graph of the target.
    levels : dict of str to float
        Losses of the best line and the best constant, where they are above 0.
    """

    state: State
    runs: tuple[Run, ...]
    frames: tuple[Frames, ...]
    target: tuple[np.ndarray, np.ndarray]
    levels: dict[str, float]


def picture(state: State, *, plain: bool = False) -> Picture:
    """Return what is drawn of a state that `gradflow.explore.tasks.check` finds nothing wrong with.

    See Also
    --------
    gradflow.explore.trajectories.runs : plain.
    """
    with plainly(plain):
        found = runs(state, plain=plain)
        return Picture(state, found, tuple(frames(state, run) for run in found), graph(state), levels(state))


def beginning(state: State) -> Picture:
    """Return the picture of the start alone, which takes no time: runs of one moment, undecided."""
    theta, at = first(state)[:, None], np.atleast_1d(loss(start(state), problem(state)))
    found = tuple(Run(name, np.zeros(1), theta, at, OUTCOMES[UNDECIDED], "") for name in names(state))
    return Picture(state, found, tuple(frames(state, run) for run in found), graph(state), levels(state))


def frames(state: State, run: Run) -> Frames:
    """Return the student of a run at every moment; its breakpoints are among the inputs."""
    lo, hi = reach(state)
    even = np.linspace(lo, hi, BETWEEN[is_bent(state)])
    moments = run.t.size
    breaks = np.clip(np.nan_to_num(run.parameter("breakpoint"), nan=lo), lo, hi)
    x = np.sort(np.concatenate([np.broadcast_to(even[:, None], (even.size, moments)), breaks]), axis=0)
    w1, b1, w2, b2 = (run.parameter(name) for name in PARAMETERS)
    with np.errstate(over="ignore", invalid="ignore"):
        y = b2 + sum(
            w2[j] * derivatives(as_activation(state.activation), w1[j] * x + b1[j], 0)[0]
            for j in range(run.m)
        )
    return Frames(x.T, np.asarray(y).T)


def near(state: State, run: Run) -> np.ndarray:
    """Return what the fourth panel shows of a run: breakpoints, which may go to infinity, near the input."""
    values = run.parameter(state.shown)
    if state.shown != "breakpoint":
        return values
    lo, hi = reach(state)
    beyond = FAR * (hi - lo)
    with np.errstate(invalid="ignore"):
        return np.where((lo - beyond <= values) & (values <= hi + beyond), values, np.nan)


def graph(state: State) -> tuple[np.ndarray, np.ndarray]:
    """Return the graph of the target on the part of the inputs that is drawn."""
    lo, hi = reach(state)
    aim: Any = target(state)
    if aim is not None:
        inner = aim.x[(lo < aim.x) & (aim.x < hi)] if isinstance(aim, Knots) else np.array([])
        # A jump is a step of the graph.
        x = np.sort(np.concatenate([[lo, hi] if len(inner) else np.linspace(lo, hi, BETWEEN[False]), inner]))
        y = np.asarray(aim(x))
        repeated = np.flatnonzero(np.diff(x) == 0.0) + 1
        if isinstance(aim, Knots) and repeated.size:
            y[repeated] = [aim.y[np.flatnonzero(aim.x == place)[-1]] for place in x[repeated]]
        return x, y
    task = problem(state)
    w1, b1 = state.teacher[:2]
    inner = [-b1 / w1] if w1 and lo < -b1 / w1 < hi else []
    x = np.sort(np.concatenate([np.linspace(lo, hi, BETWEEN[False]), inner]))
    taught: Activation = task.teacher_activation
    return x, as_network(task.teacher)(x, taught)


def levels(state: State) -> dict[str, float]:
    """Return the losses of the best line and of the best constant, where they are above 0."""
    task = problem(state)
    if is_general(state):
        known = references(task_of(task))
        found = {"best line": known.line, "best constant": known.constant}
    else:
        found = {"best line": best_line(task).loss, "best constant": best_constant(task).loss}
    return {name: float(value) for name, value in found.items() if value > LOWEST}


def knots(state: State) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the knots that can be dragged: those of the target that are, or else some on its graph."""
    if ";" in state.target:
        return knots_of(state.target)
    x, y = graph(state)
    lo, hi = reach(state)
    places = np.linspace(lo, hi, 5)
    return tuple(places.tolist()), tuple(np.interp(places, x, y).tolist())


def network(run: Run, place: int) -> Network:
    """Return the student of a run at a recorded moment."""
    w1, b1, w2 = (run.parameter(name)[:, place] for name in PARAMETERS[:3])
    return Network(w1, b1, w2, run.theta[-1, place])
